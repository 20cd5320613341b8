//! The counters behind [`CallStats`]. Media threads write them under locks held for a few instructions; the speaker's
//! thread never waits for one.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use confab_protocol::{Layer, ParticipantId, SourceKind};

use super::rate::{Freezes, Mean, Rate};
use super::{
    CallStats, ConnectionStats, JoinTimes, ReceivingAudio, ReceivingVideo, SendingAudio, SendingVideo, SpeakerStats,
};
use crate::engine::event::TileKey;

/// All counters of one call.
#[derive(Debug)]
pub struct Meters {
    began: Instant,
    join: Mutex<JoinTimes>,
    sending: Mutex<HashMap<(SourceKind, Option<Layer>), LayerMeter>>,
    voice: Mutex<VoiceMeter>,
    pictures: Mutex<HashMap<TileKey, PictureMeter>>,
    voices: Mutex<Vec<ReceivingAudio>>,
    speaker: Mutex<SpeakerStats>,
    connection: Mutex<ConnectionStats>,
}

/// One layer that is sent.
#[derive(Debug, Default)]
pub struct LayerMeter {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Somebody watches it.
    pub watched: bool,
    /// What the encoder was told.
    pub target_bps: u64,
    frames: u64,
    keyframes: u64,
    rate: Rate,
    bytes: Rate,
    encode: Mean,
}

impl LayerMeter {
    /// A frame was encoded and left.
    pub fn frame(&mut self, now: Instant, bytes: usize, keyframe: bool, took: Duration) {
        self.frames += 1;
        self.keyframes += u64::from(keyframe);
        self.rate.add(now, 1);
        self.bytes.add(now, bytes as u64);
        self.encode.add(took.as_secs_f64() * 1000.0);
    }
}

#[derive(Debug, Default)]
struct VoiceMeter {
    packets: u64,
    bytes: Rate,
    level: u8,
    muted: bool,
    delay: Mean,
    echo_reduction_db: Option<f64>,
    echo_delay_ms: Option<i32>,
    started_unix_ms: Option<f64>,
}

/// One picture that comes.
#[derive(Debug, Default)]
pub struct PictureMeter {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Frames that never became whole.
    pub frames_lost: u64,
    /// Frames that the decoder refused.
    pub frames_damaged: u64,
    /// Frames left out because newer ones were waiting.
    pub frames_skipped: u64,
    /// Keyframes asked for.
    pub keyframes_asked: u64,
    frames: u64,
    rate: Rate,
    bytes: Rate,
    freezes: Freezes,
    assemble: Mean,
    decode: Mean,
}

impl PictureMeter {
    /// A frame was handed to the sink.
    pub fn frame(&mut self, now: Instant, assemble: Duration, decode: Duration) {
        self.frames += 1;
        self.rate.add(now, 1);
        self.freezes.frame(now);
        self.assemble.add(assemble.as_secs_f64() * 1000.0);
        self.decode.add(decode.as_secs_f64() * 1000.0);
    }

    /// Bytes came.
    pub fn bytes(&mut self, now: Instant, bytes: usize) {
        self.bytes.add(now, bytes as u64);
    }

    /// Frames stop by intent.
    pub fn pause(&mut self) {
        self.freezes.pause();
    }
}

impl Meters {
    /// The person pressed join at `began`.
    pub fn new(began: Instant) -> Self {
        Self {
            began,
            join: Mutex::default(),
            sending: Mutex::default(),
            voice: Mutex::default(),
            pictures: Mutex::default(),
            voices: Mutex::default(),
            speaker: Mutex::default(),
            connection: Mutex::default(),
        }
    }

    /// When the person pressed join.
    pub fn began(&self) -> Instant {
        self.began
    }

    fn since_join(&self, now: Instant) -> u32 {
        now.saturating_duration_since(self.began).as_millis() as u32
    }

    /// The server answered the join.
    pub fn joined(&self, now: Instant) {
        lock(&self.join).joined_ms.get_or_insert(self.since_join(now));
    }

    /// The media path is up.
    pub fn connected(&self, now: Instant) {
        lock(&self.join).connected_ms.get_or_insert(self.since_join(now));
    }

    /// Somebody else's sound was handed to the speaker.
    pub fn heard(&self, now: Instant) {
        lock(&self.join).audio_ms.get_or_insert(self.since_join(now));
    }

    /// Somebody else's picture was handed to the sink.
    pub fn seen(&self, now: Instant, height: u32) {
        let mut join = lock(&self.join);
        join.video_ms.get_or_insert(self.since_join(now));
        if height >= 720 {
            join.video_720p_ms.get_or_insert(self.since_join(now));
        }
    }

    /// Changes the figures of a layer that is sent.
    pub fn layer(&self, source: SourceKind, layer: Option<Layer>, change: impl FnOnce(&mut LayerMeter)) {
        change(lock(&self.sending).entry((source, layer)).or_default());
    }

    /// A source is no longer sent.
    pub fn forget_source(&self, source: SourceKind) {
        lock(&self.sending).retain(|(kept, _), _| *kept != source);
    }

    /// A packet of our voice left, so long after its last sample was captured.
    pub fn voice_packet(&self, now: Instant, bytes: usize, delay: Duration) {
        let mut voice = lock(&self.voice);
        voice.packets += 1;
        voice.bytes.add(now, bytes as u64);
        voice.delay.add(delay.as_secs_f64() * 1000.0);
    }

    /// The first chunk of the microphone came; it was captured at this moment.
    pub fn voice_started(&self, captured_at: Instant) {
        let ago = captured_at.elapsed();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        lock(&self.voice).started_unix_ms = Some(now.saturating_sub(ago).as_secs_f64() * 1000.0);
    }

    /// What the echo canceller knows.
    pub fn echo(&self, reduction_db: Option<f64>, delay_ms: Option<i32>) {
        let mut voice = lock(&self.voice);
        voice.echo_reduction_db = reduction_db;
        voice.echo_delay_ms = delay_ms;
    }

    /// The microphone's level.
    pub fn voice_level(&self, level: u8, muted: bool) {
        let mut voice = lock(&self.voice);
        voice.level = level;
        voice.muted = muted;
    }

    /// Changes the figures of a picture that comes.
    pub fn picture(&self, key: TileKey, change: impl FnOnce(&mut PictureMeter)) {
        change(lock(&self.pictures).entry(key).or_default());
    }

    /// Somebody left: their pictures are history.
    pub fn forget_participant(&self, participant: ParticipantId) {
        lock(&self.pictures).retain(|key, _| key.participant != participant);
    }

    /// The voices that come and the speaker; skipped when somebody reads at this moment.
    pub fn try_voices(&self, change: impl FnOnce(&mut Vec<ReceivingAudio>, &mut SpeakerStats)) {
        if let (Ok(mut voices), Ok(mut speaker)) = (self.voices.try_lock(), self.speaker.try_lock()) {
            change(&mut voices, &mut speaker);
        }
    }

    /// Changes the connection's figures.
    pub fn connection(&self, change: impl FnOnce(&mut ConnectionStats)) {
        change(&mut lock(&self.connection));
    }

    /// All figures at this moment.
    pub fn snapshot(&self, now: Instant) -> CallStats {
        let mut sending: Vec<_> = lock(&self.sending)
            .iter_mut()
            .map(|((source, layer), meter)| SendingVideo {
                source: *source,
                layer: *layer,
                width: meter.width,
                height: meter.height,
                fps: meter.rate.per_second(now),
                bitrate_bps: meter.bytes.per_second(now) * 8.0,
                target_bps: meter.target_bps,
                encode_ms: meter.encode.get(),
                keyframes: meter.keyframes,
                frames: meter.frames,
                watched: meter.watched,
            })
            .collect();
        sending.sort_by_key(|layer| (layer.source, layer.layer));
        let mut pictures: Vec<_> = lock(&self.pictures)
            .iter_mut()
            .map(|(key, meter)| ReceivingVideo {
                participant: key.participant,
                source: key.source,
                width: meter.width,
                height: meter.height,
                fps: meter.rate.per_second(now),
                bitrate_bps: meter.bytes.per_second(now) * 8.0,
                frames: meter.frames,
                frames_lost: meter.frames_lost,
                frames_damaged: meter.frames_damaged,
                frames_skipped: meter.frames_skipped,
                keyframes_asked: meter.keyframes_asked,
                freezes: meter.freezes.count,
                frozen_ms: meter.freezes.frozen.as_millis() as u64,
                assemble_ms: meter.assemble.get(),
                decode_ms: meter.decode.get(),
            })
            .collect();
        pictures.sort_by_key(|picture| (picture.participant, picture.source));
        let voice = {
            let mut voice = lock(&self.voice);
            SendingAudio {
                packets: voice.packets,
                bitrate_bps: voice.bytes.per_second(now) * 8.0,
                level: voice.level,
                muted: voice.muted,
                started_unix_ms: voice.started_unix_ms,
                echo_reduction_db: voice.echo_reduction_db,
                echo_delay_ms: voice.echo_delay_ms,
                delay_ms: voice.delay.get(),
            }
        };
        CallStats {
            unix_ms: unix_ms(),
            join: *lock(&self.join),
            connection: *lock(&self.connection),
            sending,
            voice,
            pictures,
            voices: lock(&self.voices).clone(),
            speaker: *lock(&self.speaker),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Milliseconds since 1970 UTC.
pub fn unix_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64
}

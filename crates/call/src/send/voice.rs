//! Our voice, from the microphone's chunks to the wire.
//!
//! ```text
//!  microphone --10 ms--> [ echo, noise, gain ] -> level -> (muted? dropped here) -> Opus 20 ms -> transport
//!                              ^
//!  speaker    --10 ms--> echo reference: what was played at the time of what was captured
//! ```
//!
//! Mute is honest: while muted nothing captured leaves this file. The level that tells a person "you are muted" stays
//! on this computer, because it is reported to the engine only as a number for the window.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use confab_media::level::VoiceActivity;
use confab_media::opus;
use confab_media::voice::{VoiceConfig, VoiceProcessor};
use confab_media::{FRAME_SAMPLES, PACKET_SAMPLES};
use confab_protocol::SourceKind;
use confab_rtp::{AudioLevel, RtpClock};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded};

use super::echo_reference::{EchoReference, PlayedFrame};
use super::outlet::Outlet;
use crate::capture::AudioChunk;
use crate::stats::meters::Meters;

/// Played frames that may wait for the voice thread: more than captured ones. What finds no room is missing in the
/// reference, and comes back as echo.
const PLAYED_CAPACITY: usize = 80;

/// Captured chunks that may wait. When the encoder is that far behind, older sound is worth nothing.
const CHUNK_CAPACITY: usize = 50;

/// How often the level is reported.
const LEVEL_INTERVAL: Duration = Duration::from_millis(100);

/// "You are muted" is said again only after this long.
const HINT_INTERVAL: Duration = Duration::from_secs(10);

/// Voice for so long while muted is talk, not a cough.
const HINT_AFTER: Duration = Duration::from_millis(400);

/// A gap between two chunks that is longer than this is lost sound, and makes the RTP timestamp jump along with time.
/// Capture times are smooth: they move by less than 2 ms a chunk.
const GAP: Duration = Duration::from_millis(6);

/// Length of a chunk.
const CHUNK: Duration = Duration::from_millis(10);

/// So many captured chunks in a row met nothing played when the speaker ran dry.
const RAN_DRY: u32 = 3;

/// A longer gap is no lost sound but a pause, as when the machine slept.
const LONGEST_BRIDGE: Duration = Duration::from_secs(2);

/// What the voice reports.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum VoiceNotice {
    /// Ten times a second.
    Level {
        /// 0 (loudest) to 127 (silence).
        level: u8,
        /// Somebody speaks.
        voice: bool,
    },
    /// The person speaks while muted.
    TalkingWhileMuted,
}

/// Switches the engine sets and the voice thread reads.
#[derive(Debug)]
pub struct VoiceControl {
    muted: AtomicBool,
    processing: AtomicBool,
    noise_removal: AtomicBool,
}

impl VoiceControl {
    /// Whether captured sound leaves.
    pub fn set_muted(&self, muted: bool) {
        self.muted.store(muted, Ordering::Release);
    }

    /// Whether noise is taken out, of sound that is worked on.
    pub fn set_noise_removal(&self, on: bool) {
        self.noise_removal.store(on, Ordering::Release);
    }

    /// Whether echo, noise and gain are worked on.
    pub fn set_processing(&self, processing: bool) {
        self.processing.store(processing, Ordering::Release);
    }
}

/// The running voice. Dropping it ends the thread.
pub struct Voice {
    control: Arc<VoiceControl>,
    chunks: Sender<AudioChunk>,
    played: Sender<Played>,
}

/// What the voice needs to run.
pub struct VoiceSetup {
    /// Begin muted.
    pub muted: bool,
    /// Work on echo, noise and gain.
    pub processing: bool,
    /// Where packets go.
    pub outlet: Arc<Outlet>,
    /// The figures.
    pub meters: Arc<Meters>,
    /// Common to all tracks.
    pub clock: RtpClock<48_000>,
    /// Reports.
    pub notice: Box<dyn Fn(VoiceNotice) + Send>,
}

impl Voice {
    /// Starts the thread. It waits for chunks from whichever microphone is given [`Voice::chunks`].
    ///
    /// # Errors
    /// When the system gives no thread or the encoder cannot be made.
    pub fn start(setup: VoiceSetup) -> Result<Self, opus::OpusError> {
        let control = Arc::new(VoiceControl {
            muted: AtomicBool::new(setup.muted),
            processing: AtomicBool::new(setup.processing),
            noise_removal: AtomicBool::new(true),
        });
        let (chunks, chunks_in) = bounded(CHUNK_CAPACITY);
        let (played, played_in) = bounded(PLAYED_CAPACITY);
        let encoder = opus::Encoder::new(opus::EncoderConfig::default())?;
        let running = control.clone();
        let spawned = thread::Builder::new().name("voice".into()).spawn(move || {
            VoiceThread::new(setup, running, encoder, played_in).run(&chunks_in);
        });
        if let Err(error) = spawned {
            tracing::error!(%error, "no thread for the voice");
        }
        Ok(Self { control, chunks, played })
    }

    /// Its switches.
    pub fn control(&self) -> &VoiceControl {
        &self.control
    }

    /// For a microphone.
    pub fn chunks(&self) -> Sender<AudioChunk> {
        self.chunks.clone()
    }

    /// For the speaker's thread: it never waits, a frame that finds no room is left out.
    pub fn played(&self) -> PlayedTap {
        PlayedTap(self.played.clone())
    }
}

/// Takes what the speaker plays to the echo canceller.
#[derive(Clone, Debug)]
pub struct PlayedTap(Sender<Played>);

/// A frame and when the speaker asked for it.
type Played = (Instant, PlayedFrame);

impl PlayedTap {
    /// Hands over 10 ms, exactly as they are played, and when the speaker asked for them.
    pub fn played(&self, pulled_at: Instant, frame: &PlayedFrame) {
        if let Err(TrySendError::Full(_)) = self.0.try_send((pulled_at, *frame)) {
            // The microphone stands still: there is no echo to remove either.
        }
    }
}

struct VoiceThread {
    setup: VoiceSetup,
    control: Arc<VoiceControl>,
    encoder: opus::Encoder,
    played: Receiver<Played>,
    reference: EchoReference,
    processor: Option<VoiceProcessor>,
    /// Captured chunks in a row that met nothing played.
    unmet: u32,
    activity: VoiceActivity,
    packet: Vec<f32>,
    packet_voice: bool,
    timestamp: Option<u32>,
    expected: Option<Instant>,
    /// Until when sound was captured, of any chunk, muted or not.
    heard_until: Option<Instant>,
    /// A chunk has come.
    started: bool,
    /// The last 20 ms were sent.
    sending: bool,
    level_at: Instant,
    talking_since: Option<Instant>,
    hinted_at: Option<Instant>,
}

impl VoiceThread {
    fn new(setup: VoiceSetup, control: Arc<VoiceControl>, encoder: opus::Encoder, played: Receiver<Played>) -> Self {
        Self {
            setup,
            control,
            encoder,
            played,
            reference: EchoReference::default(),
            processor: None,
            unmet: 0,
            activity: VoiceActivity::new(),
            packet: Vec::with_capacity(PACKET_SAMPLES),
            packet_voice: false,
            timestamp: None,
            expected: None,
            heard_until: None,
            started: false,
            sending: false,
            level_at: Instant::now(),
            talking_since: None,
            hinted_at: None,
        }
    }

    fn run(mut self, chunks: &Receiver<AudioChunk>) {
        loop {
            match chunks.recv_timeout(Duration::from_millis(500)) {
                Ok(chunk) => self.chunk(chunk),
                Err(RecvTimeoutError::Timeout) => {
                    self.played.try_iter().for_each(drop);
                    self.reference.clear();
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn chunk(&mut self, mut chunk: AudioChunk) {
        let now = Instant::now();
        if !std::mem::replace(&mut self.started, true) {
            self.setup.meters.voice_started(chunk.captured_at);
        }
        self.bridge_gap(&chunk);
        self.process(chunk.captured_at, &mut chunk.samples);
        let level = confab_media::level::audio_level(&chunk.samples);
        let voice = self.activity.update(level);
        let muted = self.control.muted.load(Ordering::Acquire);
        self.report(now, level, voice, muted);
        if muted {
            self.packet.clear();
            self.timestamp = None;
            self.sending = false;
            return;
        }
        self.keep_time(&chunk);
        self.packet.extend_from_slice(&chunk.samples);
        self.packet_voice |= voice;
        if self.packet.len() >= PACKET_SAMPLES {
            self.send(chunk.captured_at);
        }
    }

    /// The canceller counts: what was played and what was captured must run in step. When the device lost sound, silence
    /// takes its place, or the canceller would have to find the delay anew, which takes seconds.
    fn bridge_gap(&mut self, chunk: &AudioChunk) {
        let expected = self.heard_until.replace(chunk.captured_at + CHUNK);
        let Some(gap) = expected.map(|expected| chunk.captured_at.saturating_duration_since(expected)) else { return };
        if gap <= GAP || !self.control.processing.load(Ordering::Acquire) {
            return;
        }
        let missing = ((gap + CHUNK / 2).as_millis() / CHUNK.as_millis()) as usize;
        tracing::debug!(missing, "the microphone lost sound");
        if gap < LONGEST_BRIDGE {
            for number in (1..=missing as u32).rev() {
                let captured_at = chunk.captured_at.checked_sub(CHUNK * number).unwrap_or(chunk.captured_at);
                self.process(captured_at, &mut [0.0; FRAME_SAMPLES]);
            }
        }
        if let Some(processor) = &mut self.processor {
            processor.disturbed();
        }
    }

    /// Feeds the canceller what began to play before, then cleans the captured samples.
    fn process(&mut self, captured_at: Instant, samples: &mut PlayedFrame) {
        let mut jumped = false;
        for (pulled_at, frame) in self.played.try_iter() {
            jumped |= self.reference.push(pulled_at, frame);
        }
        if !self.control.processing.load(Ordering::Acquire) {
            self.processor = None;
            self.reference.clear();
            return;
        }
        // A new one has not heard the room yet.
        jumped |= self.processor.is_none();
        let noise = self.control.noise_removal.load(Ordering::Acquire);
        let config = VoiceConfig { noise, ..VoiceConfig::default() };
        let processor = self.processor.get_or_insert_with(|| VoiceProcessor::new(config));
        processor.set_config(config);
        if jumped {
            processor.disturbed();
        }
        let mut met = false;
        while let Some(frame) = self.reference.next_before(captured_at) {
            processor.render(&frame);
            met = true;
        }
        // One without any is a matter of phase; after more the speaker had run dry, and the delay is another one.
        if met && self.unmet >= RAN_DRY {
            processor.disturbed();
        }
        self.unmet = if met { 0 } else { self.unmet.saturating_add(1) };
        processor.capture(samples);
    }

    /// The timestamp runs with the samples; after a gap it jumps to where time is.
    fn keep_time(&mut self, chunk: &AudioChunk) {
        let jumped = self.expected.is_none_or(|expected| {
            chunk.captured_at.saturating_duration_since(expected) > GAP
                || expected.saturating_duration_since(chunk.captured_at) > GAP
        });
        if jumped || self.timestamp.is_none() {
            self.packet.clear();
            self.timestamp = Some(self.setup.clock.at(chunk.captured_at).0 as u32);
        }
        self.expected = Some(chunk.captured_at + CHUNK);
    }

    fn send(&mut self, last_chunk_at: Instant) {
        let Some(timestamp) = self.timestamp else { return };
        let level = confab_media::level::audio_level(&self.packet[..PACKET_SAMPLES]);
        let byte = AudioLevel { below_overload: level, voice: self.packet_voice }.to_wire();
        match self.encoder.encode(&self.packet[..PACKET_SAMPLES]) {
            Ok(payload) => {
                let bytes = payload.len();
                if self.setup.outlet.sound(SourceKind::Microphone, timestamp, !self.sending, Bytes::from(payload), byte)
                {
                    self.sending = true;
                    let captured = last_chunk_at + CHUNK;
                    let now = Instant::now();
                    self.setup.meters.voice_packet(now, bytes, now.saturating_duration_since(captured));
                }
            }
            Err(error) => tracing::debug!(%error, "20 ms of voice were not encoded"),
        }
        self.timestamp = Some(timestamp.wrapping_add(PACKET_SAMPLES as u32));
        self.packet.clear();
        self.packet_voice = false;
    }

    fn report(&mut self, now: Instant, level: u8, voice: bool, muted: bool) {
        self.setup.meters.voice_level(level, muted);
        if now.saturating_duration_since(self.level_at) >= LEVEL_INTERVAL {
            self.level_at = now;
            (self.setup.notice)(VoiceNotice::Level { level, voice });
            if let Some(processor) = &self.processor {
                self.setup.meters.echo(processor.echo_reduction_db(), processor.echo_delay_ms());
            }
        }
        if !(muted && voice) {
            self.talking_since = None;
            return;
        }
        let since = *self.talking_since.get_or_insert(now);
        let quiet = self.hinted_at.is_none_or(|at| now.saturating_duration_since(at) >= HINT_INTERVAL);
        if quiet && now.saturating_duration_since(since) >= HINT_AFTER {
            self.hinted_at = Some(now);
            (self.setup.notice)(VoiceNotice::TalkingWhileMuted);
        }
    }
}

//! What a member sends: its tracks, their layers, and the streams they come in on.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use confab_protocol::{Layer, SourceKind, TrackKind};
use confab_rtp::codec::{StreamReader, VideoCodec};
use confab_rtp::stream::{HistoryConfig, PacketHistory, ReceiveLog, ReceiveLogConfig};
use str0m::format::{Codec, PayloadParams};
use str0m::media::Mid;

use super::descriptors::DescriptorLog;
use super::inner_layers::InnerLayers;
use super::loudness::Loudness;
use crate::arena::Key;
use crate::relay::crossing::RelayedTo;
use crate::room::TrackState;

/// Height taken for a picture whose size was not told.
const UNKNOWN_HEIGHT: u32 = 720;

/// A layer counts as sent while packets are no older than this.
const LIVE: Duration = Duration::from_millis(1_000);

/// A track a member offered.
pub(crate) struct Track {
    pub(crate) mid: Mid,
    pub(crate) source: SourceKind,
    pub(crate) state: TrackState,
    /// Last height told, pixels; kept while muted.
    pub(crate) height: u32,
    /// Lowest first; a single stream is one layer without a name.
    pub(crate) layers: Vec<LayerStream>,
    /// By payload type.
    pub(crate) formats: HashMap<u8, Format>,
    /// Payload types of repairs, with those of what they repair (RFC 4588).
    pub(crate) repairs: HashMap<u8, u8>,
    pub(crate) loudness: Loudness,
    /// Slots that carry this track: whose, and which.
    pub(crate) subscribers: Vec<(Key, usize)>,
    /// Layers last told as watched: to the sender, or to the core it is on.
    pub(crate) told: Option<Vec<Layer>>,
    /// Cores that its packets go to as well; none for a mirror's.
    pub(crate) relayed: Vec<RelayedTo>,
}

impl Track {
    /// A track that is not sent so far. `layers` lowest first, at least one.
    pub(crate) fn new(mid: Mid, source: SourceKind, layers: Vec<LayerStream>, formats: HashMap<u8, Format>) -> Self {
        Self {
            mid,
            source,
            state: TrackState::Unpublished,
            height: 0,
            layers,
            formats,
            repairs: HashMap::new(),
            loudness: Loudness::default(),
            subscribers: Vec::new(),
            told: None,
            relayed: Vec::new(),
        }
    }

    pub(crate) fn is_published(&self) -> bool {
        matches!(self.state, TrackState::Published { .. })
    }

    /// Ticks of the RTP timestamp in a second.
    pub(crate) fn clock_rate(&self) -> u32 {
        match self.source.track_kind() {
            TrackKind::Audio => 48_000,
            TrackKind::Video => 90_000,
        }
    }

    /// Height of each layer's picture, pixels, lowest first.
    pub(crate) fn layer_heights(&self) -> Vec<u32> {
        let height = if self.height == 0 { UNKNOWN_HEIGHT } else { self.height };
        self.layers.iter().map(|stream| height / stream.layer.map_or(1, Layer::divisor)).collect()
    }
}

/// One layer of a track as it comes in.
pub(crate) struct LayerStream {
    pub(crate) layer: Option<Layer>,
    pub(crate) ssrc: Option<u32>,
    /// Counts the streams that were this layer; numbers of different ones do not compare.
    pub(crate) epoch: u32,
    pub(crate) last_packet: Option<Instant>,
    /// What came and what is missing.
    pub(crate) log: ReceiveLog,
    /// What came last, for repairs to receivers; video only.
    pub(crate) history: PacketHistory<()>,
    /// What the sender's last report said.
    pub(crate) report: Option<ReportedTime>,
    /// Reads what pictures and layers its packets belong to; video only.
    pub(crate) reader: StreamReader,
    pub(crate) descriptors: DescriptorLog,
    pub(crate) keyframe_asked_at: Option<Instant>,
    /// Somebody waits for a keyframe that could not be asked yet.
    pub(crate) keyframe_owed: bool,
    /// Last time somebody watched it.
    pub(crate) watched_at: Option<Instant>,
    pub(crate) rate: RateMeter,
    /// When other cores were last told of a sender report.
    pub(crate) report_relayed: Option<Instant>,
    /// Whether other cores were told that it is live, and at which rate.
    pub(crate) told_live: Option<u64>,
    /// Of a mirror: the epoch that its owner counts, once one is known.
    pub(crate) owner_epoch: Option<u32>,
    /// Of a mirror: its owner says that it is live, whether packets cross or not.
    pub(crate) lives_there: bool,
    /// The layers inside it; video only.
    pub(crate) inner: InnerLayers,
}

impl LayerStream {
    pub(crate) fn new(layer: Option<Layer>, clock_rate: u32) -> Self {
        Self {
            layer,
            ssrc: None,
            epoch: 0,
            last_packet: None,
            log: ReceiveLog::new(log_config(clock_rate)),
            history: PacketHistory::new(HistoryConfig::default()),
            report: None,
            reader: StreamReader::new(),
            descriptors: DescriptorLog::default(),
            keyframe_asked_at: None,
            keyframe_owed: false,
            watched_at: None,
            rate: RateMeter::default(),
            report_relayed: None,
            told_live: None,
            owner_epoch: None,
            lives_there: false,
            inner: InnerLayers::default(),
        }
    }

    /// Another stream is this layer from now on.
    pub(crate) fn begin(&mut self, ssrc: u32, clock_rate: u32) {
        self.ssrc = Some(ssrc);
        self.renew(log_config(clock_rate));
    }

    /// A mirror's packets are of this epoch of its owner's from now on.
    pub(crate) fn follow_epoch(&mut self, epoch: u32, clock_rate: u32) {
        if self.owner_epoch.replace(epoch) != Some(epoch) {
            // What its owner misses the owner asks for.
            self.renew(ReceiveLogConfig { clock_rate, asks: false });
        }
    }

    /// A mirror's packet comes. After a time in which none crossed, what it costs is measured anew; the pause says nothing.
    pub(crate) fn resume(&mut self, now: Instant) {
        if self.last_packet.is_none_or(|last| now.saturating_duration_since(last) >= LIVE) {
            self.rate.assume(self.rate.bits_per_second());
            self.inner.assume_again();
        }
    }

    fn renew(&mut self, config: ReceiveLogConfig) {
        self.epoch = self.epoch.wrapping_add(1);
        self.last_packet = None;
        self.log = ReceiveLog::new(config);
        self.history.clear();
        self.report = None;
        self.reader = StreamReader::new();
        self.descriptors.clear();
        self.inner = InnerLayers::default();
        self.keyframe_asked_at = None;
    }

    pub(crate) fn is_live(&self, now: Instant) -> bool {
        self.was_live(now, LIVE)
    }

    /// Of a mirror: its owner says that it is live, at so many bits per second (0 when not measured yet), or not any more.
    pub(crate) fn told_by_owner(&mut self, now: Instant, rate: Option<u64>) {
        let crosses = self.last_packet.is_some_and(|last| now.saturating_duration_since(last) < LIVE);
        if let Some(rate) = rate.filter(|rate| *rate > 0 && !crosses) {
            self.rate.assume(rate);
            self.inner.assume(rate);
        }
        if rate.is_none() && self.lives_there {
            // It was live until a moment ago, so what it cost is remembered from now on.
            self.last_packet = self.last_packet.max(now.checked_sub(LIVE));
        }
        self.lives_there = rate.is_some();
    }

    /// Whether a packet came within this time, to us or to the core it comes from.
    pub(crate) fn was_live(&self, now: Instant, within: Duration) -> bool {
        self.lives_there || self.last_packet.is_some_and(|last| now.saturating_duration_since(last) < within)
    }
}

/// Only pictures are asked for again: a voice is concealed sooner than it is repaired.
fn log_config(clock_rate: u32) -> ReceiveLogConfig {
    ReceiveLogConfig { clock_rate, asks: clock_rate == 90_000 }
}

/// The same moment by a sender's two clocks (RFC 3550, 6.4.1).
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReportedTime {
    pub(crate) ntp: u64,
    pub(crate) timestamp: u32,
}

/// How a member's wall clock stands to ours. One for all its streams, so that what belongs together stays together; taken
/// from the reports that came quickest, because the way of the others was longer.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SenderClock {
    /// Ours less theirs, microseconds, and when that was last looked at.
    offset: Option<(i64, i64)>,
}

impl SenderClock {
    /// A report with the sender's time came at our time.
    pub(crate) fn note(&mut self, theirs: u64, ours: u64) {
        self.note_microseconds(microseconds(theirs), ours);
    }

    /// The same with the sender's time as [`Self::theirs`] gives it.
    pub(crate) fn note_microseconds(&mut self, theirs: i64, ours: u64) {
        /// Clocks run apart by less than one part in this many.
        const DRIFT: i64 = 10_000;
        let ours = microseconds(ours);
        let offset = match self.offset {
            Some((before, at)) => (before + (ours - at).max(0) / DRIFT).min(ours - theirs),
            None => ours - theirs,
        };
        self.offset = Some((offset, ours));
    }

    /// What the sender's clock says when ours says this, microseconds since 1900; `None` before any report.
    pub(crate) fn theirs(&self, ours: u64) -> Option<i64> {
        let (offset, _) = self.offset?;
        Some(microseconds(ours) - offset)
    }

    /// Microseconds from a moment by the sender's clock to one by ours; `None` before any report.
    pub(crate) fn since(&self, theirs: u64, ours: u64) -> Option<i64> {
        let (offset, _) = self.offset?;
        Some(microseconds(ours) - (microseconds(theirs) + offset))
    }
}

/// Ticks of a media clock in so many microseconds, as timestamps count them: without an end. What members say of their
/// clocks may be off by centuries.
pub(crate) fn ticks(microseconds: i64, clock_rate: u32) -> u32 {
    (i128::from(microseconds) * i128::from(clock_rate) / 1_000_000) as u32
}

fn microseconds(ntp: u64) -> i64 {
    ((ntp >> 32) * 1_000_000 + (((ntp & 0xffff_ffff) * 1_000_000) >> 32)) as i64
}

/// Bits per second, looked at twice a second; what was before counts `BEFORE` times as much as what is new. With 1, that
/// is the rate of the last second or so.
#[derive(Default)]
pub(crate) struct RateMeter<const BEFORE: u64 = 1> {
    bytes: u64,
    since: Option<Instant>,
    rate: u64,
    /// The window before was a pause.
    paused: bool,
}

impl<const BEFORE: u64> RateMeter<BEFORE> {
    const WINDOW: Duration = Duration::from_millis(500);

    pub(crate) fn add(&mut self, now: Instant, bytes: usize) {
        let since = *self.since.get_or_insert(now);
        let elapsed = now.saturating_duration_since(since);
        if elapsed >= Self::WINDOW {
            let sample = self.bytes * 8_000_000 / elapsed.as_micros().max(1) as u64;
            let pause = elapsed > Self::WINDOW * 3;
            // One pause says nothing of what is sent; a picture that comes in drops pauses again and again.
            let resumes = pause && !std::mem::replace(&mut self.paused, pause) && self.rate > 0;
            self.rate = match self.rate {
                rate if resumes => rate,
                rate if rate == 0 || pause => sample,
                rate => (rate * BEFORE + sample) / (BEFORE + 1),
            };
            self.bytes = 0;
            self.since = Some(now);
        }
        self.bytes += bytes as u64;
    }

    /// Takes what somebody else measured; what comes from now on is measured anew.
    pub(crate) fn assume(&mut self, bits_per_second: u64) {
        *self = Self { rate: bits_per_second, ..Self::default() };
    }

    /// Bits per second; 0 until half a second was seen.
    pub(crate) fn bits_per_second(&self) -> u64 {
        self.rate
    }
}

/// A codec with the settings that decide whether a receiver's payload type means the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Format {
    pub(crate) codec: Codec,
    pub(crate) packetization_mode: u8,
    /// The profile's number, without its level.
    pub(crate) profile: u32,
}

impl Format {
    pub(crate) fn of(params: &PayloadParams) -> Self {
        let spec = params.spec();
        Self {
            codec: spec.codec,
            packetization_mode: spec.format.packetization_mode.unwrap_or(0),
            profile: spec.format.profile_level_id.unwrap_or(0) >> 16,
        }
    }

    /// What reads its payloads; `None` for sound.
    pub(crate) fn video(self) -> Option<VideoCodec> {
        match self.codec {
            Codec::H264 => Some(VideoCodec::H264),
            Codec::Vp8 => Some(VideoCodec::Vp8),
            Codec::Vp9 => Some(VideoCodec::Vp9),
            Codec::Av1 => Some(VideoCodec::Av1),
            _ => None,
        }
    }

    /// How well a receiver's format takes packets of this one: the higher the better, `None` for not at all.
    pub(crate) fn fits(self, other: Self) -> Option<u8> {
        if self.codec != other.codec {
            return None;
        }
        let mode = u8::from(self.packetization_mode == other.packetization_mode);
        Some(mode * 2 + u8::from(self.profile == other.profile))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_pause_says_nothing_of_a_rate_and_pauses_again_and_again_do() {
        let begin = Instant::now();
        let mut meter = RateMeter::<5>::default();
        let mut feed = |from: u64, to: u64, every: u64| {
            for at in (from..to).step_by(every as usize) {
                meter.add(begin + Duration::from_millis(at), 1_000);
            }
            meter.bits_per_second()
        };
        let running = feed(0, 10_000, 8);
        assert!((900_000..=1_100_000).contains(&running), "{running}");
        assert_eq!(feed(60_000, 60_001, 1), running, "it goes on as before");
        let again = feed(60_008, 62_000, 8);
        assert!((900_000..=1_100_000).contains(&again), "{again}");
        let drops = feed(64_000, 80_000, 2_000);
        assert!(drops < 10_000, "{drops}");
    }

    #[test]
    fn a_mirrored_layer_costs_what_it_cost_when_it_crosses_again_after_a_pause() {
        let (mut stream, mut now) = (LayerStream::new(Some(Layer::Full), 90_000), Instant::now());
        let packet = |stream: &mut LayerStream, now: Instant| {
            stream.resume(now);
            stream.last_packet = Some(now);
            stream.rate.add(now, 1_250);
        };
        for _ in 0..200 {
            now += Duration::from_millis(10);
            packet(&mut stream, now);
        }
        let before = stream.rate.bits_per_second();
        assert!((950_000..1_050_000).contains(&before), "{before}");
        now += Duration::from_secs(30);
        packet(&mut stream, now);
        assert_eq!(stream.rate.bits_per_second(), before, "the pause says nothing");
        stream.told_by_owner(now, Some(5_000_000));
        assert_eq!(stream.rate.bits_per_second(), before, "what crosses is measured here");
        now += Duration::from_secs(2);
        stream.told_by_owner(now, Some(5_000_000));
        assert_eq!(stream.rate.bits_per_second(), 5_000_000);
        now += Duration::from_secs(8);
        assert!(stream.is_live(now), "as long as its owner says so");
        stream.told_by_owner(now, None);
        assert!(!stream.is_live(now) && stream.was_live(now, Duration::from_secs(2)));
    }

    #[test]
    fn a_clock_that_leaps_by_a_century_makes_no_number_overflow() {
        let mut clock = SenderClock::default();
        assert_eq!(clock.since(0, 5 << 32), None);
        for (theirs, ours) in [(u64::MAX, 1 << 32), (0, 2 << 32), (u64::MAX / 2, u64::MAX), (1, 0)] {
            clock.note(theirs, ours);
            let elapsed = clock.since(0, ours).expect("a report came");
            ticks(elapsed, 90_000);
        }
        assert_eq!(ticks(1_000_000, 90_000), 90_000);
        assert_eq!(ticks(-1_000_000, 90_000), 90_000_u32.wrapping_neg());
    }
}

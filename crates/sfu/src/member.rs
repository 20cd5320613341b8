//! One member: its media path, the tracks it sends and the slots it receives on.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use confab_protocol::{Grants, Layer, ParticipantId, SlotAssignment, SlotKind, SourceKind, TileRequest};
use str0m::Rtc;
use str0m::format::{Codec, PayloadParams};
use str0m::media::{Mid, Pt};
use str0m::rtp::Ssrc;

use crate::arena::Key;
use crate::loudness::Loudness;
use crate::rewrite::Rewriter;
use crate::room::TrackState;

/// Remembered addresses of one member; the oldest gives way.
pub(crate) const ADDRESSES: usize = 8;

/// Height taken for a picture whose size was not told.
const UNKNOWN_HEIGHT: u32 = 720;

/// A layer counts as sent while packets are no older than this.
const LIVE: Duration = Duration::from_millis(1_000);

pub(crate) struct Member {
    pub(crate) room: Key,
    pub(crate) participant: ParticipantId,
    pub(crate) grants: Grants,
    /// Large, so not in the list itself, which is gone through often.
    pub(crate) rtc: Box<Rtc>,
    pub(crate) tracks: Vec<Track>,
    pub(crate) slots: Vec<Slot>,
    /// Where a stream of this member belongs: index of the track and of its layer.
    pub(crate) streams: HashMap<Ssrc, (usize, usize)>,
    pub(crate) view: Vec<TileRequest>,
    pub(crate) bandwidth: Bandwidth,
    pub(crate) connected: bool,
    pub(crate) silent: bool,
    pub(crate) last_datagram: Instant,
    pub(crate) addresses: Vec<SocketAddr>,
    /// When the media path wants to be called next.
    pub(crate) deadline: Instant,
    /// Has something to send that a timeout will bring out.
    pub(crate) touched: bool,
}

/// What the network to a receiver carries, and what that led to.
#[derive(Default)]
pub(crate) struct Bandwidth {
    /// Bits per second; `None` while nobody estimates.
    pub(crate) estimate: Option<u64>,
    /// What the estimator was told to look for, bits per second.
    pub(crate) desired: u64,
    /// Since when the layers chosen cost more than the estimate, and the least it said since.
    pub(crate) over: Option<(Instant, u64)>,
    /// No layer goes up before this.
    pub(crate) hold_until: Option<Instant>,
}

/// A track a member offered.
pub(crate) struct Track {
    pub(crate) mid: Mid,
    pub(crate) source: SourceKind,
    pub(crate) state: TrackState,
    /// Last height told, pixels; kept while muted.
    pub(crate) height: u32,
    /// Lowest first; a single stream is one layer without a name.
    pub(crate) layers: Vec<LayerStream>,
    pub(crate) formats: HashMap<u8, Format>,
    pub(crate) loudness: Loudness,
    /// Slots that carry this track: whose, and which.
    pub(crate) subscribers: Vec<(Key, usize)>,
    /// Layers last told to the sender as watched.
    pub(crate) told: Option<Vec<Layer>>,
}

impl Track {
    pub(crate) fn is_published(&self) -> bool {
        matches!(self.state, TrackState::Published { .. })
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
    pub(crate) ssrc: Option<Ssrc>,
    /// Counts the streams that were this layer; numbers of different ones do not compare.
    pub(crate) epoch: u32,
    pub(crate) highest_sequence: u64,
    pub(crate) last_packet: Option<Instant>,
    /// H.264 parameter sets were seen, so a keyframe begins with them.
    pub(crate) has_parameter_sets: bool,
    pub(crate) keyframe_asked_at: Option<Instant>,
    /// Somebody waits for a keyframe that could not be asked yet.
    pub(crate) keyframe_owed: bool,
    /// Last time somebody watched it.
    pub(crate) watched_at: Option<Instant>,
    pub(crate) rate: RateMeter,
}

impl LayerStream {
    pub(crate) fn new(layer: Option<Layer>) -> Self {
        Self {
            layer,
            ssrc: None,
            epoch: 0,
            highest_sequence: 0,
            last_packet: None,
            has_parameter_sets: false,
            keyframe_asked_at: None,
            keyframe_owed: false,
            watched_at: None,
            rate: RateMeter::default(),
        }
    }

    pub(crate) fn is_live(&self, now: Instant) -> bool {
        self.last_packet.is_some_and(|last| now.saturating_duration_since(last) < LIVE)
    }
}

/// Bits per second over the last second or so.
#[derive(Default)]
pub(crate) struct RateMeter {
    bytes: u64,
    since: Option<Instant>,
    rate: u64,
}

impl RateMeter {
    const WINDOW: Duration = Duration::from_millis(500);

    pub(crate) fn add(&mut self, now: Instant, bytes: usize) {
        let since = *self.since.get_or_insert(now);
        let elapsed = now.saturating_duration_since(since);
        if elapsed >= Self::WINDOW {
            let sample = self.bytes * 8_000_000 / elapsed.as_micros().max(1) as u64;
            let pause = elapsed > Self::WINDOW * 3;
            self.rate = if self.rate == 0 || pause { sample } else { u64::midpoint(self.rate, sample) };
            self.bytes = 0;
            self.since = Some(now);
        }
        self.bytes += bytes as u64;
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
    packetization_mode: u8,
    /// The profile's number, without its level.
    profile: u32,
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

    /// How well a receiver's format takes packets of this one: the higher the better, `None` for not at all.
    fn fits(self, other: Self) -> Option<u8> {
        if self.codec != other.codec {
            return None;
        }
        let mode = u8::from(self.packetization_mode == other.packetization_mode);
        Some(mode * 2 + u8::from(self.profile == other.profile))
    }
}

/// A receive slot: one continuous outgoing stream.
pub(crate) struct Slot {
    pub(crate) mid: Mid,
    pub(crate) kind: SlotKind,
    pub(crate) ssrc: Ssrc,
    pub(crate) formats: Vec<(Format, Pt)>,
    pub(crate) rewriter: Rewriter,
    pub(crate) feed: Option<Feed>,
    /// What was last told of it.
    pub(crate) told: SlotAssignment,
}

/// What a slot carries.
pub(crate) struct Feed {
    pub(crate) publisher: Key,
    pub(crate) track: usize,
    pub(crate) participant: ParticipantId,
    pub(crate) source: SourceKind,
    /// The layer being forwarded (0 for sound and single streams), once it is.
    pub(crate) current: Option<usize>,
    /// The stream's epoch that `current` belongs to.
    pub(crate) epoch: u32,
    /// The layer it should be; `None` pauses it.
    pub(crate) target: Option<usize>,
    pub(crate) since: Instant,
    /// Payload type last mapped: incoming and outgoing.
    pub(crate) payload_type: Option<(u8, Pt)>,
}

impl Slot {
    /// The payload type a packet of this format gets here.
    pub(crate) fn payload_type_for(&self, format: Format) -> Option<Pt> {
        let scored = self.formats.iter().filter_map(|(own, pt)| format.fits(*own).map(|score| (score, *pt)));
        let mut best: Option<(u8, Pt)> = None;
        for (score, pt) in scored {
            if best.is_none_or(|(highest, _)| score > highest) {
                best = Some((score, pt));
            }
        }
        best.map(|(_, pt)| pt)
    }

    pub(crate) fn set_feed(&mut self, feed: Option<Feed>) {
        self.rewriter.end_stretch();
        self.feed = feed;
    }

    pub(crate) fn carries(&self, publisher: Key, track: usize) -> bool {
        self.feed.as_ref().is_some_and(|feed| feed.publisher == publisher && feed.track == track)
    }
}

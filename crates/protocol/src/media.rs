//! Tracks, layers, tiles and slots.
//!
//! A client negotiates its senders and a set of receive slots, which may grow later. What a slot carries changes by
//! [`SlotAssignment`], never by SDP.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::ids::ParticipantId;

/// Receive slots for audio that a client offers at first.
pub const AUDIO_SLOTS: usize = 4;

/// Receive slots for video that a client offers at first.
pub const VIDEO_SLOTS: usize = 9;

/// Sound or picture.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum TrackKind {
    /// Opus, 48 kHz.
    Audio,
    /// H.264 from native clients; browsers may send others.
    Video,
}

/// Where a track comes from. One person has at most one track of each.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// The person's voice.
    Microphone,
    /// The person's picture.
    Camera,
    /// A shared screen, window or region.
    Screen,
    /// Sound that belongs to a shared screen.
    ScreenAudio,
}

impl SourceKind {
    /// Sound or picture.
    pub fn track_kind(self) -> TrackKind {
        match self {
            Self::Microphone | Self::ScreenAudio => TrackKind::Audio,
            Self::Camera | Self::Screen => TrackKind::Video,
        }
    }
}

/// A simulcast layer, by its RTP stream id (RFC 8852) on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize, TS)]
pub enum Layer {
    /// Quarter: a fourth of the width and height.
    #[serde(rename = "q")]
    Quarter,
    /// Half of the width and height.
    #[serde(rename = "h")]
    Half,
    /// Full size.
    #[serde(rename = "f")]
    Full,
}

impl Layer {
    /// All layers, lowest first.
    pub const ALL: [Self; 3] = [Self::Quarter, Self::Half, Self::Full];

    /// The RTP stream id.
    pub fn rid(self) -> &'static str {
        match self {
            Self::Quarter => "q",
            Self::Half => "h",
            Self::Full => "f",
        }
    }

    /// The layer with this RTP stream id.
    pub fn from_rid(rid: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|layer| layer.rid() == rid)
    }

    /// By what the full width and height are divided.
    pub fn divisor(self) -> u32 {
        match self {
            Self::Quarter => 4,
            Self::Half => 2,
            Self::Full => 1,
        }
    }
}

/// In a join: which of the offer's sending m-lines carries which source.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct TrackOffer {
    /// The m-line's `mid` (RFC 8843).
    pub mid: String,
    /// What it will carry.
    pub source: SourceKind,
    /// Simulcast layers offered, lowest first; empty for a single stream.
    #[serde(default)]
    pub layers: Vec<Layer>,
}

/// A track a person sends at present, as others see it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct PublishedTrack {
    /// Where it comes from.
    pub source: SourceKind,
    /// Switched off for now by the sender: no packets come.
    pub muted: bool,
    /// Width of the full layer in pixels; 0 for sound or when not known yet.
    #[serde(default)]
    pub width: u32,
    /// Height of the full layer in pixels; 0 for sound or when not known yet.
    #[serde(default)]
    pub height: u32,
}

/// One picture a client shows, in `call.view`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct TileRequest {
    /// Whose picture.
    pub participant: ParticipantId,
    /// Which of their pictures.
    pub source: SourceKind,
    /// Shown width in device pixels.
    pub width: u32,
    /// Shown height in device pixels.
    pub height: u32,
    /// Higher is served first when slots or bandwidth are short.
    #[serde(default)]
    pub priority: u8,
    /// Pinned by the person: before anything else of the same priority.
    #[serde(default)]
    pub pinned: bool,
}

/// What a receive slot is for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum SlotKind {
    /// Follows the loudest.
    Audio,
    /// Follows the view.
    Video,
}

/// What one receive slot carries from now on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct SlotAssignment {
    /// The slot's m-line.
    pub mid: String,
    /// Sound or picture.
    pub kind: SlotKind,
    /// Whose track, or `None` when the slot is idle.
    pub participant: Option<ParticipantId>,
    /// Which of their tracks.
    pub source: Option<SourceKind>,
    /// Which layer is being forwarded; `None` for sound and single streams.
    pub layer: Option<Layer>,
}

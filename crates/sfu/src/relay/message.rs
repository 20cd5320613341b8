//! What cores tell each other besides packets. Rare, so JSON: it can be read in a capture, and fields can be added.

use confab_protocol::{Grants, Layer, ParticipantId, SourceKind};
use serde::{Deserialize, Serialize};
use str0m::format::Codec;
use str0m::media::Mid;

use crate::ingress::stream::{Format, LayerStream, Track};
use crate::room::TrackState;

/// Longest side of a picture that is believed, pixels; a screen of 16K has as many.
const LONGEST_SIDE: u32 = 16_384;

/// Highest rate of a layer that is believed, bits per second.
const HIGHEST_RATE: u64 = 1_000_000_000;

/// A clock that is further from 1900 than this, microseconds, is none: all that a report can say is nearer.
const FURTHEST: u64 = 1 << 53;

/// Most payload types of one track: there are no more numbers.
const MOST_FORMATS: usize = 128;

/// A message about a room.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Control {
    /// The room is here too, and nothing is known of yours. `answer` says that it answers one of yours.
    Hello { answer: bool },
    /// Nobody here is in the room any more, and nothing is wanted.
    Bye,
    /// Somebody here is in the room; replaces what was said of them before.
    Member(Announced),
    /// They are not any more.
    Left { participant: ParticipantId },
    /// What they do with a track.
    Track { participant: ParticipantId, source: SourceKind, state: State },
    /// Which layers of their track are live, and their rates in bits per second, 0 for not measured yet.
    Live { participant: ParticipantId, source: SourceKind, rates: Vec<Option<u64>> },
    /// Which layers of somebody with you are watched here. Replaces what was wanted before.
    Wanted { participant: ParticipantId, source: SourceKind, layers: Vec<u8> },
    /// A layer of somebody with you is to begin anew.
    Keyframe { participant: ParticipantId, source: SourceKind, layer: u8 },
    /// What a sender report said of a layer.
    Report(Reported),
}

/// A member, as other cores have to know them.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(super) struct Announced {
    pub(super) participant: ParticipantId,
    pub(super) grants: Grants,
    pub(super) tracks: Vec<AnnouncedTrack>,
}

/// One of their tracks.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(super) struct AnnouncedTrack {
    source: SourceKind,
    state: State,
    /// Last height told, pixels.
    height: u32,
    /// Simulcast layers, lowest first; none for a single stream.
    layers: Vec<Layer>,
    /// As in [`Control::Live`].
    rates: Vec<Option<u64>>,
    formats: Vec<AnnouncedFormat>,
}

/// What a payload type means.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
struct AnnouncedFormat {
    payload_type: u8,
    codec: CodecName,
    packetization_mode: u8,
    profile: u32,
}

/// Codecs that are forwarded.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum CodecName {
    Opus,
    H264,
    Vp8,
    Vp9,
    Av1,
}

/// [`TrackState`] on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    Published { width: u32, height: u32 },
    Muted,
    Unpublished,
}

/// The same moment by a sender's clock and by a layer's time, and what the clock says now.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Reported {
    pub(super) participant: ParticipantId,
    pub(super) source: SourceKind,
    pub(super) layer: u8,
    pub(super) epoch: u32,
    /// 32.32 bits of seconds since 1900.
    pub(super) ntp: u64,
    pub(super) timestamp: u32,
    /// Microseconds since 1900, as this message is written. Clocks of cores need not agree: the offset is told by what
    /// the sender's clock says, and each core compares that with its own.
    pub(super) sender_now: i64,
}

impl Reported {
    pub(super) fn is_possible(&self) -> bool {
        self.sender_now.unsigned_abs() < FURTHEST
    }
}

impl From<TrackState> for State {
    fn from(state: TrackState) -> Self {
        match state {
            TrackState::Published { width, height } => Self::Published { width, height },
            TrackState::Muted => Self::Muted,
            TrackState::Unpublished => Self::Unpublished,
        }
    }
}

impl State {
    /// `None` for a picture of an impossible size.
    pub(super) fn checked(self) -> Option<TrackState> {
        Some(match self {
            Self::Published { width, height } if width.max(height) > LONGEST_SIDE => return None,
            Self::Published { width, height } => TrackState::Published { width, height },
            Self::Muted => TrackState::Muted,
            Self::Unpublished => TrackState::Unpublished,
        })
    }
}

/// Whether these can be the rates of a track with so many layers.
pub(super) fn are_rates(rates: &[Option<u64>], layers: usize) -> bool {
    rates.len() == layers && rates.iter().flatten().all(|rate| *rate <= HIGHEST_RATE)
}

impl AnnouncedTrack {
    /// A track as it is told; `rates` of its layers.
    pub(super) fn of(track: &Track, rates: Vec<Option<u64>>) -> Self {
        let formats = track.formats.iter().filter_map(|(payload_type, format)| {
            Some(AnnouncedFormat {
                payload_type: *payload_type,
                codec: CodecName::of(format.codec)?,
                packetization_mode: format.packetization_mode,
                profile: format.profile,
            })
        });
        Self {
            source: track.source,
            state: track.state.into(),
            height: track.height,
            layers: track.layers.iter().filter_map(|stream| stream.layer).collect(),
            rates,
            formats: formats.collect(),
        }
    }

    /// The track of a mirror, with its rates; `None` when it cannot be one.
    pub(super) fn checked(&self) -> Option<(Track, &[Option<u64>])> {
        let rises = self.layers.windows(2).all(|pair| pair[0] < pair[1]);
        let numbers = self.formats.iter().all(|format| format.payload_type <= 0x7f);
        if !rises || !numbers || self.formats.len() > MOST_FORMATS || self.height > LONGEST_SIDE {
            return None;
        }
        let formats = self.formats.iter().map(|format| {
            let codec = format.codec.codec();
            (
                format.payload_type,
                Format { codec, packetization_mode: format.packetization_mode, profile: format.profile },
            )
        });
        // It has no m-line here, so nothing comes for this one.
        let mut track = Track::new(Mid::from(""), self.source, Vec::new(), formats.collect());
        let clock_rate = track.clock_rate();
        let layers = self.layers.iter().map(|layer| LayerStream::new(Some(*layer), clock_rate));
        track.layers = layers.collect();
        if track.layers.is_empty() {
            track.layers.push(LayerStream::new(None, clock_rate));
        }
        track.state = self.state.checked()?;
        track.height = self.height;
        are_rates(&self.rates, track.layers.len()).then_some((track, self.rates.as_slice()))
    }
}

impl CodecName {
    fn of(codec: Codec) -> Option<Self> {
        Some(match codec {
            Codec::Opus => Self::Opus,
            Codec::H264 => Self::H264,
            Codec::Vp8 => Self::Vp8,
            Codec::Vp9 => Self::Vp9,
            Codec::Av1 => Self::Av1,
            _ => return None,
        })
    }

    fn codec(self) -> Codec {
        match self {
            Self::Opus => Codec::Opus,
            Self::H264 => Codec::H264,
            Self::Vp8 => Codec::Vp8,
            Self::Vp9 => Codec::Vp9,
            Self::Av1 => Codec::Av1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn track() -> AnnouncedTrack {
        let mut track = Track::new(
            Mid::from("2"),
            SourceKind::Camera,
            Layer::ALL.map(|layer| LayerStream::new(Some(layer), 90_000)).into(),
            [(102, Format { codec: Codec::H264, packetization_mode: 1, profile: 0x42 })].into(),
        );
        track.state = TrackState::Published { width: 1_280, height: 720 };
        track.height = 720;
        AnnouncedTrack::of(&track, vec![Some(100_000), None, Some(0)])
    }

    #[test]
    fn a_track_is_the_same_on_the_other_side() {
        let told: AnnouncedTrack = serde_json::from_str(&serde_json::to_string(&track()).unwrap()).unwrap();
        let (mirrored, rates) = told.checked().unwrap();
        assert_eq!(mirrored.layer_heights(), [180, 360, 720]);
        assert_eq!(mirrored.formats[&102], Format { codec: Codec::H264, packetization_mode: 1, profile: 0x42 });
        assert_eq!((mirrored.state, rates.len()), (TrackState::Published { width: 1_280, height: 720 }, 3));
    }

    #[test]
    fn a_track_that_cannot_be_is_refused() {
        let refused = |change: fn(&mut AnnouncedTrack)| {
            let mut changed = track();
            change(&mut changed);
            changed.checked().is_none()
        };
        assert!(!refused(|_| ()));
        assert!(refused(|track| track.layers = vec![Layer::Full, Layer::Half, Layer::Quarter]));
        assert!(refused(|track| track.layers = vec![Layer::Half; 3]));
        assert!(refused(|track| track.rates.truncate(2)));
        assert!(refused(|track| track.rates[0] = Some(u64::MAX)));
        assert!(refused(|track| track.height = u32::MAX));
        assert!(refused(|track| track.state = State::Published { width: 1, height: LONGEST_SIDE + 1 }));
        assert!(refused(|track| track.formats[0].payload_type = 128));
        assert!(refused(|track| track.formats = vec![track.formats[0].clone(); 129]));
    }
}

//! What comes out of the core.

use std::net::SocketAddr;
use std::time::Instant;

use confab_protocol::{Layer, ParticipantId, Quality, SlotAssignment, SourceKind};

/// A datagram to send.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Transmit {
    /// The local address to send from; one of the candidates.
    pub source: SocketAddr,
    /// Where to.
    pub destination: SocketAddr,
    /// The bytes.
    pub contents: Vec<u8>,
    /// When the media packet it passes on came in ([`crate::Sfu::handle_arrival`]); `None` for all else.
    pub arrived: Option<Instant>,
    /// Its place among those taken together, so that they can be sorted by address without losing their order.
    pub place: u32,
}

impl Transmit {
    /// A datagram that passes nothing on.
    pub fn new(source: SocketAddr, destination: SocketAddr, contents: Vec<u8>) -> Self {
        Self { source, destination, contents, arrived: None, place: 0 }
    }
}

/// What a room has to know.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// The media path is up (ICE and DTLS).
    Connected(ParticipantId),
    /// No datagram came for [`crate::SfuConfig::silent_after`].
    Silent(ParticipantId),
    /// Datagrams come again after [`Event::Silent`].
    Back(ParticipantId),
    /// The media path closed or failed and is removed.
    Closed(ParticipantId),
    /// How well a person's packets come through, from now on.
    Quality {
        /// Who.
        id: ParticipantId,
        /// How well.
        quality: Quality,
    },
    /// Some receive slots of a person carry something else.
    Slots {
        /// Whose slots.
        id: ParticipantId,
        /// The changed ones.
        changed: Vec<SlotAssignment>,
    },
    /// Who speaks, loudest first.
    Speaking(Vec<ParticipantId>),
    /// Which layers of a person's track somebody watches, lowest first; `[Full]` for a watched single stream.
    Layers {
        /// Whose track.
        id: ParticipantId,
        /// Which.
        source: SourceKind,
        /// The watched layers.
        wanted: Vec<Layer>,
    },
}

/// What the core counts. All but `members`, `mirrors`, `rooms` and the tracks only grow.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counters {
    /// Datagrams dropped because they belong to nobody here.
    pub dropped_unknown: u64,
    /// Datagrams dropped because they are no STUN, DTLS, RTP or RTCP.
    pub dropped_malformed: u64,
    /// Media and reports dropped because they were not authentic, or came before; checks, because they were copies of
    /// others, or from an address that somebody else uses.
    pub dropped_forged: u64,
    /// Media packets received from members.
    pub packets_received: u64,
    /// Media packets dropped: not published, muted, or without the right to.
    pub packets_refused: u64,
    /// Media packets forwarded, counted once per receiver.
    pub packets_forwarded: u64,
    /// Media packets sent again because a receiver missed them.
    pub packets_repaired: u64,
    /// Times pictures for a receiver were dropped because they had waited too long for its network.
    pub packets_late: u64,
    /// Media packets a receiver missed that could not be sent again: too old, or beyond the share of repairs.
    pub repairs_refused: u64,
    /// Keyframes asked of members.
    pub keyframe_requests: u64,
    /// Members whose media path failed or closed.
    pub members_failed: u64,
    /// Media packets handed to other cores, counted once per core.
    pub relayed_out: u64,
    /// Media packets taken from other cores.
    pub relayed_in: u64,
    /// Messages of other cores that could not be read, or that fit nothing here; packets too long for a message.
    pub dropped_relayed: u64,
    /// Members at present, whose media path is here.
    pub members: u64,
    /// Members of other cores that are known here at present.
    pub mirrors: u64,
    /// Rooms at present.
    pub rooms: u64,
    /// Tracks that members publish at present, muted ones too: they come back without asking.
    pub tracks_in: u64,
    /// Tracks forwarded at present: receive slots that carry one, counted for each receiver.
    pub tracks_out: u64,
}

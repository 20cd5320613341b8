//! What goes into a room.

use std::time::Instant;

use confab_protocol::{
    ChatMessage, ChatMessageId, ErrorCode, Grants, Layer, ParticipantId, PersonQuality, Reaction, RequestId, Role,
    SlotAssignment, SourceKind, TileRequest,
};

/// The time of a command, read once at the edge.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Now {
    /// For intervals.
    pub instant: Instant,
    /// For people and the store: milliseconds since 1970 UTC.
    pub unix_ms: u64,
}

/// One signaling connection of this server, unique while the server runs.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct SessionId(pub u64);

/// Somebody who wants to come in. The gate has checked the token; its contents stand here.
#[derive(Clone, PartialEq, Debug)]
pub struct JoinRequest {
    /// The connection that asks.
    pub session: SessionId,
    /// To be repeated in the answer.
    pub request: RequestId,
    /// Who.
    pub participant: ParticipantId,
    /// Shown name, already chosen between the message's and the token's; cleaned by the room.
    pub name: String,
    /// From the token.
    pub role: Role,
    /// From the token.
    pub grants: Grants,
    /// What the offer's sending m-lines carry.
    pub offered: Vec<SourceKind>,
}

/// How a session ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SessionEnd {
    /// With a close message: the person left.
    Closed,
    /// Without one: the program died, or the network went away.
    Lost,
}

/// Why something was refused, for the error message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// For programs.
    pub code: ErrorCode,
    /// For people: what happened and what to do.
    pub message: String,
    /// The field at fault, when one is.
    pub field: Option<&'static str>,
}

impl Refusal {
    /// A refusal that is no field's fault.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), field: None }
    }

    /// A field with a value outside its range.
    pub fn field(field: &'static str, message: impl Into<String>) -> Self {
        Self { code: ErrorCode::InvalidField, message: message.into(), field: Some(field) }
    }
}

/// What can happen to a room.
#[derive(Clone, PartialEq, Debug)]
pub enum Command {
    /// Somebody wants in. Answered by [`Effect::Joined`](crate::Effect::Joined) or an error, after the media.
    Join(JoinRequest),
    /// A person's new session wants to take up the call of the old one.
    Resume {
        /// The new session.
        session: SessionId,
        /// To be repeated in the answer.
        request: RequestId,
        /// Who, by their token.
        participant: ParticipantId,
    },
    /// A joined session wants to restart ICE.
    Restart {
        /// Who asks.
        session: SessionId,
        /// To be repeated in the answer.
        request: RequestId,
    },
    /// The media plane has done what [`Effect::AskMedia`](crate::Effect::AskMedia) asked for.
    MediaReady {
        /// As asked.
        session: SessionId,
        /// As asked.
        participant: ParticipantId,
        /// For a join: every receive slot and what it carries. Else empty.
        slots: Vec<SlotAssignment>,
    },
    /// The media plane would not.
    MediaRefused {
        /// As asked.
        session: SessionId,
        /// As asked.
        participant: ParticipantId,
        /// Why, for the person.
        refusal: Refusal,
    },
    /// The person pressed leave.
    Leave {
        /// Whose session.
        session: SessionId,
    },
    /// The session is over.
    SessionEnded {
        /// Which.
        session: SessionId,
        /// How.
        end: SessionEnd,
    },
    /// Starts sending a track, or says its new size.
    Publish {
        /// Who asks.
        session: SessionId,
        /// Which track.
        source: SourceKind,
        /// Begin switched off.
        muted: bool,
        /// Width of the full layer, pixels.
        width: u32,
        /// Height of the full layer, pixels.
        height: u32,
    },
    /// Ends sending a track.
    Unpublish {
        /// Who asks.
        session: SessionId,
        /// Which track.
        source: SourceKind,
    },
    /// Switches a published track off or on.
    Mute {
        /// Who asks.
        session: SessionId,
        /// Which track.
        source: SourceKind,
        /// Off or on.
        muted: bool,
    },
    /// Says which pictures are shown.
    View {
        /// Who asks.
        session: SessionId,
        /// The pictures.
        tiles: Vec<TileRequest>,
    },
    /// Raises or lowers one's hand.
    Hand {
        /// Who asks.
        session: SessionId,
        /// Up or down.
        raised: bool,
    },
    /// Shows a reaction to everybody.
    React {
        /// Who.
        session: SessionId,
        /// How.
        reaction: Reaction,
    },
    /// Writes in the chat.
    Chat {
        /// Who asks.
        session: SessionId,
        /// Repeated in the sender's echo.
        request: Option<RequestId>,
        /// Fresh, later than all before.
        id: ChatMessageId,
        /// The room's code, or left out.
        conversation_id: Option<String>,
        /// The text.
        content: String,
    },
    /// The store has the message for good.
    ChatStored {
        /// Who wrote it.
        session: SessionId,
        /// Repeated in the sender's echo.
        request: Option<RequestId>,
        /// As stored.
        message: ChatMessage,
    },
    /// The store could not take the message.
    ChatNotStored {
        /// Who wrote it.
        session: SessionId,
        /// Repeated in the error.
        request: Option<RequestId>,
    },
    /// The media path is up.
    MediaConnected(ParticipantId),
    /// Nothing has come from this person for a while.
    MediaSilent {
        /// Who.
        participant: ParticipantId,
        /// When the last packet came.
        since: Instant,
    },
    /// Packets come again.
    MediaBack(ParticipantId),
    /// The media path has ended and only a new join brings it back.
    MediaClosed(ParticipantId),
    /// Some receive slots carry something else.
    Slots {
        /// Whose slots.
        participant: ParticipantId,
        /// The changed ones.
        changed: Vec<SlotAssignment>,
    },
    /// Who speaks now, loudest first.
    Speaking(Vec<ParticipantId>),
    /// How well a person's packets come through.
    Quality(PersonQuality),
    /// Which layers of one's track somebody watches.
    Layers {
        /// Whose track.
        participant: ParticipantId,
        /// Which.
        source: SourceKind,
        /// The watched layers.
        wanted: Vec<Layer>,
    },
    /// A deadline may have passed.
    Tick,
}

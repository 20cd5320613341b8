//! What connections post to a room.

use confab_protocol::{ParticipantId, RelayAccess, RequestId, TrackOffer};
use confab_rooms::{Command, JoinRequest, SessionId};
use tokio::sync::oneshot;

use super::Outbox;

/// One letter.
pub(crate) enum RoomMail {
    /// A session wants in.
    Enter(Box<Enter>),
    /// A session in the room wants new ICE credentials, more receive slots, or both.
    Restart {
        /// Who asks.
        session: SessionId,
        /// To be repeated in the answer.
        request: RequestId,
        /// The offer.
        offer: String,
    },
    /// Anything else.
    Command(Command),
}

/// How a session wants in.
pub(crate) enum EnterKind {
    /// As somebody who comes.
    Join {
        /// Who.
        join: JoinRequest,
        /// What the offer's sending m-lines carry.
        tracks: Vec<TrackOffer>,
    },
    /// As somebody who is here already.
    Resume {
        /// Who asks.
        session: SessionId,
        /// To be repeated in the answer.
        request: RequestId,
        /// Who, by the token.
        participant: ParticipantId,
    },
}

/// A session that wants in.
pub(crate) struct Enter {
    pub(crate) kind: EnterKind,
    pub(crate) offer: String,
    /// Handed back in `call.joined`.
    pub(crate) token: String,
    /// Handed back in `call.joined`.
    pub(crate) link: String,
    /// Handed back in `call.joined`.
    pub(crate) relay: RelayAccess,
    /// Where the session's messages go.
    pub(crate) outbox: Outbox,
    /// What became of it. Dropped without a word when the room's task ends: ask again.
    pub(crate) reply: oneshot::Sender<Entered>,
}

impl Enter {
    pub(crate) fn session(&self) -> SessionId {
        match &self.kind {
            EnterKind::Join { join, .. } => join.session,
            EnterKind::Resume { session, .. } => *session,
        }
    }
}

/// What became of an [`Enter`]. The session has been told in either case.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Entered {
    /// In.
    Yes,
    /// Refused.
    No,
}

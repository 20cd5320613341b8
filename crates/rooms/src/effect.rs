//! What comes out of a room, to be carried out in order.

use confab_protocol::{
    ChatMessage, Grants, LeaveReason, ParticipantId, ParticipantInfo, RequestId, Role, ServerMessage, SlotAssignment,
    SourceKind, TileRequest,
};

use crate::command::SessionId;

/// What the media plane is asked to do with the offer that came with a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MediaPurpose {
    /// Take the person in; one already in is replaced.
    Join(Grants),
    /// New ICE credentials on the running path, for a new session.
    Resume,
    /// New ICE credentials on the running path, for the same session.
    Restart,
}

/// What a person does with a track.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TrackState {
    /// Sends it.
    Published {
        /// Width of the full layer, pixels; 0 for sound or when not known.
        width: u32,
        /// Height of the full layer, pixels; 0 for sound or when not known.
        height: u32,
    },
    /// Has it switched off for now.
    Muted,
    /// Does not send it.
    Unpublished,
}

/// What is to be done.
#[derive(Clone, PartialEq, Debug)]
pub enum Effect {
    /// Put a message into the queues of these sessions; none waits for another.
    Send {
        /// To whom.
        to: Vec<SessionId>,
        /// What.
        message: ServerMessage,
    },
    /// Hand the offer of this request to the media plane, and come back with
    /// [`Command::MediaReady`](crate::Command::MediaReady) or [`Command::MediaRefused`](crate::Command::MediaRefused).
    AskMedia {
        /// Whose request.
        session: SessionId,
        /// For whom.
        participant: ParticipantId,
        /// What.
        purpose: MediaPurpose,
    },
    /// The session is in: answer `call.joined`, with the media plane's answer.
    Joined {
        /// Whose.
        session: SessionId,
        /// As asked.
        request: RequestId,
        /// Who they are.
        participant: ParticipantId,
        /// Their role.
        role: Role,
        /// Their rights.
        grants: Grants,
        /// Everybody, in the order of joining.
        participants: Vec<ParticipantInfo>,
        /// The newest page of the chat, oldest first.
        chat: Vec<ChatMessage>,
        /// What the receive slots carry.
        slots: Vec<SlotAssignment>,
    },
    /// ICE is restarted: answer `call.restarted` with the media plane's answer.
    Restarted {
        /// Whose.
        session: SessionId,
        /// As asked.
        request: RequestId,
    },
    /// The session is out of the room, and is told so with `call.ended`.
    Ended {
        /// Which.
        session: SessionId,
        /// Why.
        reason: LeaveReason,
    },
    /// The session is out of the room without a word: a newer one has taken up its call.
    Detached {
        /// Which.
        session: SessionId,
    },
    /// Somebody has left, for the counters.
    Left {
        /// Who.
        participant: ParticipantId,
        /// Why.
        reason: LeaveReason,
    },
    /// End this person's media path.
    CloseMedia {
        /// Whose.
        participant: ParticipantId,
    },
    /// Tell the media plane what a person does with a track.
    SetTrack {
        /// Whose.
        participant: ParticipantId,
        /// Which.
        source: SourceKind,
        /// What.
        state: TrackState,
    },
    /// Tell the media plane what a person shows.
    SetView {
        /// Whose view.
        participant: ParticipantId,
        /// The pictures.
        tiles: Vec<TileRequest>,
    },
    /// Store a chat message, and come back with [`Command::ChatStored`](crate::Command::ChatStored) or
    /// [`Command::ChatNotStored`](crate::Command::ChatNotStored), in the order asked.
    StoreChat {
        /// Who wrote it.
        session: SessionId,
        /// To be handed back.
        request: Option<RequestId>,
        /// The message.
        message: ChatMessage,
    },
}

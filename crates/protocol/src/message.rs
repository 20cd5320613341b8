//! The messages themselves. One JSON object per WebSocket text message; `event_type` tells which.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::error_code::ErrorCode;
use crate::grants::{Grants, Role};
use crate::ids::{ChatMessageId, ParticipantId, RequestId, RoomCode};
use crate::limits::Limits;
use crate::media::{Layer, SlotAssignment, SourceKind, TileRequest, TrackOffer};
use crate::participant::{ChatMessage, LeaveReason, ParticipantInfo, PersonQuality, Reaction};
use crate::relay::RelayAccess;

/// From client to server. A message with a `request` is answered by one that repeats it, or by an `error` that does.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, TS)]
#[serde(tag = "event_type")]
pub enum ClientMessage {
    /// Measures the round trip; answered by `pong` with the same number.
    #[serde(rename = "ping")]
    Ping {
        /// Anything; sent back unchanged.
        #[serde(default)]
        timestamp: u64,
    },
    /// Makes a room. On an unclaimed server only loopback, the local network or the host key may.
    #[serde(rename = "meeting.create")]
    MeetingCreate {
        /// Answered by `meeting.created`.
        request: RequestId,
        /// Shown title; may be empty.
        #[serde(default)]
        name: String,
        /// The key printed at the server's first start; needed from outside the local network.
        #[serde(default)]
        host_key: Option<String>,
    },
    /// Joins a call: the offer goes with it, the answer comes back with the room's state.
    #[serde(rename = "call.join")]
    CallJoin {
        /// Answered by `call.joined`.
        request: RequestId,
        /// [`crate::PROTOCOL_VERSION`].
        version: u32,
        /// The room.
        code: RoomCode,
        /// Shown name; when empty the token's is taken.
        name: String,
        /// From `meeting.created`, an earlier `call.joined`, or the REST door. Without one, a guest is let in as participant.
        #[serde(default)]
        token: Option<String>,
        /// SDP offer: senders and receive slots.
        offer: String,
        /// What the offer's sending m-lines carry.
        tracks: Vec<TrackOffer>,
    },
    /// Takes up a call again on a new socket, within the rejoin window. Answered by `call.joined`, or by the error
    /// `session_gone`, after which the client joins anew with the same token.
    #[serde(rename = "call.resume")]
    CallResume {
        /// Answered by `call.joined`.
        request: RequestId,
        /// From the last `call.joined`.
        token: String,
        /// SDP offer with new ICE credentials.
        offer: String,
    },
    /// Restarts ICE on the running call. Answered by `call.restarted`.
    #[serde(rename = "call.restart")]
    CallRestart {
        /// Answered by `call.restarted`.
        request: RequestId,
        /// SDP offer with new ICE credentials.
        offer: String,
    },
    /// Leaves; nothing is kept.
    #[serde(rename = "call.leave")]
    CallLeave {},
    /// Starts sending on an offered track, or says its new size.
    #[serde(rename = "call.publish")]
    CallPublish {
        /// Which of the offered tracks.
        source: SourceKind,
        /// Begin switched off.
        #[serde(default)]
        muted: bool,
        /// Width of the full layer, pixels; 0 for sound.
        #[serde(default)]
        width: u32,
        /// Height of the full layer, pixels; 0 for sound.
        #[serde(default)]
        height: u32,
    },
    /// Ends sending on a track.
    #[serde(rename = "call.unpublish")]
    CallUnpublish {
        /// Which.
        source: SourceKind,
    },
    /// Switches a published track of one's own off or on.
    #[serde(rename = "call.mute")]
    CallMute {
        /// Which.
        source: SourceKind,
        /// Off or on.
        muted: bool,
    },
    /// Says which pictures are shown, and how large. Replaces the view before it.
    #[serde(rename = "call.view")]
    CallView {
        /// The pictures shown; those not named get no video.
        tiles: Vec<TileRequest>,
    },
    /// Raises or lowers one's hand.
    #[serde(rename = "call.hand")]
    CallHand {
        /// Up or down.
        raised: bool,
    },
    /// Shows a reaction on one's own tile to everybody; nothing is kept of it.
    #[serde(rename = "call.react")]
    CallReact {
        /// Which.
        reaction: Reaction,
    },
    /// Writes in the meeting's chat; the echo with the same `request` says it was stored.
    #[serde(rename = "chat.message")]
    ChatMessage {
        /// Repeated in the sender's own echo.
        #[serde(default)]
        request: Option<RequestId>,
        /// The room's code; may be left out in a call.
        #[serde(default)]
        conversation_id: Option<String>,
        /// The text.
        content: String,
    },
    /// Asks for older messages. Answered by `chat.history`.
    #[serde(rename = "chat.history")]
    ChatHistory {
        /// Answered by `chat.history`.
        request: RequestId,
        /// Only messages before this one; the newest when left out.
        #[serde(default)]
        before: Option<ChatMessageId>,
        /// At most so many; the server's page size when left out or larger.
        #[serde(default)]
        limit: Option<u32>,
    },
}

/// From server to client.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, TS)]
#[serde(tag = "event_type")]
pub enum ServerMessage {
    /// The welcome, first on every connection.
    #[serde(rename = "system.message")]
    SystemMessage {
        /// For people.
        message: String,
        /// [`crate::PROTOCOL_VERSION`] of the server.
        version: u32,
        /// The server's release, as `0.1.0`.
        server_version: String,
        /// Names this connection in the server's log.
        connection_id: String,
        /// What the server takes.
        limits: Limits,
    },
    /// Answer to `ping`.
    #[serde(rename = "pong")]
    Pong {
        /// As sent.
        timestamp: u64,
    },
    /// A message was refused; nothing changed.
    #[serde(rename = "error")]
    Error {
        /// The refused message's, if it had one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        request: Option<RequestId>,
        /// For programs.
        code: ErrorCode,
        /// For people: what happened and what to do.
        message: String,
        /// The field at fault, when one is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        field: Option<String>,
    },
    /// A room exists now.
    #[serde(rename = "meeting.created")]
    MeetingCreated {
        /// As asked.
        request: RequestId,
        /// Its code.
        code: RoomCode,
        /// To give away.
        link: String,
        /// A host's join token for the one who made it.
        token: String,
    },
    /// The call is joined (or taken up again).
    #[serde(rename = "call.joined")]
    CallJoined {
        /// As asked.
        request: RequestId,
        /// Who you are here.
        participant_id: ParticipantId,
        /// To resume or join again with; keep it secret.
        token: String,
        /// Your role.
        role: Role,
        /// Your rights.
        grants: Grants,
        /// SDP answer with the server's candidates.
        answer: String,
        /// The room's title; may be empty.
        room_name: String,
        /// To give away.
        link: String,
        /// Everybody, you included, in the order of joining.
        participants: Vec<ParticipantInfo>,
        /// The newest page of the chat, oldest first.
        chat: Vec<ChatMessage>,
        /// What your receive slots carry.
        slots: Vec<SlotAssignment>,
        /// The way to the media for a network that lets no UDP through; a server need not have one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        relay: Option<RelayAccess>,
    },
    /// Answer to `call.restart`.
    #[serde(rename = "call.restarted")]
    CallRestarted {
        /// As asked.
        request: RequestId,
        /// SDP answer.
        answer: String,
    },
    /// Somebody joined.
    #[serde(rename = "call.participant_joined")]
    CallParticipantJoined {
        /// Who.
        participant: ParticipantInfo,
    },
    /// Something about somebody changed; replaces what was known.
    #[serde(rename = "call.participant_updated")]
    CallParticipantUpdated {
        /// Who, as they are now.
        participant: ParticipantInfo,
    },
    /// Somebody left.
    #[serde(rename = "call.participant_left")]
    CallParticipantLeft {
        /// Who.
        participant_id: ParticipantId,
        /// Why.
        reason: LeaveReason,
    },
    /// Some receive slots carry something else from now on; slots not named stay as they are.
    #[serde(rename = "call.slots")]
    CallSlots {
        /// The changed slots.
        slots: Vec<SlotAssignment>,
    },
    /// Who speaks now, loudest first; empty when nobody does.
    #[serde(rename = "call.speaking")]
    CallSpeaking {
        /// Loudest first.
        participants: Vec<ParticipantId>,
    },
    /// Somebody reacted, maybe you.
    #[serde(rename = "call.reaction")]
    CallReaction {
        /// Who.
        participant_id: ParticipantId,
        /// How.
        reaction: Reaction,
    },
    /// Whose packets do not come through well, now. Replaces the list before; who is not named is well.
    #[serde(rename = "call.quality")]
    CallQuality {
        /// In no order.
        people: Vec<PersonQuality>,
    },
    /// Which layers of one of your own tracks somebody watches; you need not encode the others.
    #[serde(rename = "call.layers")]
    CallLayers {
        /// Which of your tracks.
        source: SourceKind,
        /// The watched layers.
        wanted: Vec<Layer>,
    },
    /// You are out of the call; the connection stays open.
    #[serde(rename = "call.ended")]
    CallEnded {
        /// Why.
        reason: LeaveReason,
    },
    /// A chat message, your own too.
    #[serde(rename = "chat.message")]
    ChatMessage {
        /// Only in the sender's own echo.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        request: Option<RequestId>,
        /// The message, its fields beside `event_type`.
        #[serde(flatten)]
        chat: ChatMessage,
    },
    /// A page of history, oldest first.
    #[serde(rename = "chat.history")]
    ChatHistory {
        /// As asked.
        request: RequestId,
        /// Oldest first.
        messages: Vec<ChatMessage>,
        /// There are older ones.
        more: bool,
    },
}

impl ClientMessage {
    /// Every `event_type` a client may send.
    pub const EVENT_TYPES: [&'static str; 14] = [
        "ping",
        "meeting.create",
        "call.join",
        "call.resume",
        "call.restart",
        "call.leave",
        "call.publish",
        "call.unpublish",
        "call.mute",
        "call.view",
        "call.hand",
        "call.react",
        "chat.message",
        "chat.history",
    ];

    /// Whether messages of this `event_type` carry SDP, so that the larger size limit applies.
    pub fn event_type_carries_sdp(event_type: &str) -> bool {
        matches!(event_type, "call.join" | "call.resume" | "call.restart")
    }

    /// Whether the larger size limit applies, because the message carries SDP.
    pub fn carries_sdp(&self) -> bool {
        matches!(self, Self::CallJoin { .. } | Self::CallResume { .. } | Self::CallRestart { .. })
    }
}

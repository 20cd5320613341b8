//! What the engine tells the window, the command line, or whoever runs it. Plain data with serde, and TypeScript.

use confab_protocol::{
    ChatMessage, ErrorCode, Grants, LeaveReason, ParticipantId, ParticipantInfo, PersonQuality, Reaction, Role,
    RoomCode, SourceKind,
};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::signal::{Doubt, Trouble};
use crate::stats::CallStats;

/// One picture (or sound): whose, and which of theirs.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize, TS)]
pub struct TileKey {
    /// Whose.
    pub participant: ParticipantId,
    /// Which of their tracks.
    pub source: SourceKind,
}

/// The call as the person sees it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum CallState {
    /// The first join is under way.
    Connecting,
    /// In the call.
    Joined,
    /// In the call, the network is away, attempts go on until the person leaves.
    Reconnecting {
        /// Since when, milliseconds since 1970 UTC.
        since_unix_ms: u64,
        /// For programs.
        code: Trouble,
        /// For the person.
        why: String,
    },
    /// Out, for good.
    Ended {
        /// For programs.
        reason: EndReason,
        /// For the person: what happened and what to do. Empty when it is the person who left.
        message: String,
    },
}

/// How a call ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EndReason {
    /// The person left.
    Left,
    /// A moderator removed the person.
    Removed,
    /// The same person joined from elsewhere.
    Replaced,
    /// The server let us go.
    Gone,
    /// The first join found no server.
    Unreachable,
    /// The first join found a server that is not surely the right one.
    Untrusted {
        /// Why.
        doubt: Doubt,
    },
    /// The server refused us.
    Refused {
        /// Why.
        code: ErrorCode,
    },
    /// This computer cannot make a call.
    Failed,
}

impl From<LeaveReason> for EndReason {
    fn from(reason: LeaveReason) -> Self {
        match reason {
            LeaveReason::Left => Self::Left,
            LeaveReason::Removed => Self::Removed,
            LeaveReason::Replaced => Self::Replaced,
            LeaveReason::Gone | LeaveReason::TimedOut => Self::Gone,
        }
    }
}

/// Which device is meant.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum MediaDevice {
    /// Pictures of the person.
    Camera,
    /// Sound of the person.
    Microphone,
    /// Sound of the others.
    Speaker,
    /// A shared screen or window.
    Screen,
}

/// Why a device does not work.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ProblemReason {
    /// The system forbids it.
    Blocked,
    /// There is none, or not this one.
    Missing,
    /// Another program has it.
    Busy,
    /// It went away while it was in use.
    Lost,
    /// Anything else.
    Failed,
}

/// What we send, as the person set it. Kept through reconnects.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, TS)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own in the window")]
pub struct LocalMedia {
    /// A microphone is open.
    pub microphone_on: bool,
    /// Nothing of the microphone leaves this computer.
    pub microphone_muted: bool,
    /// A camera is open and sent.
    pub camera_on: bool,
    /// A screen is open and sent.
    pub sharing: bool,
    /// The hand is up.
    pub hand_raised: bool,
}

/// Something happened.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, TS)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum CallEvent {
    /// The connection's state changed.
    State {
        /// The new one.
        state: CallState,
    },
    /// Joined, or joined again after the network was away: replaces all that was known of the room.
    Joined {
        /// Who we are.
        me: ParticipantId,
        /// The room.
        code: RoomCode,
        /// The room's title; may be empty.
        room_name: String,
        /// To give away.
        link: String,
        /// Our role.
        role: Role,
        /// Our rights.
        grants: Grants,
        /// Everybody, us included, in the order of joining.
        participants: Vec<ParticipantInfo>,
        /// The newest page of the chat, oldest first.
        chat: Vec<ChatMessage>,
        /// It is not the first time in this call.
        again: bool,
    },
    /// Somebody joined.
    ParticipantJoined {
        /// Who.
        participant: ParticipantInfo,
    },
    /// Something about somebody changed.
    ParticipantUpdated {
        /// Who, as they are now.
        participant: ParticipantInfo,
    },
    /// Somebody left.
    ParticipantLeft {
        /// Who.
        participant: ParticipantId,
        /// Their name, which is no longer in the list.
        name: String,
        /// Why.
        reason: LeaveReason,
    },
    /// A chat message was stored. Ours come this way too.
    Chat {
        /// The message.
        message: ChatMessage,
        /// Our own number of it, when it is ours.
        local_id: Option<u32>,
    },
    /// A line of ours is on its way.
    ChatPending {
        /// Our own number of it.
        local_id: u32,
        /// What was written.
        content: String,
        /// The connection is away: it waits and goes out when we are back.
        offline: bool,
    },
    /// A line of ours was not taken.
    ChatRefused {
        /// Our own number of it; `None` when it was not even taken up.
        local_id: Option<u32>,
        /// What was written.
        content: String,
        /// For programs: what the server said, or what it would have; `None` when too many lines wait already.
        code: Option<ErrorCode>,
        /// For the person.
        why: String,
    },
    /// Older messages that were asked for, oldest first.
    ChatHistory {
        /// The page.
        messages: Vec<ChatMessage>,
        /// There are older ones.
        more: bool,
    },
    /// Who speaks, loudest first.
    Speaking {
        /// Loudest first; empty when nobody does.
        participants: Vec<ParticipantId>,
    },
    /// Somebody reacted, maybe this person.
    Reaction {
        /// Who.
        participant: ParticipantId,
        /// How.
        reaction: Reaction,
    },
    /// Whose packets do not come through well; who is not named is well.
    Quality {
        /// In no order.
        people: Vec<PersonQuality>,
    },
    /// Whose pictures come at present.
    Tiles {
        /// All of them.
        tiles: Vec<TileKey>,
    },
    /// About ten times a second while a microphone is open; never leaves this computer while muted.
    MicrophoneLevel {
        /// 0 (loudest) to 127 (silence), in dB below full scale (RFC 6464).
        level: u8,
        /// Somebody speaks into it.
        voice: bool,
    },
    /// The person speaks while muted. Said at most once in ten seconds.
    TalkingWhileMuted,
    /// What we send changed.
    Local {
        /// All of it.
        media: LocalMedia,
    },
    /// A device failed; the call goes on.
    DeviceProblem {
        /// Which.
        device: MediaDevice,
        /// For programs.
        reason: ProblemReason,
        /// For the person: what happened and what is used instead.
        message: String,
    },
    /// A device that was taken away is back and in use again.
    DeviceRestored {
        /// Which.
        device: MediaDevice,
        /// Its name for people.
        name: String,
    },
    /// The list of devices changed: something was plugged in or out.
    DevicesChanged,
    /// The server refused something we asked for.
    Refused {
        /// For programs.
        code: ErrorCode,
        /// For the person.
        message: String,
    },
    /// The figures of the last second, when the config asks for them.
    Stats {
        /// The figures.
        stats: Box<CallStats>,
    },
}

//! What everybody in a room knows of one person, and of one chat message.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::grants::Role;
use crate::ids::{ChatMessageId, ParticipantId};
use crate::media::PublishedTrack;

/// How well the server reaches a person.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Connection {
    /// Joined, media path not up yet.
    Connecting,
    /// Packets come.
    Connected,
    /// Nothing came for over two seconds; the place is kept for [`crate::Limits::rejoin_window_ms`].
    Rejoining,
}

/// Why a person left.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum LeaveReason {
    /// Pressed leave.
    Left,
    /// The program ended or was killed.
    Gone,
    /// The network stayed away longer than the rejoin window.
    TimedOut,
    /// The same person joined from elsewhere.
    Replaced,
    /// A moderator removed them.
    Removed,
}

/// A person in a room.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct ParticipantInfo {
    /// Who.
    pub id: ParticipantId,
    /// Shown name.
    pub name: String,
    /// Role at present.
    pub role: Role,
    /// Tracks sent at present.
    pub tracks: Vec<PublishedTrack>,
    /// Since when the hand is up, milliseconds since 1970 UTC; `None` when it is down. The order of hands.
    pub hand_raised_at: Option<u64>,
    /// Reached or not.
    pub connection: Connection,
    /// When the person joined, milliseconds since 1970 UTC.
    pub joined_at: u64,
}

/// A reaction to what is being said. Programs draw them as they like.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Reaction {
    /// Yes.
    ThumbsUp,
    /// No.
    ThumbsDown,
    /// Applause.
    Clap,
    /// Thanks.
    Heart,
    /// That was funny.
    Laugh,
    /// That was not expected.
    Surprise,
    /// A reason to celebrate.
    Celebrate,
}

impl Reaction {
    /// All, in the order programs offer them.
    pub const ALL: [Self; 7] =
        [Self::ThumbsUp, Self::Clap, Self::Heart, Self::Laugh, Self::Surprise, Self::Celebrate, Self::ThumbsDown];

    /// As it is written in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ThumbsUp => "thumbs_up",
            Self::ThumbsDown => "thumbs_down",
            Self::Clap => "clap",
            Self::Heart => "heart",
            Self::Laugh => "laugh",
            Self::Surprise => "surprise",
            Self::Celebrate => "celebrate",
        }
    }
}

/// How well a person's packets come through.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Quality {
    /// Nothing to say.
    #[default]
    Good,
    /// Pictures are smaller or stutter, sound is fine.
    Weak,
    /// Sound suffers.
    Bad,
}

/// A person whose packets do not come through well.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct PersonQuality {
    /// Who.
    pub participant: ParticipantId,
    /// How well.
    pub quality: Quality,
}

/// A chat message as it is stored and sent. Text only: no markup is interpreted by the server.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct ChatMessage {
    /// Given by the server.
    pub id: ChatMessageId,
    /// The conversation: for a meeting its room code.
    pub conversation_id: String,
    /// Who wrote it.
    pub user_id: ParticipantId,
    /// The writer's name at that time.
    pub username: String,
    /// What was written.
    pub content: String,
    /// Always `text` so far.
    pub content_type: String,
    /// When the server took it, milliseconds since 1970 UTC.
    pub timestamp: u64,
}

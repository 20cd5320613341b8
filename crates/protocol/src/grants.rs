//! Who may do what. Roles are names for sets of [`Grants`]; a token carries the grants themselves, default deny.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::ids::{ParticipantId, RoomCode};

/// What a person is in a meeting.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Started the meeting; may do everything.
    Host,
    /// Helps the host.
    CoHost,
    /// May share a screen where others may not.
    Presenter,
    /// Everybody else who talks.
    Participant,
    /// Watches and listens.
    Viewer,
}

/// Rights in one room. A field that is absent is a right that is not given.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, TS)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "each grant is given or not, on its own")]
pub struct Grants {
    /// Send microphone and camera.
    pub publish: bool,
    /// Send a screen.
    pub share_screen: bool,
    /// Receive media of others.
    pub subscribe: bool,
    /// Write in the chat.
    pub chat: bool,
    /// Raise a hand.
    pub hand: bool,
    /// Steer other people's media and membership.
    pub moderate: bool,
}

impl Role {
    /// The rights that come with a role.
    pub fn grants(self) -> Grants {
        match self {
            Self::Host | Self::CoHost => {
                Grants { publish: true, share_screen: true, subscribe: true, chat: true, hand: true, moderate: true }
            }
            Self::Presenter | Self::Participant => {
                Grants { publish: true, share_screen: true, subscribe: true, chat: true, hand: true, moderate: false }
            }
            Self::Viewer => Grants { subscribe: true, chat: true, hand: true, ..Grants::default() },
        }
    }
}

/// What a signed join token says (JWT, RFC 7519). It names one person in one room and nothing else.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinClaims {
    /// The room it opens.
    pub room: RoomCode,
    /// The person it stands for.
    pub sub: ParticipantId,
    /// The name shown to others; a join message may give another.
    pub name: String,
    /// The person's role.
    pub role: Role,
    /// The person's rights.
    pub grants: Grants,
    /// Issued at, seconds since 1970 UTC.
    pub iat: u64,
    /// Expires at, seconds since 1970 UTC.
    pub exp: u64,
    /// The server that issued it; a token of another server is refused.
    pub iss: String,
}

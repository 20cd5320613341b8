//! Identifiers. Each is a type of its own so that one cannot stand in for another.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use ts_rs::TS;
use uuid::Uuid;

use crate::link::{LinkError, parse_code};

/// One person (or bot, or recorder) in one room. UUID version 7, so it sorts by the time of joining. It stays the same
/// through reconnects, because the join token carries it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize, TS)]
#[ts(type = "string")]
#[serde(transparent)]
pub struct ParticipantId(pub Uuid);

impl ParticipantId {
    /// A new id, unique in time and place.
    #[expect(clippy::new_without_default, reason = "two calls give two different ids")]
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }
}

impl fmt::Display for ParticipantId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl FromStr for ParticipantId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// One chat message. UUID version 7, given by the server, so ids sort in the order of acceptance.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize, TS)]
#[ts(type = "string")]
#[serde(transparent)]
pub struct ChatMessageId(pub Uuid);

impl ChatMessageId {
    /// A new id, unique in time and place.
    #[expect(clippy::new_without_default, reason = "two calls give two different ids")]
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }
}

impl fmt::Display for ChatMessageId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// Chosen by the client, unique among its open requests; the answer (or the error) repeats it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize, TS)]
#[serde(transparent)]
pub struct RequestId(pub u32);

/// The code of a room: words and a number, as in `kestrel-lane-27`. Always valid and in lower case once it exists.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize, TS)]
#[ts(type = "string")]
#[serde(try_from = "String", into = "String")]
pub struct RoomCode(String);

impl RoomCode {
    /// The code as people write it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn from_checked(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Display for RoomCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for RoomCode {
    type Err = LinkError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_code(text)
    }
}

impl TryFrom<String> for RoomCode {
    type Error = LinkError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        parse_code(&text)
    }
}

impl From<RoomCode> for String {
    fn from(code: RoomCode) -> Self {
        code.0
    }
}

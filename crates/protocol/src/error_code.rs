//! Stable error codes. The code is for programs, the message beside it for people.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Why a message was refused. Codes are never renamed or reused.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// Not JSON, not an object, or a field is missing or of the wrong type.
    MalformedMessage,
    /// The `event_type` is not one this server knows.
    UnknownMessage,
    /// The message is larger than the limit for its kind.
    MessageTooLarge,
    /// A field has a value outside its range; `field` names it.
    InvalidField,
    /// More messages per second than allowed.
    RateLimited,
    /// The client speaks another protocol version.
    VersionMismatch,
    /// No token where one is needed.
    TokenRequired,
    /// The token's signature, issuer or form is wrong.
    TokenInvalid,
    /// The token was valid once.
    TokenExpired,
    /// The token is for another room.
    TokenForeign,
    /// The grant for this is missing.
    NotAllowed,
    /// This server is unclaimed and the caller is neither local nor has the host key.
    HostKeyRequired,
    /// The server takes encrypted connections only, and this one is plain.
    EncryptionRequired,
    /// No room has this code.
    RoomNotFound,
    /// The room has as many people as it may.
    RoomFull,
    /// The server takes nobody else at the moment.
    ServerFull,
    /// The server is about to stop.
    Draining,
    /// A message that needs a joined call came before the join.
    NotJoined,
    /// A second join on a connection that has joined.
    AlreadyJoined,
    /// The session to resume is gone; join anew with the same token.
    SessionGone,
    /// The offer could not be read or does not fit.
    SdpInvalid,
    /// The track is not one that was offered.
    TrackUnknown,
    /// The same person joined from elsewhere and this connection is replaced.
    Replaced,
    /// The server failed; the details are in its log under the connection's id.
    Internal,
}

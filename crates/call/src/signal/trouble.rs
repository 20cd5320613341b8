//! Why the network is away: one list, for programs and for people.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Why the network is away. The words are for the person; a window in another language has its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, TS, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// The socket ended.
    #[error("The connection to the server was lost.")]
    ServerLost,
    /// The socket is there, and nobody answers on it.
    #[error("The server does not answer.")]
    ServerSilent,
    /// An answer came, and no packet after it.
    #[error("No media comes from the server. UDP to it may be blocked.")]
    UdpBlocked,
    /// Packets came and come no more.
    #[error("Nothing comes from the server any more.")]
    MediaSilent,
    /// ICE found no way.
    #[error("The network does not carry the call.")]
    NetworkDown,
    /// There is no transport any more.
    #[error("The media connection is gone.")]
    MediaLost,
    /// The server closed the transport.
    #[error("The server closed the media connection.")]
    MediaClosed,
    /// No new transport could be made.
    #[error("The media connection could not be made anew.")]
    MediaFailed,
    /// The server has given our place up.
    #[error("The network was away for too long.")]
    AwayTooLong,
}

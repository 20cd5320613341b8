//! Why the network is away, or a server is not spoken with: one list each, for programs and for people.

use std::fmt;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Why the network is away. The words are for the person; a window in another language has its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, TS, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// The socket ended.
    #[error("The connection to the server was lost.")]
    ServerLost,
    /// The server said goodbye: it ends, and comes back when whoever runs it starts it again.
    #[error("The server was stopped.")]
    ServerStopped,
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

/// Why a server that answers is not taken for the one that is meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Doubt {
    /// Nobody this computer trusts vouches for its certificate, and no fingerprint was given.
    Unknown,
    /// Its certificate is not the one the fingerprint names.
    Another,
}

/// Why no socket came about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NoSocket {
    /// There is a server, but not surely the right one.
    pub doubt: Option<Doubt>,
    /// For the person.
    pub why: String,
}

impl From<String> for NoSocket {
    fn from(why: String) -> Self {
        Self { doubt: None, why }
    }
}

impl From<&str> for NoSocket {
    fn from(why: &str) -> Self {
        why.to_owned().into()
    }
}

impl fmt::Display for NoSocket {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.why)
    }
}

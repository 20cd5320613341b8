//! The way round networks that let no UDP through.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// The server's relay, and credentials for it: what a browser puts into `RTCConfiguration.iceServers`. It relays to the
/// server's own media addresses only.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct RelayAccess {
    /// `turn:` and `turns:` addresses (RFC 7065), the better ways first.
    pub urls: Vec<String>,
    /// For the relay; ends with the credential.
    pub username: String,
    /// For the relay; keep it secret.
    pub credential: String,
    /// How long both are good for from now. What began with them may go on.
    pub expires_in_seconds: u32,
}

//! Limits both ends know. The server's configuration may lower them; the defaults are the protocol's.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Limits of one server, told in its welcome so that a client can check before it sends.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct Limits {
    /// Largest WebSocket message without SDP, bytes.
    pub message_bytes: u32,
    /// Largest WebSocket message that carries SDP, bytes.
    pub sdp_message_bytes: u32,
    /// Longest display name, Unicode scalar values.
    pub name_chars: u32,
    /// Longest chat message, Unicode scalar values.
    pub chat_chars: u32,
    /// People in one room.
    pub room_participants: u32,
    /// Tiles in one `call.view`.
    pub view_tiles: u32,
    /// Chat messages in one page of history.
    pub chat_page: u32,
    /// Messages per second and connection, averaged over five seconds; more are refused, not queued.
    pub messages_per_second: u32,
    /// How long a member whose network went away stays in the room, milliseconds.
    pub rejoin_window_ms: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_bytes: 64 * 1024,
            sdp_message_bytes: 256 * 1024,
            name_chars: 64,
            chat_chars: 4_000,
            room_participants: 100,
            view_tiles: 49,
            chat_page: 100,
            messages_per_second: 40,
            rejoin_window_ms: 15_000,
        }
    }
}

//! Video to the window: a WebSocket on loopback that carries I420 pictures to the one canvas under all tiles.
//!
//! ```text
//! decoder threads --frame()--> Board (newest picture per tile) --wake--> writer task --binary message--> webview
//!                                                                 ^-- {"tiles": [...]}: what is visible, how large --'
//! ```
//!
//! Invariant: at most one picture per tile waits. A slow window skips pictures; it never makes a decoder wait and never
//! sees an old picture after a newer one.

mod board;
mod packing;
mod socket;

pub use board::Board;
pub use socket::FrameServer;

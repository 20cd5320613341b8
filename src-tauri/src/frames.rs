//! Video to the window: a WebSocket on loopback that carries I420 pictures to the one canvas under all tiles.
//!
//! ```text
//! decoder threads --frame()--> Board (newest picture per tile) --wake--> writer task --binary message--> webview
//!                                                                 ^-- {"tiles": [...]}: what is visible, how large --'
//! ```
//!
//! Where the processor draws everything, pictures do not go through the page: `into_page` draws them where the page says
//! over the same socket.
//!
//! Invariant: at most one picture per tile waits. A slow window skips pictures; it never makes a decoder wait and never
//! sees an old picture after a newer one.

mod board;
mod easel;
#[cfg(target_os = "linux")]
mod into_page;
mod key_color;
mod packing;
mod scene;
mod socket;

pub use board::Board;
pub use easel::SharedEasel;
#[cfg(target_os = "linux")]
pub use into_page::attach;
pub use socket::FrameServer;

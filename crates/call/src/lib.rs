//! The native call engine: capture, encode, send; receive, decode, render; signaling and devices. No window system.
//!
//! Begin at [`engine::join`]: it takes a [`CallConfig`], gives a [`CallHandle`] and the call's events, and hands decoded
//! pictures to the [`VideoSink`] of the config. [`preview`] shows devices before a call.
//!
//! The way of a packet: [`capture`] -> [`send`] -> [`transport`] == wire == [`transport`] -> [`receive`] -> [`sink`] and
//! [`playback`].

pub mod capture;
pub mod devices;
pub mod engine;
mod mailbox;
pub mod playback;
pub mod preview;
pub mod receive;
pub mod send;
pub mod signal;
pub mod sink;
pub mod stats;
pub mod tls;
pub mod transport;
pub mod typescript;

pub use engine::config::{CallConfig, Processing, View};
pub use engine::event::{CallEvent, CallState, EndReason, LocalMedia, MediaDevice, ProblemReason, TileKey};
pub use engine::handle::CallHandle;
pub use engine::join;
pub use signal::{Doubt, Trouble};
pub use sink::{AudioTap, NoSink, ReceivedFrame, VideoSink};
pub use stats::CallStats;

//! Layers of video payloads, as an SFU reads and forwards them: what browsers and encoders really send, and simulated
//! senders whose frames say what they need.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod any_bytes;
mod browser;
mod decoder;
mod descriptor_sender;
mod disorder;
mod forwarding;
mod random;
mod sender;
mod vpx_sender;

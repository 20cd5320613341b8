//! The forwarding core against str0m clients, in virtual time.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod bad_input;
mod calls;
mod client;
mod lab;
mod liveness;
mod pictures;
mod repair;
mod voices;

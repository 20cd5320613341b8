//! The forwarding core against str0m clients, in virtual time.

mod bad_input;
mod calls;
mod client;
mod lab;
mod liveness;
mod pictures;
mod repair;
mod voices;

//! The server as its clients meet it: a real server on a free port, real sockets, real media offers.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

mod admission;
mod bad_input;
mod chat;
mod client;
mod connections;
mod host_key;
mod http;
mod liveness;
mod meetings;
mod peer;
mod program;
mod relay;
mod tls;
mod tokens;
mod world;

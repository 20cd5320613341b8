//! Confab's server: signaling, rooms, chat and media forwarding in one process, without any configuration.
//!
//! ```text
//! doors (HTTP, WebSocket) -> gate (tokens, limits) -> rooms (one task each) -> store (SQLite)
//!                                                        '-> media (one thread per core, UDP)
//! ```
//!
//! [`Server::start`] runs it inside any tokio program; the binary adds a command line, logging and signals.
//!
//! # Invariants
//!
//! - A slow or broken connection never makes another wait: outboxes are bounded, and whoever lets theirs overflow loses
//!   the connection.
//! - A refused message is answered with a typed error, counted, and noticed by nobody else.
//! - Nothing is buffered beyond the protocol's largest message; every connection has a time limit at every step.
//! - Addresses, tokens, names and chat texts reach no log line.

mod config;
mod doors;
mod gate;
mod lifecycle;
pub mod media;
mod relay;
mod rooms;
mod store;
mod telemetry;

pub use config::{Config, HttpsAddress, LogFormat, NotHttps, default_data_dir};
pub use doors::tls::TlsError;
pub use lifecycle::{KeyError, Server, StartError, StopWish, StopWishes};
pub use store::StoreError;
pub use telemetry::{LoggingError, start_logging};

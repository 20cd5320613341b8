//! What goes over Confab's wires and over the app's bridge: ids, messages, grants, limits, error codes and links.
//!
//! Client and server meet only here. Everything is plain data with `serde`; the TypeScript the window uses is made
//! from these types by [`typescript::generate`], and a test fails when the generated file is out of step.
//!
//! The envelope is one JSON object per WebSocket text message, told apart by its `event_type`. The names outside
//! `call.*` and `meeting.*` are those of the real-time service Confab replaces.

pub mod error_code;
pub mod grants;
pub mod ids;
pub mod limits;
pub mod link;
mod link_words;
pub mod media;
pub mod message;
pub mod participant;
pub mod relay;
pub mod typescript;

pub use error_code::ErrorCode;
pub use grants::{Grants, JoinClaims, Role};
pub use ids::{ChatMessageId, ParticipantId, RequestId, RoomCode};
pub use limits::Limits;
pub use link::{LinkError, MeetingLink};
pub use media::{Layer, PublishedTrack, SlotAssignment, SlotKind, SourceKind, TileRequest, TrackKind, TrackOffer};
pub use message::{ClientMessage, ServerMessage};
pub use participant::{ChatMessage, Connection, LeaveReason, ParticipantInfo, PersonQuality, Quality, Reaction};
pub use relay::RelayAccess;

/// Version of the messages in this crate. A server refuses a join of another major version with
/// [`ErrorCode::VersionMismatch`]; adding optional fields or messages does not change it.
pub const PROTOCOL_VERSION: u32 = 1;

/// Path of the WebSocket on the server's main port.
pub const WEBSOCKET_PATH: &str = "/ws";

/// The TCP port a server listens on when nothing else is said.
pub const DEFAULT_PORT: u16 = 8003;

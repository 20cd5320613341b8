//! Signaling: one WebSocket, its requests, and what happens when it breaks.
//!
//! [`life`] decides and has neither socket nor clock; [`socket`] is the thin edge that connects, reads and writes.

pub mod backoff;
pub mod create;
pub mod life;
pub mod outbox;
pub mod requests;
pub mod socket;
pub mod trouble;

pub use create::{CreateError, CreatedRoom, create_room};
pub use trouble::{Doubt, NoSocket, Trouble};

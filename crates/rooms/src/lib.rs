//! Meeting rooms as pure state machines: a [`Command`] and the time go in, a list of [`Effect`]s comes out.
//!
//! ```text
//! doors -> Command --> Room::handle(now, command) --> Vec<Effect> -> doors (messages), media (tracks, views), store (chat)
//!                            ^
//!          media events -----'      Room::next_deadline() says when to send Command::Tick
//! ```
//!
//! Nothing here reads a clock, a socket or a file; the server's room task does, and carries the effects out in order.
//!
//! # Invariants
//!
//! - **One session, one person.** A session drives at most one member, and a member has at most one session.
//! - **One person, once.** A participant id appears at most once in a room; a second join with it replaces the first
//!   session and nobody sees a second person.
//! - **Capacity.** Members and people on their way in never exceed [`RoomConfig::capacity`]; somebody who has a place
//!   is never refused for lack of one.
//! - **Same story for all.** Whoever starts from the list in their [`Effect::Joined`] and applies every message sent
//!   to them afterwards has the same list of people as the room.
//! - **Default deny.** What a member's [`Grants`](confab_protocol::Grants) do not name has no effect beyond an error to
//!   the sender; see [`permissions`].
//! - **Acknowledged means stored.** A chat message reaches people only after [`Command::ChatStored`].
//! - **Nobody stays for ever.** A member without media or without a session leaves when the deadline of that state is
//!   reached, and [`Room::next_deadline`] names the earliest.
//! - **One media operation per person at a time**, so answers cannot be taken for one another.

mod admission;
mod chat;
mod command;
mod connection;
mod effect;
mod member;
pub mod permissions;
mod room;
mod text;
mod tracks;

pub use command::{Command, JoinRequest, Now, Refusal, SessionEnd, SessionId};
pub use effect::{Effect, MediaPurpose, TrackState};
pub use member::Member;
pub use room::{Room, RoomConfig};
pub use text::clean_name;

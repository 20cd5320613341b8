//! Rooms through their public interface: behaviour by behaviour, and random plans against the promises of the crate.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

mod admission;
mod connection;
mod media_news;
mod random_plans;
mod talking;
mod world;

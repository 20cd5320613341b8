//! Rooms through their public interface: behaviour by behaviour, and random plans against the promises of the crate.

mod admission;
mod connection;
mod media_news;
mod random_plans;
mod talking;
mod world;

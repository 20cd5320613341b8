//! A seeded network emulator.
//!
//! Two layers, the upper built on the lower:
//!
//! - **Virtual time.** [`Impairment`] decides what happens to each packet of one direction: when it arrives, whether it
//!   arrives, how often. [`Link`] holds the packets until then. Neither reads a clock; the same seed and the same calls
//!   give the same result on every machine and in every release.
//! - **[`Relay`].** Stands between one client and a server on this computer and applies an [`Impairment`] to each
//!   direction, for the media datagrams as well as for the signaling connection. Its profile changes while it runs.
//!
//! An impairment that did not happen proves nothing, so [`Counters`] say what happened, and tests assert them.

mod counters;
mod impairment;
mod link;
mod loss;
mod profile;
mod profile_text;
mod random;
pub mod relay;

pub use counters::Counters;
pub use impairment::{Arrivals, DropCause, Impairment, Verdict};
pub use link::Link;
pub use loss::Loss;
pub use profile::{Profile, RateLimit, Reordering};
pub use profile_text::ProfileError;
pub use relay::{Relay, RelayConfig, RelayError};

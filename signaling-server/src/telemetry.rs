//! What the server tells about itself: logs and counters. Neither holds an address, a token or a chat text.

mod admission;
mod counters;
mod logging;
mod prometheus;

pub(crate) use admission::Admission;
pub(crate) use counters::{Counter, Counters};
pub use logging::{LoggingError, start_logging};
pub(crate) use prometheus::{Media, exposition};

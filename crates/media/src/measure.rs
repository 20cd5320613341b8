//! Known sources and the instruments that compare what arrived with what was sent.

pub mod correlation;
pub mod pattern;
pub mod quality;
pub mod speech;

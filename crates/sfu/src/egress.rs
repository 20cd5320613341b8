//! What goes out to a member: its receive slots, their numbers, their protection, repairs and reports.

pub(crate) mod again;
pub(crate) mod downlink;
pub(crate) mod fan_out;
pub(crate) mod forward;
pub(crate) mod late;
pub(crate) mod leave;
pub(crate) mod outlet;
pub(crate) mod repair;
pub(crate) mod reports;
pub(crate) mod rewrite;
pub(crate) mod slot;

//! The congestion controller and the burst pacer at a server's downlink, in virtual time over impaired links.
//!
//! `CONFAB_FULL=1` runs every seed the promises name, otherwise a sample of them.

mod cost;
mod counting_allocator;
mod course;
mod downlink;
mod pacing;
mod promises;
mod robustness;
mod sender;
mod terms;

/// The seeds of a promise: 50, or 1,000 in the full tier.
fn seeds() -> std::ops::Range<u64> {
    let full = std::env::var_os("CONFAB_FULL").is_some_and(|value| value != "0");
    if full { 0..1000 } else { 0..50 }
}

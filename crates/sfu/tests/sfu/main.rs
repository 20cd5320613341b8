//! The forwarding core against str0m clients, in virtual time.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod bad_input;
mod calls;
mod client;
mod hostile;
mod lab;
mod liveness;
mod pictures;
mod repair;
mod replay;
mod script;
mod voices;

/// Rooms on several cores.
mod relays {
    mod bytes;
    mod calls;
    mod cores;
    mod extensions;
    mod layers;
    mod leaving;
    mod repair;
    mod timing;
}

/// Whole calls over impaired networks, over many seeds.
mod networks {
    mod caps;
    mod losses;
    mod rebinding;
    mod watching;

    /// The seeds of a test: a few, or so many in the full tier (`CONFAB_FULL=1`).
    fn seeds(quick: u64, full: u64) -> std::ops::Range<u64> {
        let is_full = std::env::var_os("CONFAB_FULL").is_some_and(|value| value != "0");
        0..if is_full { full } else { quick }
    }
}

//! The forwarding core against str0m clients, in virtual time.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod bad_input;
mod calls;
mod client;
mod growth;
mod hostile;
mod lab;
mod liveness;
mod pictures;
mod repair;
mod replay;
mod script;
mod viewer;
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

/// Senders with layers inside their streams.
mod layers {
    mod cameras;
    mod film;
    mod thin_lines;
}

// The encoders of confab-rtp's tests, which know what each of their frames needs.
#[allow(dead_code, reason = "only some of them are used here")]
#[path = "../../../rtp/tests/codec/descriptor_sender.rs"]
mod descriptor_sender;
#[path = "../../../rtp/tests/codec/random.rs"]
mod random;
#[allow(dead_code, reason = "only some of its fields are used here")]
#[path = "../../../rtp/tests/codec/sender.rs"]
mod sender;
#[path = "../../../rtp/tests/codec/vpx_sender.rs"]
mod vpx_sender;

/// Whole calls over impaired networks, over many seeds.
mod networks {
    mod caps;
    mod losses;
    mod rebinding;
    mod repairs;
    mod watching;

    /// The seeds of a test: a few, or so many in the full tier (`CONFAB_FULL=1`).
    fn seeds(quick: u64, full: u64) -> std::ops::Range<u64> {
        let is_full = std::env::var_os("CONFAB_FULL").is_some_and(|value| value != "0");
        0..if is_full { full } else { quick }
    }
}

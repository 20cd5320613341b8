//! Every fuzz target for longer than the tests run it. What breaks one is in `tests/seeds` of its crate afterwards.

use crate::Outcome;
use crate::cargo;
use crate::process;

/// Seconds of each target when nothing else is said.
const SECONDS: u32 = 60;

/// Packages with their targets: a test program, and which of its tests.
const TARGETS: [(&str, &str, &str); 4] = [
    ("confab-protocol", "fuzz", ""),
    ("confab-rtp", "fuzz", ""),
    ("confab-sfu", "sfu", "script::"),
    ("confab-sfu", "sfu", "relays::bytes::"),
];

/// `cargo xtask fuzz [--seconds N]`.
pub fn fuzz(options: &[&str]) -> Outcome {
    let seconds = match options {
        [] => SECONDS,
        ["--seconds", number] => number.parse().map_err(|_| format!("{number} is no number of seconds"))?,
        _ => return Err("cargo xtask fuzz takes --seconds N".to_owned()),
    };
    for (package, program, tests) in TARGETS {
        let mut command = cargo::command();
        command.args(["test", "--package", package, "--test", program, "--", "--nocapture", tests]);
        process::run(command.env("CONFAB_FUZZ_SECONDS", seconds.to_string()))?;
    }
    Ok(())
}

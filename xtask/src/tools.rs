//! Cargo tools of pinned versions, built once into the cache.

use std::path::PathBuf;

use crate::process::{cache, run};
use crate::{Outcome, cargo};

/// Drives the window's webview for the tests (W3C WebDriver).
pub const TAURI_DRIVER: (&str, &str) = ("tauri-driver", "2.1.0");
/// Checks licences, sources and banned crates.
pub const CARGO_DENY: (&str, &str) = ("cargo-deny", "0.20.2");

/// The path of a tool, after building it if it is not there.
pub fn ensure((name, version): (&str, &str)) -> Outcome<PathBuf> {
    let folder = cache().join("tools").join(format!("{name}-{version}"));
    let program = folder.join("bin").join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    if !program.is_file() {
        println!("Building {name} {version}, once");
        let mut command = cargo::command();
        command
            .args(["install", "--quiet", "--locked", "--version", version, "--root"])
            .arg(&folder)
            .arg(name)
            .env("CARGO_TARGET_DIR", cache().join("tools/target"))
            .env("CARGO_PROFILE_RELEASE_LTO", "off")
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1");
        run(&mut command)?;
    }
    Ok(program)
}

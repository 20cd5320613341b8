//! Cargo with its output outside the clone, so that a fresh clone starts warm.

use std::path::PathBuf;
use std::process::Command;

use crate::process;

/// Cargo's output folder: `CARGO_TARGET_DIR`, or one under the user's cache.
pub fn target_dir() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| process::cache().join("target"), PathBuf::from)
}

/// A cargo command at the top of the repository.
pub fn command() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(process::root()).env("CARGO_TARGET_DIR", target_dir());
    // Set by the cargo that started xtask; they would make the inner cargo believe it builds xtask.
    for name in ["CARGO_MANIFEST_DIR", "CARGO_PKG_NAME", "CARGO_PKG_VERSION", "RUSTC_WRAPPER_DEPTH"] {
        command.env_remove(name);
    }
    command
}

/// The folder of finished programs of a profile.
pub fn programs(release: bool) -> PathBuf {
    target_dir().join(if release { "release" } else { "debug" })
}

/// A program of this workspace.
pub fn program(name: &str, release: bool) -> PathBuf {
    programs(release).join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}

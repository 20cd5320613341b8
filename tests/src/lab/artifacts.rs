//! Where experiments leave their files.

use std::path::PathBuf;

use super::error::{LabError, Outcome};
use super::programs;

/// An empty folder for the experiment of this name, under `CONFAB_ARTIFACTS` or beside the built programs.
pub(super) fn folder(name: &str) -> Outcome<PathBuf> {
    let root = match std::env::var_os("CONFAB_ARTIFACTS") {
        Some(folder) => PathBuf::from(folder),
        None => programs::folder()?.join("artifacts"),
    };
    let folder = root.join(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).map_err(|error| LabError::io(folder.display().to_string(), error))?;
    }
    std::fs::create_dir_all(&folder).map_err(|error| LabError::io(folder.display().to_string(), error))?;
    Ok(folder)
}

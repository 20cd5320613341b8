//! The programs under test.

use std::path::PathBuf;

use super::error::{LabError, Outcome};

/// The folder of the built programs: `CONFAB_PROGRAMS`, else the folder this test was built into.
pub(super) fn folder() -> Outcome<PathBuf> {
    if let Some(folder) = std::env::var_os("CONFAB_PROGRAMS") {
        return Ok(folder.into());
    }
    let own = std::env::current_exe().map_err(|error| LabError::io("the path of this test", error))?;
    // Programs stand in target/PROFILE, tests in target/PROFILE/deps.
    let folder = own.parent().filter(|folder| folder.ends_with("deps")).and_then(|folder| folder.parent());
    folder.or(own.parent()).map(PathBuf::from).ok_or_else(|| LabError::MissingProgram(own.clone()))
}

/// A program of this workspace, by its name.
///
/// # Errors
/// [`LabError::MissingProgram`] when it has not been built.
pub fn program(name: &str) -> Outcome<PathBuf> {
    let path = folder()?.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    if path.is_file() { Ok(path) } else { Err(LabError::MissingProgram(path)) }
}

/// A program of the system, by its name.
///
/// # Errors
/// [`LabError::MissingTool`] when there is none.
pub(super) fn tool(name: &str) -> Outcome<PathBuf> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&folders).map(|folder| folder.join(name)).find(|path| path.is_file());
    found.ok_or_else(|| LabError::MissingTool(name.into()))
}

/// The bridge between `WebDriver` and the desktop window; `cargo xtask test` installs it and names it here.
///
/// # Errors
/// [`LabError::MissingTool`] when there is none.
pub fn tauri_driver() -> Outcome<PathBuf> {
    match std::env::var_os("CONFAB_TAURI_DRIVER") {
        Some(path) => Ok(path.into()),
        None => tool("tauri-driver"),
    }
}

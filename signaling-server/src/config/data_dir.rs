//! Where a server keeps its data when nothing else is said.

use std::env;
use std::path::PathBuf;

/// The platform's folder for this user's application data, plus `confab-server`: `$XDG_DATA_HOME` or `~/.local/share`
/// on Linux, `~/Library/Application Support` on macOS, `%LOCALAPPDATA%` on Windows. `None` when the system names no
/// such folder.
pub fn default_data_dir() -> Option<PathBuf> {
    let folder = |variable: &str| env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = if cfg!(windows) {
        folder("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        folder("HOME").map(|home| home.join("Library/Application Support"))
    } else {
        folder("XDG_DATA_HOME").or_else(|| folder("HOME").map(|home| home.join(".local/share")))
    };
    base.map(|base| base.join("confab-server"))
}

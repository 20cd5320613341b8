//! What the app remembers, as one JSON file in the user's configuration folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::contract::{BridgeError, NativeCode, Settings};

/// The settings and where they are kept. A file that cannot be read is kept beside the new one, not overwritten.
pub struct SettingsStore {
    path: PathBuf,
    current: Mutex<Settings>,
}

impl SettingsStore {
    /// Reads `settings.json` in `folder`; defaults when there is none.
    pub fn open(folder: &Path) -> Self {
        let path = folder.join("settings.json");
        let current = match fs::read_to_string(&path) {
            Ok(text) => serde_json::from_str(&text).unwrap_or_else(|error| {
                tracing::warn!(%error, "settings cannot be read; they are kept as settings.unreadable.json");
                let _ = fs::rename(&path, folder.join("settings.unreadable.json"));
                Settings::default()
            }),
            Err(_) => Settings::default(),
        };
        Self { path, current: Mutex::new(current.checked()) }
    }

    /// A copy of what is remembered.
    pub fn get(&self) -> Settings {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Remembers other settings.
    ///
    /// # Errors
    /// When the file cannot be written; the settings hold until the app ends.
    pub fn set(&self, settings: Settings) -> Result<(), BridgeError> {
        let settings = settings.checked();
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if *current == settings {
            return Ok(());
        }
        *current = settings;
        self.write(&current)
    }

    /// Written beside and renamed, so that a crash leaves the old or the new file.
    fn write(&self, settings: &Settings) -> Result<(), BridgeError> {
        let failed = |error: std::io::Error| {
            BridgeError::native(
                NativeCode::StorageFailed,
                format!("Your settings were not saved: {error}. They hold until Confab is closed."),
            )
        };
        let text = serde_json::to_string_pretty(settings).expect("settings are plain data");
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        let beside = self.path.with_extension("json.new");
        fs::write(&beside, text).map_err(failed)?;
        fs::rename(&beside, &self.path).map_err(failed)
    }
}

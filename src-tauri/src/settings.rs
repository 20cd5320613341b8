//! What the app remembers, as one JSON file in the user's configuration folder.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::Deserialize as _;
use serde_json::Value;

use crate::contract::{BridgeError, NativeCode, Settings};

/// The settings and where they are kept. A file that cannot be read, or not all of it, is kept beside the new one.
pub struct SettingsStore {
    path: PathBuf,
    current: Mutex<Settings>,
}

impl SettingsStore {
    /// Reads `settings.json` in `folder`; defaults when there is none, and for each field that cannot be read.
    pub fn open(folder: &Path) -> Self {
        let path = folder.join("settings.json");
        let current = match fs::read_to_string(&path) {
            Ok(text) => serde_json::from_str(&text).unwrap_or_else(|error| {
                tracing::warn!(%error, "not all settings can be read; the file is kept as settings.unreadable.json");
                let _ = fs::copy(&path, folder.join("settings.unreadable.json"));
                what_can_be_read(&text)
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Settings::default(),
            Err(error) => {
                tracing::warn!(%error, "the settings cannot be read; the file is kept as settings.unreadable.json");
                let _ = fs::copy(&path, folder.join("settings.unreadable.json"));
                Settings::default()
            }
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
        write_private(&beside, text.as_bytes()).map_err(failed)?;
        fs::rename(&beside, &self.path).map_err(failed)
    }
}

/// A host key is a secret: others on this computer do not read it.
fn write_private(path: &Path, content: &[u8]) -> std::io::Result<()> {
    // What a crash left keeps its own rights, so it is not written into.
    let _ = fs::remove_file(path);
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(content)
}

/// Field by field: one that a newer or older program wrote otherwise costs no other.
fn what_can_be_read(text: &str) -> Settings {
    let Ok(found) = serde_json::from_str::<Value>(text) else { return Settings::default() };
    let usual = serde_json::to_value(Settings::default()).expect("settings are plain data");
    let read = readable_part(found, &usual, &|value: &Value| Settings::deserialize(value).is_ok());
    Settings::deserialize(&read).unwrap_or_default()
}

/// All of `found` when `reads` takes it, else those of its parts that it takes, else what is `usual` there.
fn readable_part(found: Value, usual: &Value, reads: &dyn Fn(&Value) -> bool) -> Value {
    if reads(&found) {
        return found;
    }
    match (found, usual) {
        (Value::Object(found), Value::Object(known)) => {
            let mut parts = known.clone();
            for (name, value) in found {
                let reads_part = |part: &Value| {
                    let mut probe = known.clone();
                    probe.insert(name.clone(), part.clone());
                    reads(&Value::Object(probe))
                };
                let part = readable_part(value, known.get(&name).unwrap_or(&Value::Null), &reads_part);
                if reads_part(&part) {
                    parts.insert(name, part);
                }
            }
            Value::Object(parts)
        }
        (Value::Array(found), Value::Array(_)) => {
            Value::Array(found.into_iter().filter(|item| reads(&Value::Array(vec![item.clone()]))).collect())
        }
        (_, usual) => usual.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{DeviceChoice, Motion};

    #[test]
    fn a_field_that_cannot_be_read_has_its_default_and_all_others_stay() {
        let read = what_can_be_read(
            r#"{ "name": "Ada", "theme": "sepia", "language": 7, "motion": "reduced", "mirror": false, "text_size": "big",
                 "microphone_on": null, "camera_on": false, "not_ours": [1] }"#,
        );
        let usual = Settings::default();
        assert!(read.theme == usual.theme && read.language == usual.language && read.text_size == 100);
        assert!(read.name == "Ada" && read.motion == Motion::Reduced && !read.mirror && !read.camera_on);
        assert!(read.microphone_on, "the default of the field, not of its type");
    }

    #[test]
    fn of_lists_and_devices_only_the_part_that_cannot_be_read_is_lost() {
        let read = what_can_be_read(
            r#"{ "theme": "sepia",
                 "recent": [{ "code": "kestrel-lane-27", "title": "", "link": "", "joined_at": 1 }, { "code": 5 }],
                 "shortcuts": { "hand": "Ctrl+J", "chat": 9 },
                 "devices": { "camera": { "kind": "hologram" }, "microphone": { "kind": "device", "id": "mic" } } }"#,
        );
        assert_eq!(read.recent.iter().map(|meeting| meeting.code.as_str()).collect::<Vec<_>>(), ["kestrel-lane-27"]);
        assert_eq!(read.shortcuts.into_iter().collect::<Vec<_>>(), [("hand".to_owned(), "Ctrl+J".to_owned())]);
        assert!(read.devices.camera == DeviceChoice::Default);
        assert!(read.devices.microphone == DeviceChoice::Device { id: "mic".into() });
    }

    #[cfg(unix)]
    #[test]
    fn the_file_with_the_host_key_is_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = std::env::temp_dir().join(format!("confab-settings-{}", confab_protocol::ParticipantId::new()));
        let store = SettingsStore::open(&folder);
        let settings = Settings { host_key: "abcd-efgh-jkmn-pqrs".into(), ..Settings::default() };
        store.set(settings).expect("it is written");
        let rights = fs::metadata(folder.join("settings.json")).expect("it is there").permissions().mode();
        assert_eq!(rights & 0o077, 0, "{rights:o}");
        assert_eq!(SettingsStore::open(&folder).get().host_key, "abcd-efgh-jkmn-pqrs");
        let _ = fs::remove_dir_all(&folder);
    }

    #[test]
    fn what_is_no_settings_at_all_gives_the_defaults() {
        for text in ["", "[]", "7", "{", "null"] {
            assert!(what_can_be_read(text) == Settings::default(), "{text}");
        }
    }
}

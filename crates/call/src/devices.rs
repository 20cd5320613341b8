//! Which cameras, microphones, speakers and screens there are, and when that changes.

use std::fmt;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

mod alsa_names;
pub(crate) mod audio_host;
pub(crate) mod cameras;
pub(crate) mod stream_config;
mod watch;

pub use watch::watch;
pub(crate) use watch::when_removed;

/// A camera, microphone or speaker.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct DeviceInfo {
    /// Names the device across restarts of the program and, where the system knows it, across reconnects.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// Used when nobody chooses.
    pub is_default: bool,
}

/// What a [`ScreenInfo`] is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ScreenKind {
    /// All monitors together.
    Screen,
    /// One of several monitors.
    Monitor,
    /// A window.
    Window,
}

/// Something that can be shared.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct ScreenInfo {
    /// What [`crate::capture::ScreenChoice`] reads.
    pub id: String,
    /// Title of the window, or name of the monitor.
    pub title: String,
    /// What it is.
    pub kind: ScreenKind,
    /// Width in pixels at present.
    pub width: u32,
    /// Height in pixels at present.
    pub height: u32,
}

/// Everything that can be chosen.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, TS)]
pub struct DeviceList {
    /// Cameras in the system's order; the first is the default.
    pub cameras: Vec<DeviceInfo>,
    /// Microphones. Monitors of speakers are left out: they would send the others their own voices. They can still be
    /// opened by id.
    pub microphones: Vec<DeviceInfo>,
    /// Speakers and headphones.
    pub speakers: Vec<DeviceInfo>,
    /// Screens, monitors and windows; empty where none can be shared.
    pub screens: Vec<ScreenInfo>,
}

/// Kinds of devices that come and go.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum DeviceKind {
    /// Takes pictures.
    Camera,
    /// Takes sound.
    Microphone,
    /// Plays sound.
    Speaker,
}

impl fmt::Display for DeviceKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Camera => "camera",
            Self::Microphone => "microphone",
            Self::Speaker => "speaker",
        })
    }
}

/// What happened to a device.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum DeviceChangeKind {
    /// It was connected.
    Added,
    /// It was disconnected.
    Removed,
    /// It is the default from now on.
    BecameDefault,
}

/// A change of the devices.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct DeviceChange {
    /// What happened.
    pub change: DeviceChangeKind,
    /// What kind of device it is.
    pub kind: DeviceKind,
    /// The device.
    pub device: DeviceInfo,
}

impl DeviceList {
    /// The devices of a kind.
    pub fn of(&self, kind: DeviceKind) -> &[DeviceInfo] {
        match kind {
            DeviceKind::Camera => &self.cameras,
            DeviceKind::Microphone => &self.microphones,
            DeviceKind::Speaker => &self.speakers,
        }
    }

    /// What changed from `before` to `self`, removals first. Screens are not looked at.
    pub fn changes_since(&self, before: &Self) -> Vec<DeviceChange> {
        let mut changes = Vec::new();
        for kind in [DeviceKind::Camera, DeviceKind::Microphone, DeviceKind::Speaker] {
            let (old, new) = (before.of(kind), self.of(kind));
            let missing_in = |list: &[DeviceInfo], device: &DeviceInfo| !list.iter().any(|other| other.id == device.id);
            let mut note = |change, device: &DeviceInfo| {
                changes.push(DeviceChange { change, kind, device: device.clone() });
            };
            for device in old.iter().filter(|device| missing_in(new, device)) {
                note(DeviceChangeKind::Removed, device);
            }
            for device in new.iter().filter(|device| missing_in(old, device)) {
                note(DeviceChangeKind::Added, device);
            }
            let default = |list: &[DeviceInfo]| list.iter().find(|device| device.is_default).cloned();
            if let Some(now) = default(new)
                && default(old).is_none_or(|before| before.id != now.id)
            {
                note(DeviceChangeKind::BecameDefault, &now);
            }
        }
        changes
    }
}

/// Everything that can be chosen now. Takes up to a few hundred milliseconds: not for a thread that draws.
pub fn list() -> DeviceList {
    DeviceList { screens: crate::capture::list_screens().unwrap_or_default(), ..Snapshot::take().list }
}

/// Whether this microphone or speaker is there now. Asks the sound system only.
pub(crate) fn has_sound(kind: DeviceKind, id: &str) -> bool {
    let sound = audio_host::list();
    let shown = match kind {
        DeviceKind::Microphone => &sound.microphones,
        DeviceKind::Speaker => &sound.speakers,
        DeviceKind::Camera => return false,
    };
    shown.iter().any(|device| device.id == id) || sound.hidden.iter().any(|hidden| hidden == id)
}

/// What the watch compares.
pub(crate) struct Snapshot {
    /// What is shown, without screens and windows.
    pub list: DeviceList,
    /// Ids of sound devices that are not shown but may be in use.
    pub hidden: Vec<String>,
}

impl Snapshot {
    fn take() -> Self {
        let (list, hidden) = without_screens();
        Self { list, hidden }
    }

    /// Whether a device is there, shown or not.
    pub(crate) fn has(&self, kind: DeviceKind, id: &str) -> bool {
        self.list.of(kind).iter().any(|device| device.id == id) || self.hidden.iter().any(|hidden| hidden == id)
    }
}

fn without_screens() -> (DeviceList, Vec<String>) {
    let sound = audio_host::list();
    let cameras = cameras::list()
        .into_iter()
        .enumerate()
        .map(|(position, camera)| DeviceInfo { id: camera.id, name: camera.name, is_default: position == 0 })
        .collect();
    let list = DeviceList { cameras, microphones: sound.microphones, speakers: sound.speakers, screens: Vec::new() };
    (list, sound.hidden)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(id: &str, is_default: bool) -> DeviceInfo {
        DeviceInfo { id: id.into(), name: id.to_uppercase(), is_default }
    }

    #[test]
    fn changes_name_what_went_what_came_and_the_new_default() {
        let before = DeviceList {
            microphones: vec![device("usb", true), device("laptop", false)],
            cameras: vec![device("cam", true)],
            ..DeviceList::default()
        };
        let after = DeviceList {
            microphones: vec![device("laptop", true), device("headset", false)],
            cameras: vec![device("cam", true)],
            ..DeviceList::default()
        };
        let changes: Vec<_> = after
            .changes_since(&before)
            .into_iter()
            .map(|change| (change.change, change.kind, change.device.id))
            .collect();
        let microphone = DeviceKind::Microphone;
        assert_eq!(
            changes,
            [
                (DeviceChangeKind::Removed, microphone, "usb".to_owned()),
                (DeviceChangeKind::Added, microphone, "headset".to_owned()),
                (DeviceChangeKind::BecameDefault, microphone, "laptop".to_owned()),
            ]
        );
        assert!(after.changes_since(&after).is_empty());
    }
}

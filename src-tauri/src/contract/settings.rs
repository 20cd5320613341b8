//! What the program remembers between runs.

use std::collections::BTreeMap;

use confab_protocol::RoomCode;
use serde::{Deserialize, Serialize};

use super::DeviceChoices;

/// A meeting the person was in.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct RecentMeeting {
    /// The room.
    pub code: RoomCode,
    /// May be empty.
    pub title: String,
    /// What to join with.
    pub link: String,
    /// Milliseconds since 1970 UTC.
    pub joined_at: u64,
}

/// What the program remembers between runs.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch a person sets")]
pub struct Settings {
    /// Shown to others.
    pub name: String,
    /// `system`, `light`, `dark` or `hc`.
    pub theme: Theme,
    /// What the window speaks.
    pub language: Language,
    /// Size of text, percent: 100 to 200.
    pub text_size: u16,
    /// Whether things move.
    pub motion: Motion,
    /// What is told to screen readers.
    pub announcements: Announcements,
    /// One's own picture is a mirror, for oneself only.
    pub mirror: bool,
    /// One's own tile is not shown to oneself.
    pub hide_self: bool,
    /// How people are laid out.
    pub layout: CallLayout,
    /// The window stays above others.
    pub always_on_top: bool,
    /// Noise is taken out of what the microphone hears.
    pub noise_removal: bool,
    /// Changed shortcuts: action to keys.
    pub shortcuts: BTreeMap<String, String>,
    /// Last used.
    pub devices: DeviceChoices,
    /// For new meetings and bare codes, as `ServerAddress` reads it; empty for this computer.
    pub server: String,
    /// With which meetings may be started on that server from anywhere; empty for none. A secret.
    pub host_key: String,
    /// Join with the microphone on.
    pub microphone_on: bool,
    /// Join with the camera on.
    pub camera_on: bool,
    /// Newest first.
    pub recent: Vec<RecentMeeting>,
}

/// What a person can have typed, and somewhat more: beyond that it is no setting of ours.
const LONGEST_TEXT: usize = 256;
const MOST_RECENT: usize = 50;
const MOST_SHORTCUTS: usize = 100;

impl Settings {
    /// The key for new meetings on this server: it is told to no other than the one it was entered for.
    pub fn host_key_of(&self, server: &str) -> Option<String> {
        let named = !server.trim().is_empty() && server.trim() == self.server.trim();
        (named && !self.host_key.trim().is_empty()).then(|| self.host_key.trim().to_owned())
    }

    /// The same within its bounds, whoever wrote it.
    #[must_use]
    pub fn checked(mut self) -> Self {
        let shorten = |text: &mut String| {
            if let Some((end, _)) = text.char_indices().nth(LONGEST_TEXT) {
                text.truncate(end);
            }
        };
        self.text_size = self.text_size.clamp(100, 200);
        shorten(&mut self.name);
        shorten(&mut self.server);
        shorten(&mut self.host_key);
        self.recent.truncate(MOST_RECENT);
        self.recent.retain(|meeting| meeting.link.len() <= 4 * LONGEST_TEXT);
        self.recent.iter_mut().for_each(|meeting| shorten(&mut meeting.title));
        self.shortcuts.retain(|action, keys| action.len().max(keys.len()) <= LONGEST_TEXT);
        while self.shortcuts.len() > MOST_SHORTCUTS {
            self.shortcuts.pop_last();
        }
        self
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            name: String::new(),
            theme: Theme::System,
            language: Language::System,
            text_size: 100,
            motion: Motion::System,
            announcements: Announcements::All,
            mirror: true,
            hide_self: false,
            layout: CallLayout::Grid,
            always_on_top: false,
            noise_removal: true,
            shortcuts: BTreeMap::new(),
            devices: DeviceChoices::default(),
            server: String::new(),
            host_key: String::new(),
            microphone_on: true,
            camera_on: true,
            recent: Vec::new(),
        }
    }
}

/// How the window looks.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// As the system.
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
    /// High contrast.
    Hc,
}

/// What the window speaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// As the system.
    #[default]
    System,
    /// English.
    En,
    /// German.
    De,
}

/// Whether things move.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Motion {
    /// As the system says.
    #[default]
    System,
    /// Nothing moves.
    Reduced,
}

/// What is told to screen readers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Announcements {
    /// Everything.
    #[default]
    All,
    /// Not who joined, left or raised a hand.
    Few,
}

/// How people are laid out when nobody shares.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallLayout {
    /// All alike.
    #[default]
    Grid,
    /// Who speaks is large.
    Speaker,
    /// One is large, others stand beside.
    Sidebar,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_from_anywhere_are_brought_within_their_bounds() {
        let shortcuts = (0..1_000).map(|number| (number.to_string(), "Ctrl+K".to_owned())).collect();
        let wild = Settings { text_size: 0, name: "\u{e4}".repeat(10_000), shortcuts, ..Settings::default() };
        let checked = wild.checked();
        assert_eq!((checked.text_size, checked.name.chars().count()), (100, LONGEST_TEXT));
        assert_eq!(checked.shortcuts.len(), MOST_SHORTCUTS);
        let usual = Settings { name: "Ada".into(), text_size: 150, ..Settings::default() };
        assert!(usual.clone().checked() == usual);
    }

    #[test]
    fn a_host_key_is_told_to_the_server_it_was_entered_for_and_to_no_other() {
        let settings = Settings {
            server: "meet.example.org:8003".into(),
            host_key: " abcd-efgh-jkmn-pqrs ".into(),
            ..Settings::default()
        };
        assert_eq!(settings.host_key_of("meet.example.org:8003").as_deref(), Some("abcd-efgh-jkmn-pqrs"));
        assert_eq!(settings.host_key_of("other.example.org:8003"), None);
        assert_eq!(settings.host_key_of(""), None);
        assert_eq!(Settings { server: String::new(), ..settings.clone() }.host_key_of(""), None);
        assert_eq!(Settings { host_key: " ".into(), ..settings }.host_key_of("meet.example.org:8003"), None);
    }
}

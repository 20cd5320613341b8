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
    /// `host:port` for new meetings and bare codes; empty for this computer.
    pub server: String,
    /// Join with the microphone on.
    pub microphone_on: bool,
    /// Join with the camera on.
    pub camera_on: bool,
    /// Newest first.
    pub recent: Vec<RecentMeeting>,
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

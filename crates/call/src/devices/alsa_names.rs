//! Which of ALSA's many names are devices to a person.
//!
//! ALSA lists `null`, `lavrate`, `oss`, `upmix`, `surround51:...` and each card three times. Left are the plain cards
//! (`hw:CARD=PCH,DEV=0`, by name and not by number, which changes from start to start), the bridges to sound servers
//! that are in use, and `default` where there is anything to play to.

/// Whether a sound server is reached through ALSA here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bridges {
    /// A `PulseAudio` server, for instance over the network, which cpal's own host does not reach.
    pub pulse: bool,
    /// A `PipeWire` server.
    pub pipewire: bool,
}

impl Bridges {
    /// What the environment says.
    pub(crate) fn from_environment() -> Self {
        let pipewire = std::env::var_os("XDG_RUNTIME_DIR")
            .is_some_and(|folder| std::path::Path::new(&folder).join("pipewire-0").exists());
        Self { pulse: std::env::var("PULSE_SERVER").is_ok_and(|server| is_remote(&server)), pipewire }
    }
}

/// Servers on this machine are reached without ALSA.
fn is_remote(server: &str) -> bool {
    !server.is_empty() && !server.starts_with("unix:") && !server.starts_with('/')
}

/// Which of the names to show.
pub(crate) fn worth_showing(names: &[String], bridges: Bridges) -> Vec<String> {
    let mut shown: Vec<String> = names
        .iter()
        .filter(|name| match name.as_str() {
            "pulse" => bridges.pulse,
            "pipewire" => bridges.pipewire,
            name => is_card_by_name(name),
        })
        .cloned()
        .collect();
    if !shown.is_empty() && names.iter().any(|name| name == "default") {
        shown.insert(0, "default".to_owned());
    }
    shown
}

fn is_card_by_name(name: &str) -> bool {
    name.strip_prefix("hw:CARD=").is_some_and(|card| !card.starts_with(|first: char| first.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 9] = [
        "null",
        "lavrate",
        "default",
        "pulse",
        "pipewire",
        "hw:CARD=PCH,DEV=0",
        "plughw:CARD=PCH,DEV=0",
        "hw:CARD=0,DEV=0",
        "surround51:CARD=PCH,DEV=0",
    ];

    fn shown(names: &[&str], pulse: bool, pipewire: bool) -> Vec<String> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        worth_showing(&names, Bridges { pulse, pipewire })
    }

    #[test]
    fn only_cards_servers_in_use_and_the_default_are_shown() {
        assert_eq!(shown(&NAMES, false, false), ["default", "hw:CARD=PCH,DEV=0"]);
        assert_eq!(shown(&NAMES, true, true), ["default", "pulse", "pipewire", "hw:CARD=PCH,DEV=0"]);
    }

    #[test]
    fn only_servers_elsewhere_are_reached_through_alsa() {
        assert!(is_remote("tcp:studio.local:4713") && is_remote("studio.local"));
        assert!(!is_remote("") && !is_remote("unix:/run/user/1000/pulse/native") && !is_remote("/run/pulse/native"));
    }

    #[test]
    fn without_a_card_there_is_no_default_to_show() {
        assert!(shown(&["null", "default", "pulse", "upmix"], false, false).is_empty());
    }
}

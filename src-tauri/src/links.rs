//! Links that other programs open: a second start hands its link to the first and ends. A link only fills in the preview;
//! a person turns on the devices and joins.

use std::sync::{Mutex, PoisonError};

use confab_protocol::MeetingLink;
use tauri::{AppHandle, Manager};

use crate::app::App;
use crate::contract::BridgeEvent;

/// The link among a program's arguments.
pub fn among(arguments: impl IntoIterator<Item = String>) -> Option<String> {
    arguments.into_iter().skip(1).find(|argument| MeetingLink::parse(argument).is_ok())
}

/// Another start of the program, while this one runs.
pub fn second_start(handle: &AppHandle, arguments: &[String]) {
    if let Some(window) = handle.get_webview_window("main") {
        // A window manager may refuse; the link is opened all the same.
        let _ = window.unminimize();
        let _ = window.show();
        let _ = window.set_focus();
    }
    if let Some(text) = among(arguments.iter().cloned()) {
        open(handle, text);
    }
}

/// macOS tells links by an event, at the first start too.
#[cfg(target_os = "macos")]
pub fn listen(handle: &AppHandle) {
    use tauri_plugin_deep_link::DeepLinkExt;
    let opened = handle.clone();
    handle.deep_link().on_open_url(move |event| {
        for url in event.urls() {
            open(&opened, url.to_string());
        }
    });
}

fn open(handle: &AppHandle, text: String) {
    // Before the state is there nobody can have opened a window.
    if let Some(app) = handle.try_state::<App>()
        && let Some(text) = app.early_link.keep(text)
    {
        (app.emit)(BridgeEvent::LinkOpened { text });
    }
}

/// The newest link that was opened while the window could not hear of it yet.
pub struct EarlyLink(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    link: Option<String>,
    /// The window has asked, and hears events from then on.
    asked: bool,
}

impl EarlyLink {
    /// With what the program was started with.
    pub fn new(link: Option<String>) -> Self {
        Self(Mutex::new(Waiting { link, asked: false }))
    }

    /// Keeps a link for the window, or gives it back when the window is there to be told.
    fn keep(&self, text: String) -> Option<String> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.asked {
            return Some(text);
        }
        waiting.link = Some(text);
        None
    }

    /// The link that waits, once: a window that is loaded anew has acted on it.
    pub fn take(&self) -> Option<String> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.asked = true;
        waiting.link.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_waits_until_the_window_asks_and_is_told_at_once_from_then_on() {
        let link = EarlyLink::new(Some("first".to_owned()));
        assert_eq!(link.keep("second".to_owned()), None);
        assert_eq!(link.take().as_deref(), Some("second"));
        assert_eq!(link.take(), None);
        assert_eq!(link.keep("third".to_owned()).as_deref(), Some("third"));
    }

    #[test]
    fn only_a_meeting_link_is_taken_from_the_arguments() {
        let arguments = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let link = "confab://example.org/m/kestrel-lane-27";
        assert_eq!(among(arguments(&["confab", "--verbose", link])), Some(link.to_owned()));
        assert_eq!(among(arguments(&[link])), None, "the program's own name");
        assert_eq!(among(arguments(&["confab", "file:///etc/passwd", "confab://"])), None);
    }

    /// Ten thousand changes of a link: bytes replaced, left out, doubled and put in, by a generator that anybody can repeat
    /// (xorshift64*).
    fn changed_links() -> impl Iterator<Item = String> {
        const SIGNS: &[u8] = b"/:#?@%&=.-<>\"'\\ \t\n\0[]{}()*;,|~`^+_a9Z\xc3\xa9\xe2\x80\xae";
        let samples = [
            "confab://example.org:8003/m/kestrel-lane-27#fp=00ff",
            "https://example.org/m/kestrel-lane-27",
            "kestrel-lane-27",
        ];
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut random = move |below: usize| {
            state ^= state >> 12;
            state ^= state << 25;
            state ^= state >> 27;
            (state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % below.max(1)
        };
        (0..10_000).map(move |number| {
            let mut link = samples[number % samples.len()].as_bytes().to_vec();
            for _ in 0..=random(4) {
                let (place, sign) = (random(link.len()), SIGNS[random(SIGNS.len())]);
                match random(4) {
                    0 => link.insert(place, sign),
                    1 if !link.is_empty() => drop(link.remove(place)),
                    2 if !link.is_empty() => link[place] = sign,
                    _ => link.extend_from_within(place..),
                }
            }
            String::from_utf8_lossy(&link).into_owned()
        })
    }

    #[test]
    fn of_ten_thousand_changed_links_each_names_one_meeting_at_one_server_or_is_left_alone() {
        let (mut taken, mut refused) = (0, 0);
        for link in changed_links() {
            let Some(text) = among(["confab".to_owned(), link.clone()]) else {
                refused += 1;
                continue;
            };
            taken += 1;
            assert_eq!(text, link, "what is taken is what was given");
            let parsed = MeetingLink::parse(&text).expect("it was taken for a link");
            assert!(parsed.code.as_str().bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'), "{text:?}");
            if let Some(server) = parsed.server {
                let harmless =
                    |letter: char| letter.is_alphanumeric() || matches!(letter, '.' | '-' | ':' | '[' | ']' | '_');
                assert!(
                    !server.host.is_empty() && server.host.chars().all(harmless),
                    "{text:?} leads to {:?}",
                    server.host
                );
            }
        }
        assert!(taken > 100 && refused > 1_000, "{taken} taken, {refused} refused: both happen");
    }
}

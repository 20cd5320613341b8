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
}

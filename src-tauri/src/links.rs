//! Links that other programs open: a second start hands its link to the first and ends. A link only fills in the preview;
//! a person joins.

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
    if let Some(app) = handle.try_state::<App>() {
        (app.emit)(BridgeEvent::LinkOpened { text });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_meeting_link_is_taken_from_the_arguments() {
        let arguments = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let link = "confab://example.org/m/kestrel-lane-27";
        assert_eq!(among(arguments(&["confab", "--verbose", link])), Some(link.to_owned()));
        assert_eq!(among(arguments(&[link])), None, "the program's own name");
        assert_eq!(among(arguments(&["confab", "file:///etc/passwd", "confab://"])), None);
    }
}

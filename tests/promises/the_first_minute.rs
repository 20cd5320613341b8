//! From the first start to a call in three clicks, and a whole meeting without a pointer.

use std::time::Duration;

use confab_protocol::{RoomCode, SourceKind};
use confab_tests::lab::{LabError, MemberView, Outcome, Window};
use serde_json::Value;

use crate::window_stage::{SOON, Stage};

/// More keys than any way through the window takes.
const MOST_TABS: usize = 60;

/// What the focused element is called: its accessible name, else its text.
fn focused(window: &Window) -> Outcome<String> {
    let script = "const focus = document.activeElement;
        return focus.getAttribute('aria-label') ?? (document.querySelector(`label[for='${focus.id || 0}']`)?.innerText || focus.innerText || '');";
    Ok(window.run(script, &[])?.as_str().unwrap_or_default().trim().to_owned())
}

/// Goes by this key until what is focused begins so.
fn go_to(window: &Window, key: &str, name: &str) -> Outcome {
    let mut passed = Vec::new();
    for _ in 0..MOST_TABS {
        let at = focused(window)?;
        if at.starts_with(name) {
            return Ok(());
        }
        passed.push(at);
        window.press_keys(key)?;
    }
    Err(LabError::Unexpected(format!("{name:?} is not reached by {key}; there are {passed:?}")))
}

#[test]
fn from_the_first_start_of_all_it_is_three_clicks_to_a_call() -> Outcome {
    let stage = Stage::set_for("first-start", None)?;
    let window = stage.window();
    window.wait_for("section[aria-labelledby=start-heading]", SOON)?;
    let count = "window.clicks = 0;
        document.addEventListener('click', (event) => { if (event.isTrusted) window.clicks += 1; }, true);
        return true;";
    window.run(count, &[])?;
    stage.display.screenshot(&stage.lab.file("1-home.png"))?;
    stage.desktop.press_selected("section[aria-labelledby=start-heading] button[type=submit]", SOON)?;
    window.wait_for("form.pjr", SOON)?;
    // A name that the computer knows is there already; else the field has the focus.
    if window.run("return document.querySelector('input[name=name]').value", &[])? == "" {
        window.write("Ada")?;
    }
    stage.display.screenshot(&stage.lab.file("2-preview.png"))?;
    stage.desktop.press_selected("form.pjr button[type=submit]", SOON)?;
    let code = window.wait_until(".dock .code", SOON, |text| text.parse::<RoomCode>().is_ok())?;
    stage.display.screenshot(&stage.lab.file("3-call.png"))?;
    let clicks = window.run("return window.clicks", &[])?;
    assert!((1..=3).contains(&clicks.as_u64().unwrap_or_default()), "{clicks} clicks");

    // The call is one: somebody comes by its code and hears.
    let room: RoomCode = code.parse().map_err(|_| LabError::Unexpected(format!("{code} is no code")))?;
    let mut ben = stage.lab.person("Ben").join(stage.server.address(), &room)?;
    ben.wait_until("Ada's microphone", SOON, |view| {
        view.member("Ada").is_some_and(|ada| ada.sends(SourceKind::Microphone))
    })?;
    Ok(())
}

#[test]
fn a_whole_meeting_is_held_by_the_keyboard_alone() -> Outcome {
    let stage = Stage::set("keyboard-only")?;
    let window = stage.window();
    window.wait_for("section[aria-labelledby=start-heading]", SOON)?;
    let pointer = "window.pointers = 0;
        for (const kind of ['pointerdown', 'mousedown']) {
            document.addEventListener(kind, (event) => { if (event.isTrusted) window.pointers += 1; }, true);
        }
        return true;";
    window.run(pointer, &[])?;
    window.press_keys("Ctrl+N")?;
    window.wait_for("form.pjr", SOON)?;
    go_to(window, "Tab", "Your name")?;
    window.press_keys("Enter")?;
    let code = window.wait_until(".dock .code", SOON, |text| text.parse::<RoomCode>().is_ok())?;
    let room: RoomCode = code.parse().map_err(|_| LabError::Unexpected(format!("{code} is no code")))?;
    let mut ben = stage.lab.person("Ben").join(stage.server.address(), &room)?;
    ben.wait_until("Ada's picture", SOON, |view| view.frames_shown("Ada") > 10)?;

    // Microphone and camera, off and on.
    for (keys, source) in [("Ctrl+D", SourceKind::Microphone), ("Ctrl+E", SourceKind::Camera)] {
        window.press_keys(keys)?;
        ben.wait_until("it is off", SOON, |view| view.member("Ada").is_some_and(|ada| !ada.sends(source)))?;
        window.press_keys(keys)?;
        ben.wait_until("it is on", SOON, |view| view.member("Ada").is_some_and(|ada| ada.sends(source)))?;
    }

    // Chat: opened, written, read, closed.
    window.press_keys("Ctrl+Shift+C")?;
    window.wait_for(".composer textarea", SOON)?;
    window.write("Written without a mouse")?;
    window.press_keys("Enter")?;
    ben.wait_until("the line", SOON, |view| view.has_chat("Ada", "Written without a mouse"))?;
    stage.display.screenshot(&stage.lab.file("1-chat.png"))?;
    window.press_keys("Escape")?;

    // A hand, up and down; a reaction.
    window.press_keys("Ctrl+Shift+H")?;
    ben.wait_until("a hand", SOON, |view| view.member("Ada").is_some_and(MemberView::has_hand_up))?;
    window.press_keys("Ctrl+Shift+H")?;
    ben.wait_until("no hand", SOON, |view| view.member("Ada").is_some_and(|ada| !ada.has_hand_up()))?;
    go_to(window, "F6", "Copy the link")?;
    go_to(window, "Right", "React")?;
    window.press_keys("Enter")?;
    go_to(window, "Right", "Applause")?;
    window.press_keys("Enter")?;
    ben.wait_until("applause", SOON, |view| view.reactions.iter().any(|(name, kind)| name == "Ada" && kind == "clap"))?;

    // The list of people, and another layout.
    window.press_keys("Ctrl+Shift+P")?;
    window.wait_until("[data-region=panel]", SOON, |text| text.contains("Ben"))?;
    window.press_keys("Escape")?;
    go_to(window, "F6", "View")?;
    window.press_keys("Enter")?;
    go_to(window, "Down", "Speaker")?;
    window.press_keys("Enter")?;
    go_to(window, "Tab", "View")?;

    // Somebody is pinned by the menu of their tile.
    go_to(window, "F6", "Ben")?;
    window.press_keys("Enter")?;
    window.wait_for("[role=menu]", SOON)?;
    go_to(window, "Down", "Pin")?;
    window.press_keys("Enter")?;
    let pinned = "return document.querySelector('[role=listitem][aria-label^=Ben]')?.getAttribute('aria-label') ?? ''";
    let deadline = std::time::Instant::now() + SOON;
    while !window.run(pinned, &[])?.as_str().is_some_and(|label| label.contains("pinned")) {
        assert!(std::time::Instant::now() < deadline, "Ben is not pinned: {}", window.run(pinned, &[])?);
        std::thread::sleep(Duration::from_millis(100));
    }
    stage.display.screenshot(&stage.lab.file("2-pinned.png"))?;

    // The screen is shared and taken back.
    window.press_keys("Ctrl+Shift+S")?;
    window.wait_for("[role=option]", SOON)?;
    window.press_keys("Tab")?;
    window.press_keys("Enter")?;
    go_to(window, "Tab", "Share")?;
    window.press_keys("Enter")?;
    ben.wait_until("the screen", SOON, |view| view.frames_of("Ada", SourceKind::Screen) > 3)?;
    window.press_keys("Ctrl+Shift+S")?;
    ben.wait_until("no screen", SOON, |view| view.member("Ada").is_some_and(|ada| !ada.sends(SourceKind::Screen)))?;

    // Settings are looked at over the call, the list of keys too.
    window.press_keys("Ctrl+,")?;
    window.wait_for(".settings-dialog", SOON)?;
    window.press_keys("Escape")?;
    window.press_keys("Ctrl+/")?;
    window.wait_for("dl.shortcut-list", SOON)?;
    window.press_keys("Escape")?;

    window.press_keys("Ctrl+Shift+L")?;
    ben.wait_until("Ada has left", SOON, |view| view.member("Ada").is_none())?;
    assert_eq!(window.run("return window.pointers", &[])?, Value::from(0), "a pointer was used");
    Ok(())
}

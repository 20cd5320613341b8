//! Confab's window as a page in a browser: every screen of the desktop's window over a second bridge, without Tauri. A
//! person with a browser and one with a native client are in one call.

use std::time::Duration;

use confab_protocol::SourceKind;
use confab_tests::lab::{BrowserWindow, Lab, MemberView, Outcome, RoomView};

/// What has not happened by then never comes: a browser on a loaded machine.
const SOON: Duration = Duration::from_secs(15);

const HAND: &str = "button[aria-label=\"Raise hand\"]";

#[test]
fn a_person_with_a_browser_and_one_with_a_native_client_are_in_one_call() -> Outcome {
    let lab = Lab::open("window-in-a-browser")?;
    let server = lab.server()?;
    let room = server.create_room()?;
    let small = ["--camera-format", "640x360@15"];
    let mut ada = lab.person("Ada").args(small).join(server.address(), &room)?;
    let mut chloe = lab.browser("Chloe").camera(640, 360, 15).window()?;

    join(&mut chloe, &format!("http://{}/m/{room}", server.address()))?;
    ada.wait_until("Chloe connected", SOON, |view| view.is_connected("Chloe"))?;
    let sends = |source| move |view: &RoomView| view.member("Chloe").is_some_and(|chloe| chloe.sends(source));
    ada.wait_until("Chloe's microphone", SOON, sends(SourceKind::Microphone))?;
    ada.wait_until("Chloe's camera", SOON, sends(SourceKind::Camera))?;
    ada.wait_until("Chloe's pictures", SOON, |view| view.frames_shown("Chloe") >= 10)?;

    chloe.press("button[aria-label^=\"People\"]", SOON)?;
    chloe.wait_until("aside.panel", SOON, |people| people.contains("Ada") && people.contains("Chloe"))?;

    chloe.press("button[aria-label^=\"Chat\"]", SOON)?;
    let (question, answer) = ("Hello, Chloe: \u{e4}\u{f6}\u{fc} \u{1f44b}", "Hello, Ada <b>not bold</b>");
    ada.command(&format!("say {question}"))?;
    chloe.wait_until("ol.messages", SOON, |chat| chat.contains(question))?;
    chloe.type_text("aside.panel textarea", answer, SOON)?;
    chloe.enter()?;
    ada.wait_until("Chloe's line", SOON, |view| view.has_chat("Chloe", answer))?;
    chloe.wait_until("ol.messages", SOON, |chat| chat.contains(answer))?;

    let hand_up = |view: &RoomView| view.member("Chloe").is_some_and(MemberView::has_hand_up);
    chloe.press(HAND, SOON)?;
    ada.wait_until("Chloe's hand", SOON, hand_up)?;
    chloe.wait_for(&format!("{HAND}[aria-pressed=\"true\"]"), SOON)?;
    chloe.press(HAND, SOON)?;
    ada.wait_until("Chloe's hand down", SOON, |view| !hand_up(view))?;

    chloe.press("button[aria-label=\"React\"]", SOON)?;
    chloe.press("button[aria-label=\"Applause\"]", SOON)?;
    let clapped = |view: &RoomView| view.reactions == [("Chloe".to_owned(), "clap".to_owned())];
    ada.wait_until("Chloe's applause", SOON, clapped)?;

    chloe.press("button[data-control=microphone]", SOON)?;
    let muted = |view: &RoomView| view.member("Chloe").is_some_and(|chloe| chloe.is_muted(SourceKind::Microphone));
    ada.wait_until("Chloe muted", SOON, muted)?;
    chloe.wait_for("button[data-control=microphone][data-state=off]", SOON)?;

    chloe.press("button[aria-label=\"Leave\"]", SOON)?;
    ada.wait_until("Chloe gone", SOON, |view| view.member("Chloe").is_none())?;
    chloe.wait_until("main", SOON, |page| page.contains("You left the call"))?;

    // What was entered and where she was is there again, however often the page is loaded.
    for _ in 0..2 {
        chloe.reload()?;
        chloe.wait_until("button.me", SOON, |me| me.contains("Chloe"))?;
        chloe.wait_until("main", SOON, |home| home.contains("Lab"))?;
    }
    assert_eq!(chloe.problems()?, Vec::<String>::new(), "the page and its console had no errors");
    ada.leave()
}

/// From the home screen by a link into the call.
fn join(window: &mut BrowserWindow, link: &str) -> Outcome {
    window.type_text("input[name=link]", link, SOON)?;
    window.press(".join-card button[type=submit]", SOON)?;
    window.type_text("form.pjr input[name=name]", "Chloe", SOON)?;
    window.press("form.pjr button[type=submit]", SOON)?;
    window.wait_for("[role=toolbar]", SOON).map(|_| ())
}

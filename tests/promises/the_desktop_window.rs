//! The desktop app in a real window: a meeting is started, somebody joins, both are seen, chat, mute and a shared window
//! reach the other side.

use std::time::Duration;

use confab_media::pattern::TestPattern;
use confab_protocol::{RoomCode, SourceKind};
use confab_tests::lab::{Desktop, Display, Lab, LabError, Outcome, Picture, Pulse};

const SOON: Duration = Duration::from_secs(15);

/// Software draws the window here, and other tests may run beside it.
const IN_A_WINDOW: Duration = Duration::from_secs(40);

#[test]
fn in_the_desktop_window_two_people_meet_write_mute_and_share() -> Outcome {
    let lab = Lab::open("desktop-window")?;
    let pulse = Pulse::start(lab.folder())?;
    pulse.add_speaker("loudspeaker")?;
    pulse.add_microphone("headset")?;
    pulse.set_defaults("loudspeaker", "headset")?;
    let display = Display::start(lab.folder(), 1280, 1080)?;
    let shared = Picture::of_frame(&TestPattern::new(640, 360).render(4_242, 0));
    let _window_to_share = display.show_in_window(&shared, "something-to-share", 0, 720)?;
    let server = lab.server()?;
    let desktop = Desktop::open(lab.folder(), "Ada", server.address(), &display, &pulse)?;

    // Starting a meeting.
    desktop.press_selected("section[aria-labelledby=start-heading] button[type=submit]", SOON)?;
    desktop.window().wait_for("form.pjr", SOON)?;
    display.screenshot(&lab.file("1-preview.png"))?;
    desktop.press_selected("form.pjr button[type=submit]", SOON)?;
    let code = desktop.window().wait_until(".dock .code", SOON, |text| text.parse::<RoomCode>().is_ok())?;
    let room: RoomCode = code.parse().map_err(|_| LabError::Unexpected(format!("{code} is no code")))?;

    // Somebody joins, and both move.
    let mut ben = lab.person("Ben").join(server.address(), &room)?;
    ben.wait_until("Ada's picture", SOON, |view| view.frames_shown("Ada") > 10)?;
    desktop.wait_for_motion(&display, "Ben", 3, IN_A_WINDOW)?;
    desktop.wait_for_motion(&display, "Ada", 3, IN_A_WINDOW)?;
    display.screenshot(&lab.file("2-both.png"))?;

    // Chat goes both ways.
    ben.command("say Hello from the command line")?;
    desktop.press("Chat", SOON)?;
    desktop.window().wait_until(".messages", SOON, |text| text.contains("Hello from the command line"))?;
    desktop.window().type_text(".composer textarea", "Hello from the window")?;
    desktop.press("Send", SOON)?;
    ben.wait_until("the window's line", SOON, |view| view.has_chat("Ada", "Hello from the window"))?;
    display.screenshot(&lab.file("3-chat.png"))?;

    // Mute is seen by the other side.
    let microphone = SourceKind::Microphone;
    ben.wait_until("Ada's microphone", SOON, |view| view.member("Ada").is_some_and(|ada| ada.sends(microphone)))?;
    desktop.press_selected("[data-control=microphone]", SOON)?;
    ben.wait_until("Ada muted", SOON, |view| view.member("Ada").is_some_and(|ada| ada.is_muted(microphone)))?;

    // A shared window is read back.
    desktop.press("Share", SOON)?;
    desktop.window().wait_for(".source", SOON)?;
    let pick = "const sources = [...document.querySelectorAll('.source')];
        const index = sources.findIndex((source) => source.textContent.includes(arguments[0]));
        if (index < 0) return sources.map((source) => source.textContent);
        sources[index].id ||= 'picked';
        return sources[index].id;";
    let picked = desktop.window().run(pick, &["something-to-share".into()])?;
    let id = picked.as_str().ok_or_else(|| LabError::Unexpected(format!("only these can be shared: {picked}")))?;
    desktop.press_selected(&format!("[id='{id}']"), SOON)?;
    desktop.press_selected(".answers .primary", SOON)?;
    ben.wait_until("Ada's share", SOON, |view| view.frames_of("Ada", SourceKind::Screen) > 5)?;
    // What is in the page already may not be painted yet; what moves after it is.
    desktop.window().wait_for(".share-banner", SOON)?;
    desktop.wait_for_motion(&display, "Ben", 2, IN_A_WINDOW)?;
    display.screenshot(&lab.file("4-share.png"))?;
    let ada = ben.view().member("Ada").map(|ada| ada.info.id);
    ben.leave()?;
    let received = ben.stats()?;
    let screen = received.frames_of(ada.expect("she was there"), SourceKind::Screen);
    let read = screen.iter().filter(|frame| frame.mark.is_some_and(|mark| mark.frame == 4_242)).count();
    assert!(read * 10 >= screen.len() * 9, "only {read} of {} shared frames could be read", screen.len());
    Ok(())
}

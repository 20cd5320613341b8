//! What is on a shared X11 screen can be read at the other side, and changes there when it changes here.

use std::time::Duration;

use confab_media::pattern::TestPattern;
use confab_protocol::SourceKind;
use confab_tests::lab::{Display, Lab, Outcome, Picture};

const SOON: Duration = Duration::from_secs(10);

#[test]
fn a_shared_screen_and_its_changes_are_read_back_at_the_receiver() -> Outcome {
    let lab = Lab::open("shared-screen")?;
    let display = Display::start(lab.folder(), 1280, 720)?;
    let pattern = TestPattern::new(1280, 720);
    let show = |number| display.show_behind_all(&Picture::of_frame(&pattern.render(number, 0)));
    show(100)?;
    let server = lab.server()?;
    let room = server.create_room()?;
    let mut ada = lab
        .person("Ada")
        .camera("none")
        .microphone("none")
        .args(["--screen", "x11"])
        .envs(display.environment())
        .join(server.address(), &room)?;
    let mut ben = lab.person("Ben").camera("none").microphone("none").join(server.address(), &room)?;
    let frames = |view: &confab_tests::lab::RoomView| view.frames_of("Ada", SourceKind::Screen);
    ben.wait_until("Ada's screen", SOON, |view| frames(view) > 3)?;
    show(200)?;
    let shown = frames(ben.view());
    ben.wait_until("more of Ada's screen", SOON, |view| frames(view) > shown + 15)?;
    ada.command("unshare")?;
    ben.wait_until("the end of sharing", SOON, |view| {
        view.member("Ada").is_some_and(|ada| !ada.sends(SourceKind::Screen))
    })?;
    ben.leave()?;
    ada.leave()?;

    let (sender, receiver) = (ada.stats()?, ben.stats()?);
    let from = sender.me.expect("Ada knows who she was");
    let frames = receiver.frames_of(from, SourceKind::Screen);
    let read: Vec<u32> = frames.iter().filter_map(|frame| Some(frame.mark?.frame)).collect();
    assert!(read.contains(&100), "what was there when sharing began was not read: {read:?}");
    assert_eq!(read.last(), Some(&200), "what came later was not read");
    let legible = read.len() as f64 / frames.len() as f64;
    assert!(legible >= 0.9, "only {:.0} % of the frames could be read", legible * 100.0);
    Ok(())
}

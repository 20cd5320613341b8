//! What one person does is seen by the other, and survives in the history for whoever comes later.

use std::time::Duration;

use confab_protocol::SourceKind;
use confab_tests::lab::{Lab, MemberView, Outcome};

/// A message goes through one server on one computer.
const SOON: Duration = Duration::from_secs(2);

#[test]
fn chat_hand_and_mute_reach_the_other_side() -> Outcome {
    let lab = Lab::open("chat-hand-mute")?;
    let server = lab.server()?;
    let room = server.create_room()?;
    let light = |name| lab.person(name).camera("none");
    let mut ada = light("Ada").join(server.address(), &room)?;
    let mut ben = light("Ben").join(server.address(), &room)?;
    ada.wait_until("Ben in the list", SOON, |view| view.names() == ["Ada", "Ben"])?;

    ada.command("say Hello, Ben: \u{e4}\u{f6}\u{fc} \u{1f44b} <b>not bold</b>")?;
    let line = "Hello, Ben: \u{e4}\u{f6}\u{fc} \u{1f44b} <b>not bold</b>";
    ben.wait_until("Ada's line", SOON, |view| view.has_chat("Ada", line))?;
    ben.command("say Hello, Ada")?;
    ada.wait_until("Ben's line", SOON, |view| view.has_chat("Ben", "Hello, Ada"))?;

    let hand_up = |view: &confab_tests::lab::RoomView| view.member("Ben").is_some_and(MemberView::has_hand_up);
    ben.command("hand up")?;
    ada.wait_until("Ben's hand up", SOON, hand_up)?;
    ben.command("hand down")?;
    ada.wait_until("Ben's hand down", SOON, |view| !hand_up(view))?;

    let clapped = |view: &confab_tests::lab::RoomView| view.reactions == [("Ben".to_owned(), "clap".to_owned())];
    ben.command("react clap")?;
    ada.wait_until("Ben's applause", SOON, clapped)?;
    ben.wait_until("his own", SOON, clapped)?;

    let microphone = SourceKind::Microphone;
    ben.wait_until("Ada's microphone", SOON, |view| view.member("Ada").is_some_and(|ada| ada.sends(microphone)))?;
    ada.command("mute")?;
    ben.wait_until("Ada muted", SOON, |view| view.member("Ada").is_some_and(|ada| ada.is_muted(microphone)))?;
    ada.command("unmute")?;
    ben.wait_until("Ada unmuted", SOON, |view| view.member("Ada").is_some_and(|ada| ada.sends(microphone)))?;

    let mut late = light("Cleo").join(server.address(), &room)?;
    let whole = late.view().has_chat("Ada", line) && late.view().has_chat("Ben", "Hello, Ada");
    assert!(whole, "who comes later reads what was written before");

    ada.leave()?;
    ben.wait_until("Ada gone", SOON, |view| view.member("Ada").is_none())?;
    Ok(())
}

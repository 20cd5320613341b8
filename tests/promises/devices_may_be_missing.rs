//! Without a camera, without a microphone, and when a device is lost in the middle: the call goes on and says so.

use std::time::Duration;

use confab_protocol::SourceKind;
use confab_tests::lab::{Lab, LabError, Outcome, Pulse, RoomView};

use crate::five_people::light;

const SOON: Duration = Duration::from_secs(10);

#[test]
fn somebody_without_camera_and_microphone_sees_hears_and_is_told() -> Outcome {
    let lab = Lab::open("no-devices")?;
    // A sound server without devices: the system's default is nothing.
    let pulse = Pulse::start(lab.folder())?;
    let server = lab.server()?;
    let room = server.create_room()?;
    let mut ada = light(&lab, "Ada").join(server.address(), &room)?;
    let mut ben = lab
        .person("Ben")
        .camera("default")
        .microphone("default")
        .speaker("default")
        .envs(pulse.environment())
        .join(server.address(), &room)?;
    let says = |word: &'static str| {
        move |view: &RoomView| view.device_problems.iter().any(|problem| problem.to_lowercase().contains(word))
    };
    ben.wait_until("a word about the camera", SOON, says("camera"))?;
    ben.wait_until("a word about the microphone", SOON, says("microphone"))?;
    ben.wait_until("Ada's picture", SOON, |view| view.frames_shown("Ada") > 10)?;
    ada.wait_until("Ben in the list", SOON, |view| view.is_connected("Ben"))?;
    let ben_there = ada.view().member("Ben").cloned().expect("just seen");
    assert!(!ben_there.sends(SourceKind::Camera), "Ben sends no picture");
    ben.command("say I can read and write")?;
    ada.wait_until("Ben's line", SOON, |view| view.has_chat("Ben", "I can read and write"))?;
    Ok(())
}

#[test]
fn a_microphone_unplugged_in_a_call_is_reported_and_the_call_goes_on() -> Outcome {
    let lab = Lab::open("device-lost")?;
    let pulse = Pulse::start(lab.folder())?;
    pulse.add_speaker("loudspeaker")?;
    let microphone = pulse.add_microphone("headset")?;
    pulse.add_microphone("desk")?;
    let server = lab.server()?;
    let room = server.create_room()?;
    let mut ada = light(&lab, "Ada").join(server.address(), &room)?;
    let mut ben = light(&lab, "Ben")
        .microphone("headset")
        .speaker("loudspeaker")
        .envs(pulse.environment())
        .join(server.address(), &room)?;
    ben.wait_until("Ada's picture", SOON, |view| view.frames_shown("Ada") > 5)?;
    assert!(ben.view().device_problems.is_empty(), "{:?}", ben.view().device_problems);

    pulse.unload(microphone)?;
    ben.wait_until("a word about the microphone", SOON, |view| {
        view.device_problems.iter().any(|problem| problem.to_lowercase().contains("microphone"))
    })?;
    for (person, other) in [(&mut ben, "Ada"), (&mut ada, "Ben")] {
        let shown = person.view().frames_shown(other);
        person.wait_until("the other's picture moving", SOON, |view| view.frames_shown(other) > shown + 10)?;
        assert_eq!(person.view().joins, 1, "the call went on without a new join");
    }
    ben.command("say Still here").map_err(|error| LabError::Unexpected(format!("Ben is gone: {error}")))?;
    ada.wait_until("Ben's line", SOON, |view| view.has_chat("Ben", "Still here"))?;
    Ok(())
}

//! The instruments: what the other promises are measured with does what it says.

use std::time::Duration;

use confab_media::pattern::{Mark, TestPattern};
use confab_tests::lab::{Display, Lab, Outcome, Picture, Pulse, sound};

#[test]
fn sound_from_a_loudspeaker_reaches_the_microphone_it_is_wired_to_and_no_other() -> Outcome {
    let lab = Lab::open("lab-sound")?;
    let pulse = Pulse::start(lab.folder())?;
    pulse.add_speaker("loudspeaker")?;
    pulse.add_microphone("near")?;
    pulse.add_microphone("far")?;
    pulse.wire("loudspeaker", "near", Duration::from_millis(40))?;
    pulse.set_volume("near_air", 0.5)?;
    let speech = lab.file("speech.wav");
    sound::write_speech(&speech, 1, Duration::from_secs(4))?;
    let (near, far, played) = (lab.file("near.wav"), lab.file("far.wav"), lab.file("played.wav"));
    let mut recorders =
        [pulse.record("near", &near)?, pulse.record("far", &far)?, pulse.record("loudspeaker.monitor", &played)?];
    pulse.play("loudspeaker", &speech)?.succeed(Duration::from_secs(20))?;
    for recorder in &mut recorders {
        recorder.terminate()?;
        recorder.wait(Duration::from_secs(5))?;
    }
    let level = |file| sound::read_wav(file).map(|samples| sound::level_db(&samples));
    let (near, far, played) = (level(&near)?, level(&far)?, level(&played)?);
    assert!((-9.0..=-3.0).contains(&(near - played)), "half as loud is 6 dB less: {near} after {played}");
    assert!(far < -90.0, "the other microphone hears {far} dB");
    Ok(())
}

#[test]
fn a_picture_put_on_a_display_is_read_back_from_its_photograph() -> Outcome {
    let lab = Lab::open("lab-display")?;
    let display = Display::start(lab.folder(), 640, 360)?;
    let frame = TestPattern::new(640, 360).render(5, 1_000_000);
    display.show_behind_all(&Picture::of_frame(&frame))?;
    display.screenshot(&lab.file("display.png"))?;
    let photograph = display.photograph()?;
    assert_eq!((photograph.width(), photograph.height()), (640, 360));
    assert_eq!(photograph.read_mark_at((0, 0), 640, 360), Some(Mark { frame: 5, unix_ms: 1_000_000 }));
    Ok(())
}

//! Devices in a running call of the window: others are chosen, one is taken away and comes back.

use std::time::{Duration, Instant};

use confab_protocol::{RoomCode, SourceKind};
use confab_tests::lab::{Outcome, Person, sound};

use crate::window_stage::{SOON, Stage};

/// Long enough for every voice detector, jitter buffer and gain to have made up its mind.
const SPOKEN: Duration = Duration::from_secs(4);

/// What is heard of speech is louder than this, decibels; silence is far below.
const HEARD: f64 = -45.0;

impl Stage {
    /// Ben comes, with a loudspeaker of his own and this microphone.
    fn meet_over_devices(&self, microphone: &str) -> Outcome<Person> {
        let room: RoomCode = self.desktop.start_meeting(SOON)?;
        self.pulse.add_speaker("ben-loudspeaker")?;
        let mut ben = self
            .lab
            .person("Ben")
            .camera("none")
            .microphone(microphone)
            .speaker("ben-loudspeaker")
            .envs(self.pulse.environment())
            .join(self.server.address(), &room)?;
        ben.wait_until("Ada's microphone", SOON, |view| {
            view.member("Ada").is_some_and(|ada| ada.sends(SourceKind::Microphone))
        })?;
        Ok(ben)
    }

    /// How loud a loudspeaker is while somebody speaks near a microphone, decibels.
    fn loudness(&self, microphone: &str, speaker: &str) -> Outcome<f64> {
        let (speech, heard) = (self.lab.file("speech.wav"), self.lab.file(&format!("{microphone}-at-{speaker}.wav")));
        sound::write_speech(&speech, 3, SPOKEN)?;
        let mut recorder = self.pulse.record(&format!("{speaker}.monitor"), &heard)?;
        let mut voice = self.pulse.play(&format!("{microphone}_air"), &speech)?;
        voice.succeed(SPOKEN * 4)?;
        recorder.terminate()?;
        recorder.wait(Duration::from_secs(5))?;
        let recorded = sound::read_wav(&heard)?;
        let level = sound::level_db(sound::part(&recorded, SPOKEN / 2, SPOKEN));
        println!("{microphone} is heard at {speaker} with {level:.0} dB");
        Ok(level)
    }

    /// The same, until it is so or the time is over: a device takes a moment to be opened.
    fn expect_loudness(&self, microphone: &str, speaker: &str, is_heard: bool) -> Outcome {
        let deadline = Instant::now() + SOON;
        loop {
            let level = self.loudness(microphone, speaker)?;
            if (level > HEARD) == is_heard {
                return Ok(());
            }
            assert!(Instant::now() < deadline, "{microphone} at {speaker}: {level:.0} dB, heard should be {is_heard}");
        }
    }

    /// Chooses a device in the menu beside the microphone.
    fn choose(&self, kind: &str, name: &str) -> Outcome {
        self.desktop.press_selected(".dock [data-control=microphone] ~ .chev", SOON)?;
        let item = format!(
            "[role=menu] [role=menuitemradio][data-key^='{kind}/'][aria-label*='{name}'], [role=menu] [role=menuitemradio][data-key*='{kind}/'][data-key*='{name}']"
        );
        self.desktop.press_selected(&item, SOON)?;
        self.window().press_keys("Escape")
    }
}

#[test]
fn another_microphone_and_another_speaker_are_chosen_in_a_running_call() -> Outcome {
    let stage = Stage::set("devices-chosen")?;
    stage.pulse.add_microphone("desk")?;
    stage.pulse.add_speaker("kitchen")?;
    // It hears nothing but what is played into its air.
    stage.pulse.add_microphone("ben-microphone")?;
    let mut ben = stage.meet_over_devices("ben-microphone")?;
    stage.expect_loudness("headset", "ben-loudspeaker", true)?;
    stage.choose("microphone", "desk")?;
    stage.expect_loudness("desk", "ben-loudspeaker", true)?;
    stage.expect_loudness("headset", "ben-loudspeaker", false)?;

    stage.expect_loudness("ben-microphone", "loudspeaker", true)?;
    stage.choose("speaker", "kitchen")?;
    stage.expect_loudness("ben-microphone", "kitchen", true)?;
    stage.expect_loudness("ben-microphone", "loudspeaker", false)?;
    stage.display.screenshot(&stage.lab.file("chosen.png"))?;
    assert_eq!(ben.view().joins, 1, "the call went on");
    Ok(())
}

#[test]
fn a_microphone_that_is_taken_away_is_said_to_be_gone_and_is_used_again_when_it_is_back() -> Outcome {
    let stage = Stage::set("microphone-away-and-back")?;
    let mut ben = stage.meet_over_devices("none")?;
    stage.expect_loudness("headset", "ben-loudspeaker", true)?;
    stage.pulse.unload(stage.microphone)?;
    // Nothing else is there to speak into, and the window says so.
    stage.window().wait_for(".dock [data-control=microphone]:is([data-state=missing], [data-state=blocked])", SOON)?;
    // What is in the page is not painted yet.
    std::thread::sleep(Duration::from_millis(500));
    stage.display.screenshot(&stage.lab.file("1-away.png"))?;
    stage.pulse.add_microphone_of("headset", "headset_air")?;
    stage.pulse.set_defaults("loudspeaker", "headset")?;
    stage.expect_loudness("headset", "ben-loudspeaker", true)?;
    stage.window().wait_for(".dock [data-control=microphone][data-state=on]", SOON)?;
    stage.display.screenshot(&stage.lab.file("2-back.png"))?;
    ben.wait_until("Ada's microphone", SOON, |view| {
        view.member("Ada").is_some_and(|ada| ada.sends(SourceKind::Microphone))
    })?;
    assert_eq!(ben.view().joins, 1, "the call went on");
    Ok(())
}

//! Two people with loudspeakers: each one's loudspeaker is heard by the own microphone, and yet nobody hears an echo.

use std::thread;
use std::time::{Duration, Instant};

use confab_tests::lab::{Lab, LabError, Outcome, Pulse, sound};

/// The canceller has learned the room by then.
const LEARNED: Duration = Duration::from_secs(5);

/// What is looked at together.
const HALF_A_SECOND: Duration = Duration::from_millis(500);

/// How far below the original the echo must be.
const DOWN_BY_DB: f64 = 30.0;

/// What Ben hears of Ada, and what of it comes back to her.
struct Heard {
    /// Half second by half second, decibels.
    echo: Vec<f64>,
    /// Mean, decibels.
    original: f64,
}

#[test]
fn with_loudspeakers_wired_to_microphones_nobody_hears_an_echo_of_oneself() -> Outcome {
    let heard = listen("no-echo", Duration::from_secs(if Lab::is_full() { 30 } else { 14 }), &[])?;
    heard.expect_silence(0);
    Ok(())
}

#[test]
fn a_client_that_stands_still_for_a_moment_does_not_bring_the_echo_back() -> Outcome {
    let stalls =
        [(Duration::from_secs(6), Duration::from_millis(150)), (Duration::from_secs(9), Duration::from_millis(280))];
    listen("no-echo-stall", Duration::from_secs(13), &stalls)?.expect_silence(stalls.len());
    Ok(())
}

impl Heard {
    /// In every half second but those in which sound itself was torn: one a stall of the client, and in the quick tier
    /// one of the machine's own.
    fn expect_silence(&self, stalls: usize) {
        let down: Vec<f64> = self.echo.iter().map(|echo| self.original - echo).collect();
        assert!(down.len() >= 10, "only {} half seconds of what Ada hears were recorded", down.len());
        let heard = down.iter().filter(|down| **down < DOWN_BY_DB).count();
        let forgiven = stalls + usize::from(!Lab::is_full());
        assert!(heard <= forgiven, "the echo is down by {down:.0?} dB");
    }
}

/// Two people in rooms with loudspeakers, of whom Ada speaks. Ben's client stands still at these times for so long.
fn listen(name: &str, length: Duration, stalls: &[(Duration, Duration)]) -> Outcome<Heard> {
    let lab = Lab::open(name)?;
    let pulse = Pulse::start(lab.folder())?;
    for name in ["ada", "ben"] {
        pulse.add_speaker(&format!("{name}-loudspeaker"))?;
        pulse.add_microphone(&format!("{name}-microphone"))?;
        let air = Duration::from_millis(if name == "ada" { 40 } else { 60 });
        pulse.wire(&format!("{name}-loudspeaker"), &format!("{name}-microphone"), air)?;
    }
    // A room takes something away on the way: here 6 dB.
    for name in ["ada", "ben"] {
        pulse.set_volume(&format!("{name}-loudspeaker"), 0.5)?;
    }
    let server = lab.server()?;
    let room = server.create_room()?;
    let join = |name: &str| {
        let device = name.to_lowercase();
        lab.person(name)
            .camera("none")
            .microphone(format!("{device}-microphone"))
            .speaker(format!("{device}-loudspeaker"))
            .args(["--processing", "on"])
            .envs(pulse.environment())
            .join(server.address(), &room)
    };
    let mut ada = join("Ada")?;
    let mut ben = join("Ben")?;
    ada.wait_until("Ben connected", Duration::from_secs(10), |view| view.is_connected("Ben"))?;
    assert!(ada.view().device_problems.is_empty(), "{:?}", ada.view().device_problems);
    assert!(ben.view().device_problems.is_empty(), "{:?}", ben.view().device_problems);

    let (heard_by_ada, heard_by_ben) = (lab.file("heard-by-ada.wav"), lab.file("heard-by-ben.wav"));
    let at_bens_microphone = lab.file("at-bens-microphone.wav");
    let mut recorders = [
        pulse.record("ada-loudspeaker.monitor", &heard_by_ada)?,
        pulse.record("ben-loudspeaker.monitor", &heard_by_ben)?,
        pulse.record("ben-microphone", &at_bens_microphone)?,
    ];
    let speech = lab.file("speech.wav");
    sound::write_speech(&speech, 3, length)?;
    // Only Ada speaks, near her microphone. What she hears then can be nothing but her own voice coming back.
    let mut voice = pulse.play("ada-microphone_air", &speech)?;
    let start = Instant::now();
    for (at, how_long) in stalls {
        thread::sleep((start + *at).saturating_duration_since(Instant::now()));
        ben.stand_still(*how_long)?;
    }
    voice.succeed(length * 2)?;
    for recorder in &mut recorders {
        recorder.terminate()?;
        recorder.wait(Duration::from_secs(5))?;
    }
    ada.leave()?;
    ben.leave()?;

    let levels = |file| {
        let whole = sound::read_wav(file)?;
        let learned = sound::part(&whole, LEARNED, length);
        Ok::<Vec<f64>, LabError>(learned.chunks(sound::samples(HALF_A_SECOND)).map(sound::level_db).collect())
    };
    let (original, echo, air) = (levels(&heard_by_ben)?, levels(&heard_by_ada)?, levels(&at_bens_microphone)?);
    let mean = |levels: &[f64]| levels.iter().sum::<f64>() / levels.len() as f64;
    let (loud, in_the_air) = (mean(&original), mean(&air));
    println!("Ben hears Ada at {loud:.1} dB, his microphone at {in_the_air:.1} dB, Ada hears herself at {echo:.0?}");
    assert!(loud > -45.0, "Ben does not hear Ada: {loud:.1} dB");
    assert!(in_the_air > loud - 12.0, "there was no echo to remove: {in_the_air:.1} dB at Ben's microphone");
    Ok(Heard { echo, original: loud })
}

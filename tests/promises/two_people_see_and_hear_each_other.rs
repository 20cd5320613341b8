//! The call itself, in a smaller version of `cargo xtask bench call`, with bounds that a debug build on a machine busy
//! with other tests can keep. The benchmark's are tighter.

use std::time::Duration;

use confab_tests::lab::{Lab, Outcome};
use confab_tests::two_person_call::{self, CallPlan};

#[test]
fn two_people_see_and_hear_each_other() -> Outcome {
    let lab = Lab::open("two-people")?;
    let server = lab.server()?;
    let plan =
        CallPlan { length: Duration::from_secs(if Lab::is_full() { 25 } else { 11 }), skip: Duration::from_secs(5) };
    let result = two_person_call::hold(&lab, &server, plan, server.address(), server.address())?;
    println!("{:?}\n{:?}", result.video, result.audio);
    let (video, audio) = (&result.video, &result.audio);
    assert!(video.fps >= 24.0, "{:.1} frames a second", video.fps);
    assert!(video.full_size >= 0.9, "only {:.0} % of the frames in 720p", video.full_size * 100.0);
    assert!(video.frozen_s <= 0.5, "the picture stood still for {:.1} s", video.frozen_s);
    assert!(video.psnr_db_p50.is_some_and(|psnr| psnr >= 36.0), "{:?} dB against the source", video.psnr_db_p50);
    assert!(
        video.glass_to_glass_ms_p50.is_some_and(|age| (1.0..=250.0).contains(&age)),
        "pictures are {:?} ms old",
        video.glass_to_glass_ms_p50
    );
    assert!(audio.windows >= 5, "only {} half seconds of speech were heard", audio.windows);
    assert!(audio.correlation >= 0.85, "speech correlates by {:.2}", audio.correlation);
    assert!(
        (1.0..=400.0).contains(&audio.mouth_to_ear_ms_p50),
        "speech is {:.0} ms on its way",
        audio.mouth_to_ear_ms_p50
    );
    assert!(result.join_to_audio_ms.is_some_and(|time| time <= 3_000.0), "sound after {:?}", result.join_to_audio_ms);
    assert!(result.join_to_video_ms.is_some_and(|time| time <= 3_000.0), "picture after {:?}", result.join_to_video_ms);
    Ok(())
}

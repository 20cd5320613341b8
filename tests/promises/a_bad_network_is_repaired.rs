//! One packet in twenty lost, fifty milliseconds of delay that vary by twenty: pictures are repaired by retransmission,
//! sound is concealed.

use std::time::Duration;

use confab_impair::{Loss, Profile, RelayConfig};
use confab_tests::lab::{Lab, Outcome};
use confab_tests::two_person_call::{self, CallPlan};

const LOSS: f64 = 0.05;

/// So far may the observed loss be from the wanted.
const LOSS_MARGIN: f64 = 0.02;

#[test]
fn at_five_percent_loss_pictures_are_repaired_and_sound_is_concealed() -> Outcome {
    let lab = Lab::open("bad-network")?;
    let server = lab.server()?;
    let profile = Profile {
        delay: Duration::from_millis(50),
        jitter: Duration::from_millis(20),
        loss: Loss::Random(LOSS),
        ..Profile::perfect()
    };
    let relay = lab.relay(RelayConfig::new(server.address()).with_profile(profile).with_seed(11))?;
    let plan =
        CallPlan { length: Duration::from_secs(if Lab::is_full() { 30 } else { 15 }), skip: Duration::from_secs(6) };
    let result = two_person_call::hold(&lab, &server, plan, server.address(), relay.address())?;
    println!("{:?}\n{:?}", result.video, result.audio);

    // It happened.
    for (way, counters) in [("to Ben", relay.down()), ("from Ben", relay.up())] {
        println!("{way}: {counters:?}");
        assert!(counters.offered > 300, "hardly a packet {way}");
        let observed = counters.observed_loss();
        assert!((observed - LOSS).abs() <= LOSS_MARGIN, "{:.1} % were lost {way}", observed * 100.0);
        let delay = counters.mean_delay().as_secs_f64() * 1_000.0;
        assert!((45.0..=75.0).contains(&delay), "{delay:.0} ms of delay {way}");
    }

    // And was repaired.
    let pictures = &result.receiver.stats["pictures"][0];
    let repaired = result.receiver.stats["connection"]["packets_repaired"].as_f64().unwrap_or(0.0);
    assert!(repaired > 20.0, "only {repaired} packets came by repair: {pictures}");
    let video = &result.video;
    assert!(video.fps >= 24.0, "{:.1} frames a second", video.fps);
    // A repair takes a round trip of 60 to 140 ms and pictures wait for it; one that is lost too is seen now and then.
    let measured = (plan.length - plan.skip).as_secs_f64();
    assert!(video.frozen_s <= measured / 10.0, "the picture stood still for {:.1} s", video.frozen_s);
    let missing = video.missing as f64 / (video.missing + video.shown) as f64;
    assert!(missing <= 0.03, "{:.1} % of the frames are missing", missing * 100.0);
    assert!(result.audio.correlation >= 0.8, "speech correlates by {:.2}", result.audio.correlation);
    let voices = result.receiver.stats["voices"].as_array().cloned().unwrap_or_default();
    let sum = |field: &str| voices.iter().filter_map(|voice| voice[field].as_u64()).sum::<u64>();
    let (lost_ms, covered_ms) = (sum("packets_lost") * 20, sum("concealed_ms") + sum("recovered_ms"));
    assert!(lost_ms > 0, "no sound was lost: {voices:?}");
    assert!(
        covered_ms * 10 >= lost_ms * 8,
        "{lost_ms} ms of sound were lost and {covered_ms} ms recovered or concealed"
    );
    Ok(())
}

//! A receiver's line becomes thin: which layers go, how often that changes, and that what is left can be decoded.

use std::time::Duration;

use confab_impair::{Profile, RateLimit};
use confab_protocol::SourceKind;

use super::film::{Call, Kind};

const SECOND: Duration = Duration::from_secs(1);
const CAMERA: SourceKind = SourceKind::Camera;
const SCREEN: SourceKind = SourceKind::Screen;

/// A line whose queue loses nothing while the layers go down.
fn capped(kbps: u64) -> Profile {
    let rate = RateLimit { bits_per_second: kbps * 1_000, queue: SECOND * 2 };
    Profile { rate: Some(rate), jitter: Duration::from_millis(2), ..Profile::delayed(Duration::from_millis(20)) }
}

struct Thin {
    /// How often layers changed within the minute of the cap.
    changes: usize,
    /// Keyframes asked for from 5 s after it began.
    keyframes: u32,
}

/// Half a minute in full, a minute of `kbps`, and the cap is gone again.
fn thin(kind: Kind, source: SourceKind, kbps: u64, expected: (u8, f64), seed: u64) -> Thin {
    let told = format!("{kind:?}, {source:?}, {kbps} kbit/s, seed {seed}");
    let mut call = Call::begin(kind, source, 1);
    call.lab.impair(1, capped(10_000), seed);
    call.view(1, 720);
    call.run(SECOND * 10);
    let (full_rate, full) = call.lately(1, SECOND * 3);
    assert!(full_rate > 29.0, "{told}: {full_rate}");

    call.lab.paths[1].down.as_mut().unwrap().set_profile(capped(kbps));
    call.lab.paths[1].longest_wait = Duration::ZERO;
    let begin = call.lab.now;
    call.run(SECOND * 5);
    let waited = std::mem::take(&mut call.lab.paths[1].longest_wait);
    assert!(waited > Duration::from_millis(60), "{told}: the cap was felt: {waited:?}");
    let keyframes = call.keyframes;
    call.run(SECOND * 55);
    let waited = call.lab.paths[1].longest_wait;
    assert!(waited < Duration::from_millis(300), "{told}: what is sent fits: {waited:?}");
    let (rate, spatial) = call.lately(1, SECOND * 5);
    println!("{told}: {rate:.1} pictures a second of layer {spatial}, worst queue {waited:?}");
    assert_eq!(spatial, expected.0, "{told}: {rate}");
    assert!((rate - expected.1).abs() < 2.0, "{told}: {rate} pictures a second");
    let changes = call.changes(1, begin);

    call.lab.paths[1].down.as_mut().unwrap().set_profile(capped(10_000));
    call.run(SECOND * 20);
    let (rate, spatial) = call.lately(1, SECOND * 3);
    assert!(spatial == full && rate > 29.0, "{told}: back to layer {spatial} with {rate} pictures a second");
    let keyframes = call.keyframes - keyframes;
    println!("{told}: {changes} changes in the minute, {keyframes} keyframes");
    Thin { changes, keyframes }
}

#[test]
fn a_camera_gets_half_of_the_pictures_before_it_gets_smaller() {
    for kind in [Kind::Vp9, Kind::Vp9KeySvc, Kind::Av1] {
        let (half, smaller) = (thin(kind, CAMERA, 750, (2, 15.0), 1), thin(kind, CAMERA, 400, (1, 15.0), 1));
        for thin in [half, smaller] {
            assert!(thin.changes <= 8, "{kind:?}: {} changes in a minute", thin.changes);
        }
    }
}

#[test]
fn a_screen_stays_sharp_and_gets_fewer_pictures() {
    for kind in [Kind::Vp9, Kind::Av1] {
        let thin = thin(kind, SCREEN, 400, (2, 7.5), 1);
        assert!(thin.changes <= 8, "{kind:?}: {} changes in a minute", thin.changes);
    }
}

#[test]
fn a_stream_of_one_size_loses_pictures_and_needs_no_keyframe_for_it() {
    for (kind, kbps, rate) in [(Kind::Vp8, 400, 15.0), (Kind::Vp8, 220, 7.5), (Kind::H264, 400, 15.0)] {
        for source in [CAMERA, SCREEN] {
            let Thin { changes, keyframes } = thin(kind, source, kbps, (0, rate), 1);
            assert_eq!(keyframes, 0, "{kind:?}, {source:?}");
            assert!(changes <= 8, "{kind:?}: {changes} changes in a minute");
        }
    }
}

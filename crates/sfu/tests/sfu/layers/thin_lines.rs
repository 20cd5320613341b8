//! A receiver's line becomes thin: which layers go, how often that changes, and that what is left can be decoded.

use std::time::Duration;

use confab_impair::{Profile, RateLimit};
use confab_protocol::SourceKind;

use super::film::{Call, Kind, SENDER};
use crate::lab::Lab;

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

/// Seconds in full, a minute of `kbps`, and the cap is gone again.
fn thin(kind: Kind, source: SourceKind, kbps: u64, expected: Option<(u8, f64)>, seed: u64) -> Thin {
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
    if let Some((expected, pictures)) = expected {
        assert_eq!(spatial, expected, "{told}: {rate}");
        assert!((rate - pictures).abs() < 2.0, "{told}: {rate} pictures a second");
    }
    let changes = call.changes(1, begin);

    call.lab.paths[1].down.as_mut().unwrap().set_profile(capped(10_000));
    call.run(SECOND * 20);
    let (rate, spatial) = call.lately(1, SECOND * 3);
    assert!(spatial == full && rate > 29.0, "{told}: back to layer {spatial} with {rate} pictures a second");
    let keyframes = call.keyframes - keyframes;
    Thin { changes, keyframes }
}

/// The same over the seeds; as rarely as N4 allows for whole streams.
fn thin_for_all_seeds(kind: Kind, source: SourceKind, kbps: u64, expected: (u8, f64)) -> u32 {
    let (mut most_changes, mut most_keyframes) = (0, 0);
    for seed in 0..if Lab::is_full() { 200 } else { 4 } {
        let Thin { changes, keyframes } = thin(kind, source, kbps, Some(expected), seed);
        assert!(changes <= 8, "{kind:?}, {source:?}, {kbps} kbit/s, seed {seed}: {changes} changes in a minute");
        (most_changes, most_keyframes) = (most_changes.max(changes), most_keyframes.max(keyframes));
    }
    println!("{kind:?}, {source:?}, {kbps} kbit/s: at most {most_changes} changes and {most_keyframes} keyframes");
    most_keyframes
}

#[test]
fn a_camera_gets_half_of_the_pictures_before_it_gets_smaller() {
    for kind in [Kind::Vp9, Kind::Vp9KeySvc, Kind::Av1] {
        thin_for_all_seeds(kind, CAMERA, 750, (2, 15.0));
        thin_for_all_seeds(kind, CAMERA, 400, (1, 15.0));
    }
}

#[test]
fn a_screen_stays_sharp_and_gets_fewer_pictures() {
    for kind in [Kind::Vp9, Kind::Av1] {
        thin_for_all_seeds(kind, SCREEN, 400, (2, 7.5));
    }
}

#[test]
fn a_stream_of_one_size_loses_pictures_and_needs_no_keyframe_for_it() {
    for (kind, kbps, rate) in [(Kind::Vp8, 400, 15.0), (Kind::Vp8, 220, 7.5), (Kind::H264, 400, 15.0)] {
        for source in [CAMERA, SCREEN] {
            let keyframes = thin_for_all_seeds(kind, source, kbps, (0, rate));
            // The thinnest line may have been too thin for any picture while its queue was drained.
            assert!(keyframes <= u32::from(kbps == 220), "{kind:?}, {source:?}, {kbps} kbit/s: {keyframes} keyframes");
        }
    }
}

#[test]
fn whatever_a_line_carries_layers_change_rarely() {
    for source in [CAMERA, SCREEN] {
        let mut all = Vec::new();
        for kbps in (200..=1_100).step_by(if Lab::is_full() { 10 } else { 100 }) {
            let Thin { changes, keyframes } = thin(Kind::Vp9, source, kbps, None, kbps);
            all.push((kbps, changes, keyframes));
        }
        println!("{source:?}: (kbit/s, changes, keyframes) {all:?}");
        assert!(all.iter().all(|(_, changes, _)| *changes <= 8), "{source:?}: {all:?}");
    }
}

#[test]
fn a_size_that_is_not_sent_any_more_is_not_asked_for_with_every_picture_that_is_left_out() {
    let mut call = Call::begin(Kind::Vp9, CAMERA, 1);
    call.lab.impair(1, capped(350), 1);
    call.view(1, 180);
    call.run(SECOND * 3);
    call.most_spatial = 1;
    call.view(1, 720);
    call.run(SECOND * 20);
    let (rate, spatial) = call.lately(1, SECOND * 3);
    assert!(spatial == 1 && (rate - 15.0).abs() < 2.0, "half of the pictures of layer {spatial}: {rate}");
    let before = call.keyframes;
    call.run(SECOND * 10);
    assert_eq!(call.keyframes, before);
}

#[test]
fn what_was_lost_on_the_way_in_and_belongs_to_a_layer_that_is_left_out_leaves_no_gap() {
    for kind in [Kind::Vp8, Kind::H264] {
        let mut call = Call::begin(kind, CAMERA, 1);
        call.lab.impair(1, capped(400), 1);
        call.view(1, 720);
        call.run(SECOND * 15);
        assert!((call.lately(1, SECOND * 3).0 - 15.0).abs() < 2.0, "{kind:?}: half of the pictures");
        let keyframes = call.keyframes;
        call.lab.paths[SENDER].loss_up_percent = 3.0;
        call.run(SECOND * 20);
        call.lab.paths[SENDER].loss_up_percent = 0.0;
        call.run(SECOND * 2);
        assert!(call.lab.paths[SENDER].lost > 10, "{kind:?}: {} packets were lost", call.lab.paths[SENDER].lost);
        let filled = call.received(1).iter().filter(|packet| packet.payload.is_empty()).count();
        assert!(filled > 5, "{kind:?}: {filled} numbers were filled");
        assert!(call.lately(1, SECOND * 10).0 > 13.0, "{kind:?}");
        assert_eq!(call.keyframes, keyframes, "{kind:?}");
    }
}

use std::collections::HashSet;
use std::time::Duration;

use confab_protocol::{Layer, SourceKind};
use confab_sfu::TrackState;

use crate::client::{Offered, Received};
use crate::lab::Lab;

const SECOND: Duration = Duration::from_secs(1);
const CAMERA: SourceKind = SourceKind::Camera;

/// Every packet follows the one before, and a stretch of one layer begins with its keyframe.
pub fn check_stream(seen: &[Received]) -> usize {
    let mut switches = 0;
    for (left, right) in seen.iter().zip(&seen[1..]) {
        assert_eq!(right.sequence, left.sequence + 1, "no gap and no repetition");
        let newer = right.timestamp.wrapping_sub(left.timestamp);
        assert!(newer < 90_000 * 5, "time goes forward, by {newer}");
        let (before, mark) = (left.mark(), right.mark());
        if before.layer == mark.layer && mark.frame.wrapping_sub(before.frame) <= 1 {
            let one_picture = mark.frame == before.frame;
            assert_eq!(newer == 0, one_picture, "a picture has one time, and its own");
        } else {
            assert!(mark.keyframe_start, "from {before:?} to {mark:?} without a keyframe");
            assert!(newer > 0, "two pictures never share a time");
            switches += 1;
        }
    }
    switches
}

#[test]
fn the_layer_follows_the_tile_and_changes_only_at_keyframes() {
    let mut lab = Lab::new();
    let (ann, bob) = (lab.join(), lab.join());
    lab.publish(ann, CAMERA);
    lab.view(bob, &[(ann, CAMERA, 180)]);
    let film = |lab: &mut Lab, call: u64| lab.film(ann, call);
    lab.run_with(SECOND * 2, film);
    let slot = lab.slot_of(bob, ann, CAMERA).expect("a slot was told");
    assert_eq!(slot.layer, Some(Layer::Quarter));
    assert_eq!(lab.watched_layers(ann, CAMERA), [0], "only the watched layer is encoded");

    lab.view(bob, &[(ann, CAMERA, 720)]);
    lab.run_with(SECOND * 3, film);
    assert_eq!(lab.slot_of(bob, ann, CAMERA).unwrap().mid, slot.mid, "the picture stays on its slot");
    assert_eq!(lab.slot_of(bob, ann, CAMERA).unwrap().layer, Some(Layer::Full));
    assert_eq!(lab.watched_layers(ann, CAMERA), [2]);

    lab.view(bob, &[(ann, CAMERA, 300)]);
    lab.run_with(SECOND * 3, film);
    assert_eq!(lab.slot_of(bob, ann, CAMERA).unwrap().layer, Some(Layer::Half));

    let seen = lab.clients[bob].on(&slot.mid);
    let layers: Vec<u8> = {
        let mut layers: Vec<u8> = seen.iter().map(|packet| packet.mark().layer).collect();
        layers.dedup();
        layers
    };
    assert_eq!(layers, [0, 2, 1]);
    assert_eq!(check_stream(&seen), 2);
    // 30 pictures a second all along: nothing was missed while switching.
    let pictures: HashSet<u32> = seen.iter().map(|packet| packet.timestamp).collect();
    assert!(pictures.len() > 225, "{} pictures in 8 seconds", pictures.len());
}

#[test]
fn a_viewer_gets_the_full_picture_within_a_second_of_viewing() {
    let mut lab = Lab::new();
    let (ann, bob) = (lab.join(), lab.join());
    lab.publish(ann, CAMERA);
    lab.view(bob, &[(ann, CAMERA, 1_080)]);
    let begin = lab.now;
    lab.run_with(SECOND * 2, |lab, call| lab.film(ann, call));
    let slot = lab.slot_of(bob, ann, CAMERA).unwrap();
    let seen = lab.clients[bob].on(&slot.mid);
    let first_full = seen.iter().find(|packet| packet.mark().layer == 2).expect("the full layer came");
    assert!(first_full.at - begin < SECOND / 2, "after {:?}", first_full.at - begin);
    assert!(seen[0].mark().keyframe_start);
}

#[test]
fn while_the_new_layers_keyframe_is_missing_the_old_layer_goes_on() {
    let mut lab = Lab::new();
    let (ann, bob) = (lab.join(), lab.join());
    lab.publish(ann, CAMERA);
    lab.view(bob, &[(ann, CAMERA, 180)]);
    // A sender that encodes everything but gives keyframes only when the test says so.
    let send = |lab: &mut Lab, call: u64, full_keyframe: bool| {
        if call.is_multiple_of(3) {
            let now = lab.now;
            let asked = std::mem::take(&mut lab.clients[ann].track(CAMERA).streams[2].keyframe_due);
            lab.clients[ann].track(CAMERA).streams[2].keyframe_due = full_keyframe;
            lab.clients[ann].show(now, CAMERA, &[0, 2], 2, 600);
            return asked;
        }
        false
    };
    lab.run_with(SECOND, |lab, call| {
        send(lab, call, call == 0);
    });
    lab.view(bob, &[(ann, CAMERA, 720)]);
    let mut asked = 0;
    lab.run_with(SECOND, |lab, call| asked += u32::from(send(lab, call, false)));
    let slot = lab.slot_of(bob, ann, CAMERA).unwrap();
    assert_eq!(slot.layer, Some(Layer::Quarter), "still the old one");
    assert!((2..=5).contains(&asked), "keyframes are asked for, no more often than every 300 ms: {asked}");
    let seen = lab.clients[bob].on(&slot.mid);
    let recent = seen.iter().filter(|packet| packet.at > lab.now - SECOND / 2).count();
    assert!(recent >= 28, "and it goes on: {recent} packets in half a second");
    lab.run_with(SECOND, |lab, call| {
        send(lab, call, call == 0);
    });
    assert_eq!(lab.slot_of(bob, ann, CAMERA).unwrap().layer, Some(Layer::Full));
    check_stream(&lab.clients[bob].on(&slot.mid));
}

#[test]
fn pictures_go_to_the_viewed_only_and_keep_their_slots_while_viewed() {
    let mut lab = Lab::new();
    let viewer = lab.join();
    let others: Vec<usize> = (0..5).map(|_| lab.join()).collect();
    for other in &others {
        lab.publish(*other, CAMERA);
    }
    let film = |lab: &mut Lab, call: u64| {
        for other in 1..=5 {
            lab.film(other, call);
        }
    };
    lab.run_with(SECOND / 2, film);
    assert!(lab.clients[viewer].received.is_empty(), "without a view there is no video");

    lab.view(viewer, &[(1, CAMERA, 180), (2, CAMERA, 180)]);
    lab.run_with(SECOND / 2, film);
    let second = lab.slot_of(viewer, 2, CAMERA).unwrap().mid;
    lab.view(viewer, &[(3, CAMERA, 180), (4, CAMERA, 180), (5, CAMERA, 180), (2, CAMERA, 180), (viewer, CAMERA, 180)]);
    lab.run_with(SECOND / 2, film);
    assert_eq!(lab.slot_of(viewer, 2, CAMERA).unwrap().mid, second, "who is still viewed stays");
    assert!(lab.slot_of(viewer, 1, CAMERA).is_none());
    for other in [3, 4, 5] {
        let slot = lab.slot_of(viewer, other, CAMERA).unwrap();
        assert!(!lab.clients[viewer].on(&slot.mid).is_empty());
    }
    assert_eq!(lab.watched_layers(1, CAMERA), [0; 0].to_vec().into_iter().chain([0]).collect::<Vec<usize>>());
    lab.run_with(SECOND * 2, film);
    assert!(lab.watched_layers(1, CAMERA).is_empty(), "an unwatched camera need not be encoded");
}

#[test]
fn when_slots_are_short_screens_then_pins_then_priorities_then_sizes_decide() {
    let mut lab = Lab::new();
    let viewer = lab.begin_join(&Offered { video_slots: 3, ..Offered::default() }, Lab::grants());
    let others: Vec<usize> = (0..5).map(|_| lab.join()).collect();
    for other in &others {
        lab.publish(*other, CAMERA);
    }
    lab.publish(5, SourceKind::Screen);
    let small = lab.tile(1, CAMERA, 100);
    let large = lab.tile(2, CAMERA, 500);
    let urgent = confab_protocol::TileRequest { priority: 9, ..lab.tile(3, CAMERA, 100) };
    let pinned = confab_protocol::TileRequest { pinned: true, ..lab.tile(4, CAMERA, 100) };
    let screen = lab.tile(5, SourceKind::Screen, 100);
    lab.view_tiles(viewer, vec![small, large, urgent, pinned, screen]);
    lab.run(SECOND / 5);
    let has = |lab: &Lab, of, source| lab.slot_of(viewer, of, source).is_some();
    assert!(has(&lab, 5, SourceKind::Screen) && has(&lab, 4, CAMERA) && has(&lab, 3, CAMERA));
    assert!(!has(&lab, 1, CAMERA) && !has(&lab, 2, CAMERA));
    lab.view_tiles(viewer, vec![small, large, urgent, pinned]);
    lab.run(SECOND / 5);
    assert!(has(&lab, 2, CAMERA) && !has(&lab, 1, CAMERA), "the larger of the equals");
}

#[test]
fn a_receiver_on_a_thin_line_gets_a_layer_that_fits_and_others_are_not_touched() {
    let mut lab = Lab::new();
    let (ann, thin, wide) = (lab.join(), lab.join(), lab.join());
    lab.publish(ann, CAMERA);
    lab.paths[thin].rate_down = 700_000;
    lab.view(thin, &[(ann, CAMERA, 720)]);
    lab.view(wide, &[(ann, CAMERA, 720)]);
    lab.run_with(SECOND * 15, |lab, call| lab.film(ann, call));
    let layer = lab.slot_of(thin, ann, CAMERA).unwrap().layer;
    assert!(matches!(layer, Some(Layer::Quarter | Layer::Half)), "{layer:?}");
    assert_eq!(lab.slot_of(wide, ann, CAMERA).unwrap().layer, Some(Layer::Full));
    let waited = std::mem::take(&mut lab.paths[thin].longest_wait);
    assert!(waited > Duration::from_millis(100), "the line really was too thin for the full layer: {waited:?}");
    lab.run_with(SECOND * 5, |lab, call| lab.film(ann, call));
    let waited = lab.paths[thin].longest_wait;
    assert!(waited < Duration::from_millis(250), "and what is sent now fits: {waited:?}");

    lab.paths[thin].rate_down = 0;
    lab.run_with(SECOND * 20, |lab, call| lab.film(ann, call));
    assert_eq!(lab.slot_of(thin, ann, CAMERA).unwrap().layer, Some(Layer::Full), "and it comes back");
}

#[test]
fn keyframe_requests_of_many_receivers_reach_the_sender_once() {
    let mut lab = Lab::new();
    let ann = lab.join();
    let viewers: Vec<usize> = (0..6).map(|_| lab.join()).collect();
    lab.publish(ann, CAMERA);
    for viewer in &viewers {
        lab.view(*viewer, &[(ann, CAMERA, 180)]);
    }
    lab.run_with(SECOND * 2, |lab, call| lab.film(ann, call));
    let before = lab.clients[ann].track(CAMERA).streams[0].keyframes;
    for viewer in &viewers {
        let mid = lab.slot_of(*viewer, ann, CAMERA).unwrap().mid;
        lab.clients[*viewer].ask_for_keyframe(str0m::media::Mid::from(mid.as_str()));
    }
    lab.run_with(SECOND * 2, |lab, call| lab.film(ann, call));
    let made = lab.clients[ann].track(CAMERA).streams[0].keyframes - before;
    assert!((1..=2).contains(&made), "six requests at once made {made} keyframes");
}

#[test]
fn a_camera_switched_off_and_on_begins_again_with_a_keyframe_on_its_slot() {
    let mut lab = Lab::new();
    let (ann, bob) = (lab.join(), lab.join());
    lab.publish(ann, CAMERA);
    lab.view(bob, &[(ann, CAMERA, 360)]);
    lab.run_with(SECOND, |lab, call| lab.film(ann, call));
    let mid = lab.slot_of(bob, ann, CAMERA).unwrap().mid;
    lab.set_track(ann, CAMERA, TrackState::Muted);
    lab.run(SECOND);
    assert!(lab.slot_of(bob, ann, CAMERA).is_none(), "a picture that is off has no slot");
    lab.publish(ann, CAMERA);
    lab.run_with(SECOND, |lab, call| lab.film(ann, call));
    assert_eq!(lab.slot_of(bob, ann, CAMERA).unwrap().mid, mid);
    let seen = lab.clients[bob].on(&mid);
    assert!(seen.iter().filter(|packet| packet.at > lab.now - SECOND / 2).count() > 20);
    assert_eq!(check_stream(&seen), 1);
}

#[test]
fn a_sender_that_stops_a_layer_is_followed_to_the_one_it_still_sends() {
    let mut lab = Lab::new();
    let (ann, bob) = (lab.join(), lab.join());
    lab.publish(ann, CAMERA);
    lab.view(bob, &[(ann, CAMERA, 720)]);
    let send = |lab: &mut Lab, call: u64, layers: &[usize]| {
        if call.is_multiple_of(3) {
            let now = lab.now;
            lab.clients[ann].show(now, CAMERA, layers, 2, 600);
        }
    };
    lab.run_with(SECOND * 2, |lab, call| send(lab, call, &[0, 2]));
    assert_eq!(lab.slot_of(bob, ann, CAMERA).unwrap().layer, Some(Layer::Full));
    lab.run_with(SECOND * 3, |lab, call| send(lab, call, &[0]));
    assert_eq!(lab.slot_of(bob, ann, CAMERA).unwrap().layer, Some(Layer::Quarter));
    lab.run_with(SECOND * 2, |lab, call| send(lab, call, &[0, 2]));
    assert_eq!(lab.slot_of(bob, ann, CAMERA).unwrap().layer, Some(Layer::Full));
}

#[test]
fn a_receiver_that_stalls_now_and_then_keeps_its_layer() {
    let mut lab = Lab::new();
    let (ann, bob) = (lab.join(), lab.join());
    lab.publish(ann, CAMERA);
    lab.view(bob, &[(ann, CAMERA, 720)]);
    lab.run_with(SECOND * 3, |lab, call| lab.film(ann, call));
    let mut below = 0;
    for _ in 0..15 {
        lab.paths[bob].stalled_until = Some(lab.now + Duration::from_millis(120));
        for _ in 0..10 {
            lab.run_with(SECOND / 10, |lab, call| lab.film(ann, call));
            let layer = lab.slot_of(bob, ann, CAMERA).unwrap().layer;
            below += u32::from(layer != Some(Layer::Full));
        }
    }
    assert_eq!(below, 0, "tenths of a second below the full layer in 15 seconds");
}

#[test]
fn a_view_that_becomes_empty_at_any_moment_holds_nobody_up() {
    let mut lab = Lab::new();
    let (ann, bob) = (lab.join(), lab.join());
    lab.publish(ann, CAMERA);
    // Probes run in the first seconds; one of them loses its picture in the middle.
    for pause in 1..40 {
        lab.view(bob, &[(ann, CAMERA, 720)]);
        lab.run_with(Duration::from_millis(40 + 10 * pause), |lab, call| lab.film(ann, call));
        lab.view(bob, &[]);
        lab.run_with(Duration::from_millis(30), |lab, call| lab.film(ann, call));
    }
    assert_eq!(lab.sfu.counters().members, 2);
}

//! What receivers miss is sent again: at once although pictures wait, at the end of a picture too, and as long as anybody
//! asks; what waited too long leaves nothing to miss.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use confab_impair::{Loss, Profile, RateLimit};
use confab_protocol::{Layer, SourceKind};
use confab_sfu::SfuConfig;

use super::seeds;
use crate::lab::{Film, Lab};
use crate::pictures::check_stream;
use crate::repair::missing_and_repeated;

const SECOND: Duration = Duration::from_secs(1);
const CAMERA: SourceKind = SourceKind::Camera;
const SCREEN: SourceKind = SourceKind::Screen;

/// Somebody's screen, of which each picture is so many packets of 1,100 bytes, and somebody who sees it over a line of
/// 1 Mbit/s as far as the core knows.
fn screen() -> (Lab, usize, usize) {
    let mut lab = Lab::with(SfuConfig { initial_estimate: 1_000_000, ..SfuConfig::default() });
    let (ann, bob) = (lab.join(), lab.join());
    lab.publish(ann, SCREEN);
    lab.view(bob, &[(ann, SCREEN, 720)]);
    (lab, ann, bob)
}

fn show(lab: &mut Lab, from: usize, packets: u8) {
    let now = lab.now;
    lab.clients[from].show(now, SCREEN, &[0], packets, 1_100);
}

#[test]
fn a_repair_leaves_at_once_although_pictures_wait_for_their_pace() {
    let (mut lab, ann, bob) = screen();
    lab.run_with(SECOND, |lab, call| {
        if call.is_multiple_of(25) {
            show(lab, ann, 2);
        }
    });
    let mut most_held = 0;
    lab.run_with(SECOND * 20, |lab, call| {
        // Only the first of each picture are lost, never a repair.
        lab.paths[bob].loss_down_percent = if call.is_multiple_of(50) { 40.0 } else { 0.0 };
        if call.is_multiple_of(50) {
            show(lab, ann, 35);
        }
        most_held = most_held.max(lab.sfu.holdings().held);
    });
    assert!(lab.paths[bob].lost > 20 && most_held > 20, "{} lost, {most_held} held", lab.paths[bob].lost);
    let mid = lab.slot_of(bob, ann, SCREEN).unwrap().mid;
    let (missing, repeated, slowest) = missing_and_repeated(&lab.clients[bob].on(&mid));
    assert_eq!((missing, repeated), (0, 0));
    assert!(slowest < Duration::from_millis(75), "the slowest repair came {slowest:?} after it was missed");
}

#[test]
fn pictures_that_waited_too_long_leave_no_gap_and_nobody_asks_for_them() {
    let (mut lab, ann, bob) = screen();
    let rate = RateLimit { bits_per_second: 2_000_000, queue: SECOND * 2 };
    lab.impair(bob, Profile { rate: Some(rate), ..Profile::delayed(Duration::from_millis(10)) }, 1);
    lab.run_with(SECOND * 30, |lab, call| {
        if call.is_multiple_of(25) {
            // One in twelve takes a second on the line.
            show(lab, ann, if call.is_multiple_of(300) { 250 } else { 1 });
        }
    });
    lab.run(SECOND);
    let counters = lab.sfu.counters();
    let mid = lab.slot_of(bob, ann, SCREEN).unwrap().mid;
    let seen = lab.clients[bob].on(&mid);
    let overflowed = lab.paths[bob].down.as_ref().unwrap().counters().overflowed;
    assert_eq!(overflowed, 0, "the line itself loses nothing");
    assert!(counters.packets_late >= 3, "{} times pictures were dropped", counters.packets_late);
    let (missing, repeated, _) = missing_and_repeated(&seen);
    assert_eq!((missing, repeated, counters.repairs_refused), (0, 0, 0));
    assert!(check_stream(&seen) >= 3, "each time it begins anew at a keyframe");
}

#[test]
fn the_end_of_a_picture_that_is_lost_before_a_pause_is_sent_again_although_nobody_can_miss_it() {
    let (mut lab, ann, bob) = screen();
    lab.run_with(SECOND, |lab, call| {
        if call.is_multiple_of(25) {
            show(lab, ann, 2);
        }
    });
    for _ in 0..10 {
        lab.paths[bob].loss_down_percent = 100.0;
        show(&mut lab, ann, 1);
        lab.run(Duration::from_millis(50));
        lab.paths[bob].loss_down_percent = 0.0;
        let begin = lab.now;
        let mid = lab.slot_of(bob, ann, SCREEN).unwrap().mid;
        let frame = lab.clients[ann].shown.last().unwrap().2;
        lab.run_until(SECOND, |lab| lab.clients[bob].on(&mid).last().is_some_and(|last| last.mark().frame == frame));
        assert!(lab.now - begin < Duration::from_millis(500), "after {:?}", lab.now - begin);
        lab.run(SECOND);
    }
    assert!(lab.paths[bob].lost >= 10, "{} packets were lost", lab.paths[bob].lost);
    let sent = lab.sfu.counters().packets_repaired;
    assert!(sent <= 15, "each is sent again once or twice: {sent}");
}

/// Whoever sees it gets every packet of a camera of 2 Mbit/s, sent in bursts of eight packets with pauses between, whatever
/// one in a hundred of them does on the way.
#[test]
fn one_percent_lost_at_random_leaves_nothing_unrepaired_over_ways_of_1_to_100_ms() {
    let mut lost = 0;
    let mut slowest = Duration::ZERO;
    for seed in seeds(20, 400) {
        let mut lab = Lab::new();
        let ann = lab.join();
        lab.publish(ann, CAMERA);
        let viewers: Vec<usize> = [1, 10, 40, 100]
            .into_iter()
            .map(|round_trip| {
                let viewer = lab.join();
                lab.view(viewer, &[(ann, CAMERA, 720)]);
                lab.impair(viewer, Profile::delayed(Duration::from_micros(round_trip * 500)), seed * 4 + viewer as u64);
                viewer
            })
            .collect();
        let film: Film = [(1, 500), (2, 900), (8, 1_040)];
        lab.run_with(SECOND * 3, |lab, call| lab.film_like(ann, call, &film));
        let begun = lab.now;
        for &viewer in &viewers {
            assert_eq!(lab.slot_of(viewer, ann, CAMERA).unwrap().layer, Some(Layer::Full));
            let down = lab.paths[viewer].down.as_mut().unwrap();
            down.set_profile(Profile { loss: Loss::Random(0.01), ..*down.profile() });
        }
        for _ in 0..4 {
            lab.run_with(SECOND * 3, |lab, call| lab.film_like(ann, call, &film));
            lab.run(SECOND * 3);
        }
        let sent: HashSet<(u8, u32, u8)> = (lab.clients[ann].shown.iter())
            .filter(|shown| shown.0 >= begun)
            .flat_map(|(_, layer, frame, packets)| (0..*packets).map(|packet| (*layer, *frame, packet)))
            .collect();
        let at: HashMap<(u8, u32), Instant> =
            lab.clients[ann].shown.iter().map(|(at, layer, frame, _)| ((*layer, *frame), *at)).collect();
        for &viewer in &viewers {
            let mid = lab.slot_of(viewer, ann, CAMERA).unwrap().mid;
            let mut came = HashSet::new();
            for packet in lab.clients[viewer].on(&mid).iter().filter(|packet| packet.at >= begun) {
                let mark = packet.mark();
                came.insert((mark.layer, mark.frame, mark.packet));
                slowest = slowest.max(packet.at - at[&(mark.layer, mark.frame)]);
            }
            let missing: Vec<_> = sent.difference(&came).collect();
            assert!(missing.is_empty(), "seed {seed}, viewer {viewer}: {missing:?} of {} never came", sent.len());
            lost += lab.paths[viewer].down.as_ref().unwrap().counters().lost;
        }
        assert_eq!(lab.sfu.counters().repairs_refused, 0, "seed {seed}");
    }
    println!("{lost} packets lost, the slowest came after {slowest:?}");
    assert!(lost > 1_000, "{lost} packets were lost");
}

//! When bursts leave.

use std::time::{Duration, Instant};

use confab_rtp::{BurstPacer, BurstPacerConfig, DataRate, PacerDecision, PacketClass};

use PacerDecision::{HoldUntil, Send, Split};
use PacketClass::{Audio, Probe, Repair, Video};

const PACKET: usize = 1200;

fn pacer(kbps: u64) -> BurstPacer {
    BurstPacer::new(BurstPacerConfig::default(), DataRate::from_kbps(kbps))
}

/// Sends so many packets as the pacer allows and says when each left, in milliseconds.
fn spread(pacer: &mut BurstPacer, start: Instant, mut packets: usize) -> Vec<u64> {
    let mut left = Vec::new();
    let mut now = start;
    while packets > 0 {
        let count = match pacer.allow(now, packets * PACKET, Video) {
            Send => packets,
            Split(room) => {
                let fitting = room / PACKET;
                assert!(fitting < packets);
                if fitting > 0 {
                    assert_eq!(pacer.allow(now, fitting * PACKET, Video), Send);
                }
                fitting
            }
            HoldUntil(until) => {
                assert!(until > now && until <= now + Duration::from_secs(1));
                now = until;
                continue;
            }
        };
        left.extend(std::iter::repeat_n((now - start).as_millis() as u64, count));
        packets -= count;
        if count == 0 {
            now += Duration::from_millis(5);
        }
    }
    left
}

#[test]
fn frames_far_below_the_target_leave_whole() {
    let start = Instant::now();
    let mut pacer = pacer(8000);
    for frame in 0..300 {
        let now = start + Duration::from_millis(33) * frame;
        // 3 Mbit/s, and a key frame four times as large now and then.
        let bytes = if frame % 100 == 50 { 49_000 } else { 12_500 };
        assert_eq!(pacer.allow(now, bytes, Video), Send, "frame {frame}");
    }
}

#[test]
fn a_key_frame_on_a_slow_link_leaves_in_slots_and_never_queues_for_long() {
    let start = Instant::now();
    let mut pacer = pacer(1000);
    // 100 ms of a link of 1 Mbit/s.
    let left = spread(&mut pacer, start, 10);
    let last = *left.last().expect("all left");
    assert!((50..=100).contains(&last), "{left:?}");
    assert!(left.iter().all(|at| at % 5 == 0), "{left:?}");
    let link = DataRate::from_kbps(1000);
    let mut free_at = Duration::ZERO;
    for at in left.iter().map(|at| Duration::from_millis(*at)) {
        free_at = free_at.max(at) + link.time_for(PACKET);
        assert!(free_at - at <= Duration::from_millis(45), "{:?} of queue at {at:?}", free_at - at);
    }
}

#[test]
fn a_key_frame_on_a_fast_link_leaves_sooner_than_at_the_target() {
    let start = Instant::now();
    // 200 ms at 10 Mbit/s: 50 ms of it at once, the rest at two and a half times the target.
    let left = spread(&mut pacer(10_000), start, 208);
    let last = *left.last().expect("all left");
    assert!((50..=75).contains(&last), "{last}");
    assert!(left.iter().filter(|at| **at == 0).count() >= 50);
}

#[test]
fn sound_and_probes_are_never_held_but_counted() {
    let start = Instant::now();
    let mut pacer = pacer(300);
    spread(&mut pacer, start, 2);
    for _ in 0..50 {
        assert_eq!(pacer.allow(start, 100, Audio), Send);
        assert_eq!(pacer.allow(start, 500, Probe), Send);
    }
    let HoldUntil(until) = pacer.allow(start, PACKET, Video) else { panic!("what they take counts") };
    assert!(until - start > Duration::from_millis(500), "{:?}", until - start);
}

#[test]
fn repairs_go_before_new_pictures() {
    let start = Instant::now();
    let mut pacer = pacer(500);
    spread(&mut pacer, start, 2);
    let HoldUntil(until) = pacer.allow(start, PACKET, Repair) else { panic!("the budget is used up") };
    // A small picture would fit sooner; it lets the repair pass.
    assert!(matches!(pacer.allow(until, 60, Video), HoldUntil(_)));
    assert_eq!(pacer.allow(until, PACKET, Repair), Send);
    // A caller that forgot its repair does not hold up pictures for ever.
    let HoldUntil(until) = pacer.allow(until, PACKET, Repair) else { panic!("the budget is used up") };
    assert_eq!(pacer.allow(until + Duration::from_millis(100), PACKET, Video), Send);
}

#[test]
fn a_picture_that_waited_for_more_than_400_ms_is_too_late() {
    let start = Instant::now();
    let pacer = pacer(300);
    assert!(!pacer.is_too_late(start + Duration::from_millis(399), start));
    assert!(pacer.is_too_late(start + Duration::from_millis(401), start));
}

#[test]
fn what_was_not_used_is_not_saved_up() {
    let start = Instant::now();
    let mut pacer = pacer(2000);
    assert_eq!(pacer.allow(start, PACKET, Video), Send);
    let later = start + Duration::from_secs(60);
    let burst = match pacer.allow(later, 1_000_000, Video) {
        Split(room) => room,
        other => panic!("{other:?}"),
    };
    assert!(burst < 10_000, "{burst}");
    assert_eq!(pacer.allow(later, burst, Video), Send);
    assert!(matches!(pacer.allow(later, PACKET, Video), HoldUntil(_)));
}

//! What the controller costs.

use std::time::{Duration, Instant};

use confab_rtp::{
    BurstPacer, BurstPacerConfig, CongestionController, DataRate, PacerDecision, PacketClass, PacketResult,
};

use crate::counting_allocator::allocations;
use crate::sender::server_config;

const FEEDBACKS: u32 = 20_000;
const PACKETS: u32 = 20;

/// Feedback of 20 packets every 50 ms, some lost, some delayed.
fn feedback(start: Instant, number: u32, packets: &mut Vec<PacketResult>) -> Instant {
    packets.clear();
    let begun = Duration::from_millis(50) * number;
    packets.extend((0..PACKETS).map(|packet| {
        let sent = begun + Duration::from_micros(2500) * packet;
        let received = !(number * PACKETS + packet).is_multiple_of(33);
        let late = Duration::from_micros(u64::from((number * 7 + packet * 13) % 9000));
        let arrived = received.then_some(Duration::from_secs(9000) + sent + Duration::from_millis(20) + late);
        PacketResult { sent: start + sent, received, arrived, bytes: 1100, probe: None }
    }));
    start + begun + Duration::from_millis(90)
}

#[test]
fn feedback_costs_under_100_ns_a_packet_and_no_allocation() {
    let start = Instant::now();
    let mut controller = CongestionController::new(server_config());
    let mut packets = Vec::with_capacity(PACKETS as usize);
    for number in 0..400 {
        let now = feedback(start, number, &mut packets);
        controller.on_feedback(now, &packets);
        controller.poll_probe(now);
    }
    let mut best = Duration::MAX;
    let before = allocations();
    for round in 0..10 {
        let mut spent = Duration::ZERO;
        let first = 400 + round * FEEDBACKS / 10;
        for number in first..first + FEEDBACKS / 10 {
            let now = feedback(start, number, &mut packets);
            let begun = Instant::now();
            controller.on_feedback(now, &packets);
            controller.poll_probe(now);
            spent += begun.elapsed();
        }
        best = best.min(spent);
    }
    assert_eq!(allocations() - before, 0);
    let nanoseconds = best.as_nanos() as f64 / f64::from(FEEDBACKS / 10 * PACKETS);
    println!("on_feedback: {nanoseconds:.1} ns a packet, in feedback of {PACKETS}");
    assert!(nanoseconds < 100.0, "{nanoseconds} ns a packet");
    assert!(controller.target() > DataRate::from_kbps(1000));
}

#[test]
fn a_burst_far_below_the_target_costs_under_100_ns_at_the_pacer() {
    let start = Instant::now();
    let mut pacer = BurstPacer::new(BurstPacerConfig::default(), DataRate::from_kbps(20_000));
    let mut best = Duration::MAX;
    for round in 0..10 {
        let begun = Instant::now();
        for number in 0..10_000 {
            let now = start + Duration::from_millis(33) * (round * 10_000 + number);
            assert_eq!(pacer.allow(now, 8800, PacketClass::Video), PacerDecision::Send);
        }
        best = best.min(begun.elapsed());
    }
    let nanoseconds = best.as_nanos() as f64 / 10_000.0;
    println!("allow: {nanoseconds:.1} ns a burst");
    assert!(nanoseconds < 100.0, "{nanoseconds} ns a burst");
}

use std::time::{Duration, Instant};

use super::*;
use crate::congestion::PacketResult;
use crate::wire::{Report, reports};

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

fn receiver() -> TwccReceiver {
    TwccReceiver::new(TwccReceiverConfig::default())
}

/// Carries everything due from the receiver to the sender.
fn carry(receiver: &mut TwccReceiver, sender: &mut TwccSender, now: Instant) -> Vec<SentResult> {
    let mut results = Vec::new();
    let mut bytes = Vec::new();
    while receiver.poll_feedback(now, 1, 2, &mut bytes) {
        deliver(&bytes, sender, now, &mut results);
        bytes.clear();
    }
    results
}

fn deliver(bytes: &[u8], sender: &mut TwccSender, now: Instant, results: &mut Vec<SentResult>) {
    assert!(bytes.len() <= 1100 && bytes.len().is_multiple_of(4), "{}", bytes.len());
    for report in reports(bytes) {
        let Report::TransportFeedback(feedback) = report else { panic!("{report:?}") };
        assert_eq!((feedback.sender_ssrc, feedback.media_ssrc), (1, 2));
        sender.on_feedback(now, &feedback, results);
    }
}

#[test]
fn what_arrives_and_what_does_not_is_told_in_order_of_sending() {
    let start = Instant::now();
    let (mut sender, mut receiver) = (TwccSender::new(2048), receiver());
    for index in 0..40_u32 {
        let kind = match index {
            30.. => SentKind::Probe(9),
            20.. => SentKind::Repair,
            _ => SentKind::Media,
        };
        let sent = start + ms(1) * index;
        let sequence = sender.send(sent, 1000 + index as usize, kind);
        if index % 5 != 2 {
            receiver.on_packet(sequence, sent + ms(30) + Duration::from_micros(250) * (index % 3));
        }
    }
    assert_eq!(sender.in_flight(), 40 * 1000 + 780);
    let results = carry(&mut receiver, &mut sender, start + ms(200));
    assert_eq!(results.len(), 40);
    assert_eq!(sender.in_flight(), 0);
    let first = results[0].arrived.expect("arrived");
    for (index, result) in (0_u32..).zip(&results) {
        assert_eq!((result.sent, result.bytes), (start + ms(1) * index, 1000 + index as usize));
        assert_eq!(result.received, index % 5 != 2);
        assert_eq!((result.repair, result.probe), ((20..30).contains(&index), (index >= 30).then_some(9)));
        let arrived = result.received.then(|| first + ms(1) * index + Duration::from_micros(250) * (index % 3));
        assert_eq!(result.arrived, arrived);
    }
    let stats = sender.stats();
    assert_eq!((stats.received, stats.lost, stats.corrections, stats.unknown), (32, 8, 0, 0));
    let model = PacketResult::from(results[1]);
    assert_eq!((model.sent, model.bytes, model.received), (start + ms(1), 1001, true));
}

/// Put together by hand from the draft, 3.1.
#[test]
fn feedback_on_the_wire_is_as_the_draft_says() {
    let start = Instant::now();
    let mut receiver = receiver();
    for (sequence, after) in [(5, 0), (6, 1), (8, 101)] {
        receiver.on_packet(sequence, start + ms(after));
    }
    let mut bytes = Vec::new();
    assert!(receiver.poll_feedback(start + ms(200), 1, 2, &mut bytes));
    let header = [0x8f, 205, 0, 6, 0, 0, 0, 1, 0, 0, 0, 2];
    // Base 5, four packets, reference 1, feedback 0.
    let information = [0, 5, 0, 4, 0, 0, 1, 0];
    // A vector of two bits each: small, small, not received, large. Then 0, 1 ms and 100 ms in 250 us, and padding.
    let statuses = [0b1101_0100, 0b1000_0000, 0, 4, 0x01, 0x90, 0, 0];
    assert_eq!(bytes, [&header[..], &information[..], &statuses[..]].concat());
}

#[test]
fn feedback_is_not_written_more_often_than_the_interval_unless_much_came() {
    let start = Instant::now();
    let mut receiver = receiver();
    assert_eq!(receiver.next_deadline(), None);
    let mut written = Vec::new();
    let mut bytes = Vec::new();
    for index in 0..1000_u64 {
        let now = start + ms(1) * index as u32;
        if index % 10 == 0 {
            receiver.on_packet((index / 10) as u16, now);
        }
        if receiver.poll_feedback(now, 1, 2, &mut bytes) {
            written.push(index);
        }
    }
    assert_eq!(written[..3], [10, 60, 110]);
    assert_eq!(written.len(), 20);
    let now = start + ms(1001);
    assert!(receiver.poll_feedback(now + ms(200), 1, 2, &mut bytes) || receiver.next_deadline().is_none());
    for sequence in 200..299 {
        receiver.on_packet(sequence, now + ms(201));
    }
    assert!(!receiver.poll_feedback(now + ms(201), 1, 2, &mut bytes));
    receiver.on_packet(299, now + ms(201));
    assert!(receiver.poll_feedback(now + ms(201), 1, 2, &mut bytes), "a hundred are told at once");
    assert_eq!(receiver.next_deadline(), None);
}

#[test]
fn a_late_packet_corrects_its_loss_once() {
    let start = Instant::now();
    let (mut sender, mut receiver) = (TwccSender::new(2048), receiver());
    for _ in 0..10 {
        sender.send(start, 100, SentKind::Media);
    }
    for sequence in (0..10).filter(|sequence| *sequence != 4) {
        receiver.on_packet(sequence, start + ms(10));
    }
    let first = carry(&mut receiver, &mut sender, start + ms(30));
    assert_eq!(first.iter().filter(|result| !result.received).count(), 1);
    receiver.on_packet(4, start + ms(90));
    let second = carry(&mut receiver, &mut sender, start + ms(200));
    assert_eq!(second.len(), 1, "only what is new: {second:?}");
    assert!(second[0].received);
    assert_eq!(second[0].number, first[4].number);
    assert_eq!(second[0].arrived.expect("arrived") - first[0].arrived.expect("arrived"), ms(80));
    let stats = sender.stats();
    assert_eq!((stats.received, stats.lost, stats.corrections), (10, 1, 1));
    receiver.on_packet(4, start + ms(210));
    assert_eq!((receiver.dropped(), receiver.next_deadline()), (1, None));
}

#[test]
fn a_lost_feedback_tells_nothing_about_its_packets() {
    let start = Instant::now();
    let (mut sender, mut receiver) = (TwccSender::new(2048), receiver());
    let mut lost = Vec::new();
    for sequence in 0..20 {
        sender.send(start, 100, SentKind::Media);
        receiver.on_packet(sequence, start + ms(1) * u32::from(sequence) * 10);
        if sequence == 9 {
            assert!(receiver.poll_feedback(start + ms(100), 1, 2, &mut lost));
        }
    }
    let results = carry(&mut receiver, &mut sender, start + ms(300));
    assert_eq!(results.len(), 10);
    assert!(results.iter().all(|result| result.received));
    assert_eq!(sender.in_flight(), 0, "what was passed over is not on the way any more");
    let mut late = Vec::new();
    deliver(&lost, &mut sender, start + ms(400), &mut late);
    assert_eq!(late.len(), 10, "if it comes after all, it is told");
    assert!(late[0].arrived < results[0].arrived);
}

#[test]
fn numbers_and_reference_times_go_on_past_their_wraps() {
    let start = Instant::now();
    let (mut sender, mut receiver) = (TwccSender::new(2048), receiver());
    let mut told = 0_u64;
    let mut before = Duration::ZERO;
    // 200 000 numbers at one each 6 s: the reference wraps after 2^24 * 64 ms, which is 12.4 days.
    for index in 0..200_000_u32 {
        let now = start + ms(6000) * index;
        let sequence = sender.send(now, 100, SentKind::Media);
        assert_eq!(sequence, index as u16);
        if index % 7 == 3 {
            continue;
        }
        receiver.on_packet(sequence, now);
        for result in carry(&mut receiver, &mut sender, now + ms(60)) {
            told += 1;
            assert_eq!(result.number - (1 << 16), told - 1);
            if let Some(arrived) = result.arrived {
                assert!(arrived > before);
                before = arrived;
                assert_eq!(result.sent.max(now), now);
            }
        }
    }
    assert_eq!(told, 200_000);
    assert_eq!(sender.stats().lost, 200_000 / 7);
}

#[test]
fn random_loss_reordering_and_duplication_are_told_as_they_were() {
    let mut random = crate::wire::hostile::Arbitrary::new(5);
    let start = Instant::now();
    for _ in 0..20 {
        let (mut sender, mut receiver) = (TwccSender::new(4096), receiver());
        let mut arrivals = Vec::new();
        for index in 0..3000_u32 {
            let sent = start + Duration::from_micros(700) * index;
            let sequence = sender.send(sent, 500, SentKind::Media);
            if random.below(10) > 0 || index == 2999 || index == 0 {
                let jitter = if index == 2999 { 40_000 } else { random.below(20_000) };
                arrivals.push((sent + Duration::from_micros(20_000 + jitter), sequence));
                if random.below(50) == 0 {
                    arrivals.push((sent + ms(60), sequence));
                }
            }
        }
        arrivals.sort();
        let mut fates = vec![None; 3000];
        let mut truth = vec![None; 3000];
        for (at, sequence) in arrivals {
            truth[usize::from(sequence)].get_or_insert(at);
            receiver.on_packet(sequence, at);
            for result in carry(&mut receiver, &mut sender, at) {
                fates[(result.number - (1 << 16)) as usize] = Some(result);
            }
        }
        for result in carry(&mut receiver, &mut sender, start + ms(5000)) {
            fates[(result.number - (1 << 16)) as usize] = Some(result);
        }
        let mut offset = None;
        for (fate, arrived) in fates.iter().zip(&truth) {
            let fate = fate.expect("every packet is told");
            assert_eq!(fate.received, arrived.is_some());
            if let (Some(found), Some(arrived)) = (fate.arrived, arrived) {
                let wanted = *arrived - start;
                let offset = *offset.get_or_insert(found.as_secs_f64() - wanted.as_secs_f64());
                assert!((found.as_secs_f64() - wanted.as_secs_f64() - offset).abs() < 0.0003);
            }
        }
        let stats = sender.stats();
        assert_eq!(stats.received as usize, truth.iter().flatten().count());
        assert_eq!((stats.lost - stats.corrections) as usize, truth.iter().filter(|at| at.is_none()).count());
    }
}

#[test]
fn feedback_on_what_was_never_sent_is_counted_and_dropped() {
    let start = Instant::now();
    let (mut sender, mut receiver) = (TwccSender::new(64), receiver());
    receiver.on_packet(100, start);
    assert!(carry(&mut receiver, &mut sender, start + ms(50)).is_empty());
    assert_eq!(sender.stats().unknown, 1);
    for _ in 0..200 {
        sender.send(start, 1000, SentKind::Media);
    }
    assert_eq!(sender.in_flight(), 64_000, "what is forgotten is not on the way any more");
    receiver.on_packet(101, start + ms(60));
    receiver.on_packet(199, start + ms(60));
    let results = carry(&mut receiver, &mut sender, start + ms(200));
    assert_eq!(results.len(), 64, "the ring's");
    assert_eq!(results.iter().filter(|result| result.received).count(), 1);
}

#[test]
fn a_far_jump_begins_anew_and_memory_stays_bounded() {
    let start = Instant::now();
    let mut receiver = receiver();
    let mut bytes = Vec::new();
    for step in 0..500_u32 {
        receiver.on_packet((step * 1999) as u16, start + ms(1) * step);
        receiver.on_packet((step * 30_011) as u16, start + ms(1) * step);
        bytes.clear();
        while receiver.poll_feedback(start + ms(1) * step, 1, 2, &mut bytes) {}
        assert!(bytes.len() < 4000);
    }
    assert!(format!("{receiver:?}").len() < 100_000);
}

#[test]
fn what_was_told_received_is_never_told_lost() {
    let start = Instant::now();
    let (mut sender, mut receiver) = (TwccSender::new(64), receiver());
    for sequence in 0..3 {
        sender.send(start, 100, SentKind::Media);
        receiver.on_packet(sequence, start + ms(10));
    }
    assert_eq!(carry(&mut receiver, &mut sender, start + ms(30)).len(), 3);
    // Three packets from number 0 on, a run of three not received.
    let denial = [0x8f, 205, 0, 5, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 1, 1, 0, 3, 0, 0];
    let mut results = Vec::new();
    deliver(&denial, &mut sender, start + ms(60), &mut results);
    assert_eq!(results, []);
    assert_eq!((sender.stats().received, sender.stats().lost), (3, 0));
}

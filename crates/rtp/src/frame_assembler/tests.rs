use super::*;
use crate::h264::packetize;

/// A sender: makes pictures of a given size and numbers their packets.
struct Sender {
    sequence: u16,
    frame: u32,
}

impl Sender {
    fn starting_at(sequence: u16) -> Self {
        Self { sequence, frame: 0 }
    }

    fn frame(&mut self, keyframe: bool, bytes: usize) -> Vec<RtpInput> {
        let unit = |header: u8, length: usize| {
            let mut unit = vec![0, 0, 0, 1, header];
            unit.extend((0..length).map(|index| (index % 250 + 1) as u8));
            unit
        };
        let picture =
            if keyframe { [unit(0x67, 10), unit(0x68, 4), unit(0x65, bytes)].concat() } else { unit(0x41, bytes) };
        let timestamp = 0xffff_0000_u32.wrapping_add(self.frame * 3000);
        self.frame += 1;
        let payloads = packetize(&picture, 1000);
        let count = payloads.len();
        let mut packets = Vec::new();
        for (index, payload) in payloads.into_iter().enumerate() {
            packets.push(RtpInput { sequence: self.sequence, timestamp, marker: index + 1 == count, payload });
            self.sequence = self.sequence.wrapping_add(1);
        }
        packets
    }
}

struct Receiver {
    assembler: FrameAssembler,
    start: Instant,
    now: Instant,
    frames: Vec<AssembledFrame>,
    requests: Vec<u64>,
}

impl Receiver {
    fn new() -> Self {
        let now = Instant::now();
        let assembler = FrameAssembler::new(AssemblerConfig::default());
        Self { assembler, start: now, now, frames: Vec::new(), requests: Vec::new() }
    }

    fn take(&mut self, packets: &[RtpInput]) {
        for packet in packets {
            self.assembler.insert(self.now, packet.clone());
            self.drain();
        }
    }

    fn wait(&mut self, milliseconds: u64) {
        let end = self.now + Duration::from_millis(milliseconds);
        while let Some(deadline) = self.assembler.next_deadline() {
            if deadline > end {
                break;
            }
            self.now = self.now.max(deadline);
            self.drain();
            assert!(self.assembler.next_deadline() != Some(deadline), "a deadline that was served comes again");
        }
        self.now = end;
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.assembler.poll(self.now) {
            match output {
                AssemblerOutput::Frame(frame) => self.frames.push(frame),
                AssemblerOutput::NeedKeyframe => {
                    self.requests.push(self.now.duration_since(self.start).as_millis() as u64);
                }
            }
        }
    }

    /// The frames given out, by the number of the frame at the sender.
    fn shown(&self) -> Vec<u64> {
        let origin = (1_u64 << 32) + 0xffff_0000;
        self.frames.iter().map(|frame| (frame.timestamp.0 - origin) / 3000).collect()
    }
}

#[test]
fn frames_come_out_in_order_across_both_wraps() {
    let mut sender = Sender::starting_at(65_530);
    let mut receiver = Receiver::new();
    for number in 0..100 {
        let packets = sender.frame(number == 0, 2500);
        receiver.take(&packets);
        receiver.wait(33);
    }
    assert_eq!(receiver.shown(), (0..100).collect::<Vec<_>>());
    assert!(receiver.requests.is_empty());
    assert_eq!(receiver.frames[0].packets, 4);
    assert!(receiver.frames[0].keyframe && !receiver.frames[1].keyframe);
}

#[test]
fn nothing_is_shown_before_the_first_keyframe_and_one_is_asked_for() {
    let mut sender = Sender::starting_at(7);
    let mut receiver = Receiver::new();
    for _ in 0..30 {
        let packets = sender.frame(false, 1500);
        receiver.take(&packets);
        receiver.wait(33);
    }
    assert!(receiver.frames.is_empty());
    assert_eq!(receiver.requests, [30, 530]);
    receiver.take(&sender.frame(true, 3000));
    receiver.take(&sender.frame(false, 100));
    assert_eq!(receiver.shown(), [30, 31]);
}

#[test]
fn a_first_keyframe_that_was_overtaken_is_not_asked_for() {
    let mut sender = Sender::starting_at(7);
    let mut receiver = Receiver::new();
    let key = sender.frame(true, 3000);
    receiver.take(&sender.frame(false, 1500));
    receiver.wait(20);
    receiver.take(&key);
    assert_eq!(receiver.shown(), [0, 1]);
    receiver.wait(1000);
    assert!(receiver.requests.is_empty());
}

#[test]
fn packets_out_of_order_within_and_across_frames_make_the_same_frames() {
    let mut sender = Sender::starting_at(40);
    let mut receiver = Receiver::new();
    receiver.take(&sender.frame(true, 3500));
    let mut packets = [sender.frame(false, 2500), sender.frame(false, 2500), sender.frame(false, 100)].concat();
    packets.reverse();
    receiver.take(&packets);
    assert_eq!(receiver.shown(), [0, 1, 2, 3]);
    assert_eq!(receiver.assembler.stats().lost, 0);
    assert!(receiver.assembler.stats().filled > 0);
}

#[test]
fn a_duplicate_changes_nothing_and_is_counted() {
    let mut sender = Sender::starting_at(0);
    let mut receiver = Receiver::new();
    let key = sender.frame(true, 2500);
    let delta = sender.frame(false, 2500);
    receiver.take(&key);
    receiver.take(&delta[..2]);
    receiver.take(&delta[..2]);
    receiver.take(&delta[2..]);
    receiver.take(&key);
    receiver.take(&delta);
    assert_eq!(receiver.shown(), [0, 1]);
    let stats = receiver.assembler.stats();
    assert_eq!(stats.duplicates, 2);
    assert_eq!(stats.late as usize, key.len() + delta.len());
}

#[test]
fn a_repair_within_the_deadline_loses_nothing() {
    let mut sender = Sender::starting_at(65_000);
    let mut receiver = Receiver::new();
    receiver.take(&sender.frame(true, 2500));
    let mut hurt = sender.frame(false, 2500);
    let lost = hurt.remove(1);
    receiver.take(&hurt);
    for _ in 0..5 {
        receiver.wait(33);
        receiver.take(&sender.frame(false, 1500));
    }
    assert_eq!(receiver.shown(), [0]);
    receiver.take(&[lost]);
    assert_eq!(receiver.shown(), [0, 1, 2, 3, 4, 5, 6]);
    assert!(receiver.requests.is_empty());
    let stats = receiver.assembler.stats();
    assert_eq!((stats.filled, stats.lost, stats.waits), (1, 0, 1));
    assert_eq!(stats.longest_wait, Duration::from_millis(165));
}

#[test]
fn a_hole_past_its_deadline_is_given_up_and_a_keyframe_asked_for() {
    let mut sender = Sender::starting_at(65_000);
    let mut receiver = Receiver::new();
    receiver.take(&sender.frame(true, 2500));
    let mut hurt = sender.frame(false, 2500);
    let lost = hurt.remove(0);
    receiver.take(&hurt);
    for _ in 0..12 {
        receiver.wait(33);
        receiver.take(&sender.frame(false, 1500));
    }
    assert_eq!(receiver.shown(), [0]);
    assert_eq!(receiver.requests, [300]);
    // The repair comes, but what it belonged to is history.
    receiver.take(&[lost]);
    assert_eq!(receiver.shown(), [0]);
    receiver.take(&sender.frame(true, 4000));
    receiver.take(&sender.frame(false, 1500));
    assert_eq!(receiver.shown(), [0, 14, 15]);
    assert_eq!(receiver.assembler.stats().given_up, 1);
}

#[test]
fn a_known_round_trip_makes_the_wait_fit() {
    let mut assembler = FrameAssembler::new(AssemblerConfig::default());
    assert_eq!(assembler.repair_wait(), Duration::from_millis(300));
    assembler.set_round_trip(Duration::ZERO);
    assert_eq!(assembler.repair_wait(), Duration::from_millis(150));
    assembler.set_round_trip(Duration::from_millis(100));
    assert_eq!(assembler.repair_wait(), Duration::from_millis(450));
    assembler.set_round_trip(Duration::from_secs(2));
    assert_eq!(assembler.repair_wait(), Duration::from_millis(600));
}

#[test]
fn a_complete_keyframe_behind_a_hole_is_shown_without_waiting_for_the_repair() {
    let mut sender = Sender::starting_at(10);
    let mut receiver = Receiver::new();
    receiver.take(&sender.frame(true, 2500));
    let hurt = sender.frame(false, 2500);
    receiver.take(&hurt[1..]);
    receiver.take(&sender.frame(true, 2500));
    receiver.take(&sender.frame(false, 200));
    assert_eq!(receiver.shown(), [0]);
    receiver.wait(31);
    assert_eq!(receiver.shown(), [0, 2, 3]);
    assert_eq!(receiver.assembler.stats().skips, 1);
    assert!(receiver.requests.is_empty());
}

#[test]
fn the_lost_beginning_of_a_keyframe_may_come_late() {
    let mut sender = Sender::starting_at(10);
    let mut receiver = Receiver::new();
    let key = sender.frame(true, 5000);
    receiver.take(&key[1..]);
    receiver.wait(100);
    assert!(receiver.requests.is_empty(), "a key frame is under way");
    receiver.take(&key[..1]);
    receiver.take(&sender.frame(false, 200));
    assert_eq!(receiver.shown(), [0, 1]);
}

#[test]
fn a_hole_before_the_first_packet_that_came_has_a_deadline_too() {
    let mut sender = Sender::starting_at(10);
    let mut receiver = Receiver::new();
    let key = sender.frame(true, 5000);
    // The fourth came first, the third never.
    receiver.take(&key[3..4]);
    receiver.take(&key[..2]);
    receiver.take(&key[4..]);
    assert_eq!(receiver.assembler.next_deadline(), Some(receiver.start + Duration::from_millis(300)));
    receiver.wait(400);
    assert_eq!(receiver.requests, [300], "asked once and at once");
    receiver.take(&sender.frame(true, 5000));
    assert_eq!(receiver.shown(), [1]);
}

#[test]
fn two_holes_in_a_late_keyframe_are_both_waited_for() {
    let mut sender = Sender::starting_at(10);
    let mut receiver = Receiver::new();
    receiver.take(&sender.frame(true, 500));
    let gone = sender.frame(false, 500);
    let key = sender.frame(true, 6000);
    receiver.take(&key[1..3]);
    receiver.take(&key[4..]);
    receiver.wait(350);
    assert_eq!(receiver.shown(), [0]);
    receiver.take(&key[..1]);
    receiver.wait(40);
    receiver.take(&key[3..4]);
    assert_eq!(receiver.shown(), [0, 2]);
    receiver.take(&gone);
    assert_eq!(receiver.shown(), [0, 2]);
}

#[test]
fn a_missing_marker_does_not_hold_a_frame_back() {
    let mut sender = Sender::starting_at(10);
    let mut receiver = Receiver::new();
    let mut key = sender.frame(true, 2500);
    key.last_mut().expect("packets").marker = false;
    receiver.take(&key);
    assert!(receiver.frames.is_empty());
    receiver.take(&sender.frame(false, 200));
    assert_eq!(receiver.shown(), [0, 1]);
}

#[test]
fn a_malformed_picture_is_dropped_counted_and_a_keyframe_asked_for() {
    let mut sender = Sender::starting_at(10);
    let mut receiver = Receiver::new();
    receiver.take(&sender.frame(true, 2500));
    let mut bad = sender.frame(false, 200);
    bad[0].payload = Bytes::from_static(&[24, 0, 200, 1]);
    receiver.take(&bad);
    receiver.take(&sender.frame(false, 200));
    assert_eq!(receiver.shown(), [0]);
    assert_eq!((receiver.assembler.stats().malformed, receiver.requests.len()), (1, 1));
    receiver.take(&sender.frame(true, 200));
    assert_eq!(receiver.shown(), [0, 3]);
}

#[test]
fn padding_packets_take_a_number_and_nothing_else() {
    let mut sender = Sender::starting_at(10);
    let mut receiver = Receiver::new();
    receiver.take(&sender.frame(true, 2500));
    let mut padding = sender.frame(false, 10);
    padding[0].payload = Bytes::new();
    receiver.take(&padding);
    receiver.take(&sender.frame(false, 200));
    assert_eq!(receiver.shown(), [0, 2]);
    assert!(receiver.requests.is_empty());
}

#[test]
fn a_sender_that_begins_anew_is_followed() {
    let mut receiver = Receiver::new();
    let mut sender = Sender::starting_at(30_000);
    receiver.take(&sender.frame(true, 2500));
    // Far ahead: taken for a new stream at once.
    let mut other = Sender::starting_at(45_000);
    receiver.take(&other.frame(true, 2500));
    assert_eq!(receiver.frames.len(), 2);
    // Behind: taken for late packets first.
    let mut behind = Sender::starting_at(44_000);
    receiver.take(&behind.frame(true, 120_000));
    receiver.take(&behind.frame(true, 2500));
    assert_eq!(receiver.frames.len(), 3);
}

#[test]
fn five_percent_loss_with_repairs_shows_every_frame_in_order() {
    let mut sender = Sender::starting_at(60_000);
    let mut receiver = Receiver::new();
    let mut state = 42_u32;
    let mut random = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 16
    };
    let mut repairs: VecDeque<(Instant, RtpInput)> = VecDeque::new();
    let mut lost = 0;
    for number in 0..3000_u32 {
        let size = 500 + random() as usize % 6000;
        for packet in sender.frame(number == 0, size) {
            if number > 0 && random() % 100 < 5 {
                lost += 1;
                repairs.push_back((receiver.now + Duration::from_millis(120), packet));
            } else {
                receiver.take(&[packet]);
            }
        }
        receiver.wait(33);
        while repairs.front().is_some_and(|(due, _)| *due <= receiver.now) {
            let (_, packet) = repairs.pop_front().expect("one is due");
            receiver.take(&[packet]);
        }
    }
    receiver.wait(500);
    while let Some((_, packet)) = repairs.pop_front() {
        receiver.take(&[packet]);
    }
    assert!(lost > 300, "the loss happened: {lost}");
    let stats = receiver.assembler.stats();
    assert_eq!((stats.lost, stats.keyframe_requests), (0, 0), "{stats:?}");
    assert_eq!(receiver.shown()[..2900], (0..2900).collect::<Vec<_>>());
}

#[test]
fn random_packets_never_panic_or_grow_without_bound() {
    let mut receiver = Receiver::new();
    let mut state = 7_u64;
    for _ in 0..50_000 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let bytes = state.to_le_bytes();
        let payload = Bytes::copy_from_slice(&bytes[..usize::from(bytes[7] % 8)]);
        receiver.assembler.insert(
            receiver.now,
            RtpInput {
                sequence: (state >> 20) as u16 % 5000,
                timestamp: (state >> 33) as u32 % 90_000,
                marker: bytes[5] & 1 == 1,
                payload,
            },
        );
        receiver.now += Duration::from_micros(500);
        receiver.drain();
    }
    assert_eq!(receiver.assembler.stats().packets, 50_000);
}

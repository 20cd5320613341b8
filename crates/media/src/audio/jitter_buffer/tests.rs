//! Virtual time: a speaker, a network with a seeded temper, and a loudspeaker that pulls every 10 ms.

use std::time::Duration;

use super::*;
use crate::correlation;
use crate::level::decibels;
use crate::opus::{Encoder, EncoderConfig};
use crate::speech::TestSpeech;

/// Seeded pseudo-random numbers in `0.0..1.0`.
struct Dice(u32);

impl Dice {
    fn roll(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(self.0 >> 8) / f64::from(1 << 24)
    }
}

/// A packet on its way: when it arrives (milliseconds after the start), and what it is.
struct Arrival {
    at_ms: f64,
    sequence: u64,
    timestamp: u32,
    payload: Vec<u8>,
}

fn encode(speech: &[f32], config: EncoderConfig) -> Vec<Vec<u8>> {
    let mut encoder = Encoder::new(config).unwrap();
    speech.chunks_exact(PACKET_SAMPLES).map(|packet| encoder.encode(packet).unwrap()).collect()
}

/// Packets sent every 20 ms from sequence number 1000 on; `network` gives each one's delay in milliseconds, or loses it.
fn send(coded: &[Vec<u8>], mut network: impl FnMut(usize) -> Option<f64>) -> Vec<Arrival> {
    let mut arrivals: Vec<Arrival> = coded
        .iter()
        .enumerate()
        .filter_map(|(index, payload)| {
            let at_ms = index as f64 * 20.0 + network(index)?;
            let timestamp = (u32::MAX - 100_000).wrapping_add(index as u32 * 960);
            Some(Arrival { at_ms, sequence: 1_000 + index as u64, timestamp, payload: payload.clone() })
        })
        .collect();
    arrivals.sort_by(|left, right| left.at_ms.total_cmp(&right.at_ms));
    arrivals
}

struct Run {
    buffer: JitterBuffer,
    /// What was heard, from the start on.
    heard: Vec<f32>,
    /// The statistics after each second.
    seconds: Vec<JitterBufferStats>,
}

/// Plays for some seconds, pulling `burst` frames at a time.
fn play(arrivals: &[Arrival], seconds: u64, burst: u64) -> Run {
    let start = Instant::now();
    let mut run = Run { buffer: JitterBuffer::new().unwrap(), heard: Vec::new(), seconds: Vec::new() };
    let mut next = 0;
    for pull in 0..seconds * 100 {
        if pull % 100 == 0 && pull > 0 {
            run.seconds.push(run.buffer.stats());
        }
        let now_ms = (pull / burst * burst) as f64 * 10.0 + 3.0;
        while let Some(arrival) = arrivals.get(next).filter(|arrival| arrival.at_ms <= now_ms) {
            let now = start + Duration::from_secs_f64(arrival.at_ms / 1000.0);
            run.buffer.insert(now, arrival.sequence, arrival.timestamp, &arrival.payload);
            next += 1;
        }
        run.heard.extend(run.buffer.pull(start + Duration::from_secs_f64(now_ms / 1000.0)));
    }
    run.seconds.push(run.buffer.stats());
    run
}

fn likeness(speech: &[f32], run: &Run) -> f64 {
    let matches = correlation::windowed(speech, &run.heard, 9_600, 24_000, 4_800);
    assert!(matches.len() > 5, "only {} stretches to compare", matches.len());
    correlation::median(&matches)
}

#[test]
fn a_clean_network_adds_at_most_40_ms_and_nothing_is_made_up() {
    let speech = TestSpeech::samples(1, 6 * 48_000);
    let run = play(&send(&encode(&speech, EncoderConfig::default()), |_| Some(5.0)), 6, 1);
    let stats = run.buffer.stats();
    assert_eq!((stats.concealed_ms, stats.packets_lost, stats.packets_late), (0, 0, 0), "{stats:?}");
    assert!(stats.current_delay_ms <= 40, "{stats:?}");
    assert!(likeness(&speech, &run) > 0.9);
    // The network's 5 ms, 20 to 40 ms here, 3 ms until the pull, and what Opus needs itself.
    let (_, lag) = correlation::best(&speech, &run.heard, 9_600);
    assert!(lag <= 48 * 58, "{} ms", lag / 48);
}

#[test]
fn loudspeakers_that_pull_in_bursts_get_all_they_need() {
    let speech = TestSpeech::samples(2, 10 * 48_000);
    let run = play(&send(&encode(&speech, EncoderConfig::default()), |_| Some(5.0)), 10, 4);
    let (first, last) = (run.seconds[1], run.buffer.stats());
    assert!(last.concealed_ms - first.concealed_ms <= 20, "{first:?} {last:?}");
    assert!(likeness(&speech, &run) > 0.9);
}

#[test]
fn the_delay_grows_with_jitter_until_hardly_anything_is_late() {
    let speech = TestSpeech::samples(3, 20 * 48_000);
    let mut dice = Dice(7);
    let arrivals = send(&encode(&speech, EncoderConfig::default()), |_| Some(20.0 + 60.0 * dice.roll()));
    let reordered = arrivals.windows(2).filter(|pair| pair[0].sequence > pair[1].sequence).count();
    assert!(reordered > 50, "the network did not shuffle: {reordered}");
    let run = play(&arrivals, 20, 1);
    let (settled, last) = (run.seconds[4], run.buffer.stats());
    assert!((50..100).contains(&last.target_delay_ms), "{last:?}");
    let concealed = last.concealed_ms - settled.concealed_ms;
    assert!(concealed < 450, "{concealed} of 15000 ms were concealed: {last:?}");
    assert!(likeness(&speech, &run) > 0.8, "{}", likeness(&speech, &run));
}

#[test]
fn lost_packets_are_rebuilt_or_concealed_and_the_rest_is_untouched() {
    let speech = TestSpeech::samples(4, 20 * 48_000);
    let mut dice = Dice(11);
    let config = EncoderConfig { expected_loss_percent: 15, ..EncoderConfig::default() };
    let mut lost = 0;
    let arrivals = send(&encode(&speech, config), |index| {
        let gone = index > 10 && dice.roll() < 0.1;
        lost += u64::from(gone);
        (!gone).then_some(5.0)
    });
    assert!((70..130).contains(&lost), "the network lost {lost} packets of 1000");
    let run = play(&arrivals, 20, 1);
    let stats = run.buffer.stats();
    assert!(stats.packets_lost.abs_diff(lost) <= 2, "{lost}: {stats:?}");
    assert_eq!(stats.packets_late, 0);
    assert!(stats.fec_ms >= lost * 20 * 4 / 10, "{lost}: {stats:?}");
    assert!(stats.fec_ms + stats.concealed_ms <= lost * 20 + 200, "{lost}: {stats:?}");
    assert!(stats.current_delay_ms <= 60, "{stats:?}");
    assert!(likeness(&speech, &run) > 0.85, "{}", likeness(&speech, &run));
}

#[test]
fn after_a_spike_the_delay_comes_down_again() {
    let speech = TestSpeech::samples(5, 16 * 48_000);
    // Between 5 and 5.3 s nothing arrives; then all of it at once.
    let arrivals = send(&encode(&speech, EncoderConfig::default()), |index| {
        let sent = index as f64 * 20.0;
        Some(if (5_000.0..5_300.0).contains(&sent) { 5_300.0 - sent } else { 5.0 })
    });
    let run = play(&arrivals, 16, 1);
    let spiked = run.seconds[5];
    let delays: Vec<u32> = run.seconds.iter().map(|stats| stats.current_delay_ms).collect();
    println!("{delays:?} {spiked:?}");
    assert!(run.seconds[3].current_delay_ms <= 40, "{delays:?}");
    assert!(spiked.concealed_ms >= 80, "the spike was not felt: {spiked:?}");
    assert!(run.seconds[9].current_delay_ms <= 60, "{delays:?}");
    let last = run.buffer.stats();
    assert!(last.current_delay_ms <= 45, "{delays:?}");
    assert!(last.accelerated_ms >= 100 && last.packets_discarded == 0, "{last:?}");
}

#[test]
fn a_clock_that_runs_faster_is_followed() {
    let speech = TestSpeech::samples(6, 40 * 48_000);
    // The sender's 20 ms take 19.99 ms here: 20 ms in 40 s, and as much for a slower one.
    for skew in [-0.01, 0.01] {
        let arrivals = send(&encode(&speech, EncoderConfig::default()), |index| Some(30.0 + index as f64 * skew));
        let run = play(&arrivals, 39, 1);
        let (settled, last) = (run.seconds[2], run.buffer.stats());
        assert!(last.current_delay_ms <= 45, "{skew}: {last:?}");
        assert!(last.concealed_ms - settled.concealed_ms <= 40, "{skew}: {last:?}");
        assert_eq!(last.packets_lost, 0);
    }
}

#[test]
fn silence_that_is_left_out_is_not_counted_as_concealed() {
    let mut speech = Vec::new();
    for seed in 1..5 {
        speech.extend(TestSpeech::samples(seed, 96_000));
        speech.resize(speech.len() + 72_000, 0.0);
    }
    let coded = encode(&speech, EncoderConfig { discontinuous: true, ..EncoderConfig::default() });
    let mut left_out = 0;
    // The last empty packet before a pause is sent, as the encoder's users do; those after it are not.
    let arrivals = send(&coded, |index| {
        let skip = index > 0 && opus::is_discontinuous(&coded[index]) && opus::is_discontinuous(&coded[index - 1]);
        left_out += u32::from(skip);
        (!skip).then_some(5.0)
    });
    assert!(left_out > 100, "{left_out}");
    // Left out packets have no sequence numbers either.
    let arrivals: Vec<Arrival> = arrivals
        .into_iter()
        .enumerate()
        .map(|(index, arrival)| Arrival { sequence: index as u64, ..arrival })
        .collect();
    let run = play(&arrivals, 14, 1);
    let stats = run.buffer.stats();
    assert_eq!((stats.concealed_ms, stats.packets_lost, stats.packets_late), (0, 0, 0), "{stats:?}");
    assert!(stats.current_delay_ms <= 40, "{stats:?}");
    assert!(likeness(&speech, &run) > 0.85, "{}", likeness(&speech, &run));
}

#[test]
fn muting_ends_in_silence_and_unmuting_starts_at_the_target_delay_again() {
    let speech = TestSpeech::samples(8, 10 * 48_000);
    let arrivals: Vec<Arrival> =
        send(&encode(&speech, EncoderConfig::default()), |index| (!(150..300).contains(&index)).then_some(5.0))
            .into_iter()
            .map(|arrival| {
                let skipped = if arrival.sequence >= 1_300 { 150 } else { 0 };
                Arrival { sequence: arrival.sequence - skipped, ..arrival }
            })
            .collect();
    let run = play(&arrivals, 10, 1);
    assert!(decibels(&run.heard[4 * 48_000..5 * 48_000]) < -90.0);
    let stats = run.buffer.stats();
    assert!(stats.concealed_ms <= 130, "{stats:?}");
    assert_eq!(stats.packets_lost, 0);
    assert!(stats.current_delay_ms <= 40, "{stats:?}");
    assert!(likeness(&speech, &run) > 0.85);
}

#[test]
fn another_speaker_in_the_slot_is_heard_after_a_reset() {
    let (first, second) = (TestSpeech::samples(1, 3 * 48_000), TestSpeech::samples(9, 3 * 48_000));
    let before = send(&encode(&first, EncoderConfig::default()), |_| Some(5.0));
    let after = send(&encode(&second, EncoderConfig::default()), |_| Some(5.0));
    let start = Instant::now();
    let mut buffer = JitterBuffer::new().unwrap();
    let mut heard = Vec::new();
    for pull in 0..600_u64 {
        let now = start + Duration::from_millis(pull * 10 + 3);
        if pull == 300 {
            buffer.reset();
            heard.clear();
        }
        let (source, offset) = if pull < 300 { (&before, 0) } else { (&after, 3_000) };
        let from = pull as f64 * 10.0 - f64::from(offset);
        for arrival in source.iter().filter(|arrival| arrival.at_ms >= from && arrival.at_ms < from + 10.0) {
            // The second speaker's stream has numbers and times of its own.
            let (sequence, timestamp) = if pull < 300 {
                (arrival.sequence, arrival.timestamp)
            } else {
                (arrival.sequence - 990, arrival.timestamp.wrapping_add(777_000_000))
            };
            buffer.insert(now, sequence, timestamp, &arrival.payload);
        }
        heard.extend(buffer.pull(now));
    }
    let (correlation, lag) = correlation::best(&second, &heard, 9_600);
    assert!(correlation > 0.85, "{correlation}");
    assert!(lag < 60 * 48, "{lag}");
}

#[test]
fn a_stream_that_starts_over_is_noticed_without_being_told() {
    let speech = TestSpeech::samples(1, 4 * 48_000);
    let arrivals: Vec<Arrival> = send(&encode(&speech, EncoderConfig::default()), |_| Some(5.0))
        .into_iter()
        .map(|arrival| {
            let jump = if arrival.sequence >= 1_100 { 50_000_000 } else { 0 };
            Arrival { timestamp: arrival.timestamp.wrapping_add(jump), ..arrival }
        })
        .collect();
    let run = play(&arrivals, 4, 1);
    let stats = run.buffer.stats();
    assert_eq!(stats.resets, 1, "{stats:?}");
    assert!(stats.current_delay_ms <= 40, "{stats:?}");
    assert!(stats.concealed_ms <= 40, "{stats:?}");
    assert!(likeness(&speech, &run) > 0.85);
}

#[test]
fn late_double_and_damaged_packets_are_counted_and_dropped() {
    let coded = encode(&TestSpeech::samples(1, 48_000), EncoderConfig::default());
    let start = Instant::now();
    let mut buffer = JitterBuffer::new().unwrap();
    for index in 0..50_u32 {
        let now = start + Duration::from_millis(u64::from(index) * 20);
        let (sequence, timestamp) = (u64::from(index), index * 960);
        if index != 20 {
            buffer.insert(now, sequence, timestamp, &coded[index as usize]);
            buffer.insert(now, sequence, timestamp, &coded[index as usize]);
        }
        // One packet comes 200 ms late; others come again when they were played long ago.
        if index == 30 {
            buffer.insert(now, sequence - 10, timestamp - 10 * 960, &coded[20]);
        } else if index > 10 {
            buffer.insert(now, sequence - 5, timestamp - 5 * 960, &coded[index as usize - 5]);
        }
        buffer.insert(now, sequence + 1, timestamp + 960, &[]);
        buffer.insert(now, sequence + 1, timestamp + 960, &[0xff; 3]);
        buffer.pull(now);
        buffer.pull(now);
    }
    let stats = buffer.stats();
    // The one that was missing also came "again" at 25.
    assert_eq!(stats.packets_duplicate, 49 + 37, "{stats:?}");
    assert_eq!(stats.packets_late, 2, "{stats:?}");
    assert_eq!(stats.packets_damaged, 100, "{stats:?}");
    assert_eq!(stats.packets_lost, 1, "{stats:?}");
}

#[test]
fn a_flood_of_nonsense_neither_panics_nor_grows() {
    let start = Instant::now();
    let mut buffer = JitterBuffer::new().unwrap();
    let mut dice = Dice(3);
    for step in 0..20_000_u64 {
        let now = start + Duration::from_millis(step);
        let payload: Vec<u8> = (0..(dice.roll() * 30.0) as usize).map(|_| (dice.roll() * 256.0) as u8).collect();
        let sequence = match (dice.roll() * 4.0) as u32 {
            0 => u64::MAX - step,
            1 => (dice.roll() * 1e6) as u64,
            _ => step,
        };
        buffer.insert(now, sequence, (dice.roll() * 4e9) as u32, &payload);
        if step % 10 == 0 {
            assert!(buffer.pull(now).iter().all(|sample| sample.is_finite()));
        }
        assert!(buffer.packets.len() <= MAX_PACKETS);
        assert!(buffer.ready.len() < 20_000);
    }
}

#[test]
fn a_buffer_that_never_got_a_packet_gives_silence() {
    let mut buffer = JitterBuffer::new().unwrap();
    assert!(buffer.is_idle());
    assert!(buffer.pull(Instant::now()).iter().all(|sample| sample.abs() == 0.0));
    assert_eq!(buffer.stats().played_ms, 10);
}

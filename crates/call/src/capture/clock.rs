//! When a chunk of sound was really captured.
//!
//! A sound card counts samples evenly; the times at which its buffers reach us jitter by the length of a buffer and
//! more on a busy machine, and what a sound server says of its own delay is wrong for the first second. [`CaptureClock`]
//! trusts the count for the spacing, the arrival for whether sound was lost, and the server's word only slowly for the
//! offset, so that lip synchronisation and echo canceller see a steady clock.

use std::time::{Duration, Instant};

/// Arrivals further from the count are no jitter: sound was lost, or delivered late and in one piece.
const JITTER: Duration = Duration::from_millis(20);

/// Sound that was delivered late is followed by the rest of it at once, and the difference is gone; lost sound never
/// comes. A difference that lasts for this long is a loss, and is followed.
const LASTS: Duration = Duration::from_millis(300);

/// Larger differences are a break (a suspended machine, another device) and are followed at once.
const BREAK: Duration = Duration::from_secs(1);

/// One part in this of each measured error is corrected. 64 blocks of 10 ms: a time constant of 0.6 s, slow against
/// scheduling jitter and fast against the drift of crystals (below 100 microseconds a second).
const SMOOTHING: u32 = 64;

/// The largest error that counts: a correction moves the times by at most 1.6 ms a block.
const LARGEST_ERROR: Duration = Duration::from_millis(100);

/// Smoothed capture times of a stream with a nominal sample rate.
#[derive(Debug)]
pub(crate) struct CaptureClock {
    rate: u64,
    /// For the sample that comes next, by the count.
    expected: Option<Expected>,
    astray: Option<Astray>,
}

#[derive(Clone, Copy, Debug)]
struct Expected {
    arrival: Instant,
    capture: Instant,
}

/// The arrivals are further away than jitter explains.
#[derive(Clone, Copy, Debug)]
struct Astray {
    since: Instant,
    by: Offset,
}

/// One time against another.
#[derive(Clone, Copy, Debug)]
struct Offset {
    early: bool,
    size: Duration,
}

impl Offset {
    fn of(time: Instant, expected: Instant) -> Self {
        match time.checked_duration_since(expected) {
            Some(size) => Self { early: false, size },
            None => Self { early: true, size: expected.saturating_duration_since(time) },
        }
    }

    fn shift(self, time: Instant) -> Instant {
        if self.early { time.checked_sub(self.size).unwrap_or(time) } else { time + self.size }
    }

    /// The part of it that is corrected at a time.
    fn step(self) -> Self {
        Self { size: self.size.min(LARGEST_ERROR) / SMOOTHING, ..self }
    }
}

impl CaptureClock {
    /// For a stream of `rate` samples a second (at least 1).
    pub(crate) fn new(rate: u32) -> Self {
        Self { rate: u64::from(rate.max(1)), expected: None, astray: None }
    }

    /// A block of `samples` came whose first sample reached us at `arrived` and was captured at `told`, as the sound
    /// server has it; the answer is the smoothed capture time of that first sample.
    pub(crate) fn block(&mut self, samples: usize, arrived: Instant, told: Instant) -> Instant {
        let length = Duration::from_nanos(samples as u64 * 1_000_000_000 / self.rate);
        let now = match self.expected {
            None => Expected { arrival: arrived, capture: told },
            Some(expected) => self.follow(expected, arrived, told),
        };
        self.expected = Some(Expected { arrival: now.arrival + length, capture: now.capture + length });
        now.capture
    }

    fn follow(&mut self, expected: Expected, arrived: Instant, told: Instant) -> Expected {
        let late = Offset::of(arrived, expected.arrival);
        if late.size > BREAK {
            self.astray = None;
            return Expected { arrival: arrived, capture: told };
        }
        if late.size <= JITTER {
            self.astray = None;
            let capture = Offset::of(told, expected.capture).step().shift(expected.capture);
            return Expected { arrival: late.step().shift(expected.arrival), capture };
        }
        let before = self.astray.filter(|astray| astray.by.early == late.early);
        let mut astray = before.unwrap_or(Astray { since: arrived, by: late });
        astray.by.size = astray.by.size.min(late.size);
        if arrived.saturating_duration_since(astray.since) < LASTS {
            self.astray = Some(astray);
            return expected;
        }
        self.astray = None;
        // When the very first block came late, only our idea of the arrivals was wrong.
        let capture = Offset::of(told, expected.capture);
        let is_wrong_too = capture.early == astray.by.early && capture.size > JITTER;
        Expected {
            arrival: astray.by.shift(expected.arrival),
            capture: if is_wrong_too { astray.by.shift(expected.capture) } else { expected.capture },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCK: Duration = Duration::from_millis(10);

    #[test]
    fn jitter_of_arrival_does_not_reach_the_capture_times() {
        let start = Instant::now() + Duration::from_secs(1);
        let mut clock = CaptureClock::new(48_000);
        let mut last = clock.block(480, start, start);
        for number in 1..1000_u32 {
            let jitter = Duration::from_millis(u64::from(number % 7));
            let time = start + BLOCK * number + jitter;
            let time = clock.block(480, time, time);
            let spacing = time - last;
            assert!(spacing > Duration::from_micros(9_800) && spacing < Duration::from_micros(10_200), "{spacing:?}");
            last = time;
        }
        let mean = Duration::from_millis(3);
        let offset = last - (start + BLOCK * 999);
        assert!(offset.abs_diff(mean) < Duration::from_millis(1), "{offset:?}");
    }

    #[test]
    fn a_drifting_card_is_followed() {
        let start = Instant::now();
        let mut clock = CaptureClock::new(48_000);
        let mut last = start;
        for number in 0..60_000_u32 {
            // 100 parts in a million slow: a minute's drift is 6 ms for 600 s of sound.
            let time = start + (BLOCK + Duration::from_micros(1)) * number;
            last = clock.block(480, time, time);
        }
        let truth = start + (BLOCK + Duration::from_micros(1)) * 59_999;
        assert!(truth - last < Duration::from_millis(1), "{:?}", truth - last);
    }

    #[test]
    fn sound_that_is_delivered_late_and_in_one_piece_keeps_its_times() {
        let start = Instant::now();
        let mut clock = CaptureClock::new(48_000);
        for number in 0..300_u32 {
            let truth = start + BLOCK * number;
            // Between the first and the second second nothing is delivered for 250 ms.
            let told = if (120..145).contains(&number) { start + BLOCK * 145 } else { truth };
            let error = clock.block(480, told, told).saturating_duration_since(truth);
            assert!(error < Duration::from_millis(2), "block {number}: {error:?}");
        }
    }

    #[test]
    fn a_server_that_corrects_its_word_is_followed_slowly() {
        let start = Instant::now();
        let mut clock = CaptureClock::new(48_000);
        let mut last = None;
        for number in 0..500_u32 {
            let arrived = start + BLOCK * number + Duration::from_millis(200);
            let delay = Duration::from_millis(if number < 30 { 110 } else { 20 });
            let time = clock.block(480, arrived, arrived - delay);
            let spacing = last.replace(time).map(|last| time - last);
            assert!(spacing.is_none_or(|spacing| spacing.abs_diff(BLOCK) < Duration::from_millis(2)), "{spacing:?}");
            if number == 499 {
                assert!((arrived - time).abs_diff(delay) < Duration::from_millis(1));
            }
        }
    }

    #[test]
    fn a_first_block_that_comes_late_moves_no_capture_times() {
        let start = Instant::now();
        let mut clock = CaptureClock::new(48_000);
        for number in 0..300_u32 {
            let captured = start + BLOCK * number;
            let arrived = if number < 20 { start + BLOCK * 20 } else { captured };
            let error = clock.block(480, arrived, captured).saturating_duration_since(captured);
            assert!(error < Duration::from_millis(1), "block {number}: {error:?}");
        }
    }

    #[test]
    fn lost_sound_is_noticed_when_it_does_not_come_after_all() {
        let start = Instant::now();
        let mut clock = CaptureClock::new(48_000);
        let lost = Duration::from_millis(80);
        for number in 0..300_u32 {
            let truth = start + BLOCK * number + if number < 100 { Duration::ZERO } else { lost };
            let told = clock.block(480, truth, truth);
            let noticed = !(100..130).contains(&number);
            assert_eq!(told == truth, noticed, "block {number}");
        }
    }

    #[test]
    fn a_break_is_followed_at_once() {
        let start = Instant::now();
        let mut clock = CaptureClock::new(48_000);
        clock.block(480, start, start);
        let later = start + Duration::from_secs(5);
        assert_eq!(clock.block(480, later, later), later);
    }
}

//! When a chunk of sound was really captured.
//!
//! A sound card counts samples evenly; the times at which its buffers reach us jitter by the length of a buffer and
//! more on a busy machine. [`CaptureClock`] trusts the count for the spacing and the measured times only slowly for
//! the offset, so that lip synchronisation and echo delay see a steady clock.

use std::time::{Duration, Instant};

/// Larger differences are no jitter: sound was lost, or delivered late and in one piece.
const JITTER: Duration = Duration::from_millis(20);

/// Sound that was delivered late is followed by the rest of it at once, and the difference is gone; lost sound never
/// comes. A difference that lasts for this long is a loss, and is followed.
const LASTS: Duration = Duration::from_millis(300);

/// Larger differences are a break (a suspended machine, another device) and are followed at once.
const BREAK: Duration = Duration::from_secs(1);

/// One part in this of each measured error is corrected. 64 blocks of 10 ms: a time constant of 0.6 s, slow against
/// scheduling jitter and fast against the drift of crystals (below 100 microseconds a second).
const SMOOTHING: u32 = 64;

/// Smoothed capture times of a stream with a nominal sample rate.
#[derive(Debug)]
pub(crate) struct CaptureClock {
    rate: u64,
    /// Time of the sample that comes next, by the smoothed clock.
    expected: Option<Instant>,
    astray: Option<Astray>,
}

/// The measured times are further away than jitter explains.
#[derive(Clone, Copy, Debug)]
struct Astray {
    since: Instant,
    early: bool,
    least: Duration,
}

impl CaptureClock {
    /// For a stream of `rate` samples a second (at least 1).
    pub(crate) fn new(rate: u32) -> Self {
        Self { rate: u64::from(rate.max(1)), expected: None, astray: None }
    }

    /// A block of `samples` arrived whose first sample was captured at `measured`; the answer is the smoothed time of
    /// that first sample.
    pub(crate) fn block(&mut self, samples: usize, measured: Instant) -> Instant {
        let length = Duration::from_nanos(samples as u64 * 1_000_000_000 / self.rate);
        let start = self.expected.map_or(measured, |expected| self.follow(expected, measured));
        self.expected = Some(start + length);
        start
    }

    fn follow(&mut self, expected: Instant, measured: Instant) -> Instant {
        let (error, early) = match measured.checked_duration_since(expected) {
            Some(late) => (late, false),
            None => (expected.saturating_duration_since(measured), true),
        };
        let by = |step| if early { expected.checked_sub(step).unwrap_or(expected) } else { expected + step };
        if error > BREAK {
            self.astray = None;
            return measured;
        }
        if error <= JITTER {
            self.astray = None;
            return by(error / SMOOTHING);
        }
        let mut astray = self.astray.filter(|astray| astray.early == early).unwrap_or(Astray {
            since: measured,
            early,
            least: error,
        });
        astray.least = astray.least.min(error);
        if measured.saturating_duration_since(astray.since) < LASTS {
            self.astray = Some(astray);
            return expected;
        }
        self.astray = None;
        by(astray.least)
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
        let mut last = clock.block(480, start);
        for number in 1..1000_u32 {
            let jitter = Duration::from_millis(u64::from(number % 7));
            let time = clock.block(480, start + BLOCK * number + jitter);
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
            last = clock.block(480, start + (BLOCK + Duration::from_micros(1)) * number);
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
            let error = clock.block(480, told).saturating_duration_since(truth);
            assert!(error < Duration::from_millis(2), "block {number}: {error:?}");
        }
    }

    #[test]
    fn lost_sound_is_noticed_when_it_does_not_come_after_all() {
        let start = Instant::now();
        let mut clock = CaptureClock::new(48_000);
        let lost = Duration::from_millis(80);
        for number in 0..300_u32 {
            let truth = start + BLOCK * number + if number < 100 { Duration::ZERO } else { lost };
            let told = clock.block(480, truth);
            let noticed = number < 100 || number >= 130;
            assert_eq!(told == truth, noticed, "block {number}");
        }
    }

    #[test]
    fn a_break_is_followed_at_once() {
        let start = Instant::now();
        let mut clock = CaptureClock::new(48_000);
        clock.block(480, start);
        let later = start + Duration::from_secs(5);
        assert_eq!(clock.block(480, later), later);
    }
}

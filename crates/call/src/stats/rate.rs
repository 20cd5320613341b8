//! Counts per second over a sliding window.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Long enough to be steady at 15 frames a second, short enough to follow what one sees.
const WINDOW: Duration = Duration::from_secs(1);

/// Sums amounts that happened within the last second.
#[derive(Clone, Debug, Default)]
pub struct Rate {
    entries: VecDeque<(Instant, u64)>,
    sum: u64,
}

impl Rate {
    /// Something of this amount happened.
    pub fn add(&mut self, now: Instant, amount: u64) {
        self.forget(now);
        self.entries.push_back((now, amount));
        self.sum += amount;
    }

    /// The amount per second.
    pub fn per_second(&mut self, now: Instant) -> f64 {
        self.forget(now);
        self.sum as f64 / WINDOW.as_secs_f64()
    }

    fn forget(&mut self, now: Instant) {
        while let Some((at, amount)) = self.entries.front() {
            if now.saturating_duration_since(*at) < WINDOW {
                break;
            }
            self.sum -= amount;
            self.entries.pop_front();
        }
    }
}

/// Gaps that a person sees as a freeze: longer than the mean gap plus 150 ms.
#[derive(Clone, Debug, Default)]
pub struct Freezes {
    last: Option<Instant>,
    gaps: u64,
    sum: Duration,
    /// How many there were.
    pub count: u64,
    /// How long they were together.
    pub frozen: Duration,
}

/// What a gap may exceed the mean by (the figure of the W3C's `freezeCount`).
const FREEZE_MARGIN: Duration = Duration::from_millis(150);

impl Freezes {
    /// A frame was shown.
    pub fn frame(&mut self, now: Instant) {
        if let Some(last) = self.last {
            let gap = now.saturating_duration_since(last);
            if self.gaps >= 5 && gap > self.sum / u32::try_from(self.gaps).unwrap_or(u32::MAX) + FREEZE_MARGIN {
                self.count += 1;
                self.frozen += gap;
            }
            self.gaps += 1;
            self.sum += gap;
        }
        self.last = Some(now);
    }

    /// Frames are not expected for a while (camera off, not shown): the gap that follows is no freeze.
    pub fn pause(&mut self) {
        self.last = None;
    }
}

/// A mean that follows: each value counts a sixteenth.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mean(Option<f64>);

impl Mean {
    /// Takes a value in.
    pub fn add(&mut self, value: f64) {
        self.0 = Some(self.0.map_or(value, |mean| mean + (value - mean) / 16.0));
    }

    /// The mean; 0 before the first value.
    pub fn get(self) -> f64 {
        self.0.unwrap_or(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_forgets_what_is_older_than_a_second() {
        let start = Instant::now();
        let mut rate = Rate::default();
        for frame in 0..90_u32 {
            rate.add(start + Duration::from_secs(1) * frame / 30, 1);
        }
        assert!((rate.per_second(start + Duration::from_secs(3)) - 30.0).abs() <= 1.0);
        assert!(rate.per_second(start + Duration::from_secs(5)).abs() < f64::EPSILON);
    }

    #[test]
    fn a_gap_of_half_a_second_is_a_freeze_and_steady_frames_are_not() {
        let start = Instant::now();
        let mut freezes = Freezes::default();
        let mut now = start;
        for _ in 0..60 {
            now += Duration::from_millis(33);
            freezes.frame(now);
        }
        assert_eq!(freezes.count, 0);
        now += Duration::from_millis(500);
        freezes.frame(now);
        assert_eq!((freezes.count, freezes.frozen), (1, Duration::from_millis(500)));
    }

    #[test]
    fn a_pause_is_no_freeze() {
        let mut now = Instant::now();
        let mut freezes = Freezes::default();
        for _ in 0..60 {
            now += Duration::from_millis(33);
            freezes.frame(now);
        }
        freezes.pause();
        freezes.frame(now + Duration::from_secs(20));
        assert_eq!(freezes.count, 0);
    }
}

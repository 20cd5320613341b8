//! Keeping a rate without drift: every tick has its place on an absolute schedule.

use std::time::{Duration, Instant};

/// A schedule of evenly spaced ticks. Ticks that are long over when asked for are skipped, not made up for.
#[derive(Clone, Debug)]
pub struct Pace {
    start: Instant,
    /// Ticks in `per` time, a fraction so that 30000/1001 frames a second do not drift.
    ticks: u64,
    per: Duration,
    next: u64,
    slack: Duration,
}

/// A place in the schedule.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tick {
    /// Counts from 0, with gaps where ticks were skipped.
    pub number: u64,
    /// When it is due.
    pub due: Instant,
}

impl Pace {
    /// `ticks` ticks (at least one) in `per`, the first one at `start`.
    pub fn new(start: Instant, ticks: u64, per: Duration) -> Self {
        Self { start, ticks: ticks.max(1), per, next: 0, slack: Duration::ZERO }
    }

    /// Makes up for ticks that are up to `slack` late, as sound needs: a sample too many is better than a hole.
    #[must_use]
    pub fn with_slack(self, slack: Duration) -> Self {
        Self { slack, ..self }
    }

    /// When tick `number` is due.
    pub fn due(&self, number: u64) -> Instant {
        let nanoseconds = u128::from(number) * self.per.as_nanos() / u128::from(self.ticks);
        self.start + Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX >> 1))
    }

    /// Time between two ticks.
    pub fn period(&self) -> Duration {
        self.per / u32::try_from(self.ticks).unwrap_or(u32::MAX)
    }

    /// The tick to wait for next. One that is less than a period (and the slack) late still counts; what is older is
    /// skipped, so that a slow consumer misses ticks and does not fall behind.
    pub fn next_tick(&mut self, now: Instant) -> Tick {
        let late = now.saturating_duration_since(self.start).saturating_sub(self.slack);
        let running = u64::try_from(late.as_nanos() * u128::from(self.ticks) / self.per.as_nanos().max(1)).unwrap_or(0);
        let number = self.next.max(running);
        self.next = number + 1;
        Tick { number, due: self.due(number) }
    }
}

/// Sleeps until `due`; returns at once when it is over.
pub(crate) fn sleep_until(due: Instant) {
    let wait = due.saturating_duration_since(Instant::now());
    if !wait.is_zero() {
        std::thread::sleep(wait);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_keep_their_place_for_hours_without_drift() {
        let start = Instant::now();
        let pace = Pace::new(start, 30_000, Duration::from_secs(1001));
        assert_eq!(pace.due(30_000 * 10) - start, Duration::from_secs(10_010));
        let thirty = Pace::new(start, 30, Duration::from_secs(1));
        assert_eq!(thirty.due(30 * 3600) - start, Duration::from_hours(1));
    }

    #[test]
    fn a_prompt_consumer_gets_every_tick() {
        let start = Instant::now();
        let mut pace = Pace::new(start, 100, Duration::from_secs(1));
        for number in 0..500 {
            let tick =
                pace.next_tick(start + Duration::from_millis(number * 10).saturating_sub(Duration::from_millis(3)));
            assert_eq!(tick.number, number);
        }
    }

    #[test]
    fn a_late_consumer_misses_ticks_and_is_back_on_schedule() {
        let start = Instant::now();
        let mut pace = Pace::new(start, 100, Duration::from_secs(1));
        assert_eq!(pace.next_tick(start).number, 0);
        let tick = pace.next_tick(start + Duration::from_millis(75));
        assert_eq!((tick.number, tick.due), (7, start + Duration::from_millis(70)));
        assert_eq!(pace.next_tick(start + Duration::from_millis(76)).number, 8);
    }

    #[test]
    fn slack_makes_up_for_short_delays_and_gives_up_on_long_ones() {
        let start = Instant::now();
        let mut pace = Pace::new(start, 100, Duration::from_secs(1)).with_slack(Duration::from_millis(200));
        assert_eq!(pace.next_tick(start).number, 0);
        let late = start + Duration::from_millis(150);
        assert_eq!((pace.next_tick(late).number, pace.next_tick(late).number), (1, 2));
        assert_eq!(pace.next_tick(start + Duration::from_millis(500)).number, 30);
    }
}

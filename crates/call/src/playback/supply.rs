//! Whether a sound card gets what it plays: one that runs dry pulls less sound than time goes by.

use std::time::{Duration, Instant};

/// How long is looked at before judging.
const WINDOW: Duration = Duration::from_secs(3);

/// Pulling less than this part of real time is running dry; less short of it is a clock that is off, or the end of a
/// window that falls between two pulls.
const LEAST: f64 = 0.96;

/// A device that pulls nothing for this long has stalled.
const STALLED: Duration = Duration::from_secs(3);

/// The first pulls fill the card's buffer; some servers then wait for seconds before they really begin.
const FIRST_PULLS: u64 = 20;

/// Watches the number of 10 ms chunks pulled.
pub(super) struct Supply {
    /// Pulls when the stream began, unknown before the first look.
    begin: Option<u64>,
    window: Option<(Instant, u64)>,
    progress: (Instant, u64),
}

impl Supply {
    /// For a stream that begins now.
    pub(super) fn new(now: Instant) -> Self {
        Self { begin: None, window: None, progress: (now, 0) }
    }

    /// Given the number of chunks pulled so far: whether the card ran dry in the window that ends now. To be asked
    /// several times a second.
    pub(super) fn ran_dry(&mut self, now: Instant, pulled: u64) -> bool {
        if pulled != self.progress.1 {
            self.progress = (now, pulled);
        }
        let begin = *self.begin.get_or_insert(pulled);
        if pulled < begin + FIRST_PULLS {
            return false;
        }
        let (since, before) = *self.window.get_or_insert((now, pulled));
        let time = now.saturating_duration_since(since);
        if time < WINDOW {
            return false;
        }
        self.window = Some((now, pulled));
        ((pulled - before) as f64 / 100.0) < time.as_secs_f64() * LEAST
    }

    /// Whether nothing was pulled for so long that nothing will be.
    pub(super) fn is_stalled(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.progress.0) > STALLED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks ten times a second for `seconds`; `pulled` tells the chunks pulled after so many milliseconds.
    fn dry_windows(seconds: u64, pulled: impl Fn(u64) -> u64) -> usize {
        let start = Instant::now();
        let mut supply = Supply::new(start);
        (0..seconds * 10)
            .filter(|look| supply.ran_dry(start + Duration::from_millis(look * 100), pulled(look * 100)))
            .count()
    }

    #[test]
    fn a_card_at_real_time_never_runs_dry_whatever_its_periods() {
        for period in [10, 20, 40, 60] {
            assert_eq!(dry_windows(30, |time| time / period * period / 10), 0);
        }
    }

    #[test]
    fn a_card_that_pulls_too_little_runs_dry_in_every_window() {
        assert_eq!(dry_windows(31, |time| time * 9 / 100), 10);
    }

    #[test]
    fn a_card_that_begins_late_is_not_dry() {
        assert_eq!(dry_windows(20, |time| if time < 2000 { 4 } else { 4 + (time - 2000) / 10 }), 0);
    }

    #[test]
    fn a_card_that_stops_has_stalled() {
        let start = Instant::now();
        let mut supply = Supply::new(start);
        supply.ran_dry(start + Duration::from_secs(1), 100);
        assert!(!supply.is_stalled(start + Duration::from_secs(3)));
        assert!(supply.is_stalled(start + Duration::from_millis(4100)));
    }
}

//! How well a member's packets come through, both ways, as everybody in the room is told.

use std::time::{Duration, Instant};

use confab_protocol::Quality;

/// A share of lost packets counts with this weight; reports come about every half second, so it is the mean of three.
const WEIGHT: f64 = 1.0 / 6.0;

/// From these shares of lost packets on it is said, below the others no more: repairs and error correction carry a few
/// percent, and a mark that comes and goes says nothing.
const WEAK: (f64, f64) = (0.04, 0.02);
const BAD: (f64, f64) = (0.15, 0.10);

/// After so long without a report nothing is known.
const STALE: Duration = Duration::from_secs(5);

/// Both ways of one member.
#[derive(Default)]
pub(crate) struct QualityMeter {
    up: Way,
    down: Way,
    /// What the room was told.
    told: Quality,
}

#[derive(Default)]
struct Way {
    lost: f64,
    noted_at: Option<Instant>,
}

impl Way {
    fn note(&mut self, now: Instant, lost: f64) {
        // What was before a pause says nothing of now.
        self.lost = self.lost(now);
        self.lost += (lost - self.lost) * WEIGHT;
        self.noted_at = Some(now);
    }

    fn lost(&self, now: Instant) -> f64 {
        let is_known = self.noted_at.is_some_and(|at| now.saturating_duration_since(at) < STALE);
        if is_known { self.lost } else { 0.0 }
    }
}

impl QualityMeter {
    /// A share of the member's packets that did not reach us, 0 to 1.
    pub(crate) fn note_up(&mut self, now: Instant, lost: f64) {
        self.up.note(now, lost);
    }

    /// A share of ours that did not reach the member.
    pub(crate) fn note_down(&mut self, now: Instant, lost: f64) {
        self.down.note(now, lost);
    }

    /// The quality, if it is not what was told before.
    pub(crate) fn news(&mut self, now: Instant) -> Option<Quality> {
        let lost = self.up.lost(now).max(self.down.lost(now));
        let is_over =
            |(begins, ends): (f64, f64), at_least: Quality| lost >= if self.told >= at_least { ends } else { begins };
        let quality = match () {
            () if is_over(BAD, Quality::Bad) => Quality::Bad,
            () if is_over(WEAK, Quality::Weak) => Quality::Weak,
            () => Quality::Good,
        };
        (std::mem::replace(&mut self.told, quality) != quality).then_some(quality)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_weak_once_it_loses_for_seconds_and_good_again_when_it_does_no_more() {
        let (mut meter, begin) = (QualityMeter::default(), Instant::now());
        let mut told = Vec::new();
        for half_second in 0_u32..120 {
            let now = begin + Duration::from_millis(500) * half_second;
            let lost = match half_second {
                20..40 => 0.08,
                40..60 => 0.3,
                110 => 0.2,
                _ => 0.005,
            };
            meter.note_up(now, 0.0);
            meter.note_down(now, lost);
            told.extend(meter.news(now).map(|quality| (half_second, quality)));
        }
        let qualities: Vec<Quality> = told.iter().map(|(_, quality)| *quality).collect();
        assert_eq!(qualities, [Quality::Weak, Quality::Bad, Quality::Weak, Quality::Good], "{told:?}");
        assert!(told[0].0 >= 22 && told[0].0 < 28, "not at once, but soon: {told:?}");
        assert!(told[3].0 < 80, "one bad report is forgiven: {told:?}");
    }

    #[test]
    fn of_a_way_that_is_not_reported_any_more_nothing_is_said() {
        let (mut meter, begin) = (QualityMeter::default(), Instant::now());
        for half_second in 0..20 {
            meter.note_up(begin + Duration::from_millis(500) * half_second, 0.5);
        }
        assert_eq!(meter.news(begin + Duration::from_secs(10)), Some(Quality::Bad));
        assert_eq!(meter.news(begin + Duration::from_secs(20)), Some(Quality::Good));
        assert_eq!(meter.news(begin + Duration::from_secs(20)), None);
        meter.note_up(begin + Duration::from_secs(21), 0.0);
        assert_eq!(meter.news(begin + Duration::from_secs(21)), None, "old loss does not come back");
    }
}

//! How well a member's packets come through to us, as everybody in the room is told: it is what others see and hear of them.
//! What a member misses is theirs to know: reports of our streams name as lost what a sender's own line lost, too.

use std::time::{Duration, Instant};

use confab_protocol::Quality;

/// What was lost is a mean of about so long, however often it is noted.
const MEAN_OF: Duration = Duration::from_secs(3);

/// A first report counts as if it were of so long.
const FIRST: Duration = Duration::from_millis(500);

/// From these shares of lost packets on it is said, below the others no more: repairs and error correction carry a few
/// percent, and a mark that comes and goes says nothing.
const WEAK: (f64, f64) = (0.04, 0.02);
const BAD: (f64, f64) = (0.15, 0.10);

/// After so long without a report nothing is known.
const STALE: Duration = Duration::from_secs(15);

/// One member's way to us.
#[derive(Default)]
pub(crate) struct QualityMeter {
    lost: f64,
    noted_at: Option<Instant>,
    /// What the room was told.
    told: Quality,
}

impl QualityMeter {
    /// A share of the member's packets that did not reach us, 0 to 1.
    pub(crate) fn note(&mut self, now: Instant, lost: f64) {
        // What was before a pause says nothing of now.
        self.lost = self.lost(now);
        let of = self.noted_at.map_or(FIRST, |at| now.saturating_duration_since(at));
        let weight = 1.0 - (-of.as_secs_f64() / MEAN_OF.as_secs_f64()).exp();
        self.lost += (lost - self.lost) * weight;
        self.noted_at = Some(now);
    }

    fn lost(&self, now: Instant) -> f64 {
        let is_known = self.noted_at.is_some_and(|at| now.saturating_duration_since(at) < STALE);
        if is_known { self.lost } else { 0.0 }
    }

    /// The quality, if it is not what was told before.
    pub(crate) fn news(&mut self, now: Instant) -> Option<Quality> {
        let lost = self.lost(now);
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
            meter.note(now, lost);
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
            meter.note(begin + Duration::from_millis(500) * half_second, 0.5);
        }
        assert_eq!(meter.news(begin + Duration::from_secs(10)), Some(Quality::Bad));
        assert_eq!(meter.news(begin + Duration::from_secs(30)), Some(Quality::Good));
        assert_eq!(meter.news(begin + Duration::from_secs(30)), None);
        meter.note(begin + Duration::from_secs(31), 0.0);
        assert_eq!(meter.news(begin + Duration::from_secs(31)), None, "old loss does not come back");
    }
}

//! The missing numbers of a stream and when each is asked for.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// More are not kept: with so much missing, a key frame is quicker.
const MAX_HOLES: usize = 512;
/// Nothing is held longer: it would cost more than an asking in vain.
const MAX_HOLD: Duration = Duration::from_millis(40);
/// What the hold is above the reordering seen.
const HOLD_MARGIN: Duration = Duration::from_millis(2);
/// Without reordering, the hold halves in this time.
const HOLD_HALVES: Duration = Duration::from_secs(2);
/// After so many askings a hole is given up.
const MAX_ASKINGS: u8 = 16;
/// So many fit one RTCP packet however far they lie apart; the rest is asked for at the next call.
const MAX_AT_ONCE: usize = 256;
/// A repair that comes later than this is of no use to anybody.
const MAX_AGE: Duration = Duration::from_secs(2);
/// Never asked again sooner, however short the round trip: the other side may be busy.
const MIN_RETRY: Duration = Duration::from_millis(40);
/// Over a longer round trip the first asking is doubled: to lose it, or the repair, would cost all of it. The later ones
/// are doubled wherever the double comes before the answer: few packets are lost twice, and they are late already.
const DOUBLED_OVER: Duration = Duration::from_millis(60);
/// Between the two, so that one burst of loss does not take both.
const DOUBLED_AFTER: Duration = Duration::from_millis(20);

#[derive(Clone, Copy, Debug)]
struct Hole {
    number: u64,
    noticed: Instant,
    due: Instant,
    askings: u8,
    /// The next asking is the double of the last.
    doubles: bool,
}

/// The holes of one stream, by number.
#[derive(Debug, Default)]
pub(super) struct Holes {
    by_number: VecDeque<Hole>,
    /// No hole is due before; may be too early.
    earliest: Option<Instant>,
    hold: Duration,
    /// When the hold was last raised or halved.
    hold_changed: Option<Instant>,
}

impl Holes {
    /// A number above all others is missing. Tells how many were given up for it.
    pub(super) fn add(&mut self, now: Instant, number: u64) -> u64 {
        self.relax(now);
        let due = now + self.hold;
        let given_up = self.by_number.len() >= MAX_HOLES;
        if given_up {
            self.by_number.pop_front();
        }
        self.by_number.push_back(Hole { number, noticed: now, due, askings: 0, doubles: false });
        self.earliest = Some(self.earliest.map_or(due, |earliest| earliest.min(due)));
        u64::from(given_up)
    }

    /// A missing number came; by itself, or as a repair.
    pub(super) fn filled(&mut self, now: Instant, number: u64, by_itself: bool, round_trip: Duration) {
        let Ok(place) = self.by_number.binary_search_by_key(&number, |hole| hole.number) else { return };
        let Some(hole) = self.by_number.remove(place) else { return };
        let late = now.saturating_duration_since(hole.noticed);
        // After an asking, one that comes a round trip later is a repair on the stream itself.
        if by_itself && (hole.askings == 0 || late < round_trip) {
            self.reordered(now, late);
        }
        if self.by_number.is_empty() {
            self.earliest = None;
        }
    }

    /// What comes later than any hold teaches nothing about it.
    fn reordered(&mut self, now: Instant, late: Duration) {
        if late <= MAX_HOLD && late + HOLD_MARGIN >= self.hold {
            self.hold = (late + HOLD_MARGIN).min(MAX_HOLD);
            self.hold_changed = Some(now);
        }
    }

    fn relax(&mut self, now: Instant) {
        while let Some(changed) = self.hold_changed
            && now.saturating_duration_since(changed) >= HOLD_HALVES
        {
            self.hold /= 2;
            let over = self.hold < Duration::from_millis(1);
            if over {
                self.hold = Duration::ZERO;
            }
            self.hold_changed = (!over).then(|| changed + HOLD_HALVES);
        }
    }

    /// Appends what is to be asked for, lowest first; tells how many were given up.
    pub(super) fn poll(&mut self, now: Instant, round_trip: Duration, numbers: &mut Vec<u16>) -> u64 {
        if self.earliest.is_none_or(|earliest| earliest > now) {
            return 0;
        }
        let before = self.by_number.len();
        let most = numbers.len() + MAX_AT_ONCE;
        let retry = (round_trip * 5 / 4 + Duration::from_millis(10)).max(MIN_RETRY);
        self.by_number.retain_mut(|hole| {
            if now.saturating_duration_since(hole.noticed) >= MAX_AGE {
                return false;
            }
            if hole.due > now || numbers.len() >= most {
                return true;
            }
            if hole.askings >= MAX_ASKINGS {
                return false;
            }
            numbers.push(hole.number as u16);
            hole.askings += 1;
            let over = if hole.askings == 1 { DOUBLED_OVER } else { DOUBLED_AFTER };
            let was_double = hole.doubles;
            hole.doubles = !was_double && round_trip > over;
            hole.due = now
                + match (hole.doubles, was_double) {
                    (true, _) => DOUBLED_AFTER,
                    (false, true) => retry.saturating_sub(DOUBLED_AFTER),
                    (false, false) => retry,
                };
            true
        });
        self.earliest = self.by_number.iter().map(|hole| hole.due.min(hole.noticed + MAX_AGE)).min();
        (before - self.by_number.len()) as u64
    }

    pub(super) const fn next_deadline(&self) -> Option<Instant> {
        self.earliest
    }

    /// Gives all up; tells how many.
    pub(super) fn clear(&mut self) -> u64 {
        let given_up = self.by_number.len();
        self.by_number.clear();
        self.earliest = None;
        given_up as u64
    }

    pub(super) fn len(&self) -> usize {
        self.by_number.len()
    }
}

//! Numbers of packets or pictures with some taken out, so that a receiver sees no gap where nothing is missing.

/// Numbers that are remembered, back from the highest. Repairs come within a few hundred packets.
const WINDOW: u64 = WORDS as u64 * 64;
const WORDS: usize = 16;

/// Which numbers of one stretch were kept, which left out, and what the kept ones are called now.
///
/// Invariants: a kept number gets the same new number whenever it comes; numbers left out in order leave no gap; a
/// number that never came leaves one, since it may still come and then needs its place.
#[derive(Clone, Debug, Default)]
pub(super) struct Numbering {
    first: u64,
    /// The highest number kept or left out; `None` before the first.
    highest: Option<u64>,
    /// How many were left out in order, up to the highest.
    left_out: u64,
    kept_bits: [u64; WORDS],
    left_out_bits: [u64; WORDS],
}

/// What happened to a number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Past {
    /// It is higher than any before.
    New,
    /// It is lower than the highest and never came, so far.
    Missing,
    Kept,
    LeftOut,
    /// It is from before the stretch, or too long ago to know.
    TooOld,
}

impl Numbering {
    /// Of a stretch that begins with this number.
    pub(super) fn beginning_with(first: u64) -> Self {
        Self { first, ..Self::default() }
    }

    /// Whether no number came yet.
    pub(super) fn is_empty(&self) -> bool {
        self.highest.is_none()
    }

    pub(super) fn past(&self, number: u64) -> Past {
        match self.highest {
            _ if number < self.first => Past::TooOld,
            None => Past::New,
            Some(highest) if number > highest => Past::New,
            Some(highest) if number + WINDOW <= highest => Past::TooOld,
            Some(_) if is_set(&self.kept_bits, number) => Past::Kept,
            Some(_) if is_set(&self.left_out_bits, number) => Past::LeftOut,
            Some(_) => Past::Missing,
        }
    }

    /// Whether it is known that the receiver does not have this number and will not get it.
    pub(super) fn is_withheld(&self, number: u64) -> bool {
        number < self.first || self.past(number) == Past::LeftOut
    }

    /// Keeps a number, and tells its new one. `None` when it was left out, or is too old to know.
    pub(super) fn keep(&mut self, number: u64) -> Option<u64> {
        match self.past(number) {
            Past::New => {
                self.advance(number);
                set(&mut self.kept_bits, number);
                Some(number - self.left_out)
            }
            Past::Missing | Past::Kept => {
                set(&mut self.kept_bits, number);
                Some(number - self.left_out_before(number))
            }
            Past::LeftOut | Past::TooOld => None,
        }
    }

    /// Leaves a number out. When it comes late, what follows it has been numbered and a gap stays: that new number is
    /// told.
    pub(super) fn leave_out(&mut self, number: u64) -> Option<u64> {
        match self.past(number) {
            Past::New => {
                self.advance(number);
                set(&mut self.left_out_bits, number);
                self.left_out += 1;
                None
            }
            Past::Missing => {
                // Whoever is told fills it, once.
                set(&mut self.kept_bits, number);
                Some(number - self.left_out_before(number))
            }
            Past::Kept | Past::LeftOut | Past::TooOld => None,
        }
    }

    /// Makes room in the window; all between is missing.
    fn advance(&mut self, number: u64) {
        let from = self.highest.map_or(self.first, |highest| highest + 1);
        if number - from >= WINDOW {
            self.kept_bits = [0; WORDS];
            self.left_out_bits = [0; WORDS];
        } else {
            for between in from..=number {
                clear(&mut self.kept_bits, between);
                clear(&mut self.left_out_bits, between);
            }
        }
        self.highest = Some(number);
    }

    /// How many below `number` were left out: all, less those from there to the highest.
    fn left_out_before(&self, number: u64) -> u64 {
        let Some(highest) = self.highest else { return 0 };
        let after = (number..=highest).filter(|&one| is_set(&self.left_out_bits, one)).count();
        self.left_out - after as u64
    }
}

fn place(number: u64) -> (usize, u64) {
    let place = number % WINDOW;
    ((place / 64) as usize, 1 << (place % 64))
}

fn is_set(bits: &[u64; WORDS], number: u64) -> bool {
    let (word, bit) = place(number);
    bits[word] & bit != 0
}

fn set(bits: &mut [u64; WORDS], number: u64) {
    let (word, bit) = place(number);
    bits[word] |= bit;
}

fn clear(bits: &mut [u64; WORDS], number: u64) {
    let (word, bit) = place(number);
    bits[word] &= !bit;
}

/// Extends numbers of some width to 64 bits; one up to half the range before or after the highest is placed rightly.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Unwrapper {
    highest: Option<u64>,
}

impl Unwrapper {
    /// The number's place, the first one's being high enough for those before it.
    pub(super) fn unwrap(&mut self, number: u16, bits: u32) -> u64 {
        let range = 1_u64 << bits;
        let Some(highest) = self.highest else {
            let first = (1 << 17) + u64::from(number);
            self.highest = Some(first);
            return first;
        };
        let ahead = u64::from(number).wrapping_sub(highest) & (range - 1);
        let placed = if ahead < range / 2 { highest + ahead } else { (highest + ahead).saturating_sub(range) };
        self.highest = Some(placed.max(highest));
        placed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_left_out_in_order_leave_no_gap_and_late_ones_find_their_place() {
        let mut numbering = Numbering::beginning_with(100);
        assert_eq!(numbering.keep(100), Some(100));
        assert_eq!(numbering.leave_out(101), None);
        assert_eq!(numbering.keep(102), Some(101));
        assert_eq!(numbering.keep(104), Some(103), "103 is missing");
        assert_eq!(numbering.leave_out(105), None);
        assert_eq!(numbering.keep(106), Some(104));
        assert_eq!(numbering.keep(103), Some(102), "it comes late");
        assert_eq!(numbering.keep(106), Some(104), "the same again");
        assert_eq!(numbering.keep(105), None, "once left out, for ever");
        assert_eq!(numbering.keep(99), None, "from before the stretch");
    }

    #[test]
    fn a_number_left_out_late_leaves_a_gap_and_tells_it() {
        let mut numbering = Numbering::beginning_with(0);
        numbering.keep(0);
        numbering.leave_out(1);
        assert_eq!(numbering.keep(3), Some(2));
        assert_eq!(numbering.leave_out(2), Some(1));
        assert_eq!(numbering.leave_out(2), None, "nothing is filled twice");
        assert_eq!(numbering.keep(4), Some(3));
    }

    #[test]
    fn what_is_too_old_is_not_guessed() {
        let mut numbering = Numbering::beginning_with(0);
        numbering.keep(0);
        numbering.leave_out(5);
        assert!(numbering.is_withheld(5) && !numbering.is_withheld(4));
        numbering.keep(5 + WINDOW);
        assert_eq!(numbering.past(5), Past::TooOld);
        assert_eq!(numbering.past(6), Past::Missing);
        assert_eq!(numbering.keep(9 + 40 * WINDOW), Some(8 + 40 * WINDOW));
        assert_eq!(numbering.past(10 + 39 * WINDOW), Past::Missing, "nothing of an earlier round is left");
    }

    #[test]
    fn numbers_of_any_width_go_on_past_the_wrap() {
        for bits in [7, 15, 16] {
            let mut unwrapper = Unwrapper::default();
            let mask = ((1_u32 << bits) - 1) as u16;
            let first = unwrapper.unwrap(mask, bits);
            assert_eq!(unwrapper.unwrap(1, bits), first + 2);
            assert_eq!(unwrapper.unwrap(mask, bits), first);
            assert_eq!(unwrapper.unwrap(mask - 3, bits), first - 3);
            assert_eq!(unwrapper.unwrap(2, bits), first + 3);
        }
    }
}

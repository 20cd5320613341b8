//! Sequence numbers without the wrap.

/// Extends the 16-bit sequence numbers of one RTP stream (RFC 3550, 5.1) to 64 bits.
///
/// Invariant: a packet up to 32767 numbers before or after the highest seen is placed rightly, in whichever order
/// packets come. The first number is placed above 65536 so that packets older than the first one have a place too.
#[derive(Clone, Debug, Default)]
pub struct SequenceUnwrapper {
    highest: Option<u64>,
}

impl SequenceUnwrapper {
    /// Knows nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The extended number of this packet.
    pub fn unwrap(&mut self, sequence: u16) -> u64 {
        let Some(highest) = self.highest else {
            let first = (1 << 16) + u64::from(sequence);
            self.highest = Some(first);
            return first;
        };
        let distance = sequence.wrapping_sub(highest as u16) as i16;
        let extended = highest.saturating_add_signed(i64::from(distance));
        if extended > highest {
            self.highest = Some(extended);
        }
        extended
    }

    /// The highest extended number so far.
    pub fn highest(&self) -> Option<u64> {
        self.highest
    }
}

/// Remembers which of the last 2048 numbers of one stream came, to tell duplicates and to count what never came.
#[derive(Clone, Debug)]
pub struct SeenWindow {
    unwrapper: SequenceUnwrapper,
    first: Option<u64>,
    bits: [u64; WINDOW_WORDS],
    received: u64,
}

const WINDOW_WORDS: usize = 32;
const WINDOW: u64 = WINDOW_WORDS as u64 * 64;

impl Default for SeenWindow {
    fn default() -> Self {
        Self { unwrapper: SequenceUnwrapper::new(), first: None, bits: [0; WINDOW_WORDS], received: 0 }
    }
}

impl SeenWindow {
    /// Notes a packet; `true` when it is new, `false` when it came before or is too old to tell.
    pub fn is_new(&mut self, sequence: u16) -> bool {
        let highest = self.unwrapper.highest();
        let number = self.unwrapper.unwrap(sequence);
        let first = *self.first.get_or_insert(number);
        match highest {
            Some(highest) if number > highest => {
                if number - highest >= WINDOW {
                    self.bits = [0; WINDOW_WORDS];
                } else {
                    (highest + 1..number).for_each(|missing| self.set(missing, false));
                }
            }
            Some(highest) if number + WINDOW <= highest => return false,
            Some(_) if self.is_set(number) => return false,
            _ => {}
        }
        self.set(number, true);
        self.received += u64::from(number >= first);
        true
    }

    /// How many numbers between the first and the highest have not come (yet).
    pub fn missing(&self) -> u64 {
        match (self.first, self.unwrapper.highest()) {
            (Some(first), Some(highest)) => (highest + 1 - first).saturating_sub(self.received),
            _ => 0,
        }
    }

    fn is_set(&self, number: u64) -> bool {
        let place = number % WINDOW;
        self.bits[(place / 64) as usize] & (1 << (place % 64)) != 0
    }

    fn set(&mut self, number: u64, seen: bool) {
        let place = number % WINDOW;
        let (word, bit) = ((place / 64) as usize, 1 << (place % 64));
        if seen { self.bits[word] |= bit } else { self.bits[word] &= !bit }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_new_once_and_the_missing_are_counted() {
        let mut seen = SeenWindow::default();
        for number in 0..5000_u32 {
            if number % 10 != 3 {
                assert!(seen.is_new(65_000_u32.wrapping_add(number) as u16));
                assert!(!seen.is_new(65_000_u32.wrapping_add(number) as u16));
            }
        }
        assert_eq!(seen.missing(), 500);
        assert!(seen.is_new(65_000_u32.wrapping_add(4993) as u16), "a repair is new");
        assert!(!seen.is_new(65_000_u32.wrapping_add(4993) as u16), "the second copy is not");
        assert_eq!(seen.missing(), 499);
        assert!(!seen.is_new(65_000), "too old to tell");
    }

    #[test]
    fn numbers_go_on_counting_past_the_wrap() {
        let mut unwrapper = SequenceUnwrapper::new();
        let first = unwrapper.unwrap(65_534);
        assert_eq!(unwrapper.unwrap(65_535), first + 1);
        assert_eq!(unwrapper.unwrap(0), first + 2);
        assert_eq!(unwrapper.unwrap(1), first + 3);
    }

    #[test]
    fn a_late_packet_from_before_the_wrap_keeps_its_place() {
        let mut unwrapper = SequenceUnwrapper::new();
        let first = unwrapper.unwrap(65_533);
        assert_eq!(unwrapper.unwrap(2), first + 5);
        assert_eq!(unwrapper.unwrap(65_535), first + 2);
        assert_eq!(unwrapper.unwrap(3), first + 6);
    }

    #[test]
    fn a_packet_older_than_the_first_is_placed_before_it() {
        let mut unwrapper = SequenceUnwrapper::new();
        let first = unwrapper.unwrap(3);
        assert_eq!(unwrapper.unwrap(65_535), first - 4);
        assert_eq!(unwrapper.highest(), Some(first));
    }

    #[test]
    fn many_wraps_with_reordering_never_lose_count() {
        let mut unwrapper = SequenceUnwrapper::new();
        let mut origin = None;
        for number in 0_u64..300_000 {
            // Every seventh packet comes after its successor.
            let swapped = match number % 7 {
                5 => number + 1,
                6 => number - 1,
                _ => number,
            };
            let extended = unwrapper.unwrap(swapped as u16);
            let origin = *origin.get_or_insert(extended - swapped);
            assert_eq!(extended - origin, swapped);
        }
    }
}

//! Sums over the recent past.

/// Two sums for each of the last `N` slots of time. Nothing is allocated and nothing is searched; times are in
/// microseconds since whatever the caller likes.
#[derive(Debug)]
pub(super) struct SlotRing<const N: usize> {
    width: i64,
    sums: [[u64; 2]; N],
    /// Numbers of the newest slot and of the first there ever was.
    bounds: Option<(i64, i64)>,
}

impl<const N: usize> SlotRing<N> {
    /// Slots of `width` microseconds.
    pub fn new(width: i64) -> Self {
        Self { width, sums: [[0; 2]; N], bounds: None }
    }

    /// Adds to the slot of a time. What is older than the ring is dropped.
    pub fn add(&mut self, at: i64, values: [u64; 2]) {
        let slot = at.div_euclid(self.width);
        let (newest, first) = *self.bounds.get_or_insert((slot, slot));
        if slot > newest {
            for passed in (newest + 1).max(slot - N as i64 + 1)..=slot {
                self.sums[Self::index(passed)] = [0; 2];
            }
            self.bounds = Some((slot, first));
        } else if slot + N as i64 <= newest {
            return;
        }
        let sums = &mut self.sums[Self::index(slot)];
        sums[0] += values[0];
        sums[1] += values[1];
    }

    /// Takes one off the second sum of a slot.
    pub fn take_back(&mut self, at: i64) {
        let slot = at.div_euclid(self.width);
        if self.bounds.is_some_and(|(newest, _)| slot <= newest && slot + N as i64 > newest) {
            let second = &mut self.sums[Self::index(slot)][1];
            *second = second.saturating_sub(1);
        }
    }

    /// The sums of `slots` slots, without the newest `without` ones.
    pub fn sums(&self, without: usize, slots: usize) -> [u64; 2] {
        let Some((newest, _)) = self.bounds else { return [0; 2] };
        let end = newest + 1 - without as i64;
        let begin = (end - slots as i64).max(newest + 1 - N as i64);
        (begin..end).fold([0; 2], |sum, slot| {
            let add = self.sums[Self::index(slot)];
            [sum[0] + add[0], sum[1] + add[1]]
        })
    }

    /// The first value per second over the last `slots` finished slots, or as many as there were; `None` before there
    /// were two.
    pub fn per_second(&self, slots: usize) -> Option<f64> {
        let (newest, first) = self.bounds?;
        let slots = (newest - first).min(slots.min(N - 1) as i64);
        if slots < 2 {
            return None;
        }
        let sum: u64 = (newest - slots..newest).map(|slot| self.sums[Self::index(slot)][0]).sum();
        Some(sum as f64 * 1e6 / (slots * self.width) as f64)
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Self::new(self.width);
    }

    fn index(slot: i64) -> usize {
        slot.rem_euclid(N as i64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_pass_out_of_the_sums_and_late_values_find_theirs() {
        let mut ring = SlotRing::<4>::new(1000);
        ring.add(500, [100, 1]);
        ring.add(1500, [200, 1]);
        ring.add(3900, [400, 1]);
        ring.add(1600, [1, 0]);
        assert_eq!(ring.sums(0, 4), [701, 3]);
        ring.add(4100, [1000, 1]);
        assert_eq!(ring.sums(0, 4), [1601, 3]);
        assert_eq!(ring.sums(1, 2), [400, 1]);
        assert_eq!(ring.sums(1, 3), [601, 2]);
        ring.add(10, [9, 9]);
        assert_eq!(ring.sums(0, 4), [1601, 3]);
        ring.add(1_000_000, [5, 1]);
        assert_eq!(ring.sums(0, 4), [5, 1]);
    }

    #[test]
    fn a_rate_is_taken_over_finished_slots_only() {
        let mut ring = SlotRing::<8>::new(1000);
        assert_eq!(ring.per_second(4), None);
        for slot in 0..6 {
            ring.add(slot * 1000, [10, 0]);
        }
        ring.add(6001, [1_000_000, 0]);
        assert_eq!(ring.per_second(4), Some(10_000.0));
    }
}

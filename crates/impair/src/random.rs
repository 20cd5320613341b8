//! The emulator's own random numbers, so that a seed means the same packets in every release.

/// xoshiro256++ by Blackman and Vigna, seeded through splitmix64.
#[derive(Clone, Debug)]
pub(crate) struct SeededRandom {
    state: [u64; 4],
}

impl SeededRandom {
    pub(crate) fn new(seed: u64) -> Self {
        let mut sequence = seed;
        let state = std::array::from_fn(|_| {
            sequence = sequence.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = sequence;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^ (mixed >> 31)
        });
        Self { state }
    }

    fn next(&mut self) -> u64 {
        let [first, second, third, fourth] = &mut self.state;
        let result = first.wrapping_add(*fourth).rotate_left(23).wrapping_add(*first);
        let shifted = *second << 17;
        *third ^= *first;
        *fourth ^= *second;
        *second ^= *third;
        *first ^= *fourth;
        *third ^= shifted;
        *fourth = fourth.rotate_left(45);
        result
    }

    /// Uniform in `0.0..1.0`.
    pub(crate) fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Uniform in `-1.0..1.0`.
    pub(crate) fn signed_fraction(&mut self) -> f64 {
        self.fraction().mul_add(2.0, -1.0)
    }

    /// True with this probability. Always draws, so that changing one probability leaves the other draws in place.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.fraction() < probability
    }
}

//! Seeded changes of real samples.

/// Values that lengths and counters stumble over.
const EDGES: [u8; 6] = [0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff];

/// Seeded numbers, the same at each run (xorshift64*).
pub struct Random(u64);

impl Random {
    /// The same numbers for the same seed.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// Any number.
    pub fn number(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// 0 to `bound` - 1; 0 for 0.
    pub fn below(&mut self, bound: usize) -> usize {
        ((self.number() >> 16) % bound.max(1) as u64) as usize
    }

    /// So many arbitrary bytes.
    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| (self.number() >> 24) as u8).collect()
    }
}

/// Makes an input: noise now and then, mostly a sample with some of it changed.
pub(crate) fn input(random: &mut Random, samples: &[Vec<u8>], longest: usize) -> Vec<u8> {
    if samples.is_empty() || random.below(8) == 0 {
        let length = random.below(longest + 1);
        return random.bytes(length);
    }
    let mut bytes = samples[random.below(samples.len())].clone();
    for _ in 0..=random.below(6) {
        change(random, &mut bytes, samples);
    }
    bytes.truncate(longest);
    bytes
}

fn change(random: &mut Random, bytes: &mut Vec<u8>, samples: &[Vec<u8>]) {
    let place = random.below(bytes.len());
    match random.below(9) {
        0 => bytes.truncate(place),
        1 => {
            let length = random.below(40);
            let more = random.bytes(length);
            bytes.splice(place..place, more);
        }
        2 => {
            let end = (place + random.below(12)).min(bytes.len());
            bytes.drain(place..end);
        }
        // The end of another sample, or a piece of this one again.
        3 => {
            let other = &samples[random.below(samples.len())];
            let from = random.below(other.len());
            bytes.truncate(place);
            bytes.extend_from_slice(&other[from.min(other.len())..]);
        }
        4 => {
            let end = (place + random.below(64)).min(bytes.len());
            let piece = bytes[place..end].to_vec();
            let at = random.below(bytes.len());
            bytes.splice(at..at, piece);
        }
        5 => {
            if let Some(byte) = bytes.get_mut(place) {
                *byte = EDGES[random.below(EDGES.len())];
            }
        }
        6 => {
            if let Some(byte) = bytes.get_mut(place) {
                *byte = byte.wrapping_add(random.below(9) as u8).wrapping_sub(4);
            }
        }
        7 => {
            if let Some(byte) = bytes.get_mut(place) {
                *byte = random.number() as u8;
            }
        }
        _ => {
            if let Some(byte) = bytes.get_mut(place) {
                *byte ^= 1 << random.below(8);
            }
        }
    }
}

//! Whether a stream can go on after a loss, told at the first packet after it (A.6).

use super::ParsedDescriptor;
use super::structure::CHAINS;

/// Frames that are remembered: a chain's distance has eight bits.
const WINDOW: u16 = 256;

/// Follows which frames of one stream came, and which decode targets can go on without a keyframe or a repair.
///
/// A frame counts as there once any of its packets came: the rest of it is left to repairs, which its numbers ask for.
#[derive(Clone, Debug)]
pub struct ChainWatch {
    highest: Option<u16>,
    seen: [u64; WINDOW as usize / 64],
    broken: [bool; CHAINS],
}

impl Default for ChainWatch {
    fn default() -> Self {
        Self::new()
    }
}

impl ChainWatch {
    /// Before the first keyframe nothing can go on.
    pub const fn new() -> Self {
        Self { highest: None, seen: [0; WINDOW as usize / 64], broken: [true; CHAINS] }
    }

    /// Notes a packet, and tells which active targets can go on with it, as a mask. A target that no chain protects is
    /// left out once any frame is missing of which it cannot be known whether it was needed.
    pub fn note(&mut self, packet: &ParsedDescriptor) -> u32 {
        let number = packet.frame_number;
        let is_newer = self.highest.is_none_or(|highest| (1..0x8000).contains(&number.wrapping_sub(highest)));
        if packet.brings_structure {
            self.broken = [true; CHAINS];
        }
        if is_newer {
            self.advance(number);
        }
        self.seen[usize::from(number % WINDOW / 64)] |= 1 << (number % 64);
        for (chain, &distance) in packet.chain_distances().iter().enumerate() {
            if distance == 0 {
                self.broken[chain] = false;
            } else if !self.has(number.wrapping_sub(u16::from(distance))) {
                self.broken[chain] = true;
            }
        }
        let needs_are_there = packet
            .references
            .distances()
            .iter()
            .all(|&distance| distance >= WINDOW || self.has(number.wrapping_sub(distance)));
        let goes_on = |target: &super::DecodeTarget| match target.chain {
            Some(chain) => !self.broken[usize::from(chain) % CHAINS],
            None => needs_are_there,
        };
        let mask = |mask, (at, target)| mask | u32::from(goes_on(target)) << at;
        (0..).zip(packet.targets()).fold(0, mask) & packet.active_targets
    }

    fn has(&self, number: u16) -> bool {
        self.seen[usize::from(number % WINDOW / 64)] >> (number % 64) & 1 != 0
    }

    fn advance(&mut self, number: u16) {
        let from = self.highest.map_or(number, |highest| highest.wrapping_add(1));
        if self.highest.is_none() || number.wrapping_sub(from) >= WINDOW {
            self.seen = Default::default();
        } else {
            for between in 0..=number.wrapping_sub(from) {
                let between = from.wrapping_add(between);
                self.seen[usize::from(between % WINDOW / 64)] &= !(1 << (between % 64));
            }
        }
        self.highest = Some(number);
    }
}

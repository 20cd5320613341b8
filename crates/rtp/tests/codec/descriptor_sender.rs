//! AV1 with dependency descriptors, made of the tables in the specification's examples (A.10.2).

use confab_rtp::codec::VideoCodec;

use crate::random::Random;
use crate::sender::{Encoder, Frame};

/// Spatial and temporal layer, distances to references, chain distances, indications.
type Template = (u8, u8, &'static [usize], &'static [u32], &'static str);

/// A scalability structure.
pub struct Table {
    templates: &'static [Template],
    protected_by: &'static [u32],
    /// Templates of the frames of the keyframe's picture.
    key: &'static [usize],
    /// Of the pictures of one round.
    round: &'static [&'static [usize]],
    goes_down_at_once: bool,
}

/// A.10.2.1.
pub const L1T3: Table = Table {
    templates: &[
        (0, 0, &[], &[0], "SSS"),
        (0, 0, &[4], &[4], "SSS"),
        (0, 1, &[2], &[2], "SD-"),
        (0, 2, &[1], &[1], "D--"),
        (0, 2, &[1], &[3], "D--"),
    ],
    protected_by: &[0, 0, 0],
    key: &[0],
    round: &[&[1], &[3], &[2], &[4]],
    goes_down_at_once: true,
};

/// The same without chains.
pub const L1T3_WITHOUT_CHAINS: Table = Table {
    templates: &[
        (0, 0, &[], &[], "SSS"),
        (0, 0, &[4], &[], "SSS"),
        (0, 1, &[2], &[], "SD-"),
        (0, 2, &[1], &[], "D--"),
        (0, 2, &[1], &[], "D--"),
    ],
    protected_by: &[],
    key: &[0],
    round: &[&[1], &[3], &[2], &[4]],
    goes_down_at_once: true,
};

/// A.10.2.2.
pub const L3T3: Table = Table {
    templates: &[
        (0, 0, &[], &[0, 0, 0], "SSSSSSSSS"),
        (0, 0, &[12], &[12, 11, 10], "RRRRRRSSS"),
        (0, 1, &[6], &[6, 5, 4], "RR-RR-SD-"),
        (0, 2, &[3], &[3, 2, 1], "R--R--D--"),
        (0, 2, &[3], &[9, 8, 7], "R--R--D--"),
        (1, 0, &[1], &[1, 1, 1], "SSSSSS---"),
        (1, 0, &[12, 1], &[1, 1, 1], "RRRSSS---"),
        (1, 1, &[6, 1], &[7, 6, 5], "RR-SD----"),
        (1, 2, &[3, 1], &[4, 3, 2], "R--D-----"),
        (1, 2, &[3, 1], &[10, 9, 8], "R--D-----"),
        (2, 0, &[1], &[2, 1, 1], "SSS------"),
        (2, 0, &[12, 1], &[2, 1, 1], "SSS------"),
        (2, 1, &[6, 1], &[8, 7, 6], "SD-------"),
        (2, 2, &[3, 1], &[5, 4, 3], "D--------"),
        (2, 2, &[3, 1], &[11, 10, 9], "D--------"),
    ],
    protected_by: &[2, 2, 2, 1, 1, 1, 0, 0, 0],
    key: &[0, 5, 10],
    round: &[&[1, 6, 11], &[3, 8, 13], &[2, 7, 12], &[4, 9, 14]],
    goes_down_at_once: true,
};

/// Two spatial layers that build on one another in keyframes only.
pub const L2T2_KEY: Table = Table {
    templates: &[
        (0, 0, &[], &[0, 0], "SSSS"),
        (0, 0, &[4], &[4, 3], "--SS"),
        (0, 1, &[2], &[2, 1], "--D-"),
        (1, 0, &[1], &[1, 1], "SS--"),
        (1, 0, &[4], &[1, 4], "SS--"),
        (1, 1, &[2], &[3, 2], "D---"),
    ],
    protected_by: &[1, 1, 0, 0],
    key: &[0, 3],
    round: &[&[1, 4], &[2, 5]],
    goes_down_at_once: false,
};

pub struct Described {
    table: Table,
    frame_number: u16,
    offset: u32,
    position: usize,
    next_index: usize,
}

impl Described {
    pub fn new(table: Table, random: &mut Random) -> Self {
        let (frame_number, offset) = (random.next() as u16, random.below(64) as u32);
        Self { table, frame_number, offset, position: 0, next_index: 0 }
    }

    fn extension(&self, template: usize, first: bool, last: bool, structure: bool) -> Vec<u8> {
        let mut bits = Bits::default();
        bits.number(u32::from(first) << 1 | u32::from(last), 2);
        bits.number((self.offset + template as u32) % 64, 6);
        bits.number(u32::from(self.frame_number), 16);
        if structure {
            bits.number(0b10000, 5);
            self.structure(&mut bits);
        }
        bits.bytes()
    }

    fn structure(&self, bits: &mut Bits) {
        let templates = self.table.templates;
        let targets = templates[0].4.len() as u32;
        bits.number(self.offset, 6);
        bits.number(targets - 1, 5);
        for (at, template) in templates.iter().enumerate() {
            bits.number(
                match templates.get(at + 1) {
                    None => 3,
                    Some(next) if next.0 > template.0 => 2,
                    Some(next) => u32::from(next.1 > template.1),
                },
                2,
            );
        }
        for letter in templates.iter().flat_map(|template| template.4.chars()) {
            bits.number("-DSR".find(letter).expect("a known letter") as u32, 2);
        }
        for template in templates {
            template.2.iter().for_each(|&distance| bits.number(1 << 4 | (distance as u32 - 1), 5));
            bits.number(0, 1);
        }
        let chains = templates[0].3.len() as u32;
        bits.one_of(chains, targets + 1);
        if chains > 0 {
            self.table.protected_by.iter().for_each(|&chain| bits.one_of(chain, chains));
            templates.iter().flat_map(|template| template.3).for_each(|&distance| bits.number(distance, 4));
        }
        bits.number(0, 1);
    }
}

impl Encoder for Described {
    fn codec(&self) -> VideoCodec {
        VideoCodec::Av1
    }

    fn layers(&self) -> (u8, u8) {
        let templates = self.table.templates.iter();
        templates.fold((0, 0), |(spatial, temporal), one| (spatial.max(one.0), temporal.max(one.1)))
    }

    fn goes_down_at_once(&self) -> bool {
        self.table.goes_down_at_once
    }

    fn picture(&mut self, key: bool, random: &mut Random) -> Vec<Frame> {
        if key {
            self.position = 0;
            self.offset = (self.offset + self.table.templates.len() as u32) % 64;
        }
        let templates = if key { self.table.key } else { self.table.round[self.position % self.table.round.len()] };
        self.position += 1;
        let mut frames = Vec::new();
        for &at in templates {
            self.frame_number = self.frame_number.wrapping_add(1);
            let (spatial, temporal, distances, ..) = self.table.templates[at];
            let is_key = key && spatial == 0;
            let parts = random.below(3) + 1;
            let mut frame = Frame {
                references: distances.iter().map(|distance| self.next_index - distance).collect(),
                spatial,
                temporal,
                payloads: Vec::new(),
                extensions: Vec::new(),
            };
            for part in 0..parts {
                let (first, last) = (part == 0, part + 1 == parts);
                frame.payloads.push(vec![if is_key && first { 0x18 } else { 0x10 }, 0x32, 9]);
                frame.extensions.push(Some(self.extension(at, first, last, is_key && first)));
            }
            self.next_index += 1;
            frames.push(frame);
        }
        frames
    }
}

#[derive(Default)]
struct Bits(Vec<bool>);

impl Bits {
    fn number(&mut self, value: u32, count: u32) {
        self.0.extend((0..count).rev().map(|bit| value >> bit & 1 != 0));
    }

    /// ns(n) of the specification.
    fn one_of(&mut self, value: u32, count: u32) {
        let width = u32::BITS - count.leading_zeros();
        let short = (1 << width) - count;
        if value < short {
            self.number(value, width - 1);
        } else {
            self.number(value + short, width);
        }
    }

    fn bytes(&self) -> Vec<u8> {
        self.0
            .chunks(8)
            .map(|bits| (0..8).fold(0, |byte, at| byte << 1 | u8::from(bits.get(at) == Some(&true))))
            .collect()
    }
}

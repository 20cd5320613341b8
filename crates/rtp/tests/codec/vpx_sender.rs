//! VP8, VP9 and H.264 as their RTP payload descriptors tell of them.

use confab_rtp::codec::VideoCodec;

use crate::random::Random;
use crate::sender::{Encoder, Frame, PATTERN};

/// VP8 with three temporal layers. A picture without the Y bit needs the last of every layer up to its own.
pub struct Vp8 {
    pub short_ids: bool,
    picture_id: u16,
    tl0: u8,
    position: usize,
    next_index: usize,
    last: [Option<usize>; 3],
}

impl Vp8 {
    pub fn new(short_ids: bool, random: &mut Random) -> Self {
        Self {
            short_ids,
            picture_id: random.below(0x8000) as u16,
            tl0: random.below(256) as u8,
            position: 0,
            next_index: 0,
            last: [None; 3],
        }
    }
}

impl Encoder for Vp8 {
    fn codec(&self) -> VideoCodec {
        VideoCodec::Vp8
    }

    fn layers(&self) -> (u8, u8) {
        (0, 2)
    }

    fn picture(&mut self, key: bool, random: &mut Random) -> Vec<Frame> {
        if key {
            (self.position, self.last) = (0, [None; 3]);
        }
        let temporal = PATTERN[self.position % 4];
        self.position += 1;
        self.picture_id = (self.picture_id + 1) & if self.short_ids { 0x7f } else { 0x7fff };
        self.tl0 = self.tl0.wrapping_add(u8::from(temporal == 0));
        let syncs = temporal > 0 && !self.position.is_multiple_of(4) && random.one_in(2);
        let needed = if syncs { 1 } else { usize::from(temporal) + 1 };
        let references = if key { Vec::new() } else { self.last[..needed].iter().copied().flatten().collect() };
        self.last[usize::from(temporal)] = Some(self.next_index);
        self.next_index += 1;
        let payloads: Vec<_> = (0..=random.below(3))
            .map(|part| {
                let mut payload = vec![if part == 0 { 0x90 } else { 0x80 }, 0xe0];
                if self.short_ids {
                    payload.push(self.picture_id as u8);
                } else {
                    payload.extend_from_slice(&(self.picture_id | 0x8000).to_be_bytes());
                }
                payload.extend_from_slice(&[self.tl0, temporal << 6 | u8::from(syncs) << 5, u8::from(!key), 7]);
                payload
            })
            .collect();
        let extensions = vec![None; payloads.len()];
        vec![Frame { references, spatial: 0, temporal, payloads, extensions }]
    }
}

/// VP9 with three spatial and three temporal layers, in either mode, with or without references between layers in
/// pictures that are no keyframes.
pub struct Vp9 {
    flexible: bool,
    key_svc: bool,
    picture_id: u16,
    tl0: u8,
    position: usize,
    next_index: usize,
    /// By spatial and temporal layer: index of the last frame, and its picture's number.
    last: [[Option<(usize, u16)>; 3]; 3],
}

impl Vp9 {
    pub fn new(flexible: bool, key_svc: bool, random: &mut Random) -> Self {
        Self {
            flexible,
            key_svc,
            picture_id: random.below(0x8000) as u16,
            tl0: random.below(256) as u8,
            position: 0,
            next_index: 0,
            last: [[None; 3]; 3],
        }
    }

    fn frame(&mut self, spatial: u8, temporal: u8, up: bool, alone: bool, random: &mut Random) -> Frame {
        let of_layer = &self.last[usize::from(spatial)][..=usize::from(temporal)];
        let needed: Vec<(usize, u16)> = if alone { Vec::new() } else { of_layer.iter().copied().flatten().collect() };
        let inter_layer = spatial > 0 && (alone || !self.key_svc);
        let mut references: Vec<usize> = needed.iter().map(|one| one.0).collect();
        references.extend(inter_layer.then(|| self.next_index - 1));
        if alone {
            self.last[usize::from(spatial)] = [None; 3];
        }
        self.last[usize::from(spatial)][usize::from(temporal)] = Some((self.next_index, self.picture_id));
        self.next_index += 1;
        let parts = random.below(3) + 1;
        let payloads: Vec<_> = (0..parts)
            .map(|part| {
                let bit = |condition: bool, bit: u8| if condition { bit } else { 0 };
                let flags =
                    bit(!alone, 0x40) | bit(self.flexible, 0x10) | bit(part == 0, 8) | bit(part + 1 == parts, 4);
                let mut payload = vec![0xa0 | flags];
                payload.extend_from_slice(&(self.picture_id | 0x8000).to_be_bytes());
                payload.push(temporal << 5 | bit(up, 0x10) | spatial << 1 | bit(inter_layer, 1));
                if !self.flexible {
                    payload.push(self.tl0);
                } else if !alone {
                    for (at, one) in needed.iter().enumerate() {
                        let distance = (self.picture_id.wrapping_sub(one.1) & 0x7f) as u8;
                        payload.push(distance << 1 | bit(at + 1 < needed.len(), 1));
                    }
                }
                payload.push(0xee);
                payload
            })
            .collect();
        let extensions = vec![None; payloads.len()];
        Frame { references, spatial, temporal, payloads, extensions }
    }
}

impl Encoder for Vp9 {
    fn codec(&self) -> VideoCodec {
        VideoCodec::Vp9
    }

    fn layers(&self) -> (u8, u8) {
        (2, 2)
    }

    fn picture(&mut self, key: bool, random: &mut Random) -> Vec<Frame> {
        if key {
            (self.position, self.last) = (0, [[None; 3]; 3]);
        }
        let temporal = PATTERN[self.position % 4];
        self.position += 1;
        self.picture_id = (self.picture_id + 1) & 0x7fff;
        self.tl0 = self.tl0.wrapping_add(u8::from(temporal == 0));
        let up = !self.flexible && random.one_in(3);
        if up || (self.flexible && temporal == 0 && random.one_in(3)) {
            // From here on no picture above this layer needs an older one above it.
            for last in &mut self.last {
                last[usize::from(temporal) + 1..].fill(None);
            }
        }
        // Now and then an upper layer begins anew without a keyframe.
        let anew = if temporal == 0 && random.one_in(4) { 1 + random.below(2) as u8 } else { 9 };
        (0..3).map(|spatial| self.frame(spatial, temporal, up, key || spatial == anew, random)).collect()
    }
}

/// H.264 whose every second picture is one that nobody refers to.
pub struct H264 {
    position: usize,
    next_index: usize,
}

impl H264 {
    pub fn new() -> Self {
        Self { position: 0, next_index: 0 }
    }
}

impl Encoder for H264 {
    fn codec(&self) -> VideoCodec {
        VideoCodec::H264
    }

    fn layers(&self) -> (u8, u8) {
        (0, 1)
    }

    fn picture(&mut self, key: bool, random: &mut Random) -> Vec<Frame> {
        self.position = if key { 0 } else { self.position + 1 };
        let temporal = (self.position % 2) as u8;
        let back = if temporal == 1 { 1 } else { 2 };
        let references = if key { Vec::new() } else { vec![self.next_index - back] };
        self.next_index += 1;
        let header: u8 = if temporal == 1 { 0x00 } else { 0x60 };
        let payloads = match (key, random.one_in(2)) {
            (true, _) => vec![vec![0x78, 0, 2, 0x67, 1, 0, 2, 0x68, 1], vec![0x65, 0x88, 1]],
            (false, true) => vec![vec![header | 1, 0x9a, 1]],
            (false, false) => {
                vec![vec![header | 28, 0x81, 0x9a], vec![header | 28, 0x01, 9], vec![header | 28, 0x41, 9]]
            }
        };
        let extensions = vec![None; payloads.len()];
        vec![Frame { references, spatial: 0, temporal, payloads, extensions }]
    }
}

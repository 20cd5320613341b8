//! A sender of one stream: encoders that make frames, and the packets they are cut into.

use confab_rtp::codec::VideoCodec;

use crate::random::Random;

/// A frame of one spatial layer, which knows what it needs.
pub struct Frame {
    /// Indices of frames of the same stream.
    pub references: Vec<usize>,
    pub spatial: u8,
    pub temporal: u8,
    /// Each packet's payload.
    pub payloads: Vec<Vec<u8>>,
    pub extensions: Vec<Option<Vec<u8>>>,
}

/// Makes pictures, each of one or more frames.
pub trait Encoder {
    fn codec(&self) -> VideoCodec;
    /// The highest spatial and temporal layer.
    fn layers(&self) -> (u8, u8);
    /// Whether pictures that are no keyframes have all spatial layers build on one another.
    fn goes_down_at_once(&self) -> bool {
        true
    }
    fn picture(&mut self, key: bool, random: &mut Random) -> Vec<Frame>;
}

/// One packet on the way in.
#[derive(Clone)]
pub struct Packet {
    pub stream: u8,
    pub sequence: u64,
    pub timestamp: u32,
    pub marker: bool,
    pub payload: Vec<u8>,
    pub extension: Option<Vec<u8>>,
    /// Index of its frame in the stream.
    pub frame: usize,
}

/// One simulcast stream.
pub struct Stream {
    pub encoder: Box<dyn Encoder>,
    pub number: u8,
    pub frames: Vec<Frame>,
    pub next_sequence: u64,
    pub wants_key: bool,
}

impl Stream {
    pub fn new(number: u8, encoder: Box<dyn Encoder>, random: &mut Random) -> Self {
        Self { encoder, number, frames: Vec::new(), next_sequence: (1 << 16) + random.below(60_000), wants_key: true }
    }

    pub fn picture(&mut self, timestamp: u32, random: &mut Random) -> Vec<Packet> {
        let frames = self.encoder.picture(std::mem::take(&mut self.wants_key), random);
        let mut packets = Vec::new();
        for frame in frames {
            for (payload, extension) in frame.payloads.iter().zip(&frame.extensions) {
                packets.push(Packet {
                    stream: self.number,
                    sequence: self.next_sequence,
                    timestamp,
                    marker: false,
                    payload: payload.clone(),
                    extension: extension.clone(),
                    frame: self.frames.len(),
                });
                self.next_sequence += 1;
            }
            self.frames.push(frame);
        }
        packets.last_mut().expect("a picture has packets").marker = true;
        packets
    }
}

/// The pattern of temporal layers, four pictures long.
pub const PATTERN: [u8; 4] = [0, 2, 1, 2];

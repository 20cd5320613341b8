//! Decides for one receiver's slot which packets of a sender's streams go on, and with which numbers.
//!
//! ```text
//!   simulcast stream 0 ─┐
//!   simulcast stream 1 ─┼─> which stream? ──> which frames of it? ──> numbers without gaps ──> Decision
//!   simulcast stream 2 ─┘   at keyframes      by layer, at            [numbering]
//!                                              switching points
//! ```
//!
//! Invariants, for streams that lose nothing on the way in:
//! * a frame goes on only if every frame it needs went on;
//! * sequence numbers have no gaps within a stretch; VP8 picture ids and TL0PICIDX have none at all;
//! * the last packet of every picture that goes on has the marker bit, whichever layers were left out;
//! * a target is followed down with the next picture, and up as soon as a frame allows it.
//!
//! A loss on the way in stays a gap, so that the receiver asks for it and late packets find their place.
//!
//! How numbers are treated, and why:
//! * **VP8**: browsers hold back a picture of an upper temporal layer while picture ids below it are missing, so ids of
//!   pictures left out are closed over. TL0PICIDX counts only base pictures, and those are never left out.
//! * **VP9**: a picture's place in the pattern (non-flexible) and its references (flexible) are reckoned in picture
//!   ids, so they keep their distances.
//! * **Dependency descriptor**: references are distances in frame numbers, so these too keep their distances.
//! * Where another stream takes over, all of them go on from the highest sent.

mod numbering;
mod rules;
mod stretch;

use super::PacketFacts;
use stretch::{Continuation, Stretch};

/// A quality: which simulcast stream, and which layers of it at most.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Layer {
    /// Simulcast stream, the lowest quality being 0; 0 where there is one stream.
    pub stream: u8,
    /// Spatial layer within the stream.
    pub spatial: u8,
    /// Temporal layer within the stream.
    pub temporal: u8,
}

impl Layer {
    /// All layers of a stream.
    pub const fn whole(stream: u8) -> Self {
        Self { stream, spatial: 7, temporal: 7 }
    }
}

/// What to do with a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Decision {
    /// Not for this receiver.
    Drop {
        /// The packet came late and its place was already left open. The receiver will ask for it; padding of that
        /// number spares it the wait.
        hole: Option<u64>,
    },
    /// Goes on, with these changes.
    Forward(Rewrite),
    /// The same, and it is the first of another stream or after a pause: sequence numbers and timestamps begin a new
    /// stretch with it.
    ForwardAndSwitch(Rewrite),
}

impl Decision {
    const DROP: Self = Self::Drop { hole: None };

    /// The changes, if the packet goes on.
    pub const fn rewrite(&self) -> Option<&Rewrite> {
        match self {
            Self::Drop { .. } => None,
            Self::Forward(rewrite) | Self::ForwardAndSwitch(rewrite) => Some(rewrite),
        }
    }
}

/// What changes in a receiver's copy of a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rewrite {
    /// The sender's extended sequence number, less the packets left out since the stretch began.
    pub sequence: u64,
    /// The RTP marker bit.
    pub marker: bool,
    /// For [`rewrite`](super::rewrite).
    pub picture_id: Option<u16>,
    /// For [`rewrite`](super::rewrite).
    pub tl0: Option<u8>,
    /// For [`ParsedDescriptor::write`](super::ParsedDescriptor::write); `None` where the packet has no descriptor that
    /// could be read.
    pub frame_number: Option<u16>,
    /// For the same, when layers are left out or were.
    pub active_targets: Option<u32>,
}

/// Follows a target through a sender's streams. See the module.
#[derive(Debug, Default)]
pub struct LayerFilter {
    target: Option<Layer>,
    takes_any_stream: bool,
    stretch: Option<Stretch>,
    continuation: Continuation,
}

impl LayerFilter {
    /// Forwards nothing until it has a target.
    pub fn new() -> Self {
        Self::default()
    }

    /// What the receiver is to get; `None` pauses, and after it only a keyframe begins again.
    pub fn set_target(&mut self, target: Option<Layer>) {
        self.target = target;
        if target.is_none() {
            self.end_stretch();
        }
    }

    /// What the receiver is to get.
    pub fn target(&self) -> Option<Layer> {
        self.target
    }

    /// What the receiver gets now.
    pub fn current(&self) -> Option<Layer> {
        self.stretch.as_ref().map(Stretch::current)
    }

    /// While nothing goes on, a stream above the target may begin too: any picture is better than none.
    pub fn take_any_stream(&mut self, any: bool) {
        self.takes_any_stream = any;
    }

    /// What was forwarded so far goes no further: its sender, or its SSRC, is another now.
    pub fn end_stretch(&mut self) {
        self.stretch = None;
    }

    /// The stream whose keyframe would bring the receiver nearer to its target, if only a keyframe can.
    pub fn wants_keyframe(&self) -> Option<u8> {
        let target = self.target?;
        match &self.stretch {
            Some(stretch) if stretch.stream() == target.stream && !stretch.is_stuck() => None,
            _ => Some(target.stream),
        }
    }

    /// Decides on one packet. `sequence` is its extended number, `timestamp` as on the wire, `stream` its simulcast
    /// stream.
    pub fn filter(&mut self, stream: u8, sequence: u64, timestamp: u32, facts: &PacketFacts) -> Decision {
        let Some(target) = self.target else { return Decision::DROP };
        if let Some(stretch) = &mut self.stretch
            && stretch.stream() == stream
        {
            return match stretch.take(target, sequence, timestamp, facts, &mut self.continuation) {
                Ok(rewrite) => Decision::Forward(rewrite),
                Err(hole) => Decision::Drop { hole },
            };
        }
        if !facts.keyframe_start || !self.is_nearer(stream, target.stream) {
            return Decision::DROP;
        }
        let mut stretch = Stretch::beginning_with(stream, sequence);
        match stretch.take(target, sequence, timestamp, facts, &mut self.continuation) {
            Ok(rewrite) => {
                self.stretch = Some(stretch);
                Decision::ForwardAndSwitch(rewrite)
            }
            Err(hole) => Decision::Drop { hole },
        }
    }

    /// Closes the gap of a packet that never goes on, padding above all: no facts were read of it. Returns the place it
    /// leaves open, as [`Decision::Drop`] does.
    pub fn leave_out(&mut self, stream: u8, sequence: u64) -> Option<u64> {
        let stretch = self.stretch.as_mut().filter(|stretch| stretch.stream() == stream);
        stretch.and_then(|stretch| stretch.leave_out(sequence))
    }

    fn is_nearer(&self, stream: u8, target: u8) -> bool {
        match self.stretch.as_ref().map(Stretch::stream) {
            Some(current) => {
                stream == target || (current < stream && stream < target) || (target < stream && stream < current)
            }
            None => stream <= target || self.takes_any_stream,
        }
    }
}

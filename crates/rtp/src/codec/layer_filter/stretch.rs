//! What goes on of one stream, from a keyframe until another stream takes over.

use super::numbering::{Numbering, Past, Unwrapper};
use super::rules::{ByDescriptor, ByPayload, Verdict};
use super::{Layer, Rewrite};
use crate::codec::{PacketFacts, VideoCodec};

/// Frames of a VP9 picture, by spatial layer, count as so many numbers.
pub(super) const FRAMES_A_PICTURE: u64 = 8;

/// The highest picture numbers sent so far, from which the next stretch goes on.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Continuation {
    picture_id: Option<u64>,
    tl0: Option<u8>,
    frame_number: Option<u16>,
}

/// How far a stretch's numbers are moved; each is found with the first packet that has the number.
#[derive(Clone, Copy, Debug, Default)]
struct Offsets {
    picture_id: Option<u64>,
    tl0: Option<u8>,
    frame_number: Option<u16>,
}

/// The picture that packets in order belong to now.
#[derive(Debug)]
struct Picture {
    timestamp: u32,
    /// What of it goes on: a target that changes in its middle counts from the next.
    target: Layer,
    /// It needs no other picture.
    is_keyframe: bool,
    /// The marker was sent with this spatial layer, so none above it may follow.
    ended_with: Option<u8>,
}

#[derive(Debug)]
pub(super) struct Stretch {
    stream: u8,
    sequences: Numbering,
    /// Frames by frame number, pictures by picture id, or a VP9 picture's frames by both; see `key`.
    frames: Numbering,
    frame_numbers: Unwrapper,
    offsets: Offsets,
    picture: Option<Picture>,
    by_payload: ByPayload,
    /// Once a packet had a descriptor that could be read.
    by_descriptor: Option<ByDescriptor>,
}

impl Stretch {
    pub(super) fn beginning_with(stream: u8, sequence: u64) -> Self {
        Self {
            stream,
            sequences: Numbering::beginning_with(sequence),
            frames: Numbering::default(),
            frame_numbers: Unwrapper::default(),
            offsets: Offsets::default(),
            picture: None,
            by_payload: ByPayload::default(),
            by_descriptor: None,
        }
    }

    pub(super) fn stream(&self) -> u8 {
        self.stream
    }

    pub(super) fn current(&self) -> Layer {
        let (spatial, temporal) = match &self.by_descriptor {
            Some(rules) => rules.current(),
            None => self.by_payload.current(self.picture.as_ref().map(|picture| picture.target)),
        };
        Layer { stream: self.stream, spatial, temporal }
    }

    /// Whether only a keyframe brings it to its target.
    pub(super) fn is_stuck(&self) -> bool {
        match &self.by_descriptor {
            Some(rules) => rules.is_stuck(),
            None => self.by_payload.is_stuck(self.picture.as_ref().map(|picture| picture.target)),
        }
    }

    /// `Err` when the packet does not go on, with the place it leaves open.
    pub(super) fn take(
        &mut self,
        target: Layer,
        sequence: u64,
        timestamp: u32,
        facts: &PacketFacts,
        continuation: &mut Continuation,
    ) -> Result<Rewrite, Option<u64>> {
        let in_order = match self.sequences.past(sequence) {
            Past::New => true,
            Past::Missing | Past::Kept => false,
            Past::LeftOut | Past::TooOld => return Err(None),
        };
        if in_order && self.picture.as_ref().is_none_or(|picture| picture.timestamp != timestamp) {
            self.picture = Some(Picture { timestamp, target, is_keyframe: false, ended_with: None });
            self.by_payload.begin_picture();
        }
        let key = self.key(facts, in_order);
        let verdict = self.judge(key, timestamp, facts, in_order);
        let Verdict::Forward { ends_picture, active_targets } = verdict else {
            if let Some(key) = key {
                self.frames.leave_out(key);
            }
            return Err(self.sequences.leave_out(sequence));
        };
        if ends_picture && let Some(picture) = self.picture.as_mut().filter(|picture| picture.timestamp == timestamp) {
            picture.ended_with = Some(facts.spatial);
        }
        let closed = match key {
            Some(key) => Some(self.frames.keep(key).ok_or(None)?),
            None => None,
        };
        let out = self.sequences.keep(sequence).ok_or(None)?;
        let id = match facts.codec {
            VideoCodec::Vp9 => facts.picture_id.map(|id| self.vp9_picture(id.value(), id.bits(), key)),
            _ => closed.filter(|_| facts.picture_id.is_some()),
        };
        Ok(Rewrite {
            sequence: out,
            marker: facts.picture_end || ends_picture,
            picture_id: id.map(|id| self.picture_id(id, facts, continuation)),
            tl0: facts.tl0.map(|tl0| self.tl0(tl0, continuation)),
            frame_number: facts.descriptor.as_ref().map(|one| self.frame_number(one.frame_number, continuation)),
            active_targets,
        })
    }

    /// A packet without a frame is left out.
    pub(super) fn leave_out(&mut self, sequence: u64) -> Option<u64> {
        self.sequences.leave_out(sequence)
    }

    /// The number that tells the packet's frame from others. `None` where nothing numbers it, or where numbers of
    /// another kind are in use.
    fn key(&mut self, facts: &PacketFacts, in_order: bool) -> Option<u64> {
        let (number, bits, scale, spatial) = match (&facts.descriptor, facts.picture_id) {
            (Some(descriptor), _) => (descriptor.frame_number, 16, 1, 0),
            (None, _) if self.by_descriptor.is_some() => return None,
            (None, Some(id)) if facts.codec == VideoCodec::Vp9 => {
                (id.value(), id.bits(), FRAMES_A_PICTURE, u64::from(facts.spatial))
            }
            (None, Some(id)) => (id.value(), id.bits(), 1, 0),
            (None, None) => return None,
        };
        let switches_kind = facts.descriptor.is_some() && self.by_descriptor.is_none();
        if switches_kind {
            self.by_descriptor = Some(ByDescriptor::default());
            self.restart_numbers();
        }
        let before = self.frame_numbers;
        let mut key = self.frame_numbers.unwrap(number, bits) * scale + spatial;
        // An encoder that begins anew may count from anywhere. Without this its pictures would be too old for ever.
        let jumps = match self.frames.past(key) {
            Past::TooOld => in_order,
            Past::Missing | Past::LeftOut | Past::Kept => in_order && facts.keyframe_start && facts.frame_start,
            Past::New => false,
        };
        if jumps {
            self.restart_numbers();
            key = self.frame_numbers.unwrap(number, bits) * scale + spatial;
        } else if !in_order {
            // Only packets in order move on.
            self.frame_numbers = before;
        }
        if self.frames.is_empty() {
            self.frames = Numbering::beginning_with(key);
        }
        Some(key)
    }

    fn restart_numbers(&mut self) {
        self.frames = Numbering::default();
        self.frame_numbers = Unwrapper::default();
        self.offsets = Offsets::default();
    }

    fn judge(&mut self, key: Option<u64>, timestamp: u32, facts: &PacketFacts, in_order: bool) -> Verdict {
        let past = key.map_or(if in_order { Past::New } else { Past::Missing }, |key| self.frames.past(key));
        let Some(picture) = &mut self.picture else { return Verdict::Drop };
        picture.is_keyframe |= picture.timestamp == timestamp && facts.spatial == 0 && !facts.inter_picture;
        let is_after_its_end = |end: u8| picture.timestamp == timestamp && facts.spatial > end;
        if picture.ended_with.is_some_and(is_after_its_end) {
            self.by_payload.stop_spatial(facts.spatial);
            return Verdict::Drop;
        }
        match (&mut self.by_descriptor, &facts.descriptor, key) {
            (Some(rules), Some(descriptor), Some(key)) => {
                rules.judge(picture.target, descriptor, key, past, &self.frames)
            }
            (Some(rules), _, _) => rules.judge_unreadable(),
            (None, _, _) => self.by_payload.judge(picture.target, picture.is_keyframe, facts, key, past, &self.frames),
        }
    }

    /// The unwrapped picture id, of which the key was made unless frame numbers are in use.
    fn vp9_picture(&self, id: u16, bits: u32, key: Option<u64>) -> u64 {
        match (&self.by_descriptor, key) {
            (None, Some(key)) => key / FRAMES_A_PICTURE,
            // Distances are what matters, and those are right modulo the id's width.
            _ => (1 << bits) + u64::from(id),
        }
    }

    fn picture_id(&mut self, id: u64, facts: &PacketFacts, continuation: &mut Continuation) -> u16 {
        let first_out = continuation.picture_id.map_or_else(
            || u64::from(facts.picture_id.map_or(0, crate::codec::PictureId::value)),
            |highest| highest + 1,
        );
        let offset = *self.offsets.picture_id.get_or_insert(first_out.wrapping_sub(id));
        let out = id.wrapping_add(offset);
        let newer = |highest: u64| (out.wrapping_sub(highest) & 0x7fff) < 0x4000;
        if continuation.picture_id.is_none_or(newer) {
            continuation.picture_id = Some(out);
        }
        (out & 0x7fff) as u16
    }

    fn tl0(&mut self, tl0: u8, continuation: &mut Continuation) -> u8 {
        let first_out = continuation.tl0.map_or(tl0, |highest| highest.wrapping_add(1));
        let out = tl0.wrapping_add(*self.offsets.tl0.get_or_insert(first_out.wrapping_sub(tl0)));
        if continuation.tl0.is_none_or(|highest| out.wrapping_sub(highest) < 0x80) {
            continuation.tl0 = Some(out);
        }
        out
    }

    fn frame_number(&mut self, number: u16, continuation: &mut Continuation) -> u16 {
        let first_out = continuation.frame_number.map_or(number, |highest| highest.wrapping_add(1));
        let out = number.wrapping_add(*self.offsets.frame_number.get_or_insert(first_out.wrapping_sub(number)));
        if continuation.frame_number.is_none_or(|highest| out.wrapping_sub(highest) < 0x8000) {
            continuation.frame_number = Some(out);
        }
        out
    }
}

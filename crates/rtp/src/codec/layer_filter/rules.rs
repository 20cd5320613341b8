//! Which frames of a stream go on: by what the payload tells, or by what the dependency descriptor tells.

use super::Layer;
use super::numbering::{Numbering, Past};
use super::stretch::FRAMES_A_PICTURE;
use crate::codec::dependency_descriptor::{DecodeTarget, Indication};
use crate::codec::{PacketFacts, ParsedDescriptor, VideoCodec};

/// What becomes of a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    Drop,
    Forward {
        /// It is the last packet of its picture that goes on.
        ends_picture: bool,
        /// To be told to the receiver.
        active_targets: Option<u32>,
    },
}

/// All layers from this one upwards.
const fn from(layer: u8) -> u8 {
    match layer {
        0..8 => 0xff << layer,
        _ => 0,
    }
}

/// All layers up to this one.
const fn up_to(layer: u8) -> u8 {
    !from(layer.saturating_add(1))
}

/// The rules for VP8, VP9 and H.264 by their payloads. A layer *runs* while nothing of it, and nothing
/// below it, was left out since a frame with which it can begin.
#[derive(Debug, Default)]
pub(super) struct ByPayload {
    temporal_seen: u8,
    temporal_running: u8,
    spatial_seen: u8,
    spatial_running: u8,
    /// While a keyframe's picture goes by: the spatial layers it has.
    keyframe_has: Option<u8>,
    /// A frame of the picture was refused for its temporal layer, and so are the others: which of them ends the picture
    /// could not be told otherwise.
    refuses_picture: bool,
}

impl ByPayload {
    /// Packets of another picture follow.
    pub(super) fn begin_picture(&mut self) {
        self.refuses_picture = false;
        // A layer that a keyframe lacks is not sent any more. Waited for, it would be asked for with every packet.
        if let Some(layers) = self.keyframe_has.take() {
            self.spatial_seen = layers;
        }
    }

    /// The highest layers that go on.
    pub(super) fn current(&self, target: Option<Layer>) -> (u8, u8) {
        let within = |limit: u8| up_to(limit) & !from(8);
        let target = target.unwrap_or_default();
        let highest = |layers: u8| (layers | 1).ilog2() as u8;
        let spatial = highest(self.spatial_seen & self.spatial_running & within(target.spatial));
        let wanted = self.temporal_seen & within(target.temporal);
        let stopped = wanted & !self.temporal_running & !1;
        let below = if stopped == 0 { 0xff } else { !from(stopped.trailing_zeros() as u8) };
        (spatial, highest(wanted & below))
    }

    /// A spatial layer that is wanted does not run. A temporal one begins by itself.
    pub(super) fn is_stuck(&self, target: Option<Layer>) -> bool {
        let wanted = target.map_or(0, |target| up_to(target.spatial));
        self.spatial_seen & wanted & !self.spatial_running & !1 != 0
    }

    pub(super) fn judge(
        &mut self,
        target: Layer,
        in_keyframe: bool,
        facts: &PacketFacts,
        key: Option<u64>,
        past: Past,
        frames: &Numbering,
    ) -> Verdict {
        let goes_on = match past {
            Past::Kept => true,
            Past::LeftOut | Past::TooOld => false,
            Past::New => {
                self.temporal_seen |= 1 << (facts.temporal & 7);
                let layer = 1 << (facts.spatial & 7);
                self.spatial_seen |= layer;
                if facts.keyframe_start {
                    self.keyframe_has = Some(layer);
                } else if let Some(layers) = &mut self.keyframe_has {
                    *layers |= layer;
                }
                self.consider(target, facts, key, frames)
            }
            Past::Missing => {
                self.allows_temporal(target, facts, key, frames) && self.allows_spatial(target, facts, key, frames)
            }
        };
        if !goes_on {
            return Verdict::Drop;
        }
        Verdict::Forward { ends_picture: self.ends_picture(target, in_keyframe, facts), active_targets: None }
    }

    /// The marker comes with the encoder's last layer, which may not go on. A layer above follows within this picture
    /// only if it runs, or in a keyframe. One that begins anew in the middle of the stream would come when the marker
    /// is gone, so it waits for a keyframe.
    fn ends_picture(&self, target: Layer, in_keyframe: bool, facts: &PacketFacts) -> bool {
        let above = from(facts.spatial.saturating_add(1)) & up_to(target.spatial);
        facts.codec == VideoCodec::Vp9
            && facts.frame_end
            && (above == 0 || !in_keyframe && self.spatial_running & above == 0)
    }

    /// Decides on a frame and notes what that means for those to come.
    fn consider(&mut self, target: Layer, facts: &PacketFacts, key: Option<u64>, frames: &Numbering) -> bool {
        self.refuses_picture |= !self.allows_temporal(target, facts, key, frames);
        if self.refuses_picture {
            // What builds on this layer stops.
            self.temporal_running &= !from(facts.temporal);
            return false;
        }
        if !self.allows_spatial(target, facts, key, frames) {
            self.stop_spatial(facts.spatial);
            return false;
        }
        self.went_on(facts);
        true
    }

    fn allows_temporal(&self, target: Layer, facts: &PacketFacts, key: Option<u64>, frames: &Numbering) -> bool {
        if facts.temporal > target.temporal {
            return false;
        }
        if let (Some(references), Some(key)) = (&facts.references, key) {
            let reference = |distance: &u16| key.saturating_sub(u64::from(*distance) * FRAMES_A_PICTURE);
            return !facts.inter_picture
                || references.distances().iter().all(|distance| !frames.is_withheld(reference(distance)));
        }
        let needed = self.temporal_seen & up_to(facts.temporal) & !1;
        facts.temporal == 0 || facts.switching_point || needed & !self.temporal_running == 0
    }

    fn allows_spatial(&self, target: Layer, facts: &PacketFacts, key: Option<u64>, frames: &Numbering) -> bool {
        if facts.spatial == 0 || facts.spatial > target.spatial {
            return facts.spatial == 0;
        }
        let lower_is_missing = facts.inter_layer && key.is_some_and(|key| frames.is_withheld(key - 1));
        let earlier_is_missing = facts.inter_picture && self.spatial_running >> (facts.spatial & 7) & 1 == 0;
        !lower_is_missing && !earlier_is_missing
    }

    fn went_on(&mut self, facts: &PacketFacts) {
        self.spatial_running |= 1 << (facts.spatial & 7);
        if facts.keyframe_start {
            self.temporal_running = 0xff;
        }
        if facts.references.is_some() || facts.switching_point {
            self.temporal_running |= 1 << (facts.temporal & 7);
        }
        if facts.opens_higher {
            self.temporal_running |= from(facts.temporal.saturating_add(1));
        }
    }

    /// A frame of this layer is left out; what is above does not run either if it builds on it, as its frames tell.
    pub(super) fn stop_spatial(&mut self, spatial: u8) {
        self.spatial_seen |= 1 << (spatial & 7);
        if spatial > 0 {
            self.spatial_running &= !(1 << (spatial & 7));
        }
    }
}

/// The rules for any codec by the dependency descriptor.
#[derive(Debug, Default)]
pub(super) struct ByDescriptor {
    /// Chains of which a frame is missing at the receiver; bit i for chain i.
    broken_chains: u32,
    /// Decode targets that no chain protects, and that can go on.
    running_targets: u32,
    /// What goes on now.
    current: DecodeTarget,
    is_stuck: bool,
    leaves_out: bool,
    /// The receiver was told of fewer targets than there are, so it must be told of more.
    told_fewer: bool,
}

impl ByDescriptor {
    pub(super) fn current(&self) -> (u8, u8) {
        (self.current.spatial, self.current.temporal)
    }

    pub(super) fn is_stuck(&self) -> bool {
        self.is_stuck
    }

    /// Of a packet without a descriptor that can be read nothing is known, so it can go on only where everything does.
    pub(super) fn judge_unreadable(&mut self) -> Verdict {
        self.is_stuck = true;
        if self.leaves_out {
            return Verdict::Drop;
        }
        Verdict::Forward { ends_picture: false, active_targets: None }
    }

    pub(super) fn judge(
        &mut self,
        limit: Layer,
        frame: &ParsedDescriptor,
        key: u64,
        past: Past,
        frames: &Numbering,
    ) -> Verdict {
        let goes_on = match past {
            Past::Kept => true,
            Past::LeftOut | Past::TooOld => false,
            Past::New => {
                self.follow_chains(frame, key, frames);
                let references_are_there = has_references(frame, key, frames);
                let goes_on = self.choose(limit, frame, references_are_there);
                self.note(frame, goes_on);
                goes_on
            }
            Past::Missing => self.belongs(frame) && has_references(frame, key, frames),
        };
        if !goes_on {
            return Verdict::Drop;
        }
        let mask = frame.targets_within(self.current.spatial, self.current.temporal) & frame.active_targets;
        self.told_fewer |= mask != frame.active_targets;
        Verdict::Forward {
            ends_picture: frame.end_of_frame && frame.spatial == self.current.spatial,
            active_targets: self.told_fewer.then_some(mask),
        }
    }

    fn follow_chains(&mut self, frame: &ParsedDescriptor, key: u64, frames: &Numbering) {
        for (chain, &distance) in frame.chain_distances().iter().enumerate() {
            let bit = 1 << chain;
            if distance == 0 {
                self.broken_chains &= !bit;
            } else if frames.is_withheld(key.saturating_sub(u64::from(distance))) {
                self.broken_chains |= bit;
            }
        }
    }

    /// Finds the best target that can go on, and tells whether the frame belongs to it.
    fn choose(&mut self, limit: Layer, frame: &ParsedDescriptor, references_are_there: bool) -> bool {
        let wanted = frame.targets_within(limit.spatial, limit.temporal) & frame.active_targets;
        let can_go_on = (0..).zip(frame.targets()).fold(0, |mask: u32, (at, target)| {
            let switches = references_are_there && frame.indications.of(at) == Indication::Switch;
            let goes_on = match target.chain {
                Some(chain) => self.broken_chains >> chain & 1 == 0,
                None => self.running_targets >> at & 1 != 0 || switches,
            };
            mask | u32::from(goes_on) << at
        }) & frame.active_targets;
        let quality = |at: usize| (frame.targets()[at].spatial, frame.targets()[at].temporal);
        let of = |mask: u32| (0..frame.targets().len()).filter(move |at| mask >> at & 1 != 0);
        let best = of(wanted).max_by_key(|&at| quality(at));
        // In K-SVC a lower target needs a keyframe as much as a higher one. Until it comes the least of what can go on
        // is better than a frozen picture.
        let chosen = of(wanted & can_go_on)
            .max_by_key(|&at| quality(at))
            .or_else(|| of(can_go_on).min_by_key(|&at| quality(at)));
        let Some(chosen) = chosen else {
            self.is_stuck = true;
            self.leaves_out = true;
            return false;
        };
        self.current = frame.targets()[chosen];
        self.is_stuck = best.is_none_or(|best| quality(best).0 != self.current.spatial);
        self.leaves_out = of(frame.active_targets).any(|at| quality(at) > quality(chosen));
        references_are_there && frame.indications.of(chosen) != Indication::NotPresent
    }

    fn belongs(&self, frame: &ParsedDescriptor) -> bool {
        let at = frame.targets().iter().position(|target| *target == self.current);
        at.is_some_and(|at| frame.indications.of(at) != Indication::NotPresent)
    }

    fn note(&mut self, frame: &ParsedDescriptor, goes_on: bool) {
        for at in 0..frame.targets().len() {
            match frame.indications.of(at) {
                Indication::Switch if goes_on => self.running_targets |= 1 << at,
                Indication::Switch | Indication::Required if !goes_on => self.running_targets &= !(1 << at),
                _ => {}
            }
        }
    }
}

fn has_references(frame: &ParsedDescriptor, key: u64, frames: &Numbering) -> bool {
    let reference = |distance: &u16| key.saturating_sub(u64::from(*distance));
    frame.references.distances().iter().all(|distance| !frames.is_withheld(reference(distance)))
}

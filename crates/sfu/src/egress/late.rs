//! Pictures that wait too long for their receiver's network: they go, and their numbers are given out again.

use std::time::{Duration, Instant};

use confab_rtp::PacketClass;

use super::leave::Leaving;
use super::outlet::Outlet;
use crate::member::Member;

/// A keyframe of another stream takes the place of pictures that wait for longer. Less, and a picture is missed on good
/// lines, where a large one waits too; more, and the new stream is late by what nobody need see.
const SUPERSEDED_AFTER: Duration = Duration::from_millis(100);

/// A slot's pictures waited too long: all of them go, and it begins anew at a keyframe. `false` when there is nothing to
/// drop.
pub(super) fn drop_slot(member: &mut Member, index: usize, outlet: &mut Outlet) -> bool {
    let dropped = drop_held(member, index, outlet) > 0;
    if let Some(slot) = member.slots.get_mut(index).filter(|_| dropped) {
        slot.end_stretch();
    }
    dropped
}

/// A keyframe of another stream is here for a slot: what waits before it need not be seen, if it waits for so long that
/// the network must be full. Whether anything was dropped.
pub(super) fn drop_superseded(member: &mut Member, index: usize, now: Instant, outlet: &mut Outlet) -> bool {
    let oldest = member.downlink.held.iter().find(|packet| is_picture(packet, index)).map(|packet| packet.since);
    let waits = oldest.is_some_and(|since| now.saturating_duration_since(since) > SUPERSEDED_AFTER);
    waits && drop_held(member, index, outlet) > 0
}

fn is_picture(packet: &Leaving, of_slot: usize) -> bool {
    packet.slot == of_slot && packet.class == PacketClass::Video
}

/// Drops a slot's pictures that wait; how many packets that were. What came late stays: others of its picture have left,
/// and its receiver asks for it. All others are beyond what has left, so nobody misses them once their numbers are others'.
fn drop_held(member: &mut Member, index: usize, outlet: &mut Outlet) -> usize {
    let Some(slot) = member.slots.get_mut(index) else { return 0 };
    let held = &mut member.downlink.held;
    let before = held.len();
    for _ in 0..before {
        let Some(packet) = held.pop_front() else { break };
        if is_picture(&packet, index) && !slot.rewriter.has_passed(packet.sequence) {
            outlet.unused(packet.contents);
        } else {
            held.push_back(packet);
        }
    }
    slot.rewriter.take_back();
    before - held.len()
}

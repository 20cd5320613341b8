//! Packets leave for one receiver: paced, numbered, protected, noted for repair. Those that may not leave yet wait in
//! clear, so that what leaves says when it left.

use std::time::{Duration, Instant};

use confab_protocol::SlotKind;
use confab_rtp::codec::{ParsedDescriptor, Rewrite};
use confab_rtp::transport_wide::SentKind;
use confab_rtp::wire::{HeaderWriter, RtpHeader, WrittenHeader};
use confab_rtp::{PacerDecision, PacketClass};

use super::again::{Reason, Repeated, release_repairs};
use super::late::drop_slot;
use super::outlet::Outlet;
use super::repair::{Origin, Sent};
use super::slot::Slot;
use crate::arena::Key;
use crate::member::Member;
use crate::sfu::Sfu;

/// A packet with its header, in clear.
pub(crate) struct Leaving {
    pub(crate) contents: Vec<u8>,
    pub(crate) written: WrittenHeader,
    /// Its sequence number, extended.
    pub(crate) sequence: u64,
    pub(crate) slot: usize,
    pub(crate) class: PacketClass,
    /// What a repair needs, where repairs were negotiated.
    pub(crate) repairable: Option<Repairable>,
    pub(crate) since: Instant,
    /// When the packet that it passes on came in.
    pub(crate) arrived: Option<Instant>,
}

/// What a packet was made of.
#[derive(Clone, Copy)]
pub(crate) struct Repairable {
    pub(crate) origin: Origin,
    pub(crate) sent: Sent,
}

/// Sends a packet, or keeps it until the pace allows it.
pub(crate) fn leave(member: &mut Member, now: Instant, packet: Leaving, outlet: &mut Outlet) {
    let downlink = &member.downlink;
    let waits =
        packet.class == PacketClass::Video && !(downlink.held.is_empty() && downlink.repairs.waiting.is_empty());
    let decision = (!waits).then(|| member.downlink.pacer.allow(now, packet.contents.len(), packet.class));
    match decision {
        Some(PacerDecision::Send) => drop(send(member, now, packet, outlet)),
        Some(PacerDecision::HoldUntil(until)) => {
            member.downlink.held_until = Some(until);
            member.downlink.held.push_back(packet);
        }
        Some(PacerDecision::Split(_)) => {
            member.downlink.held_until = Some(now + SLOT);
            member.downlink.held.push_back(packet);
        }
        None => member.downlink.held.push_back(packet),
    }
}

/// Room for a dependency descriptor.
pub(crate) const LONGEST_DESCRIPTOR: usize = 160;

/// Writes a packet's descriptor for one receiver; the length, if it fits.
pub(crate) fn write_descriptor(
    parsed: &ParsedDescriptor,
    extension: &[u8],
    changes: &Rewrite,
    room: &mut [u8; LONGEST_DESCRIPTOR],
) -> Option<usize> {
    parsed.write(extension, changes.frame_number?, changes.active_targets, room)
}

/// Bytes of padding in a packet of nothing else; its length is a byte.
const PADDING: u8 = 224;
/// In the first byte of a header.
const HAS_PADDING: u8 = 0x20;

/// Puts padding in the place of a packet that came so late that its number was left open, and that this receiver does not
/// get. It would ask for it in vain, and of H.264 it would show nothing until a keyframe.
pub(crate) fn fill(member: &mut Member, index: usize, now: Instant, hole: u64, timestamp: u32, outlet: &mut Outlet) {
    let Some(slot) = member.slots.get_mut(index) else { return };
    let Some((_, format)) = slot.feed.as_ref().and_then(|feed| feed.mapped) else { return };
    let Some((sequence, timestamp)) = slot.rewriter.rewrite(now, hole, timestamp) else { return };
    let (payload_type, ssrc) = (format.payload_type, slot.ssrc);
    let header = RtpHeader { marker: false, payload_type, sequence: sequence as u16, timestamp, ssrc };
    let mut contents = outlet.buffer();
    let written = HeaderWriter::new(header).transport_cc(member.extensions.transport_cc).append(&mut contents);
    put_padding(&mut contents, &written, 1);
    let class = PacketClass::Video;
    leave(
        member,
        now,
        Leaving { contents, written, sequence, slot: index, class, repairable: None, since: now, arrived: None },
        outlet,
    );
}

/// Adds so many bytes of padding to a header (RFC 3550, 5.1).
fn put_padding(contents: &mut Vec<u8>, written: &WrittenHeader, bytes: u8) {
    contents.resize(written.len + usize::from(bytes), 0);
    if let (Some(last), [first, ..]) = (contents.len().checked_sub(1), contents.as_mut_slice()) {
        *first |= HAS_PADDING;
        contents[last] = bytes;
    }
}

/// A receiver with a picture that is off is sent something this often. The controller takes no feedback for 500 ms as a
/// reason not to probe.
const LONGEST_SILENCE: Duration = Duration::from_millis(200);

/// Packets that are held are looked at this often.
pub(super) const SLOT: Duration = Duration::from_millis(5);

/// Puts a packet on the wire; its transport-wide number, unless it has no way to go.
pub(super) fn send(member: &mut Member, now: Instant, packet: Leaving, outlet: &mut Outlet) -> Option<u16> {
    let Leaving { mut contents, written, sequence, slot, class, repairable, arrived, .. } = packet;
    let (Some(route), Some(keys)) = (member.route, &member.keys) else {
        outlet.unused(contents);
        return None;
    };
    let kind = match class {
        PacketClass::Audio | PacketClass::Video => SentKind::Media,
        PacketClass::Repair | PacketClass::Probe => SentKind::Repair,
    };
    let number = member.downlink.number(now, contents.len(), kind);
    written.set_transport_cc(&mut contents, number);
    let payload = contents.len() - written.len;
    let protected = contents.len() + keys.outbound.profile().rtp_overhead();
    contents.resize(protected, 0);
    if keys.outbound.protect_rtp(sequence, &mut contents).is_err() {
        outlet.unused(contents);
        return None;
    }
    outlet.pass_on(route, contents, arrived);
    if let Some(of) = member.slots.get_mut(slot)
        && kind == SentKind::Media
    {
        of.packets = of.packets.wrapping_add(1);
        of.octets = of.octets.wrapping_add(payload as u32);
        let is_late = !of.rewriter.note_left(sequence);
        if let Some(Repairable { origin, sent }) = repairable {
            of.sent.note(now, sent, origin);
            if is_late {
                member.downlink.repairs.await_arrival(now, number, slot, sequence);
            }
        }
    }
    Some(number)
}

impl Sfu {
    /// Lets go what was held, as far as the pace allows, and fills a probe up.
    pub(crate) fn release(&mut self, now: Instant, key: Key) {
        let Some(member) = self.members.get_mut(key) else { return };
        if member.downlink.held_until.is_some_and(|until| until <= now) {
            member.downlink.held_until = None;
            self.release_held(now, key);
        }
        self.probe(now, key);
    }

    fn release_held(&mut self, now: Instant, key: Key) {
        let Some(member) = self.members.get_mut(key) else { return };
        if !release_repairs(member, now, &mut self.outlet) {
            return;
        }
        while let Some(first) = member.downlink.held.front() {
            let (bytes, class, since, slot) = (first.contents.len(), first.class, first.since, first.slot);
            let is_late = class == PacketClass::Video && member.downlink.pacer.is_too_late(now, since);
            if is_late && drop_slot(member, slot, &mut self.outlet) {
                self.counters.packets_late += 1;
                continue;
            }
            match member.downlink.pacer.allow(now, bytes, class) {
                PacerDecision::Send => {
                    let Some(packet) = member.downlink.held.pop_front() else { return };
                    send(member, now, packet, &mut self.outlet);
                }
                PacerDecision::Split(_) => {
                    member.downlink.held_until = Some(now + SLOT);
                    return;
                }
                PacerDecision::HoldUntil(until) => {
                    member.downlink.held_until = Some(until);
                    return;
                }
            }
        }
    }

    /// Fills a running probe up to its rate, with repeats of what was sent last.
    fn probe(&mut self, now: Instant, key: Key) {
        let Some(member) = self.members.get_mut(key) else { return };
        // Nothing else than pictures wants more.
        if !member.slots.iter().any(|slot| slot.repair_ssrc.is_some() && slot.feed.is_some()) {
            // One that runs has nothing to be filled with any more; kept, it would be due for ever.
            return member.downlink.abandon_probe();
        }
        member.downlink.begin_probe(now);
        while let Some(member) = self.members.get_mut(key)
            && member.downlink.probe_wants_more(now)
        {
            let newest = (member.slots.iter_mut())
                .filter(|slot| slot.repair_ssrc.is_some())
                .find_map(|slot| Some((slot.ssrc, slot.sent.next_repeat()?)));
            let repeated = newest
                .is_some_and(|(ssrc, sequence)| self.repeat(now, key, ssrc, sequence, Reason::Probe) == Repeated::Sent);
            // A picture that is off, for want of room, has nothing fresh to repeat.
            if !repeated && !self.pad(now, key) {
                if let Some(member) = self.members.get_mut(key) {
                    member.downlink.abandon_probe();
                }
                return;
            }
        }
    }

    /// While a picture is off for want of room and nobody speaks, nothing leaves. Then no feedback comes, and the estimate
    /// would be for ever what it was when the picture went off.
    pub(crate) fn keep_feedback_coming(&mut self, now: Instant, key: Key) {
        let Some(member) = self.members.get(key) else { return };
        let is_off =
            |slot: &Slot| slot.kind == SlotKind::Video && slot.feed.as_ref().is_some_and(|feed| feed.target.is_none());
        let is_silent = now.saturating_duration_since(member.downlink.numbered_at) >= LONGEST_SILENCE;
        if is_silent && member.downlink.estimate().is_some() && member.slots.iter().any(is_off) && self.pad(now, key) {
            self.schedule(key, now);
        }
    }

    /// Sends a packet of nothing but padding on a stream of repairs (RFC 4588, 8; RFC 3550, 5.1).
    fn pad(&mut self, now: Instant, receiver: Key) -> bool {
        let Some(member) = self.members.get_mut(receiver) else { return false };
        let pads = |slot: &Slot| Some((slot.repair_ssrc?, slot.formats.iter().find_map(|format| format.repair)?));
        let found = member.slots.iter().enumerate().find_map(|(index, slot)| Some((index, pads(slot)?)));
        let Some((slot, (ssrc, payload_type))) = found else { return false };
        let sequence = member.slots[slot].next_repair();
        let header = RtpHeader { marker: false, payload_type, sequence: sequence as u16, timestamp: 0, ssrc };
        let mut contents = self.outlet.buffer();
        let written = HeaderWriter::new(header).transport_cc(member.extensions.transport_cc).append(&mut contents);
        put_padding(&mut contents, &written, PADDING);
        let class = PacketClass::Probe;
        let packet = Leaving { contents, written, sequence, slot, class, repairable: None, since: now, arrived: None };
        leave(member, now, packet, &mut self.outlet);
        true
    }
}

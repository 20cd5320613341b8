//! Repairs on their way to one receiver: those that wait for their pace, and those that may have been lost again.
//!
//! ```text
//!  wish ──> budget ──> pace allows it? ── yes ──> leaves ──> feedback: came ──> done
//!                            │ no                   ^                  lost ──> leaves again, unasked
//!                            v                      │
//!                      [ waiting ] ── in time ──────┘
//!                            └──── too late, or its stretch has ended ──> dropped, and the next wish is granted
//! ```

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use confab_rtp::codec;
use confab_rtp::transport_wide::SentResult;
use confab_rtp::wire::{HeaderWriter, RtpHeader, rtx};
use confab_rtp::{PacerDecision, PacketClass};

use super::leave::{LONGEST_DESCRIPTOR, Leaving, SLOT, leave, send, write_descriptor};
use super::outlet::Outlet;
use super::repair::{Origin, Sent, Wish};
use crate::arena::Key;
use crate::member::Member;
use crate::sfu::Sfu;

/// A repair that waited longer is dropped: by then receivers ask again, or show something else.
const LONGEST_WAIT: Duration = Duration::from_millis(200);

/// Packets whose arrival is looked after by us, at most: a second of repairs at 1 Mbit/s.
const AWAITED: usize = 64;

/// A packet older than this is not sent again unasked.
const OF_USE: Duration = Duration::from_secs(1);

/// Why a packet is sent again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reason {
    /// Its receiver misses it.
    Asked,
    /// It was late or a repair, and left last at this time; feedback says that it was lost.
    LostAgain(Instant),
    /// To fill a probe.
    Probe,
}

/// What came of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Repeated {
    /// It leaves, or waits for its pace.
    Sent,
    /// It was sent again so lately that this cannot have arrived.
    OnItsWay,
    /// It is not known any more, or the share of repairs is used up.
    Refused,
}

/// A repair that may not leave yet.
pub(crate) struct Waiting {
    packet: Leaving,
    /// The number of what it repairs, extended.
    original: u64,
}

/// A packet that left later than those around it. Its receiver may have stopped asking for it.
#[derive(Clone, Copy)]
pub(crate) struct Awaited {
    /// Its transport-wide number.
    number: u16,
    slot: usize,
    /// The number on its slot of what it brings, extended.
    original: u64,
    left: Instant,
}

/// The repairs of one receiver.
#[derive(Default)]
pub(crate) struct Repairs {
    pub(crate) waiting: VecDeque<Waiting>,
    awaited: VecDeque<Awaited>,
}

impl Repairs {
    /// Looks after the arrival of a packet.
    pub(crate) fn await_arrival(&mut self, left: Instant, number: u16, slot: usize, original: u64) {
        if self.awaited.len() >= AWAITED {
            self.awaited.pop_front();
        }
        self.awaited.push_back(Awaited { number, slot, original, left });
    }

    /// Feedback came: what it says of is not awaited any more. Appends what was lost. What it passes over counts as lost
    /// too, because the feedback that spoke of it must have been.
    pub(crate) fn settle(&mut self, results: &[SentResult], lost: &mut Vec<Awaited>) {
        let Some(last) = results.iter().map(|result| result.number).max() else { return };
        self.awaited.retain(|awaited| {
            let result = results.iter().find(|result| result.number as u16 == awaited.number);
            let passed_over = (last as u16).wrapping_sub(awaited.number) < 0x8000;
            let is_lost = match result {
                Some(result) => !result.received,
                None => passed_over,
            };
            if is_lost {
                lost.push(*awaited);
            }
            !is_lost && result.is_none()
        });
    }
}

/// Sends a repair of the packet `original` of its slot, or keeps it until the pace allows it.
pub(crate) fn leave_repair(member: &mut Member, now: Instant, packet: Leaving, original: u64, outlet: &mut Outlet) {
    let waits = !member.downlink.repairs.waiting.is_empty();
    let decision = (!waits).then(|| member.downlink.pacer.allow(now, packet.contents.len(), PacketClass::Repair));
    match decision {
        Some(PacerDecision::Send) => return send_repair(member, now, Waiting { packet, original }, outlet),
        Some(PacerDecision::HoldUntil(until)) => member.downlink.held_until = Some(until),
        Some(PacerDecision::Split(_)) => member.downlink.held_until = Some(now + SLOT),
        None => {}
    }
    if let Some(slot) = member.slots.get_mut(packet.slot) {
        slot.sent.set_repeated(original, Some(now));
    }
    member.downlink.repairs.waiting.push_back(Waiting { packet, original });
}

/// Lets waiting repairs go as far as the pace allows. `false` while some still wait.
pub(crate) fn release_repairs(member: &mut Member, now: Instant, outlet: &mut Outlet) -> bool {
    while let Some(first) = member.downlink.repairs.waiting.pop_front() {
        let Some(slot) = member.slots.get_mut(first.packet.slot) else { continue };
        let is_late = now.saturating_duration_since(first.packet.since) > LONGEST_WAIT;
        if is_late || !slot.rewriter.is_of_stretch(first.original) {
            slot.sent.set_repeated(first.original, None);
            outlet.unused(first.packet.contents);
            continue;
        }
        let until = match member.downlink.pacer.allow(now, first.packet.contents.len(), PacketClass::Repair) {
            PacerDecision::Send => {
                send_repair(member, now, first, outlet);
                continue;
            }
            PacerDecision::Split(_) => now + SLOT,
            PacerDecision::HoldUntil(until) => until,
        };
        member.downlink.held_until = Some(until);
        member.downlink.repairs.waiting.push_front(first);
        return false;
    }
    true
}

fn send_repair(member: &mut Member, now: Instant, repair: Waiting, outlet: &mut Outlet) {
    let Waiting { packet, original } = repair;
    let index = packet.slot;
    let Some(number) = send(member, now, packet, outlet) else { return };
    if let Some(slot) = member.slots.get_mut(index) {
        slot.sent.set_repeated(original, Some(now));
    }
    member.downlink.repairs.await_arrival(now, number, index, original);
}

impl Sfu {
    /// Sends what feedback says was lost though it was late already: its receiver may have asked as often as it does.
    pub(crate) fn repeat_lost(&mut self, now: Instant, receiver: Key) {
        let mut lost = std::mem::take(&mut self.feedback.lost);
        for Awaited { slot, original, left, .. } in lost.drain(..) {
            let ssrc = self.members.get(receiver).and_then(|member| member.slots.get(slot)).map(|slot| slot.ssrc);
            let Some(ssrc) = ssrc else { continue };
            let repeated = self.repeat(now, receiver, ssrc, original as u16, Reason::LostAgain(left));
            self.counters.packets_repaired += u64::from(repeated == Repeated::Sent);
        }
        self.feedback.lost = lost;
    }

    /// Sends a packet again (RFC 4588), from the history of where it came from.
    pub(crate) fn repeat(&mut self, now: Instant, receiver: Key, ssrc: u32, sequence: u16, reason: Reason) -> Repeated {
        let Some(member) = self.members.get(receiver) else { return Repeated::Refused };
        let Some(index) = member.slots.iter().position(|slot| slot.ssrc == ssrc) else { return Repeated::Refused };
        let log = &member.slots[index].sent;
        let found = match reason {
            Reason::Asked => log.wanted(now, member.downlink.round_trip(), sequence),
            Reason::LostAgain(left) => log.lost_again(left, sequence),
            Reason::Probe => log.sent(sequence).map_or(Wish::Unknown, |(sent, origin)| Wish::Granted(sent, origin)),
        };
        match found {
            Wish::Granted(sent, origin) => match self.repeat_packet(now, (receiver, index), &sent, origin, reason) {
                Some(()) => Repeated::Sent,
                None => Repeated::Refused,
            },
            Wish::OnItsWay => Repeated::OnItsWay,
            Wish::Unknown => Repeated::Refused,
        }
    }

    fn repeat_packet(
        &mut self,
        now: Instant,
        (receiver, index): (Key, usize),
        sent: &Sent,
        origin: Origin,
        reason: Reason,
    ) -> Option<()> {
        let member = self.members.get_mut(receiver)?;
        let slot = member.slots.get_mut(index)?;
        let ssrc = slot.repair_ssrc?;
        let sequence = slot.next_repair();
        let (transport_cc, descriptor_id) = (member.extensions.transport_cc, member.extensions.dependency_descriptor);
        let track = self.members.get(origin.publisher)?.tracks.get(origin.track)?;
        let stream = track.layers.get(origin.layer).filter(|stream| stream.epoch == origin.epoch)?;
        let stored = stream.history.get(now, sent.incoming)?;
        if matches!(reason, Reason::LostAgain(_)) && now.saturating_duration_since(stored.at) > OF_USE {
            return None;
        }
        let changes = sent.rewrite();
        let header = RtpHeader {
            marker: changes.map_or(stored.marker, |changes| changes.marker),
            payload_type: sent.repair_payload_type,
            sequence: sequence as u16,
            timestamp: sent.timestamp,
            ssrc,
        };
        let mut room = [0; LONGEST_DESCRIPTOR];
        let descriptor = match changes.filter(|changes| changes.frame_number.is_some()) {
            None => None,
            Some(changes) => {
                let (parsed, bytes) = stream.descriptors.get(sent.incoming)?;
                write_descriptor(parsed, bytes, &changes, &mut room)
            }
        };
        let mut contents = self.outlet.buffer();
        let mut writer = HeaderWriter::new(header);
        writer.transport_cc(transport_cc);
        if let Some(length) = descriptor {
            writer.extension(descriptor_id, &room[..length]);
        }
        let written = writer.append(&mut contents);
        rtx::append_original_sequence(&mut contents, sent.out as u16);
        let payload = contents.len();
        contents.extend_from_slice(stored.payload);
        if let (Some(codec), Some(changes)) = (sent.codec, changes) {
            codec::rewrite(codec, &mut contents[payload..], &changes);
        }
        let member = self.members.get_mut(receiver)?;
        let class = if reason == Reason::Probe { PacketClass::Probe } else { PacketClass::Repair };
        if class == PacketClass::Repair && !member.downlink.may_repair(now, contents.len()) {
            self.outlet.unused(contents);
            return None;
        }
        let packet =
            Leaving { contents, written, sequence, slot: index, class, repairable: None, since: now, arrived: None };
        match class {
            PacketClass::Repair => leave_repair(member, now, packet, sent.out, &mut self.outlet),
            _ => leave(member, now, packet, &mut self.outlet),
        }
        Some(())
    }
}

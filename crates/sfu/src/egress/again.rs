//! Repairs on their way to one receiver: those that wait for their pace, and those that may have been lost again.
//!
//! ```text
//!  wish ──> budget ──> pace allows it? ── yes ──> leaves ──> feedback: came ──> done
//!                            │ no                   ^                  lost ──> leaves again, unasked
//!                            v                      │
//!                      [ waiting ] ── in time ──────┘
//!                            └──── too late, or its stretch has ended ──> dropped, and the next wish is granted
//! ```
//!
//! A receiver asks when it sees a gap, so it never asks for what is lost at the end: of a screen that stands still, of a
//! picture before a pause. Feedback tells us, and such packets go again unasked.

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

/// Packets that may be lost are looked after, so many at most: a second of repairs at 1 Mbit/s.
const AWAITED: usize = 96;

/// Pictures that left last, so many packets, 6 bytes each: at 10 Mbit/s until feedback of them comes.
const REMEMBERED: usize = 256;

/// A packet that feedback calls lost may only be late, and most receivers ask sooner than we would know: only when it
/// should have come for so long, it is sent again unasked.
const SUSPECTED_FOR: Duration = Duration::from_millis(50);

/// Why a packet is sent again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reason {
    /// Its receiver misses it.
    Asked,
    /// Feedback says that it was lost. If it was late or a repair, this is when it left.
    Lost(Option<Instant>),
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

/// A packet that may be lost, and that its receiver may not ask for any more, or not at all.
#[derive(Clone, Copy)]
pub(crate) struct Awaited {
    /// Its transport-wide number.
    number: u16,
    slot: usize,
    /// The number on its slot of what it brings, on the wire.
    sequence: u16,
    /// When it left, if it was late or a repair.
    left: Option<Instant>,
    /// When feedback first said that it was lost.
    told_lost: Option<Instant>,
}

/// A picture's packet by its transport-wide number.
#[derive(Clone, Copy)]
struct Picture {
    number: u16,
    slot: u16,
    /// Its number on its slot.
    sequence: u16,
}

/// The repairs of one receiver.
#[derive(Default)]
pub(crate) struct Repairs {
    pub(crate) waiting: VecDeque<Waiting>,
    awaited: VecDeque<Awaited>,
    pictures: VecDeque<Picture>,
    /// The highest transport-wide number of which feedback spoke.
    told: Option<u16>,
}

impl Repairs {
    /// A picture's packet left.
    pub(crate) fn note_picture(&mut self, number: u16, slot: usize, sequence: u64) {
        if self.pictures.len() >= REMEMBERED {
            self.pictures.pop_front();
        }
        self.pictures.push_back(Picture { number, slot: slot as u16, sequence: sequence as u16 });
    }

    /// A repair left, or a packet later than those around it.
    pub(crate) fn await_arrival(&mut self, left: Instant, number: u16, slot: usize, original: u64) {
        self.look_after(Awaited { number, slot, sequence: original as u16, left: Some(left), told_lost: None });
    }

    fn look_after(&mut self, awaited: Awaited) {
        if self.awaited.len() >= AWAITED {
            self.awaited.pop_front();
        }
        self.awaited.push_back(awaited);
    }

    /// Whether feedback has not yet told what became of the last picture, or of a packet that is looked after.
    pub(crate) fn is_unsure(&self) -> bool {
        let is_told = |picture: &Picture| self.told.is_some_and(|told| !is_behind(told, picture.number));
        !self.awaited.is_empty() || self.pictures.back().is_some_and(|picture| !is_told(picture))
    }

    /// Feedback came. Appends what was lost and is to be sent again, if it was not since. What feedback passes over counts
    /// as lost where that costs little, because the feedback that spoke of it must have been, or there was none: late
    /// packets, repairs, and the end of a picture before padding.
    pub(crate) fn settle(
        &mut self,
        now: Instant,
        round_trip: Option<Duration>,
        results: &[SentResult],
        lost: &mut Vec<Awaited>,
    ) {
        let (Some(first), Some(last)) = (results.first(), results.last()) else { return };
        let last = last.number as u16;
        self.awaited.retain(|awaited| {
            let told = results.iter().find(|result| result.number as u16 == awaited.number);
            let is_lost = match (told, awaited.told_lost) {
                (Some(result), _) => !result.received,
                (None, Some(at)) => now.saturating_duration_since(at) >= SUSPECTED_FOR,
                (None, None) => is_behind(awaited.number, last),
            };
            if is_lost {
                lost.push(*awaited);
            }
            told.is_none() && !is_lost
        });
        if first.repair {
            // Some receivers never tell what was lost right before the first packet of a report.
            let (told, first) = (self.told, first.number as u16);
            let passed_over = (self.pictures.iter().rev())
                .skip_while(|picture| !is_behind(picture.number, first))
                .take_while(|picture| told.is_some_and(|told| is_behind(told, picture.number)));
            lost.extend(passed_over.map(|picture| picture.awaited(None)));
        }
        for result in results.iter().filter(|result| !result.received) {
            let number = result.number as u16;
            let place = self.pictures.partition_point(|picture| is_behind(picture.number, number));
            let Some(picture) = self.pictures.get(place).filter(|picture| picture.number == number) else { continue };
            let since = now.saturating_duration_since(result.sent);
            let awaited = picture.awaited(Some(now));
            match round_trip {
                Some(round_trip) if since >= round_trip + SUSPECTED_FOR => lost.push(awaited),
                _ => self.look_after(awaited),
            }
        }
        if self.told.is_none_or(|told| is_behind(told, last)) {
            self.told = Some(last);
        }
    }
}

impl Picture {
    const fn awaited(self, told_lost: Option<Instant>) -> Awaited {
        Awaited { number: self.number, slot: self.slot as usize, sequence: self.sequence, left: None, told_lost }
    }
}

/// Whether a transport-wide number is before another.
const fn is_behind(number: u16, other: u16) -> bool {
    number != other && other.wrapping_sub(number) < 0x8000
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
    /// Sends what feedback says was lost, unasked.
    pub(crate) fn repeat_lost(&mut self, now: Instant, receiver: Key) {
        let mut lost = std::mem::take(&mut self.feedback.lost);
        for Awaited { slot, sequence, left, .. } in lost.drain(..) {
            let ssrc = self.members.get(receiver).and_then(|member| member.slots.get(slot)).map(|slot| slot.ssrc);
            let Some(ssrc) = ssrc else { continue };
            let repeated = self.repeat(now, receiver, ssrc, sequence, Reason::Lost(left));
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
            Reason::Lost(left) => log.lost(left, sequence),
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

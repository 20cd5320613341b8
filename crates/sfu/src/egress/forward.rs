//! The way of a media packet: from its sender's stream into every slot that carries it. Nothing here allocates: datagrams
//! are written into buffers that are used again.

use std::time::{Duration, Instant};

use confab_protocol::TrackKind;
use confab_rtp::PacketClass;
use confab_rtp::codec::{self, Decision, PacketFacts, Rewrite, VideoCodec};
use confab_rtp::stream::{Fate, Noted};
use confab_rtp::wire::{HeaderWriter, PacketExtensions, RtpHeader};

use super::late::drop_superseded;
use super::leave::{LONGEST_DESCRIPTOR, Leaving, Repairable, fill, leave, write_descriptor};
use super::outlet::Outlet;
use super::repair::{Origin, Sent};
use super::slot::{Slot, SlotFormat};
use crate::arena::Key;
use crate::control::join::may_send;
use crate::ingress::stream::Format;
use crate::member::{Member, StreamPlace};
use crate::sfu::Sfu;

/// A picture above the wanted layer is better than none after this long.
const ANY_LAYER_AFTER: Duration = Duration::from_millis(700);

/// Which packet of its stream it is.
#[derive(Clone, Copy)]
pub(crate) enum Number {
    /// As the sender wrote it.
    OnWire(u16),
    /// As the core placed it that the sender is on.
    Placed(u64),
}

/// A packet as it came, in clear.
pub(crate) struct Arrived<'a> {
    /// When the system had it.
    pub(crate) at: Instant,
    pub(crate) place: StreamPlace,
    pub(crate) number: Number,
    pub(crate) timestamp: u32,
    pub(crate) marker: bool,
    pub(crate) payload_type: u8,
    pub(crate) extensions: PacketExtensions<'a>,
    pub(crate) payload: &'a [u8],
}

/// What is known of a packet on its way to its receivers.
pub(super) struct Head {
    /// When it came.
    arrived: Instant,
    kind: TrackKind,
    pub(super) origin: Origin,
    sequence: u64,
    timestamp: u32,
    marker: bool,
    payload_type: u8,
    format: Format,
    /// Of pictures only.
    facts: Option<PacketFacts>,
    /// Header bytes that mean the same to a receiver.
    audio_level: Option<[u8; 1]>,
    video_orientation: Option<[u8; 1]>,
}

/// The packet itself.
#[derive(Clone, Copy)]
pub(super) struct Incoming<'a> {
    pub(super) head: &'a Head,
    pub(super) descriptor: Option<&'a [u8]>,
    pub(super) payload: &'a [u8],
}

/// What a slot did with a packet.
#[derive(PartialEq, Eq)]
enum Outcome {
    Forwarded,
    /// Forwarded, as the first of its layer on this slot; perhaps in place of what had waited too long.
    Begun {
        superseded: bool,
    },
    Dropped,
    /// Dropped, and its place taken by padding.
    Filled,
    /// The slot waits for this layer, and this was no beginning.
    WaitsForKeyframe,
}

impl Sfu {
    pub(crate) fn forward_packet(&mut self, now: Instant, from: Key, arrived: &Arrived<'_>) {
        let Some(member) = self.members.get_mut(from) else { return };
        let room = member.room;
        let (head, speech_began) = match take_in(member, now, from, arrived) {
            None => {
                self.counters.packets_refused += 1;
                return;
            }
            Some(Taken::Known) => return,
            Some(Taken::LeftOut { sequence }) => {
                self.relay_packet(from, sequence, arrived);
                return self.leave_out(now, from, arrived, sequence);
            }
            Some(Taken::Fresh { head, speech_began }) => (head, speech_began),
        };
        self.relay_packet(from, head.sequence, arrived);
        // A hole was noticed, or arrivals are to be told.
        self.schedule(from, now);
        if speech_began {
            self.needs_steering(room);
        }
        self.fan_out(now, head, arrived.extensions.dependency_descriptor, arrived.payload);
    }

    /// Writes a packet to one of its subscribers; whether that one waits for a keyframe of the packet's layer.
    pub(super) fn hand_out(&mut self, now: Instant, (receiver, slot): (Key, usize), incoming: Incoming<'_>) -> bool {
        let Some(member) = self.members.get_mut(receiver) else { return false };
        match forward(member, slot, now, incoming, &mut self.outlet) {
            outcome @ (Outcome::Forwarded | Outcome::Begun { .. }) => {
                self.counters.packets_forwarded += 1;
                if member.downlink.held_until.is_some() {
                    self.schedule(receiver, now);
                }
                if let Outcome::Begun { superseded } = outcome {
                    self.counters.packets_late += u64::from(superseded);
                    self.slots_changed.push(receiver);
                }
            }
            Outcome::Filled => self.schedule(receiver, now),
            Outcome::WaitsForKeyframe => {
                if member.downlink.held_until.is_some() {
                    self.schedule(receiver, now);
                }
                return true;
            }
            Outcome::Dropped => {}
        }
        false
    }

    /// A number that nobody is sent.
    fn leave_out(&mut self, now: Instant, from: Key, arrived: &Arrived<'_>, sequence: u64) {
        let place = arrived.place;
        let stream = self.members.get(from).and_then(|member| member.tracks.get(place.track)?.layers.get(place.layer));
        let Some(epoch) = stream.map(|stream| stream.epoch) else { return };
        // What came before it goes before it.
        self.fan_out_all(now);
        let subscribers = self.take_subscribers(from, place.track);
        for &(receiver, index) in &subscribers {
            let Some(member) = self.members.get_mut(receiver) else { continue };
            let Some(slot) = member.slots.get_mut(index) else { continue };
            // A number of another epoch is another number: filled like this one's, it would be protected twice.
            if slot.feed.as_ref().is_some_and(|feed| feed.current == Some(place.layer) && feed.epoch != epoch) {
                slot.filter.end_stretch();
                continue;
            }
            if let Some(hole) = slot.filter.leave_out(place.layer as u8, sequence) {
                fill(member, index, now, hole, arrived.timestamp, &mut self.outlet);
                self.schedule(receiver, now);
            }
        }
        self.give_subscribers_back(from, place.track, subscribers);
    }

    /// A receiver's decoder is stuck: its slot's source is asked for a keyframe.
    pub(crate) fn forward_keyframe_request(&mut self, now: Instant, receiver: Key, ssrc: u32) {
        let Some(member) = self.members.get(receiver) else { return };
        let Some(feed) = member.slots.iter().find(|slot| slot.ssrc == ssrc).and_then(|slot| slot.feed.as_ref()) else {
            return;
        };
        let Some(layer) = feed.current.or(feed.target_stream()) else { return };
        let (publisher, track) = (feed.publisher, feed.track);
        self.request_keyframe(now, publisher, track, layer);
    }
}

/// What a packet was to its stream.
#[expect(clippy::large_enum_variant, reason = "made and taken apart once a packet, never kept")]
enum Taken {
    /// For whoever subscribed.
    Fresh { head: Head, speech_began: bool },
    /// It came before.
    Known,
    /// Padding, or damaged: for nobody, and its number is to leave no gap.
    LeftOut { sequence: u64 },
}

/// Notes a packet in its sender's stream. `None`: the sender may not send it now.
fn take_in(member: &mut Member, now: Instant, from: Key, arrived: &Arrived<'_>) -> Option<Taken> {
    let StreamPlace { track: track_index, layer, repairs } = arrived.place;
    let grants = member.grants;
    let track = member.tracks.get_mut(track_index)?;
    let (published, kind) = (track.is_published(), track.source.track_kind());
    let format = *track.formats.get(&arrived.payload_type)?;
    let stream = track.layers.get_mut(layer)?;
    let noted = match arrived.number {
        Number::OnWire(sequence) => {
            // A repair of a stream that was never seen repairs nothing.
            stream.ssrc?;
            stream.log.on_packet(now, sequence, arrived.timestamp, repairs)
        }
        Number::Placed(number) => Noted { number, fate: stream.log.on_numbered(now, number, arrived.timestamp) },
    };
    if !published || !may_send(grants, track.source) {
        return None;
    }
    if !noted.fate.is_fresh() {
        return Some(Taken::Known);
    }
    if noted.fate == Fate::Restarted {
        // A leap of the sender's numbers is nobody else's: for receivers a stretch of its own begins.
        stream.epoch = stream.epoch.wrapping_add(1);
    }
    let sequence = noted.number;
    stream.last_packet = Some(now);
    stream.rate.add(now, arrived.payload.len());
    if kind == TrackKind::Video {
        stream.history.insert(now, sequence, arrived.timestamp, arrived.marker, (), arrived.payload);
    }
    let descriptor = arrived.extensions.dependency_descriptor;
    let facts = match format.video() {
        None => None,
        Some(codec) => {
            let facts = stream.reader.read(codec, sequence, arrived.marker, arrived.payload, descriptor);
            let Some(facts) = facts else { return Some(Taken::LeftOut { sequence }) };
            if facts.keyframe_start {
                stream.keyframe_owed = false;
            }
            stream.inner.note(now, &facts, arrived.payload.len());
            if let (VideoCodec::Av1, Some(parsed), Some(extension)) = (codec, &facts.descriptor, descriptor) {
                stream.descriptors.note(sequence, parsed, extension);
            }
            Some(facts)
        }
    };
    let origin = Origin { publisher: from, track: track_index, layer, epoch: stream.epoch };
    let level = arrived.extensions.audio_level;
    let speech_began = kind == TrackKind::Audio
        && track.loudness.packet(now, level.map(|level| -(level.below_overload as i8)), level.map(|level| level.voice));
    let head = Head {
        arrived: arrived.at,
        kind,
        origin,
        sequence,
        timestamp: arrived.timestamp,
        marker: arrived.marker,
        payload_type: arrived.payload_type,
        format,
        facts,
        audio_level: level.map(|level| [level.to_wire()]),
        video_orientation: arrived.extensions.video_orientation.map(|byte| [byte]),
    };
    Some(Taken::Fresh { head, speech_began })
}

/// Writes a packet to one slot, if the slot carries it now or can begin with it.
fn forward(member: &mut Member, index: usize, now: Instant, incoming: Incoming<'_>, outlet: &mut Outlet) -> Outcome {
    let head = incoming.head;
    if !member.connected {
        return Outcome::Dropped;
    }
    let Some(slot) = member.slots.get_mut(index) else { return Outcome::Dropped };
    let mut outcome = Outcome::Forwarded;
    let changes = match admit(slot, now, head) {
        Admission::Continue(changes) => changes,
        Admission::Begin { changes, same_clock } => {
            let Some(feed) = &mut slot.feed else { return Outcome::Dropped };
            feed.current = Some(head.origin.layer);
            feed.epoch = head.origin.epoch;
            let first = changes.map_or(head.sequence, |changes| changes.sequence);
            let superseded = drop_superseded(member, index, now, outlet);
            let Some(slot) = member.slots.get_mut(index) else { return Outcome::Dropped };
            slot.rewriter.begin_stretch(now, first, head.timestamp, same_clock);
            outcome = Outcome::Begun { superseded };
            changes
        }
        Admission::Wait { hole } => {
            if let Some(hole) = hole {
                fill(member, index, now, hole, head.timestamp, outlet);
            }
            return Outcome::WaitsForKeyframe;
        }
        Admission::Drop { hole: None } => return Outcome::Dropped,
        Admission::Drop { hole: Some(hole) } => {
            fill(member, index, now, hole, head.timestamp, outlet);
            return Outcome::Filled;
        }
    };
    let Some(slot) = member.slots.get_mut(index) else { return Outcome::Dropped };
    let Some(format) = mapped_format(slot, head) else { return Outcome::Dropped };
    let numbered = changes.map_or(head.sequence, |changes| changes.sequence);
    let Some((sequence, timestamp)) = slot.rewriter.rewrite(now, numbered, head.timestamp) else {
        return Outcome::Dropped;
    };
    let header = RtpHeader {
        marker: changes.map_or(head.marker, |changes| changes.marker),
        payload_type: format.payload_type,
        sequence: sequence as u16,
        timestamp,
        ssrc: slot.ssrc,
    };
    let ids = &member.extensions;
    let mut writer = HeaderWriter::new(header);
    writer
        .transport_cc(ids.transport_cc)
        .extension(ids.audio_level.filter(|_| head.audio_level.is_some()), slice(head.audio_level.as_ref()))
        .extension(
            ids.video_orientation.filter(|_| head.video_orientation.is_some()),
            slice(head.video_orientation.as_ref()),
        );
    let mut room = [0; LONGEST_DESCRIPTOR];
    let codec = head.format.video();
    // Only AV1 receivers need it: the payloads of the others say as much.
    let descriptor =
        match (codec, &changes, head.facts.as_ref().and_then(|facts| facts.descriptor.as_ref()), incoming.descriptor) {
            (Some(VideoCodec::Av1), Some(changes), Some(parsed), Some(extension)) => {
                write_descriptor(parsed, extension, changes, &mut room)
            }
            _ => None,
        };
    if let Some(length) = descriptor {
        writer.extension(ids.dependency_descriptor, &room[..length]);
    }
    let mut contents = outlet.buffer();
    let written = writer.append(&mut contents);
    contents.extend_from_slice(incoming.payload);
    if let (Some(codec), Some(changes)) = (codec, &changes) {
        codec::rewrite(codec, &mut contents[written.len..], changes);
    }
    let class = match head.kind {
        TrackKind::Audio => PacketClass::Audio,
        TrackKind::Video => PacketClass::Video,
    };
    let changes = changes
        .map(|changes| Rewrite { frame_number: changes.frame_number.filter(|_| descriptor.is_some()), ..changes });
    let repairable = format.repair.map(|repair| Repairable {
        origin: head.origin,
        sent: Sent::new((sequence, head.sequence), timestamp, repair, codec, changes.as_ref()),
    });
    let arrived = Some(head.arrived);
    let packet = Leaving { contents, written, sequence, slot: index, class, repairable, since: now, arrived };
    leave(member, now, packet, outlet);
    outcome
}

fn slice(byte: Option<&[u8; 1]>) -> &[u8] {
    byte.map_or(&[], |byte| byte)
}

enum Admission {
    Continue(Option<Rewrite>),
    Begin {
        changes: Option<Rewrite>,
        same_clock: bool,
    },
    /// Dropped too, and what it waits for is a keyframe.
    Wait {
        hole: Option<u64>,
    },
    Drop {
        /// A number that receivers wait for.
        hole: Option<u64>,
    },
}

fn admit(slot: &mut Slot, now: Instant, head: &Head) -> Admission {
    let Slot { feed: Some(feed), filter, rewriter, .. } = slot else { return Admission::Drop { hole: None } };
    let Some(target) = feed.target else { return Admission::Drop { hole: None } };
    let Origin { layer, epoch, .. } = head.origin;
    let running = rewriter.is_running() && feed.current.is_some();
    let Some(facts) = &head.facts else {
        let continues = running && feed.current == Some(layer) && feed.epoch == epoch;
        return if continues {
            Admission::Continue(None)
        } else {
            Admission::Begin { changes: None, same_clock: false }
        };
    };
    if feed.current == Some(layer) && feed.epoch != epoch {
        filter.end_stretch();
    }
    if filter.target() != Some(target) {
        filter.set_target(Some(target));
    }
    filter.take_any_stream(!running && now.saturating_duration_since(feed.since) > ANY_LAYER_AFTER);
    match filter.filter(layer as u8, head.sequence, head.timestamp, facts) {
        Decision::Forward(changes) if running => Admission::Continue(Some(changes)),
        Decision::Forward(changes) | Decision::ForwardAndSwitch(changes) => {
            Admission::Begin { changes: Some(changes), same_clock: running }
        }
        Decision::Drop { hole } if filter.wants_keyframe() == Some(layer as u8) => Admission::Wait { hole },
        Decision::Drop { hole } => Admission::Drop { hole },
    }
}

fn mapped_format(slot: &mut Slot, head: &Head) -> Option<SlotFormat> {
    let cached = slot.feed.as_ref().and_then(|feed| feed.mapped);
    if let Some((of, mapped)) = cached
        && of == head.payload_type
    {
        return Some(mapped);
    }
    let mapped = slot.format_for(head.format)?;
    slot.feed.as_mut()?.mapped = Some((head.payload_type, mapped));
    Some(mapped)
}

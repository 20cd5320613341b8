//! The way of a media packet: from its sender's stream into every slot that carries it. Nothing here allocates: datagrams
//! are written into buffers that are used again.

use std::time::{Duration, Instant};

use confab_protocol::TrackKind;
use confab_rtp::stream::Fate;
use confab_rtp::PacketClass;
use confab_rtp::wire::{HeaderWriter, PacketExtensions, RtpHeader};

use super::leave::{Leaving, leave};
use super::outlet::Outlet;
use super::repair::Origin;
use super::slot::{Slot, SlotFormat};
use crate::arena::Key;
use crate::control::join::may_send;
use crate::ingress::picture::{PictureStart, picture_start};
use crate::ingress::stream::Format;
use crate::member::{Member, StreamPlace};
use crate::sfu::Sfu;

/// A picture above the wanted layer is better than none after this long.
const ANY_LAYER_AFTER: Duration = Duration::from_millis(700);

/// A packet as it came, in clear.
pub(crate) struct Arrived<'a> {
    pub(crate) place: StreamPlace,
    pub(crate) sequence: u16,
    pub(crate) timestamp: u32,
    pub(crate) marker: bool,
    pub(crate) payload_type: u8,
    pub(crate) extensions: PacketExtensions<'a>,
    pub(crate) payload: &'a [u8],
}

/// A packet on its way to its receivers.
struct Incoming<'a> {
    kind: TrackKind,
    origin: Origin,
    sequence: u64,
    timestamp: u32,
    marker: bool,
    payload_type: u8,
    format: Format,
    starts: bool,
    /// Header bytes that mean the same to a receiver.
    audio_level: Option<[u8; 1]>,
    video_orientation: Option<[u8; 1]>,
    payload: &'a [u8],
}

/// What a slot did with a packet.
#[derive(PartialEq, Eq)]
enum Outcome {
    Forwarded,
    /// Forwarded, as the first of its layer on this slot.
    Begun,
    Dropped,
    /// The slot waits for this layer, and this was no beginning.
    WaitsForKeyframe,
}

impl Sfu {
    pub(crate) fn forward_packet(&mut self, now: Instant, from: Key, arrived: &Arrived<'_>) {
        let place = arrived.place;
        let Some(member) = self.members.get_mut(from) else { return };
        let Some((incoming, speech_began)) = take_in(member, now, from, arrived) else {
            self.counters.packets_refused += 1;
            return;
        };
        let Some(incoming) = incoming else { return };
        let room = member.room;
        // A hole was noticed, or arrivals are to be told.
        self.schedule(from);
        if speech_began {
            self.needs_steering(room);
        }
        let subscribers = self.take_subscribers(from, place.track);
        let (mut keyframe_needed, mut held) = (false, false);
        for &(receiver, slot) in &subscribers {
            let Some(member) = self.members.get_mut(receiver) else { continue };
            match forward(member, slot, now, &incoming, &mut self.outlet) {
                outcome @ (Outcome::Forwarded | Outcome::Begun) => {
                    self.counters.packets_forwarded += 1;
                    if member.downlink.held_until.is_some() {
                        held = true;
                    }
                    if outcome == Outcome::Begun {
                        self.slots_changed.push(receiver);
                    }
                }
                Outcome::WaitsForKeyframe => keyframe_needed = true,
                Outcome::Dropped => {}
            }
        }
        if let Some(track) = self.members.get_mut(from).and_then(|member| member.tracks.get_mut(place.track)) {
            track.subscribers = subscribers;
        }
        if held {
            for (receiver, _) in self.subscribers_of(from, place.track) {
                self.schedule(receiver);
            }
        }
        if keyframe_needed {
            self.request_keyframe(now, from, place.track, place.layer);
        }
    }

    fn subscribers_of(&self, from: Key, track: usize) -> Vec<(Key, usize)> {
        let track = self.members.get(from).and_then(|member| member.tracks.get(track));
        track.map(|track| track.subscribers.clone()).unwrap_or_default()
    }

    fn take_subscribers(&mut self, from: Key, track: usize) -> Vec<(Key, usize)> {
        let track = self.members.get_mut(from).and_then(|member| member.tracks.get_mut(track));
        track.map(|track| std::mem::take(&mut track.subscribers)).unwrap_or_default()
    }

    /// A receiver's decoder is stuck: its slot's source is asked for a keyframe.
    pub(crate) fn forward_keyframe_request(&mut self, now: Instant, receiver: Key, ssrc: u32) {
        let Some(member) = self.members.get(receiver) else { return };
        let Some(feed) = member.slots.iter().find(|slot| slot.ssrc == ssrc).and_then(|slot| slot.feed.as_ref()) else {
            return;
        };
        let Some(layer) = feed.current.or(feed.target) else { return };
        let (publisher, track) = (feed.publisher, feed.track);
        self.request_keyframe(now, publisher, track, layer);
    }
}

/// Notes a packet in its sender's stream. The outer `None`: the sender may not send it now. The inner: it came before.
fn take_in<'a>(
    member: &mut Member,
    now: Instant,
    from: Key,
    arrived: &Arrived<'a>,
) -> Option<(Option<Incoming<'a>>, bool)> {
    let StreamPlace { track: track_index, layer, repairs } = arrived.place;
    let grants = member.grants;
    let track = member.tracks.get_mut(track_index)?;
    let (published, kind) = (track.is_published(), track.source.track_kind());
    let format = *track.formats.get(&arrived.payload_type)?;
    let stream = track.layers.get_mut(layer)?;
    // A repair of a stream that was never seen repairs nothing.
    stream.ssrc?;
    let noted = stream.log.on_packet(now, arrived.sequence, arrived.timestamp, repairs);
    if !published || !may_send(grants, track.source) {
        return None;
    }
    if !noted.fate.is_fresh() {
        return Some((None, false));
    }
    let sequence = noted.number;
    stream.last_packet = Some(now);
    stream.rate.add(now, arrived.payload.len());
    if kind == TrackKind::Video {
        stream.history.insert(now, sequence, arrived.timestamp, arrived.marker, (), arrived.payload);
    }
    // A repaired beginning comes after packets that were passed over, so it begins nothing.
    let starts = matches!(noted.fate, Fate::New | Fate::Restarted)
        && match picture_start(format.codec, arrived.payload) {
            PictureStart::Complete => {
                stream.has_parameter_sets = true;
                true
            }
            PictureStart::IdrOnly => !stream.has_parameter_sets,
            PictureStart::Nothing => false,
        };
    if starts {
        stream.keyframe_owed = false;
    }
    let origin = Origin { publisher: from, track: track_index, layer, epoch: stream.epoch };
    let level = arrived.extensions.audio_level;
    let speech_began = kind == TrackKind::Audio
        && track.loudness.packet(now, level.map(|level| -(level.below_overload as i8)), level.map(|level| level.voice));
    let incoming = Incoming {
        kind,
        origin,
        sequence,
        timestamp: arrived.timestamp,
        marker: arrived.marker,
        payload_type: arrived.payload_type,
        format,
        starts,
        audio_level: level.map(|level| [level.to_wire()]),
        video_orientation: arrived.extensions.video_orientation.map(|byte| [byte]),
        payload: arrived.payload,
    };
    Some((Some(incoming), speech_began))
}

/// Writes a packet to one slot, if the slot carries it now or can begin with it.
fn forward(member: &mut Member, index: usize, now: Instant, incoming: &Incoming<'_>, outlet: &mut Outlet) -> Outcome {
    if !member.connected {
        return Outcome::Dropped;
    }
    let Some(slot) = member.slots.get_mut(index) else { return Outcome::Dropped };
    let mut outcome = Outcome::Forwarded;
    match admit(slot, now, incoming) {
        Admission::Continue => {}
        Admission::Begin { same_clock } => {
            let Some(feed) = &mut slot.feed else { return Outcome::Dropped };
            feed.current = Some(incoming.origin.layer);
            feed.epoch = incoming.origin.epoch;
            slot.rewriter.begin_stretch(now, incoming.sequence, incoming.timestamp, same_clock);
            outcome = Outcome::Begun;
        }
        Admission::Wait => return Outcome::WaitsForKeyframe,
        Admission::Drop => return Outcome::Dropped,
    }
    let Some(format) = mapped_format(slot, incoming) else { return Outcome::Dropped };
    let Some((sequence, timestamp)) = slot.rewriter.rewrite(now, incoming.sequence, incoming.timestamp) else {
        return Outcome::Dropped;
    };
    let header = RtpHeader {
        marker: incoming.marker,
        payload_type: format.payload_type,
        sequence: sequence as u16,
        timestamp,
        ssrc: slot.ssrc,
    };
    let ids = &member.extensions;
    let mut writer = HeaderWriter::new(header);
    writer
        .transport_cc(ids.transport_cc)
        .extension(ids.audio_level.filter(|_| incoming.audio_level.is_some()), slice(&incoming.audio_level))
        .extension(
            ids.video_orientation.filter(|_| incoming.video_orientation.is_some()),
            slice(&incoming.video_orientation),
        );
    let mut contents = outlet.buffer();
    let written = writer.append(&mut contents);
    contents.extend_from_slice(incoming.payload);
    let class = match incoming.kind {
        TrackKind::Audio => PacketClass::Audio,
        TrackKind::Video => PacketClass::Video,
    };
    let repairable = format.repair.map(|repair| (incoming.sequence, incoming.origin, timestamp, repair));
    leave(member, now, Leaving { contents, written, sequence, slot: index, class, repairable, since: now }, outlet);
    outcome
}

fn slice(byte: &Option<[u8; 1]>) -> &[u8] {
    byte.as_ref().map_or(&[], |byte| byte)
}

enum Admission {
    Continue,
    Begin { same_clock: bool },
    Wait,
    Drop,
}

fn admit(slot: &Slot, now: Instant, incoming: &Incoming<'_>) -> Admission {
    let Some(feed) = &slot.feed else { return Admission::Drop };
    let Some(target) = feed.target else { return Admission::Drop };
    let layer = incoming.origin.layer;
    let running = slot.rewriter.is_running() && feed.current.is_some();
    if running && feed.current == Some(layer) && feed.epoch == incoming.origin.epoch {
        return Admission::Continue;
    }
    if incoming.kind == TrackKind::Audio {
        return Admission::Begin { same_clock: false };
    }
    let nearer = match feed.current.filter(|_| running) {
        Some(current) if current == layer => true,
        Some(current) => layer == target || (current < layer && layer < target) || (target < layer && layer < current),
        None => layer <= target || now.saturating_duration_since(feed.since) > ANY_LAYER_AFTER,
    };
    match (nearer, incoming.starts) {
        (true, true) => Admission::Begin { same_clock: running },
        (true, false) if layer == target || !running => Admission::Wait,
        _ => Admission::Drop,
    }
}

fn mapped_format(slot: &mut Slot, incoming: &Incoming<'_>) -> Option<SlotFormat> {
    let cached = slot.feed.as_ref().and_then(|feed| feed.mapped);
    if let Some((of, mapped)) = cached
        && of == incoming.payload_type
    {
        return Some(mapped);
    }
    let mapped = slot.format_for(incoming.format)?;
    slot.feed.as_mut()?.mapped = Some((incoming.payload_type, mapped));
    Some(mapped)
}

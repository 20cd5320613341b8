//! The way of a media packet: from its sender's stream into every slot that carries it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use confab_protocol::TrackKind;
use str0m::media::Mid;
use str0m::rtp::{ExtensionValues, RtpPacket, RtpWrite, Ssrc};

use crate::arena::Key;
use crate::join::may_send;
use crate::member::{Format, Member, Slot};
use crate::picture::{PictureStart, picture_start};
use crate::sfu::Sfu;

/// A picture above the wanted layer is better than none after this long.
const ANY_LAYER_AFTER: Duration = Duration::from_millis(700);

/// Streams one member may have had; more than any client has, so that a flood of SSRCs costs no memory.
const STREAMS: usize = 64;

/// A packet on its way to its receivers.
struct Incoming {
    kind: TrackKind,
    layer: usize,
    epoch: u32,
    sequence: u64,
    timestamp: u32,
    marker: bool,
    payload_type: u8,
    format: Format,
    starts: bool,
    extensions: ExtensionValues,
    payload: Arc<[u8]>,
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
    pub(crate) fn handle_packet(&mut self, now: Instant, from: Key, packet: &RtpPacket) {
        self.counters.packets_received += 1;
        let Some(member) = self.members.get_mut(from) else { return };
        let Some((track, layer)) = stream_of(member, packet.header.ssrc) else {
            self.counters.packets_refused += 1;
            return;
        };
        let Some((incoming, speech_began)) = take_in(member, now, track, layer, packet) else {
            self.counters.packets_refused += 1;
            return;
        };
        let room = member.room;
        if speech_began {
            self.needs_steering(room);
        }
        let subscribers = self.take_subscribers(from, track);
        let mut keyframe_needed = false;
        for &(receiver, slot) in &subscribers {
            let Some(member) = self.members.get_mut(receiver) else { continue };
            match forward(member, slot, now, &incoming) {
                outcome @ (Outcome::Forwarded | Outcome::Begun) => {
                    self.counters.packets_forwarded += 1;
                    self.touch(receiver);
                    if outcome == Outcome::Begun {
                        self.slots_changed.push(receiver);
                    }
                }
                Outcome::WaitsForKeyframe => keyframe_needed = true,
                Outcome::Dropped => {}
            }
        }
        if let Some(track) = self.members.get_mut(from).and_then(|member| member.tracks.get_mut(track)) {
            track.subscribers = subscribers;
        }
        if keyframe_needed {
            self.request_keyframe(now, from, track, layer);
        }
    }

    fn take_subscribers(&mut self, from: Key, track: usize) -> Vec<(Key, usize)> {
        let track = self.members.get_mut(from).and_then(|member| member.tracks.get_mut(track));
        track.map(|track| std::mem::take(&mut track.subscribers)).unwrap_or_default()
    }

    /// A receiver's decoder is stuck: its slot's source is asked for a keyframe.
    pub(crate) fn forward_keyframe_request(&mut self, now: Instant, receiver: Key, mid: Mid) {
        let Some(member) = self.members.get(receiver) else { return };
        let Some(feed) = member.slots.iter().find(|slot| slot.mid == mid).and_then(|slot| slot.feed.as_ref()) else {
            return;
        };
        let Some(layer) = feed.current.or(feed.target) else { return };
        let (publisher, track) = (feed.publisher, feed.track);
        self.request_keyframe(now, publisher, track, layer);
    }
}

/// Which track and layer a stream is; looked up once for each SSRC.
fn stream_of(member: &mut Member, ssrc: Ssrc) -> Option<(usize, usize)> {
    let (track, layer) = match member.streams.get(&ssrc) {
        Some(known) => *known,
        None => find_stream(member, ssrc)?,
    };
    let stream = &mut member.tracks[track].layers[layer];
    if stream.ssrc != Some(ssrc) {
        stream.ssrc = Some(ssrc);
        stream.epoch += 1;
        stream.last_packet = None;
        stream.highest_sequence = 0;
        stream.has_parameter_sets = false;
        stream.keyframe_asked_at = None;
    }
    Some((track, layer))
}

fn find_stream(member: &mut Member, ssrc: Ssrc) -> Option<(usize, usize)> {
    let mut direct = member.rtc.direct_api();
    let stream = direct.stream_rx(&ssrc)?;
    let (mid, rid) = (stream.mid(), stream.rid());
    let track = member.tracks.iter().position(|track| track.mid == mid)?;
    let layer = member.tracks[track].layers.iter().position(|stream| match (stream.layer, rid) {
        (None, _) => true,
        (Some(layer), Some(rid)) => layer.rid() == &*rid,
        (Some(_), None) => false,
    })?;
    if member.streams.len() >= STREAMS {
        member.streams.clear();
    }
    member.streams.insert(ssrc, (track, layer));
    Some((track, layer))
}

/// Notes a packet in its sender's stream. `None` when the sender may not send it now.
fn take_in(
    member: &mut Member,
    now: Instant,
    track: usize,
    layer: usize,
    packet: &RtpPacket,
) -> Option<(Incoming, bool)> {
    let grants = member.grants;
    let track = member.tracks.get_mut(track)?;
    if !track.is_published() || !may_send(grants, track.source) {
        return None;
    }
    let payload_type = *packet.header.payload_type;
    let format = *track.formats.get(&payload_type)?;
    let sequence = *packet.seq_no;
    let kind = track.source.track_kind();
    let stream = track.layers.get_mut(layer)?;
    let in_order = stream.last_packet.is_none() || sequence > stream.highest_sequence;
    stream.highest_sequence = stream.highest_sequence.max(sequence);
    stream.last_packet = Some(now);
    stream.rate.add(now, packet.payload.len());
    // A repaired beginning comes after packets that were passed over, so it begins nothing.
    let starts = in_order
        && match picture_start(format.codec, &packet.payload) {
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
    let carried = &packet.header.ext_vals;
    let speech_began =
        kind == TrackKind::Audio && track.loudness.packet(now, carried.audio_level, carried.voice_activity);
    // Only what means the same to a receiver goes on; mid and rid are the sender's own.
    let extensions = ExtensionValues {
        audio_level: carried.audio_level,
        voice_activity: carried.voice_activity,
        video_orientation: carried.video_orientation,
        ..ExtensionValues::default()
    };
    let incoming = Incoming {
        kind,
        layer,
        epoch: track.layers[layer].epoch,
        sequence,
        timestamp: packet.header.timestamp,
        marker: packet.header.marker,
        payload_type,
        format,
        starts,
        extensions,
        payload: packet.payload.clone(),
    };
    Some((incoming, speech_began))
}

/// Writes a packet to one slot, if the slot carries it now or can begin with it.
fn forward(member: &mut Member, slot: usize, now: Instant, incoming: &Incoming) -> Outcome {
    if !member.connected {
        return Outcome::Dropped;
    }
    let Some(slot) = member.slots.get_mut(slot) else { return Outcome::Dropped };
    let mut outcome = Outcome::Forwarded;
    match admit(slot, now, incoming) {
        Admission::Continue => {}
        Admission::Begin { same_clock } => {
            let Some(feed) = &mut slot.feed else { return Outcome::Dropped };
            feed.current = Some(incoming.layer);
            feed.epoch = incoming.epoch;
            slot.rewriter.begin_stretch(now, incoming.sequence, incoming.timestamp, same_clock);
            outcome = Outcome::Begun;
        }
        Admission::Wait => return Outcome::WaitsForKeyframe,
        Admission::Drop => return Outcome::Dropped,
    }
    let Some(payload_type) = mapped_payload_type(slot, incoming) else { return Outcome::Dropped };
    let Some((sequence, timestamp)) = slot.rewriter.rewrite(now, incoming.sequence, incoming.timestamp) else {
        return Outcome::Dropped;
    };
    let ssrc = slot.ssrc;
    let mut direct = member.rtc.direct_api();
    let Some(stream) = direct.stream_tx(&ssrc) else { return Outcome::Dropped };
    let write = RtpWrite::new(payload_type, sequence.into(), timestamp, now, incoming.payload.clone())
        .marker(incoming.marker)
        .nackable(incoming.kind == TrackKind::Video)
        .ext_vals(incoming.extensions.clone());
    stream.write_rtp(write);
    outcome
}

enum Admission {
    Continue,
    Begin { same_clock: bool },
    Wait,
    Drop,
}

fn admit(slot: &Slot, now: Instant, incoming: &Incoming) -> Admission {
    let Some(feed) = &slot.feed else { return Admission::Drop };
    let Some(target) = feed.target else { return Admission::Drop };
    let layer = incoming.layer;
    let running = slot.rewriter.is_running() && feed.current.is_some();
    if running && feed.current == Some(layer) && feed.epoch == incoming.epoch {
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

fn mapped_payload_type(slot: &mut Slot, incoming: &Incoming) -> Option<str0m::media::Pt> {
    let cached = slot.feed.as_ref().and_then(|feed| feed.payload_type);
    if let Some((of, mapped)) = cached
        && of == incoming.payload_type
    {
        return Some(mapped);
    }
    let mapped = slot.payload_type_for(incoming.format)?;
    slot.feed.as_mut()?.payload_type = Some((incoming.payload_type, mapped));
    Some(mapped)
}

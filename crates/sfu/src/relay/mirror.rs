//! What other cores say: their people become mirrors here, their packets go the way of any other, and what they want of
//! people here is noted.

use std::time::Instant;

use confab_protocol::{ParticipantId, SourceKind, TrackKind};
use confab_rtp::AudioLevel;
use confab_rtp::wire::PacketExtensions;

use super::Peer;
use super::frame::{Frame, Message, RelayPacket};
use super::message::{Announced, Control, Reported, are_rates};
use crate::arena::Key;
use crate::egress::forward::{Arrived, Number};
use crate::ingress::stream::{ReportedTime, Track};
use crate::member::{Member, StreamPlace};
use crate::sfu::Sfu;

/// Mirrors on one core, in all rooms; more than a room can have, so that a peer that lies costs bounded memory.
const MOST_MIRRORS: usize = 10_000;

impl Sfu {
    /// `None` when it cannot be read, or fits nothing here.
    pub(super) fn take_frame(&mut self, now: Instant, peer: Peer, frame: &Frame<'_>) -> Option<()> {
        let room = *self.relay.rooms.get(&frame.room)?;
        self.rooms.get(room).filter(|room| room.links.has(peer))?;
        match frame.read()? {
            Message::Packet(packet) => self.take_packet(now, room, peer, &packet),
            Message::Control(control) => self.take_control(now, room, peer, *control),
        }
    }

    fn take_control(&mut self, now: Instant, room: Key, peer: Peer, control: Control) -> Option<()> {
        match control {
            Control::Hello { answer } => {
                self.hear_hello(now, room, peer, answer);
                Some(())
            }
            Control::Bye => {
                self.forget_peer(now, room, peer);
                Some(())
            }
            Control::Member(announced) => self.mirror(now, room, peer, &announced),
            Control::Left { participant } => self.take_leave(now, room, peer, participant),
            Control::Track { participant, source, state } => {
                let key = self.find_there(room, peer, participant)?;
                self.fan_out_all(now);
                self.change_track(key, source, state.checked()?).then_some(())
            }
            Control::Live { participant, source, rates } => {
                let key = self.find_there(room, peer, participant)?;
                note_live(now, self.track_of(key, source)?, &rates)?;
                self.needs_steering(room);
                Some(())
            }
            Control::Wanted { participant, source, layers } => {
                let key = self.find_here(room, participant)?;
                note_wanted(self.track_of(key, source)?, peer, &layers)?;
                self.needs_steering(room);
                Some(())
            }
            Control::Keyframe { participant, source, layer } => {
                let key = self.find_here(room, participant)?;
                let member = self.members.get(key)?;
                let track = member.tracks.iter().position(|track| track.source == source)?;
                member.tracks[track].layers.get(usize::from(layer))?;
                self.request_keyframe(now, key, track, usize::from(layer));
                Some(())
            }
            Control::Report(reported) => self.take_report(now, room, peer, &reported),
        }
    }

    /// Makes somebody of another core known here; whoever was known by that name before makes room.
    fn mirror(&mut self, now: Instant, room: Key, peer: Peer, announced: &Announced) -> Option<()> {
        let mut member = Member::mirror(now, room, announced.participant, announced.grants, peer);
        for told in &announced.tracks {
            let (mut track, rates) = told.checked()?;
            if member.tracks.iter().any(|known| known.source == track.source) {
                return None;
            }
            // Nobody has to know it of sound, so it is not told later either.
            if track.source.track_kind() == TrackKind::Video {
                note_live(now, &mut track, rates)?;
            }
            member.tracks.push(track);
        }
        if let Some(before) = self.find(room, announced.participant) {
            // Whoever is here themselves went from there to here, or comes from here and their leave is under way. In
            // that case they are announced again once it came.
            self.members.get(before)?.peer()?;
            self.remove(now, before);
        }
        if self.relay.mirrors >= MOST_MIRRORS {
            return None;
        }
        let key = self.members.insert(member);
        self.relay.mirrors += 1;
        let state = self.rooms.get_mut(room)?;
        state.members.push(key);
        state.by_participant.insert(announced.participant, key);
        self.next_tick.get_or_insert(now);
        self.needs_steering(room);
        Some(())
    }

    fn take_leave(&mut self, now: Instant, room: Key, peer: Peer, participant: ParticipantId) -> Option<()> {
        let key = self.find(room, participant)?;
        match self.members.get(key)?.peer() {
            Some(known) if known == peer => self.remove(now, key),
            // They came here, and until now that core had to take its own path to them for the right one.
            None if self.rooms.get(room)?.links.is_announced(peer) => self.announce_to(now, key, peer),
            _ => {}
        }
        Some(())
    }

    fn take_packet(&mut self, now: Instant, room: Key, peer: Peer, packet: &RelayPacket<'_>) -> Option<()> {
        let key = self.find_there(room, peer, packet.participant)?;
        let tracks = &mut self.members.get_mut(key)?.tracks;
        let track = tracks.iter().position(|track| track.source == packet.source)?;
        let layer = usize::from(packet.layer);
        let clock_rate = tracks[track].clock_rate();
        let stream = tracks[track].layers.get_mut(layer)?;
        stream.follow_epoch(packet.epoch, clock_rate);
        stream.resume(now);
        self.counters.relayed_in += 1;
        let arrived = Arrived {
            at: now,
            place: StreamPlace { track, layer, repairs: false },
            number: Number::Placed(packet.number),
            timestamp: packet.timestamp,
            marker: packet.marker,
            payload_type: packet.payload_type,
            extensions: PacketExtensions {
                audio_level: packet.level.map(AudioLevel::from_wire),
                video_orientation: packet.orientation,
                dependency_descriptor: packet.descriptor,
                ..PacketExtensions::default()
            },
            payload: packet.payload,
        };
        self.forward_packet(now, key, &arrived);
        Some(())
    }

    fn take_report(&mut self, now: Instant, room: Key, peer: Peer, reported: &Reported) -> Option<()> {
        let key = self.find_there(room, peer, reported.participant)?;
        let ours = self.clock(now).at(now);
        let track = self.track_of(key, reported.source)?;
        let clock_rate = track.clock_rate();
        let stream = track.layers.get_mut(usize::from(reported.layer))?;
        if !reported.is_possible() {
            return None;
        }
        stream.follow_epoch(reported.epoch, clock_rate);
        stream.report = Some(ReportedTime { ntp: reported.ntp, timestamp: reported.timestamp });
        self.members.get_mut(key)?.sender_clock.note_microseconds(reported.sender_now, ours);
        Some(())
    }

    /// A mirror of that core's.
    fn find_there(&self, room: Key, peer: Peer, participant: ParticipantId) -> Option<Key> {
        let key = self.find(room, participant)?;
        (self.members.get(key)?.peer() == Some(peer)).then_some(key)
    }

    /// Whether the media path of a member is on this core.
    pub(crate) fn is_here(&self, key: Key) -> bool {
        self.members.get(key).is_some_and(|member| member.peer().is_none())
    }

    fn track_of(&mut self, key: Key, source: SourceKind) -> Option<&mut Track> {
        self.members.get_mut(key)?.tracks.iter_mut().find(|track| track.source == source)
    }
}

fn note_live(now: Instant, track: &mut Track, rates: &[Option<u64>]) -> Option<()> {
    if !are_rates(rates, track.layers.len()) {
        return None;
    }
    for (stream, rate) in track.layers.iter_mut().zip(rates) {
        stream.told_by_owner(now, *rate);
    }
    Some(())
}

/// Layers that are wanted at a core that was told of the track. Sound is wanted whatever anybody says.
fn note_wanted(track: &mut Track, peer: Peer, layers: &[u8]) -> Option<()> {
    if track.source.track_kind() == TrackKind::Audio || layers.len() > track.layers.len() {
        return None;
    }
    let mut bits = 0;
    for layer in layers {
        track.layers.get(usize::from(*layer))?;
        bits |= 1 << layer;
    }
    track.relayed.iter_mut().find(|relayed| relayed.peer == peer)?.layers = bits;
    Some(())
}

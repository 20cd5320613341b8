//! What crosses to other cores while people talk: packets of people here, which of their layers are live, and what is
//! wanted of people there.

use std::time::Instant;

use confab_protocol::{SourceKind, TrackKind};

use super::Peer;
use super::frame::{self, RelayPacket};
use super::message::{Control, Reported};
use crate::arena::Key;
use crate::egress::forward::Arrived;
use crate::ingress::stream::Track;
use crate::sfu::Sfu;

/// A layer's rate is told again when it changed by more than one part in this many.
const RATE_NEWS: u64 = 4;

/// Where a track's packets go as well.
#[derive(Clone, Copy)]
pub(crate) struct RelayedTo {
    pub(crate) peer: Peer,
    /// Layers that somebody there watches or waits for, by their bits.
    pub(crate) layers: u8,
}

/// Of each layer of a track the rate it is sent at, bits per second, 0 when that is not known yet; `None` when it is not.
pub(super) fn rates(now: Instant, track: &Track) -> impl Iterator<Item = Option<u64>> {
    track.layers.iter().map(move |stream| stream.is_live(now).then(|| stream.rate.bits_per_second()))
}

impl Sfu {
    /// A packet goes to every core that wants its layer, as it is: copied once for each, whatever the audience there.
    pub(crate) fn relay_packet(&mut self, from: Key, number: u64, arrived: &Arrived<'_>) {
        let Some(member) = self.members.get(from) else { return };
        let place = arrived.place;
        let Some(track) = member.tracks.get(place.track) else { return };
        if track.relayed.is_empty() {
            return;
        }
        let Some(name) = self.rooms.get(member.room).and_then(|room| room.links.name()) else { return };
        let packet = RelayPacket {
            participant: member.participant,
            source: track.source,
            layer: place.layer as u8,
            marker: arrived.marker,
            payload_type: arrived.payload_type,
            epoch: track.layers.get(place.layer).map_or(0, |stream| stream.epoch),
            number,
            timestamp: arrived.timestamp,
            level: arrived.extensions.audio_level.map(confab_rtp::AudioLevel::to_wire),
            orientation: arrived.extensions.video_orientation,
            descriptor: arrived.extensions.dependency_descriptor,
            payload: arrived.payload,
        };
        for relayed in track.relayed.iter().filter(|relayed| relayed.layers >> place.layer & 1 != 0) {
            if frame::write_packet(self.relay.batch(relayed.peer), name, &packet) {
                self.counters.relayed_out += 1;
            } else {
                self.counters.dropped_relayed += 1;
            }
        }
    }

    /// Tells other cores which layers of somebody here are live, when that changed: a core that does not receive a layer
    /// has to know whether it could.
    pub(crate) fn relay_live_layers(&mut self, now: Instant, key: Key) {
        let Some(member) = self.members.get_mut(key) else { return };
        for track in member.tracks.iter_mut().filter(|track| track.source.track_kind() == TrackKind::Video) {
            let is_news = |(told, now): (Option<u64>, Option<u64>)| match (told, now) {
                (Some(told), Some(now)) => told.abs_diff(now) * RATE_NEWS > told.max(now),
                (told, now) => told.is_some() != now.is_some(),
            };
            let told = track.layers.iter().map(|stream| stream.told_live);
            if track.relayed.is_empty() || !told.zip(rates(now, track)).any(is_news) {
                continue;
            }
            let rates: Vec<Option<u64>> = rates(now, track).collect();
            for (stream, rate) in track.layers.iter_mut().zip(&rates) {
                stream.told_live = *rate;
            }
            if let Some(room) = self.rooms.get(member.room) {
                let live = Control::Live { participant: member.participant, source: track.source, rates };
                room.links.tell(&mut self.relay, &live);
            }
        }
    }

    /// Tells other cores what a sender report said.
    pub(crate) fn relay_report(&mut self, now: Instant, key: Key, track: usize, layer: usize) {
        self.relay_report_to(now, key, track, layer, None);
    }

    /// The same to one of them, or all.
    pub(super) fn relay_report_to(&mut self, now: Instant, key: Key, track: usize, layer: usize, to: Option<Peer>) {
        let ours = self.clock(now).at(now);
        let Some(member) = self.members.get(key) else { return };
        let Some(of) = member.tracks.get(track).filter(|of| !of.relayed.is_empty()) else { return };
        let Some(stream) = of.layers.get(layer) else { return };
        let (Some(report), Some(sender_now)) = (stream.report, member.sender_clock.theirs(ours)) else { return };
        let Some(links) = self.rooms.get(member.room).map(|room| &room.links) else { return };
        let reported = Control::Report(Reported {
            participant: member.participant,
            source: of.source,
            layer: layer as u8,
            epoch: stream.epoch,
            ntp: report.ntp,
            timestamp: report.timestamp,
            sender_now,
        });
        match (to, links.name()) {
            (Some(peer), Some(name)) => self.relay.send(peer, name, &reported),
            _ => links.tell(&mut self.relay, &reported),
        }
    }

    /// Tells the core that somebody is on which of their layers are watched here, as it was last told of their track.
    pub(crate) fn relay_wanted(&mut self, peer: Peer, publisher: Key, source: SourceKind) {
        let Some(member) = self.members.get(publisher) else { return };
        let Some(track) = member.tracks.iter().find(|track| track.source == source) else { return };
        let Some(name) = self.rooms.get(member.room).and_then(|room| room.links.name()) else { return };
        let wanted = track.told.as_deref().unwrap_or_default();
        let is_wanted = |layer: &usize| {
            let of = track.layers[*layer].layer;
            of.map_or(!wanted.is_empty(), |of| wanted.contains(&of))
        };
        let layers = (0..track.layers.len()).filter(is_wanted).map(|layer| layer as u8).collect();
        self.relay.send(peer, name, &Control::Wanted { participant: member.participant, source, layers });
    }

    /// Asks the core that somebody is on for a keyframe of theirs.
    pub(crate) fn relay_keyframe_request(&mut self, publisher: Key, track: usize, layer: usize) {
        let Some(member) = self.members.get(publisher) else { return };
        let (Some(peer), Some(of)) = (member.peer(), member.tracks.get(track)) else { return };
        let Some(name) = self.rooms.get(member.room).and_then(|room| room.links.name()) else { return };
        let (participant, source, layer) = (member.participant, of.source, layer as u8);
        self.relay.send(peer, name, &Control::Keyframe { participant, source, layer });
    }
}

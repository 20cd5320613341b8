//! Which rooms are on which other cores: links, and who is announced over them.
//!
//! ```text
//!  link at A ── hello ──> B has no link yet: dropped
//!  link at B ── hello ──> A ── hello (answer), A's people ──> B ── B's people ──> A
//! ```
//!
//! So it does not matter who links first, and linking anew after bytes were lost tells everything again.

use std::time::Instant;

use confab_protocol::{ParticipantId, SourceKind, TrackKind};

use super::crossing::{RelayedTo, rates};
use super::message::{Announced, AnnouncedTrack, Control};
use super::{Peer, Relay};
use crate::arena::Key;
use crate::error::LinkError;
use crate::event::Event;
use crate::sfu::Sfu;

/// All layers: what is wanted of sound.
const EVERYTHING: u8 = u8::MAX;

/// Other cores that a room is on.
#[derive(Default)]
pub(crate) struct Links {
    /// What the room is called on all of them; once it was linked.
    name: Option<u64>,
    /// Another core tells who speaks.
    is_branch: bool,
    peers: Vec<Link>,
}

struct Link {
    peer: Peer,
    /// It was told who is here, and has to be told of changes.
    announced: bool,
}

impl Links {
    /// Whether this core tells for the whole room who speaks.
    pub(crate) fn is_home(&self) -> bool {
        !self.is_branch
    }

    pub(super) fn name(&self) -> Option<u64> {
        self.name
    }

    pub(super) fn has(&self, peer: Peer) -> bool {
        self.peers.iter().any(|link| link.peer == peer)
    }

    fn announced(&self) -> impl Iterator<Item = Peer> {
        self.peers.iter().filter(|link| link.announced).map(|link| link.peer)
    }

    /// Whether a core was told who is here.
    pub(super) fn is_announced(&self, peer: Peer) -> bool {
        self.announced().any(|known| known == peer)
    }

    fn set_announced(&mut self, peer: Peer, announced: bool) -> bool {
        let link = self.peers.iter_mut().find(|link| link.peer == peer);
        link.is_some_and(|link| std::mem::replace(&mut link.announced, announced))
    }

    /// Says something to every core that knows who is here.
    pub(super) fn tell(&self, relay: &mut Relay, control: &Control) {
        let Some(name) = self.name else { return };
        for peer in self.announced() {
            relay.send(peer, name, control);
        }
    }
}

impl Sfu {
    /// Says that a room is on another core too, by the name that all cores have for it. Whoever is in it is made known
    /// there once that core has linked it as well, in whichever order. Cores pass nothing on for others, so all that have
    /// a room are to be linked with each other. Nothing happens when it is linked already.
    ///
    /// # Errors
    /// Says why the room cannot be linked by this name.
    pub fn link_room(&mut self, now: Instant, room: Key, name: u64, peer: Peer) -> Result<(), LinkError> {
        let state = self.rooms.get_mut(room).ok_or(LinkError::RoomClosed)?;
        let of = self.relay.rooms.get(&name).copied();
        if of.is_some_and(|of| of != room) || state.links.name.is_some_and(|known| known != name) {
            return Err(LinkError::NameTaken);
        }
        state.links.name = Some(name);
        self.relay.rooms.insert(name, room);
        if !state.links.has(peer) {
            state.links.peers.push(Link { peer, announced: false });
            self.relay.send(peer, name, &Control::Hello { answer: false });
        }
        self.flush(now);
        Ok(())
    }

    /// Says that a room is not on another core any more: whoever is there leaves, and nothing is wanted there.
    pub fn unlink_room(&mut self, now: Instant, room: Key, peer: Peer) {
        let Some(links) = self.rooms.get_mut(room).map(|room| &mut room.links) else { return };
        if !links.has(peer) {
            return;
        }
        links.peers.retain(|link| link.peer != peer);
        if let Some(name) = links.name {
            self.relay.send(peer, name, &Control::Bye);
        }
        self.forget_peer(now, room, peer);
        self.flush(now);
    }

    /// Says whether this core tells for the whole room who speaks ([`Event::Speaking`]), as it does unless told
    /// otherwise. Of the cores that have a room one should; it may change at any time.
    pub fn set_home(&mut self, room: Key, is_home: bool) {
        let Some(state) = self.rooms.get_mut(room).filter(|room| room.links.is_home() != is_home) else { return };
        state.links.is_branch = !is_home;
        state.speaking.clear();
        if is_home {
            self.tell_speaking(room);
            // Who was told last, by the home before, is not known here; that nobody speaks is news too.
            if self.rooms.get(room).is_some_and(|room| room.speaking.is_empty()) {
                self.emit(room, Event::Speaking(Vec::new()));
            }
        }
    }

    /// The room closes.
    pub(crate) fn unlink_all(&mut self, now: Instant, room: Key) {
        let Some(links) = self.rooms.get(room).map(|room| &room.links) else { return };
        let (name, peers) = (links.name, links.peers.iter().map(|link| link.peer).collect::<Vec<_>>());
        for peer in peers {
            self.unlink_room(now, room, peer);
        }
        if let Some(name) = name {
            self.relay.rooms.remove(&name);
        }
    }

    /// The other core has the room and knows nothing of us.
    pub(super) fn hear_hello(&mut self, now: Instant, room: Key, peer: Peer, answer: bool) {
        let Some(links) = self.rooms.get_mut(room).map(|room| &mut room.links) else { return };
        let Some(name) = links.name else { return };
        if answer {
            if !links.set_announced(peer, true) {
                self.announce_all(now, room, peer);
            }
            return;
        }
        self.relay.send(peer, name, &Control::Hello { answer: true });
        self.forget_peer(now, room, peer);
        if let Some(room) = self.rooms.get_mut(room) {
            room.links.set_announced(peer, true);
        }
        self.announce_all(now, room, peer);
    }

    /// Nobody of that core is in the room any more, and it wants nothing.
    pub(super) fn forget_peer(&mut self, now: Instant, room: Key, peer: Peer) {
        let Some(state) = self.rooms.get_mut(room) else { return };
        state.links.set_announced(peer, false);
        let members = &mut self.members;
        let is_theirs = |key: &Key| members.get(*key).is_some_and(|member| member.peer() == Some(peer));
        // All at once: a peer may have thousands.
        let (theirs, others): (Vec<Key>, Vec<Key>) = state.members.iter().copied().partition(is_theirs);
        state.by_participant.retain(|_, key| !is_theirs(key));
        state.members.clone_from(&others);
        for key in others {
            for track in members.get_mut(key).into_iter().flat_map(|member| &mut member.tracks) {
                track.relayed.retain(|relayed| relayed.peer != peer);
            }
        }
        for key in theirs {
            self.remove(now, key);
        }
        self.needs_steering(room);
    }

    fn announce_all(&mut self, now: Instant, room: Key, peer: Peer) {
        let members = self.rooms.get(room).map(|room| room.members.clone()).unwrap_or_default();
        for key in members {
            self.announce_to(now, key, peer);
        }
    }

    /// Makes somebody who joined here known to the other cores of the room.
    pub(crate) fn announce(&mut self, now: Instant, key: Key) {
        let links = self.members.get(key).and_then(|member| self.rooms.get(member.room)).map(|room| &room.links);
        let peers: Vec<Peer> = links.into_iter().flat_map(Links::announced).collect();
        for peer in peers {
            self.announce_to(now, key, peer);
        }
    }

    /// The same to one. Mirrors are announced by their own cores only.
    pub(super) fn announce_to(&mut self, now: Instant, key: Key, peer: Peer) {
        let Some(member) = self.members.get_mut(key).filter(|member| member.peer().is_none()) else { return };
        let Some(name) = self.rooms.get(member.room).and_then(|room| room.links.name) else { return };
        let mut tracks = Vec::new();
        for track in &mut member.tracks {
            let layers = if track.source.track_kind() == TrackKind::Audio { EVERYTHING } else { 0 };
            track.relayed.retain(|relayed| relayed.peer != peer);
            track.relayed.push(RelayedTo { peer, layers });
            tracks.push(AnnouncedTrack::of(track, rates(now, track).collect()));
        }
        let announced = Announced { participant: member.participant, grants: member.grants, tracks };
        let places: Vec<(usize, usize)> = (member.tracks.iter().enumerate())
            .flat_map(|(track, of)| (0..of.layers.len()).map(move |layer| (track, layer)))
            .collect();
        self.relay.send(peer, name, &Control::Member(announced));
        for (track, layer) in places {
            self.relay_report_to(now, key, track, layer, Some(peer));
        }
    }

    /// Somebody who was here is not any more.
    pub(crate) fn relay_leave(&mut self, room: Key, participant: ParticipantId) {
        if let Some(room) = self.rooms.get(room) {
            room.links.tell(&mut self.relay, &Control::Left { participant });
        }
    }

    /// What somebody here does with a track changed.
    pub(crate) fn relay_track(&mut self, key: Key, source: SourceKind) {
        let Some(member) = self.members.get(key) else { return };
        let Some(track) = member.tracks.iter().find(|track| track.source == source) else { return };
        if let Some(room) = self.rooms.get(member.room) {
            let (participant, state) = (member.participant, track.state.into());
            room.links.tell(&mut self.relay, &Control::Track { participant, source, state });
        }
    }
}

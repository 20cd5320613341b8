//! Decides what slots carry: audio slots follow the loudest, video slots the view, layers the tiles and the network.
//!
//! Runs for a room when something changed that matters, and for all rooms on every tick. It sets feeds and targets;
//! packets switch over when they can (`forward`).

pub(crate) mod allocation;
mod ladder;
mod patience;

use std::cmp::Reverse;
use std::collections::HashSet;
use std::time::{Duration, Instant};

use allocation::Demand;
use confab_protocol::{Layer, ParticipantId, SlotAssignment, SlotKind, SourceKind, TileRequest, TrackKind};
use confab_rtp::codec;
use ladder::{ladder, place_on, rung_for_height};
use patience::settle;

use crate::arena::Key;
use crate::control::join::may_send;
use crate::egress::slot::{Feed, Slot};
use crate::event::Event;
use crate::ingress::stream::{LayerStream, Track};
use crate::room::{Carried, TrackState};
use crate::sfu::Sfu;

/// A source that has a slot is heard as this much louder, dB, so that equals do not take turns.
const SLOT_BONUS: f32 = 6.0;
/// Who was told as the loudest counts as this much louder, dB; the next as half as much, and so on.
const ORDER_BONUS: f32 = 24.0;
/// Speech goes before noise of any loudness.
const SPEECH_BONUS: f32 = 200.0;
/// Sound of a shared screen goes before voices: who shares means it to be heard.
const SCREEN_AUDIO_BONUS: f32 = 1_000.0;
/// A muted source keeps its slot only while nobody else needs it.
const MUTED_MALUS: f32 = 2_000.0;

/// What one voice costs, bits per second.
const AUDIO_COST: u64 = 40_000;

/// A layer nobody watches any more is reported as watched for this long, so that a moved tile does not stop an encoder.
const UNWATCHED_AFTER: Duration = Duration::from_millis(1_500);

/// An audio track somebody may hear.
#[derive(Clone)]
struct Voice {
    publisher: Key,
    track: usize,
    participant: ParticipantId,
    source: SourceKind,
    score: f32,
}

/// Where a feed can come from.
#[derive(Clone, Copy)]
struct Wish {
    publisher: Key,
    track: usize,
    participant: ParticipantId,
    source: SourceKind,
}

impl Sfu {
    pub(crate) fn steer_changed_rooms(&mut self, now: Instant) {
        while let Some(room) = self.unsteered.pop() {
            self.steer(now, room);
        }
    }

    pub(crate) fn steer_all_rooms(&mut self, now: Instant) {
        for room in self.rooms.keys() {
            self.steer(now, room);
            self.tell_speaking(room);
        }
    }

    fn steer(&mut self, now: Instant, room_key: Key) {
        let Some(room) = self.rooms.get_mut(room_key) else { return };
        room.needs_steering = false;
        let members = room.members.clone();
        let voices = self.voices(&members);
        let receivers: Vec<Key> = members.iter().copied().filter(|key| self.is_here(*key)).collect();
        for &member in &receivers {
            self.assign_audio(now, member, &voices);
            self.assign_video(now, member);
            self.choose_layers(now, member);
            self.keep_feedback_coming(now, member);
        }
        let carried = self.connect_subscribers(&members);
        self.count_tracks(room_key, carried);
        // First everything that is wanted, so that other cores relay a layer before they ask for its keyframe.
        for &member in &members {
            self.tell_layers(now, member);
        }
        for &member in &receivers {
            self.ask_for_keyframes(now, member);
        }
        self.slots_changed.extend(receivers);
    }

    fn voices(&self, members: &[Key]) -> Vec<Voice> {
        let mut voices = Vec::new();
        for &publisher in members {
            let Some(member) = self.members.get(publisher) else { continue };
            for (track, state) in member.tracks.iter().enumerate() {
                let sends = state.state != TrackState::Unpublished && may_send(member.grants, state.source);
                if !sends || state.source.track_kind() != TrackKind::Audio {
                    continue;
                }
                let mut score = state.loudness.level();
                if state.loudness.is_speaking() {
                    score += SPEECH_BONUS;
                }
                if state.source == SourceKind::ScreenAudio {
                    score += SCREEN_AUDIO_BONUS;
                }
                if !state.is_published() {
                    score -= MUTED_MALUS;
                }
                voices.push(Voice { publisher, track, participant: member.participant, source: state.source, score });
            }
        }
        voices
    }

    fn assign_audio(&mut self, now: Instant, receiver: Key, voices: &[Voice]) {
        let Some(member) = self.members.get_mut(receiver) else { return };
        let places = member.slots.iter().filter(|slot| slot.kind == SlotKind::Audio).count();
        let mut others: Vec<(f32, &Voice)> = Vec::new();
        if member.grants.subscribe && member.connected {
            for voice in voices.iter().filter(|voice| voice.publisher != receiver) {
                let has_slot = member.slots.iter().any(|slot| slot.carries(voice.publisher, voice.track));
                others.push((voice.score + if has_slot { SLOT_BONUS } else { 0.0 }, voice));
            }
        }
        if others.len() > places {
            others.sort_by(|(left, _), (right, _)| right.total_cmp(left));
            others.truncate(places);
        }
        let wishes: Vec<Wish> = others
            .into_iter()
            .map(|(_, voice)| Wish {
                publisher: voice.publisher,
                track: voice.track,
                participant: voice.participant,
                source: voice.source,
            })
            .collect();
        place(now, &mut member.slots, SlotKind::Audio, &wishes);
        for feed in member.slots.iter_mut().filter(|slot| slot.kind == SlotKind::Audio) {
            if let Some(feed) = &mut feed.feed {
                feed.target = Some(codec::Layer::whole(0));
            }
        }
    }

    fn assign_video(&mut self, now: Instant, receiver: Key) {
        let Some(member) = self.members.get(receiver) else { return };
        let places = member.slots.iter().filter(|slot| slot.kind == SlotKind::Video).count();
        let mut wishes: Vec<Wish> = Vec::new();
        if member.grants.subscribe && member.connected {
            for tile in ranked(&member.view) {
                if wishes.len() >= places {
                    break;
                }
                let Some(wish) = self.source_of(member.room, tile) else { continue };
                let repeated =
                    wishes.iter().any(|known| known.publisher == wish.publisher && known.track == wish.track);
                if wish.publisher != receiver && !repeated {
                    wishes.push(wish);
                }
            }
        }
        if let Some(member) = self.members.get_mut(receiver) {
            place(now, &mut member.slots, SlotKind::Video, &wishes);
        }
    }

    /// The published track a tile shows.
    fn source_of(&self, room: Key, tile: &TileRequest) -> Option<Wish> {
        let publisher = self.find(room, tile.participant)?;
        let member = self.members.get(publisher)?;
        let track = member.tracks.iter().position(|track| track.source == tile.source)?;
        let sends = member.tracks[track].is_published() && may_send(member.grants, tile.source);
        sends.then_some(Wish { publisher, track, participant: tile.participant, source: tile.source })
    }

    fn choose_layers(&mut self, now: Instant, receiver: Key) {
        let Some(member) = self.members.get(receiver) else { return };
        // In order of importance, with the slot each belongs to.
        let mut demands: Vec<(usize, Demand)> = Vec::new();
        let mut voices = 0;
        for (index, slot) in member.slots.iter().enumerate() {
            let Some(feed) = &slot.feed else { continue };
            if slot.kind == SlotKind::Audio {
                voices += 1;
                continue;
            }
            let shown = |tile: &&TileRequest| tile.participant == feed.participant && tile.source == feed.source;
            let Some(tile) = member.view.iter().find(shown) else { continue };
            let Some(track) = self.members.get(feed.publisher).and_then(|member| member.tracks.get(feed.track)) else {
                continue;
            };
            demands.push((index, demand(now, track, tile, feed.target)));
        }
        demands.sort_by_key(|(_, demand)| demand.class);
        let (slots, demands): (Vec<usize>, Vec<Demand>) = demands.into_iter().unzip();
        let audio = AUDIO_COST * voices;
        let budget =
            member.downlink.estimate().map_or(u64::MAX / 4, |estimate| (estimate * 95 / 100).saturating_sub(audio));

        let initial_estimate = self.config.initial_estimate;
        let Some(member) = self.members.get_mut(receiver) else { return };
        let chosen = settle(now, &mut member.choice, budget, &demands);
        // Never less than one full picture, so that there is room when a tile grows.
        let shown = audio + demands.iter().map(|demand| demand.cost(demand.wanted)).sum::<u64>();
        member.downlink.set_wanted(shown.max(initial_estimate));
        for ((index, demand), rung) in slots.into_iter().zip(&demands).zip(chosen) {
            let slot = &mut member.slots[index];
            let Some(feed) = &mut slot.feed else { continue };
            feed.target = rung.and_then(|rung| demand.ladder.get(rung)).map(|rung| rung.limit);
            if feed.target.is_none() && feed.current.is_some() {
                slot.end_stretch();
            }
        }
        self.leave_dead_layers(now, receiver);
    }

    /// A slot whose layer stopped while another is sent takes whichever begins next.
    fn leave_dead_layers(&mut self, now: Instant, receiver: Key) {
        let Some(member) = self.members.get(receiver) else { return };
        let mut dead = Vec::new();
        for (index, slot) in member.slots.iter().enumerate().filter(|(_, slot)| slot.kind == SlotKind::Video) {
            let Some(feed) = &slot.feed else { continue };
            let Some(current) = feed.current else { continue };
            let track = self.members.get(feed.publisher).and_then(|member| member.tracks.get(feed.track));
            let Some(layers) = track.map(|track| &track.layers) else { continue };
            let is_live = |layer: &LayerStream| layer.is_live(now);
            if !layers.get(current).is_some_and(is_live) && layers.iter().any(is_live) {
                dead.push(index);
            }
        }
        if let Some(member) = self.members.get_mut(receiver) {
            for index in dead {
                member.slots[index].end_stretch();
            }
        }
    }

    fn connect_subscribers(&mut self, members: &[Key]) -> Carried {
        let mut carried = Carried::default();
        for &key in members {
            let Some(member) = self.members.get_mut(key) else { continue };
            let is_here = member.peer().is_none();
            for track in &mut member.tracks {
                track.subscribers.clear();
                carried.published += u64::from(is_here && track.state != TrackState::Unpublished);
            }
        }
        for &receiver in members {
            let Some(member) = self.members.get(receiver) else { continue };
            let feeds: Vec<(usize, Key, usize)> = (member.slots.iter().enumerate())
                .filter_map(|(index, slot)| slot.feed.as_ref().map(|feed| (index, feed.publisher, feed.track)))
                .collect();
            carried.forwarded += feeds.len() as u64;
            for (slot, publisher, track) in feeds {
                if let Some(track) = self.members.get_mut(publisher).and_then(|member| member.tracks.get_mut(track)) {
                    track.subscribers.push((receiver, slot));
                }
            }
        }
        carried
    }

    /// Keeps the counters' sums over all rooms.
    pub(crate) fn count_tracks(&mut self, room: Key, carried: Carried) {
        let Some(room) = self.rooms.get_mut(room) else { return };
        let before = std::mem::replace(&mut room.carried, carried);
        self.counters.tracks_in += carried.published;
        self.counters.tracks_in -= before.published;
        self.counters.tracks_out += carried.forwarded;
        self.counters.tracks_out -= before.forwarded;
    }

    /// Tells a publisher which of its layers are watched, when that changed.
    fn tell_layers(&mut self, now: Instant, publisher: Key) {
        let Some(member) = self.members.get(publisher) else { return };
        let (room, participant, is_mirror) = (member.room, member.participant, member.peer().is_some());
        for index in 0..member.tracks.len() {
            let Some(track) = self.members.get(publisher).map(|member| &member.tracks[index]) else { return };
            if !track.is_published() || track.source.track_kind() != TrackKind::Video {
                continue;
            }
            let mut watched = HashSet::new();
            for (receiver, slot) in &track.subscribers {
                let slot = self.members.get(*receiver).and_then(|member| member.slots.get(*slot));
                let Some(feed) = slot.and_then(|slot| slot.feed.as_ref()) else { continue };
                // The old layer goes on until the new one's keyframe is there.
                watched.extend(feed.target_stream());
                watched.extend(feed.current);
                // Of another core's layers only those come that are asked for, so this one must be.
                watched.extend(awaited(now, track, feed).filter(|_| is_mirror));
            }
            let Some(member) = self.members.get_mut(publisher) else { return };
            let track = &mut member.tracks[index];
            let elsewhere = track.relayed.iter().fold(0, |layers, relayed| layers | relayed.layers);
            let mut wanted = Vec::new();
            for (layer, stream) in track.layers.iter_mut().enumerate() {
                if watched.contains(&layer) {
                    stream.watched_at = Some(now);
                }
                let here = stream.watched_at.is_some_and(|at| now.saturating_duration_since(at) < UNWATCHED_AFTER);
                if here || elsewhere & (1 << layer) != 0 {
                    wanted.push(stream.layer.unwrap_or(Layer::Full));
                }
            }
            if track.told.as_ref() != Some(&wanted) {
                track.told = Some(wanted.clone());
                let source = track.source;
                match member.peer() {
                    Some(peer) => self.relay_wanted(peer, publisher, source),
                    None => self.emit(room, Event::Layers { id: participant, source, wanted }),
                }
            }
        }
    }

    /// Asks for what a receiver's pictures need to begin or to switch.
    fn ask_for_keyframes(&mut self, now: Instant, receiver: Key) {
        let Some(member) = self.members.get(receiver) else { return };
        let mut asked = Vec::new();
        for slot in member.slots.iter().filter(|slot| slot.kind == SlotKind::Video) {
            let Some(feed) = &slot.feed else { continue };
            let track = self.members.get(feed.publisher).and_then(|member| member.tracks.get(feed.track));
            let layer = track.and_then(|track| awaited(now, track, feed));
            asked.extend(layer.map(|layer| (feed.publisher, feed.track, layer)));
        }
        for (publisher, track, layer) in asked {
            self.request_keyframe(now, publisher, track, layer);
        }
    }

    pub(crate) fn tell_speaking(&mut self, room_key: Key) {
        let Some(room) = self.rooms.get(room_key).filter(|room| room.links.is_home()) else { return };
        let mut speakers: Vec<(ParticipantId, f32)> = Vec::new();
        for member in room.members.iter().filter_map(|key| self.members.get(*key)) {
            let voice = member.tracks.iter().find(|track| track.source == SourceKind::Microphone);
            if let Some(voice) = voice.filter(|voice| voice.loudness.is_speaking()) {
                // Speech goes up and down with every syllable: who was told before others stays before them until one
                // of them is clearly louder.
                let before = room.speaking.iter().position(|known| *known == member.participant);
                let bonus = before.map_or(0.0, |place| ORDER_BONUS / (1.0 + place as f32));
                speakers.push((member.participant, voice.loudness.level() + bonus));
            }
        }
        speakers.sort_by(|(_, left), (_, right)| right.total_cmp(left));
        let speaking: Vec<ParticipantId> = speakers.into_iter().map(|(participant, _)| participant).collect();
        if let Some(room) = self.rooms.get_mut(room_key)
            && room.speaking != speaking
        {
            room.speaking.clone_from(&speaking);
            self.emit(room_key, Event::Speaking(speaking));
        }
    }

    /// Tells members what changed on their slots.
    pub(crate) fn tell_slots(&mut self) {
        while let Some(key) = self.slots_changed.pop() {
            let Some(member) = self.members.get(key) else { continue };
            let mut changed = Vec::new();
            for (index, slot) in member.slots.iter().enumerate() {
                if self.is_news(slot) {
                    changed.push((index, self.assignment(slot)));
                }
            }
            if changed.is_empty() {
                continue;
            }
            let Some(member) = self.members.get_mut(key) else { continue };
            for (index, assignment) in &changed {
                member.slots[*index].told.clone_from(assignment);
            }
            let (room, id) = (member.room, member.participant);
            let changed = changed.into_iter().map(|(_, assignment)| assignment).collect();
            self.emit(room, Event::Slots { id, changed });
        }
    }

    fn is_news(&self, slot: &Slot) -> bool {
        let told = &slot.told;
        match &slot.feed {
            None => told.participant.is_some(),
            Some(feed) => {
                told.participant != Some(feed.participant)
                    || told.source != Some(feed.source)
                    || told.layer != self.layer_of(slot)
            }
        }
    }

    /// The name of a stream, or of the size that a slot carries of a stream with several.
    fn layer_of(&self, slot: &Slot) -> Option<Layer> {
        let feed = slot.feed.as_ref()?;
        let track = self.members.get(feed.publisher)?.tracks.get(feed.track)?;
        let stream = track.layers.get(feed.current?)?;
        stream.layer.or_else(|| stream.inner.name(slot.filter.current()?.spatial))
    }

    pub(crate) fn assignment(&self, slot: &Slot) -> SlotAssignment {
        let feed = slot.feed.as_ref();
        SlotAssignment {
            mid: slot.told.mid.clone(),
            kind: slot.kind,
            participant: feed.map(|feed| feed.participant),
            source: feed.map(|feed| feed.source),
            layer: self.layer_of(slot),
        }
    }
}

/// The layer whose keyframe a slot waits for.
fn awaited(now: Instant, track: &Track, feed: &Feed) -> Option<usize> {
    let target = feed.target_stream().filter(|target| feed.current != Some(*target))?;
    let is_live = |layer: usize| track.layers.get(layer).is_some_and(|stream| stream.is_live(now));
    if is_live(target) {
        return Some(target);
    }
    let highest = (0..track.layers.len()).rev().find(|layer| is_live(*layer));
    // Nothing is live yet when a picture is not encoded for anybody: then the wanted layer is asked for.
    feed.current.is_none().then_some(highest.unwrap_or(target))
}

/// Tiles in order of importance: screens, then pinned ones, then by priority and size.
fn ranked(view: &[TileRequest]) -> Vec<&TileRequest> {
    let mut tiles: Vec<&TileRequest> = view.iter().collect();
    tiles.sort_by_key(|tile| (class(tile), Reverse(u64::from(tile.width) * u64::from(tile.height))));
    tiles
}

/// Lower is served first.
fn class(tile: &TileRequest) -> u32 {
    let camera = u32::from(tile.source != SourceKind::Screen);
    camera << 16 | u32::from(!tile.pinned) << 8 | u32::from(u8::MAX - tile.priority)
}

fn demand(now: Instant, track: &Track, tile: &TileRequest, target: Option<codec::Layer>) -> Demand {
    let ladder = ladder(now, track);
    let wanted = rung_for_height(tile.height, &ladder);
    let current = target.and_then(|target| place_on(&ladder, target));
    Demand { class: class(tile), ladder, wanted, current }
}

/// Puts wishes into slots of a kind: who has a slot keeps it, others take free ones, idle longest first.
fn place(now: Instant, slots: &mut [Slot], kind: SlotKind, wishes: &[Wish]) {
    for slot in slots.iter_mut().filter(|slot| slot.kind == kind && slot.feed.is_some()) {
        if !wishes.iter().any(|wish| slot.carries(wish.publisher, wish.track)) {
            slot.set_feed(None);
        }
    }
    for wish in wishes {
        if slots.iter().any(|slot| slot.carries(wish.publisher, wish.track)) {
            continue;
        }
        let Some(free) = slots.iter_mut().find(|slot| slot.kind == kind && slot.feed.is_none()) else { return };
        free.set_feed(Some(Feed {
            publisher: wish.publisher,
            track: wish.track,
            participant: wish.participant,
            source: wish.source,
            current: None,
            epoch: 0,
            target: None,
            since: now,
            mapped: None,
        }));
    }
}

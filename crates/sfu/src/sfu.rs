//! The core's face: commands, datagrams and time in; datagrams, events and a deadline out.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use confab_protocol::{ParticipantId, SlotAssignment, SourceKind, TileRequest, TrackKind};
use confab_rtp::wire::NtpClock;
use str0m::config::{CryptoProvider, DtlsCert};

use crate::arena::{Arena, Key};
use crate::control::keys;
use crate::egress::downlink::FeedbackScratch;
use crate::egress::fan_out::Parking;
use crate::egress::outlet::Outlet;
use crate::event::{Counters, Event, Transmit};
use crate::member::Member;
use crate::relay::Relay;
use crate::room::{Carried, Room, TrackState};

/// Settings of one core.
#[derive(Clone, Debug)]
pub struct SfuConfig {
    /// Local addresses members can reach, in order of preference; told to them as ICE host candidates.
    pub candidates: Vec<SocketAddr>,
    /// Where a receiver's bandwidth estimate begins, bits per second. High enough for one 720p picture at once.
    pub initial_estimate: u64,
    /// Without a datagram for this long a member is [`Event::Silent`].
    pub silent_after: Duration,
    /// Without a datagram for this long a member is removed, in case nobody else does it.
    pub abandoned_after: Duration,
    /// Each stream is asked for a keyframe at most once in this time, whoever wants one.
    pub keyframe_interval: Duration,
    /// Sender and receiver reports go out this often.
    pub report_interval: Duration,
    /// A member that is sent nothing else is sent a report after this long: a client that hears nothing for half a second
    /// takes its way for broken and opens another.
    pub keepalive_interval: Duration,
    /// Without anything from the nominated address for this long, what a member is sent goes to the address of theirs
    /// that media comes from.
    pub rebound_after: Duration,
    /// A round trip that is not known yet is taken for this.
    pub unknown_round_trip: Duration,
    /// Time since the Unix epoch when the core begins; its reports count from it.
    pub unix_time: Duration,
}

impl Default for SfuConfig {
    fn default() -> Self {
        Self {
            candidates: Vec::new(),
            initial_estimate: 3_000_000,
            silent_after: Duration::from_secs(2),
            abandoned_after: Duration::from_secs(60),
            keyframe_interval: Duration::from_millis(300),
            report_interval: Duration::from_millis(500),
            keepalive_interval: Duration::from_millis(100),
            rebound_after: Duration::from_millis(300),
            unknown_round_trip: Duration::from_millis(50),
            unix_time: Duration::ZERO,
        }
    }
}

/// All rooms of one worker.
pub struct Sfu {
    pub(crate) config: SfuConfig,
    pub(crate) crypto: Arc<CryptoProvider>,
    pub(crate) certificate: DtlsCert,
    pub(crate) rooms: Arena<Room>,
    pub(crate) members: Arena<Member>,
    pub(crate) addresses: HashMap<SocketAddr, Key>,
    /// Members by the name that checks for them use.
    pub(crate) by_ufrag: HashMap<String, Key>,
    /// Members by the streams they send.
    pub(crate) stream_owners: HashMap<u32, Key>,
    /// When members want to be called; entries that are not a member's latest are passed over.
    pub(crate) timers: BinaryHeap<Reverse<(Instant, Key)>>,
    /// Rooms that [`Sfu::flush`] will steer.
    pub(crate) unsteered: Vec<Key>,
    /// Members whose slots may have changed since they were told.
    pub(crate) slots_changed: Vec<Key>,
    pub(crate) outlet: Outlet,
    pub(crate) parking: Parking,
    /// When the datagram that is being taken in came.
    pub(crate) arrival: Option<Instant>,
    /// For reports being written.
    pub(crate) scratch: Vec<u8>,
    pub(crate) numbers: Vec<u16>,
    pub(crate) feedback: FeedbackScratch,
    /// The clock of reports, from the first moment on.
    pub(crate) clock: Option<NtpClock>,
    pub(crate) events: Vec<(Key, Event)>,
    pub(crate) counters: Counters,
    pub(crate) next_tick: Option<Instant>,
    /// What goes to other cores.
    pub(crate) relay: Relay,
}

impl Sfu {
    /// A core without rooms.
    ///
    /// # Panics
    /// When the system gives no randomness to make a certificate of.
    pub fn new(config: SfuConfig) -> Self {
        let crypto = keys::crypto_provider();
        // One for all members. Without it nobody could be answered, so a core that has none is not to begin.
        let certificate = crypto.dtls_provider.generate_certificate().expect("the system gives randomness");
        Self {
            config,
            crypto,
            certificate,
            rooms: Arena::new(),
            members: Arena::new(),
            addresses: HashMap::new(),
            by_ufrag: HashMap::new(),
            stream_owners: HashMap::new(),
            timers: BinaryHeap::new(),
            unsteered: Vec::new(),
            slots_changed: Vec::new(),
            outlet: Outlet::default(),
            parking: Parking::default(),
            arrival: None,
            scratch: Vec::new(),
            numbers: Vec::new(),
            feedback: FeedbackScratch::default(),
            clock: None,
            events: Vec::new(),
            counters: Counters::default(),
            next_tick: None,
            relay: Relay::default(),
        }
    }

    /// Opens a room. It is the home of its name; see [`Self::set_home`] for rooms that other cores have too.
    pub fn open_room(&mut self) -> Key {
        self.rooms.insert(Room::new())
    }

    /// Closes a room and every media path in it, without events.
    pub fn close_room(&mut self, now: Instant, room: Key) {
        self.fan_out_all(now);
        self.unlink_all(now, room);
        let members = self.rooms.get(room).map(|room| room.members.clone()).unwrap_or_default();
        for member in members {
            self.remove(now, member);
        }
        self.count_tracks(room, Carried::default());
        self.rooms.remove(room);
        self.events.retain(|(of, _)| *of != room);
    }

    /// Ends a person's media path, without an event. Nothing happens when there is none.
    pub fn leave(&mut self, now: Instant, room: Key, participant: ParticipantId) {
        self.fan_out_all(now);
        if let Some(member) = self.find_here(room, participant) {
            self.remove(now, member);
            self.flush(now);
        }
    }

    /// Says what a person does with a track they offered. Other tracks are passed over.
    pub fn set_track(
        &mut self,
        now: Instant,
        room: Key,
        participant: ParticipantId,
        source: SourceKind,
        state: TrackState,
    ) {
        self.fan_out_all(now);
        let Some(key) = self.find_here(room, participant) else { return };
        if self.change_track(key, source, state) {
            self.relay_track(key, source);
            self.flush(now);
        }
    }

    /// Whether there is such a track.
    pub(crate) fn change_track(&mut self, key: Key, source: SourceKind, state: TrackState) -> bool {
        let Some(member) = self.members.get_mut(key) else { return false };
        let room = member.room;
        let Some(track) = member.tracks.iter_mut().find(|track| track.source == source) else { return false };
        if let TrackState::Published { height, .. } = state {
            track.height = height;
        }
        let begins = !track.is_published();
        track.state = state;
        if begins || !track.is_published() {
            // What comes after a pause is a stretch of its own, so that the pause is no gap in anybody's numbers.
            track.loudness.reset();
            track.told = None;
            let subscribers = track.subscribers.clone();
            for (subscriber, slot) in subscribers {
                self.restart_feed(subscriber, slot);
            }
        }
        self.needs_steering(room);
        true
    }

    fn restart_feed(&mut self, member: Key, slot: usize) {
        let Some(slot) = self.members.get_mut(member).and_then(|member| member.slots.get_mut(slot)) else { return };
        slot.end_stretch();
    }

    /// Says which pictures a person shows; replaces the view before.
    pub fn set_view(&mut self, now: Instant, room: Key, participant: ParticipantId, tiles: Vec<TileRequest>) {
        let Some(member) = self.find_here(room, participant).and_then(|key| self.members.get_mut(key)) else { return };
        member.view = tiles;
        member.view.retain(|tile| tile.source.track_kind() == TrackKind::Video);
        self.needs_steering(room);
        self.flush(now);
    }

    /// What every receive slot of a person carries; `None` when the person has no media path here.
    pub fn slots(&self, room: Key, participant: ParticipantId) -> Option<Vec<SlotAssignment>> {
        let member = self.members.get(self.find_here(room, participant)?)?;
        Some(member.slots.iter().map(|slot| self.assignment(slot)).collect())
    }

    /// What the network to a receiver is estimated to carry, bits per second; `None` while nobody estimates.
    pub fn estimate(&self, room: Key, participant: ParticipantId) -> Option<u64> {
        self.members.get(self.find_here(room, participant)?)?.downlink.estimate()
    }

    /// Datagrams to send, in order. Call after each batch of input and part of an audience, and give them back by [`Self::recycle`].
    pub fn take_transmits(&mut self) -> Vec<Transmit> {
        self.outlet.take()
    }

    /// Datagrams that [`Self::take_transmits`] would give.
    pub fn waiting_transmits(&self) -> usize {
        self.outlet.queued()
    }

    /// Takes back datagrams that were sent, to use their memory again.
    pub fn recycle(&mut self, sent: Vec<Transmit>) {
        self.outlet.recycle(sent);
    }

    /// Events with their rooms, in order. Call after each batch of input.
    pub fn take_events(&mut self) -> std::vec::Drain<'_, (Key, Event)> {
        self.events.drain(..)
    }

    /// A reading of the counters.
    pub fn counters(&self) -> Counters {
        let mirrors = self.relay.mirrors;
        Counters {
            members: (self.members.len() - mirrors) as u64,
            mirrors: mirrors as u64,
            rooms: self.rooms.len() as u64,
            ..self.counters
        }
    }

    /// A member or a mirror.
    pub(crate) fn find(&self, room: Key, participant: ParticipantId) -> Option<Key> {
        self.rooms.get(room)?.by_participant.get(&participant).copied()
    }

    /// The same, of those whose media path is on this core.
    pub(crate) fn find_here(&self, room: Key, participant: ParticipantId) -> Option<Key> {
        let key = self.find(room, participant)?;
        self.members.get(key).is_some_and(|member| member.peer().is_none()).then_some(key)
    }

    pub(crate) fn needs_steering(&mut self, room: Key) {
        if let Some(state) = self.rooms.get_mut(room)
            && !std::mem::replace(&mut state.needs_steering, true)
        {
            self.unsteered.push(room);
        }
    }

    pub(crate) fn emit(&mut self, room: Key, event: Event) {
        self.events.push((room, event));
    }
}

//! One core, some clients and the network between them, all in virtual time.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use confab_impair::{Impairment, Profile};
use confab_protocol::{Grants, Layer, ParticipantId, Role, SlotAssignment, SourceKind, TileRequest};
use confab_sfu::{Event, Joined, Joining, Key, Sfu, SfuConfig, TrackState};

use crate::client::{Client, Offered};

pub const STEP: Duration = Duration::from_millis(1);
const DELAY: Duration = Duration::from_millis(5);
const UDP_AND_IP: usize = 28;

/// Packets and bytes of one picture of each layer, lowest first.
pub type Film = [(u8, usize); 3];
/// About 0.1, 0.4 and 1.4 Mbit/s at 30 pictures a second.
pub const FILM: Film = [(1, 500), (2, 900), (5, 1_150)];

/// A small generator, so that a seed gives the same losses everywhere.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// 0 to `bound` - 1.
    pub fn below(&mut self, bound: usize) -> usize {
        ((self.next() >> 16) % bound.max(1) as u64) as usize
    }

    pub fn happens(&mut self, percent: f64) -> bool {
        ((self.next() % 100_000) as f64) < percent * 1_000.0
    }
}

/// The way of one client's packets.
#[derive(Clone, Default)]
pub struct Path {
    pub loss_up_percent: f64,
    pub loss_down_percent: f64,
    pub cut: bool,
    /// Where what the client sends seems to come from, if not from its address.
    pub seems_from: Option<SocketAddr>,
    /// Nothing arrives before this; then everything that was held does.
    pub stalled_until: Option<Instant>,
    /// Bits per second towards the client; 0 for no limit.
    pub rate_down: u64,
    pub busy_until: Option<Instant>,
    pub lost: u64,
    /// The longest a packet waited for the line.
    pub longest_wait: Duration,
    /// What happens to everything the client sends and is sent, instead of the above.
    pub up: Option<Impairment>,
    pub down: Option<Impairment>,
    /// The address others see instead of the client's own.
    pub nat: Option<SocketAddr>,
}

/// A datagram as it was put on the wire.
#[derive(Clone)]
pub struct Recorded {
    pub to_server: bool,
    pub source: SocketAddr,
    /// The client at its other end.
    pub client: usize,
    pub contents: Vec<u8>,
}

#[derive(Clone)]
struct Flying {
    to_server: bool,
    source: SocketAddr,
    destination: SocketAddr,
    contents: Vec<u8>,
}

pub struct Lab {
    pub now: Instant,
    pub sfu: Sfu,
    pub room: Key,
    pub server: SocketAddr,
    pub clients: Vec<Client>,
    pub paths: Vec<Path>,
    pub events: Vec<Event>,
    pub random: Random,
    /// Where datagrams went that belong to no client, and their first bytes.
    pub strays: Vec<(SocketAddr, u8)>,
    /// What clients sent, while somebody writes it down.
    pub sent: Option<Vec<Vec<u8>>>,
    flying: BTreeMap<(Instant, u64), Flying>,
    order: u64,
    /// What was on the wire, once [`Self::record`] was called.
    pub recorded: Option<Vec<Recorded>>,
    /// Layers told as watched, by person and source.
    pub watched: HashMap<(ParticipantId, SourceKind), Vec<Layer>>,
    /// Slots as each person was told.
    pub slots: HashMap<ParticipantId, BTreeMap<String, SlotAssignment>>,
}

impl Lab {
    pub fn new() -> Self {
        Self::with(SfuConfig::default())
    }

    pub fn with(config: SfuConfig) -> Self {
        let server: SocketAddr = "10.0.0.1:5000".parse().unwrap();
        let mut sfu = Sfu::new(SfuConfig { candidates: vec![server], ..config });
        let room = sfu.open_room();
        let now = Instant::now();
        Self {
            now,
            sfu,
            room,
            server,
            clients: vec![],
            paths: vec![],
            events: vec![],
            random: Random::new(1),
            strays: vec![],
            sent: None,
            flying: BTreeMap::new(),
            order: 0,
            recorded: None,
            watched: HashMap::new(),
            slots: HashMap::new(),
        }
    }

    pub fn grants() -> Grants {
        Role::Participant.grants()
    }

    /// Joins a client with the usual offer and waits until it is connected.
    pub fn join(&mut self) -> usize {
        let index = self.begin_join(&Offered::default(), Self::grants());
        self.run_until(Duration::from_secs(2), |lab| lab.clients[index].connected);
        self.run(Duration::from_millis(20));
        index
    }

    pub fn begin_join(&mut self, offered: &Offered, grants: Grants) -> usize {
        let index = self.clients.len();
        let address = SocketAddr::from(([10, 0, 1, index as u8 + 1], 7_000));
        let client = Client::new(self.now, address);
        self.begin_join_of(client, offered, grants)
    }

    /// Joins a client made elsewhere.
    pub fn begin_join_of(&mut self, mut client: Client, offered: &Offered, grants: Grants) -> usize {
        let index = self.clients.len();
        let (offer, tracks, pending) = client.offer(offered);
        let joining = Joining { participant: client.id, offer: &offer, tracks: &tracks, grants };
        let joined: Joined = self.sfu.join(self.now, self.room, &joining).unwrap();
        client.accept(pending, &joined.answer);
        client.advance(self.now);
        self.slots.insert(client.id, joined.slots.into_iter().map(|slot| (slot.mid.clone(), slot)).collect());
        self.clients.push(client);
        self.paths.push(Path::default());
        index
    }

    pub fn id(&self, client: usize) -> ParticipantId {
        self.clients[client].id
    }

    pub fn publish(&mut self, client: usize, source: SourceKind) {
        let (width, height) = match source {
            SourceKind::Camera | SourceKind::Screen => (1_280, 720),
            _ => (0, 0),
        };
        self.set_track(client, source, TrackState::Published { width, height });
    }

    pub fn set_track(&mut self, client: usize, source: SourceKind, state: TrackState) {
        let id = self.id(client);
        self.sfu.set_track(self.now, self.room, id, source, state);
    }

    pub fn view(&mut self, client: usize, tiles: &[(usize, SourceKind, u32)]) {
        let tiles: Vec<TileRequest> =
            tiles.iter().map(|(of, source, height)| self.tile(*of, *source, *height)).collect();
        self.view_tiles(client, tiles);
    }

    pub fn view_tiles(&mut self, client: usize, tiles: Vec<TileRequest>) {
        let id = self.id(client);
        self.sfu.set_view(self.now, self.room, id, tiles);
    }

    pub fn tile(&self, of: usize, source: SourceKind, height: u32) -> TileRequest {
        let participant = self.id(of);
        TileRequest { participant, source, width: height * 16 / 9, height, priority: 0, pinned: false }
    }

    /// Keeps a copy of everything that is put on the wire from now on.
    pub fn record(&mut self) {
        self.recorded = Some(Vec::new());
    }

    /// What was recorded since; recording ends.
    pub fn take_recorded(&mut self) -> Vec<Recorded> {
        self.recorded.take().unwrap_or_default()
    }

    /// A datagram arrives at the server now.
    pub fn inject(&mut self, source: SocketAddr, contents: &[u8]) {
        let server = self.server;
        self.sfu.handle_datagram(self.now, source, server, &mut contents.to_vec());
    }

    /// Whether every count an issue names is wanted, not the quick selection.
    pub fn is_full() -> bool {
        std::env::var_os("CONFAB_FULL").is_some_and(|value| value != "0")
    }

    /// Runs for a time, nobody sending anything new.
    pub fn run(&mut self, duration: Duration) {
        let end = self.now + duration;
        while self.now < end {
            self.step();
        }
    }

    pub fn run_until(&mut self, at_most: Duration, mut done: impl FnMut(&Self) -> bool) {
        let end = self.now + at_most;
        while !done(self) {
            assert!(self.now < end, "not within {at_most:?}");
            self.step();
        }
    }

    /// Runs for a time with media: `send` is called every 10 ms with the number of the call.
    pub fn run_with(&mut self, duration: Duration, mut send: impl FnMut(&mut Self, u64)) {
        for call in 0..duration.as_millis() as u64 / 10 {
            send(self, call);
            self.run(Duration::from_millis(10));
        }
    }

    pub fn step(&mut self) {
        self.now += STEP;
        self.collect();
        while let Some(entry) = self.flying.first_entry() {
            if entry.key().0 > self.now {
                break;
            }
            let packet = entry.remove();
            self.deliver(packet);
        }
        self.sfu.flush(self.now);
        if self.sfu.poll_timeout().is_some_and(|at| at <= self.now) {
            self.sfu.handle_timeout(self.now);
        }
        for client in &mut self.clients {
            if client.deadline <= self.now {
                client.advance(self.now);
            }
        }
        self.collect();
    }

    /// Whose datagrams go to this address.
    fn owner(&self, address: SocketAddr) -> Option<usize> {
        (0..self.clients.len()).find(|index| self.paths[*index].nat.unwrap_or(self.clients[*index].address) == address)
    }

    /// Both ways of a client's packets are like this from now on. UDP and IP count on a line of limited rate.
    pub fn impair(&mut self, client: usize, profile: Profile, seed: u64) {
        self.paths[client].up = Some(Impairment::new(profile, seed * 2));
        self.paths[client].down = Some(Impairment::new(profile, seed * 2 + 1));
    }

    /// The estimate for a receiver, bits per second.
    pub fn estimate(&self, client: usize) -> u64 {
        self.sfu.estimate(self.room, self.id(client)).unwrap_or(0)
    }

    fn deliver(&mut self, packet: Flying) {
        if packet.to_server {
            let mut contents = packet.contents;
            if let Some(recorded) = &mut self.sent {
                recorded.push(contents.clone());
            }
            self.sfu.handle_datagram(self.now, packet.source, packet.destination, &mut contents);
        } else if let Some(client) = self.owner(packet.destination) {
            self.clients[client].handle(self.now, packet.source, &packet.contents);
        }
    }

    /// Puts what both sides want to send on the wire, and notes events.
    fn collect(&mut self) {
        for index in 0..self.clients.len() {
            let outgoing = std::mem::take(&mut self.clients[index].outgoing);
            for (source, destination, contents) in outgoing {
                let source = self.paths[index].nat.unwrap_or(source);
                let (cut, loss) = (self.paths[index].cut, self.paths[index].loss_up_percent);
                let source = self.paths[index].seems_from.unwrap_or(source);
                self.send(index, cut, loss, true, Flying { to_server: true, source, destination, contents });
            }
        }
        let transmits = self.sfu.take_transmits();
        for transmit in &transmits {
            let Some(index) = self.owner(transmit.destination) else {
                self.strays.push((transmit.destination, transmit.contents[0]));
                continue;
            };
            let (cut, loss) = (self.paths[index].cut, self.paths[index].loss_down_percent);
            let (source, destination, contents) = (transmit.source, transmit.destination, transmit.contents.clone());
            self.send(index, cut, loss, false, Flying { to_server: false, source, destination, contents });
        }
        self.sfu.recycle(transmits);
        let events: Vec<_> = self.sfu.take_events().collect();
        for (_, event) in events {
            self.note(event);
        }
    }

    fn send(&mut self, path: usize, cut: bool, loss: f64, up: bool, packet: Flying) {
        let now = self.now;
        let Path { up: way_up, down: way_down, longest_wait, .. } = &mut self.paths[path];
        let impairment = if up { way_up } else { way_down };
        if let Some(impairment) = impairment.as_mut().filter(|_| !cut) {
            for at in impairment.offer(now, packet.contents.len() + UDP_AND_IP).arrivals() {
                let wait = (at - now).saturating_sub(impairment.profile().delay);
                self.order += 1;
                self.flying.insert((at, self.order), packet.clone());
                if !up {
                    *longest_wait = wait.max(*longest_wait);
                }
            }
            return;
        }
        // Only media is lost, so that a run's figures are about media.
        let is_media = packet.contents[0] >= 128 && !(64..96).contains(&(packet.contents[1] & 0x7f));
        if cut || (is_media && loss > 0.0 && self.random.happens(loss)) {
            self.paths[path].lost += 1;
            return;
        }
        if let Some(recorded) = &mut self.recorded {
            let (to_server, source, contents) = (packet.to_server, packet.source, packet.contents.clone());
            recorded.push(Recorded { to_server, source, client: path, contents });
        }
        let mut at = self.now + DELAY;
        let rate = self.paths[path].rate_down;
        if !up && rate > 0 {
            let begin = self.paths[path].busy_until.map_or(self.now, |until| until.max(self.now));
            self.paths[path].longest_wait = self.paths[path].longest_wait.max(begin - self.now);
            let end = begin + Duration::from_micros(packet.contents.len() as u64 * 8_000_000 / rate);
            if end - self.now > Duration::from_millis(300) {
                self.paths[path].lost += 1;
                return;
            }
            self.paths[path].busy_until = Some(end);
            at = end + DELAY;
        }
        if let Some(until) = self.paths[path].stalled_until {
            at = at.max(until);
        }
        self.order += 1;
        self.flying.insert((at, self.order), packet);
    }

    fn note(&mut self, event: Event) {
        match &event {
            Event::Layers { id, source, wanted } => {
                self.watched.insert((*id, *source), wanted.clone());
            }
            Event::Slots { id, changed } => {
                let slots = self.slots.entry(*id).or_default();
                for slot in changed {
                    slots.insert(slot.mid.clone(), slot.clone());
                }
            }
            _ => {}
        }
        self.events.push(event);
    }

    /// The slot that carries a source for a client, as it was told.
    pub fn slot_of(&self, client: usize, of: usize, source: SourceKind) -> Option<SlotAssignment> {
        let participant = self.id(of);
        let slots = self.slots.get(&self.id(client))?;
        slots.values().find(|slot| slot.participant == Some(participant) && slot.source == Some(source)).cloned()
    }

    /// Layers of a source that its sender was told to encode, as indices.
    pub fn watched_layers(&self, client: usize, source: SourceKind) -> Vec<usize> {
        let wanted = self.watched.get(&(self.id(client), source)).cloned().unwrap_or_default();
        wanted.into_iter().map(|layer| layer as usize).collect()
    }

    /// They speak, a packet every 20 ms: for every call of [`Self::run_with`].
    pub fn talk(&mut self, clients: &[usize], call: u64) {
        for client in clients.iter().filter(|_| call.is_multiple_of(2)) {
            self.clients[*client].speak(self.now, -30);
        }
    }

    /// A client's camera with three layers at 30 pictures a second, those told to be watched. Call every 10 ms.
    pub fn film(&mut self, client: usize, call: u64) {
        self.film_like(client, call, &FILM);
    }

    pub fn film_like(&mut self, client: usize, call: u64, film: &Film) {
        if !call.is_multiple_of(3) {
            return;
        }
        for layer in self.watched_layers(client, SourceKind::Camera) {
            let (packets, bytes) = film[layer];
            let now = self.now;
            self.clients[client].show(now, SourceKind::Camera, &[layer], packets, bytes);
        }
    }
}

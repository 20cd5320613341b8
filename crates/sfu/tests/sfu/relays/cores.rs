//! Several cores with one room, each with its own clients and network, linked all to all; in one virtual time.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use confab_protocol::{ParticipantId, SlotAssignment, SourceKind, TileRequest};
use confab_sfu::{Event, Peer};

use crate::client::{Client, Offered, Received};
use crate::lab::{FILM, Lab};

/// The name of the room on all cores.
pub const ROOM: u64 = 77;

/// A core, and which of its clients.
pub type Person = (usize, usize);

pub struct Cores {
    pub labs: Vec<Lab>,
    /// Cores that do nothing any more.
    pub ended: HashSet<usize>,
    /// Batches under way, from and to; handed over in the next step.
    under_way: VecDeque<(usize, usize, Vec<u8>)>,
    /// Everything that crossed, while somebody writes it down.
    pub recorded: Option<Vec<(usize, usize, Vec<u8>)>>,
}

impl Cores {
    /// So many cores, linked, the first being the room's home.
    pub fn new(count: usize) -> Self {
        let mut cores = Self::unlinked(count);
        for core in 0..count {
            for other in 0..count {
                cores.link(core, other);
            }
        }
        cores
    }

    pub fn unlinked(count: usize) -> Self {
        let mut labs: Vec<Lab> = (0..count).map(|_| Lab::new()).collect();
        let now = labs[0].now;
        for (core, lab) in labs.iter_mut().enumerate() {
            lab.now = now;
            lab.sfu.set_home(lab.room, core == 0);
        }
        Self { labs, ended: HashSet::new(), under_way: VecDeque::new(), recorded: None }
    }

    /// Core `core` is told that `other` has the room too.
    pub fn link(&mut self, core: usize, other: usize) {
        if core != other {
            let lab = &mut self.labs[core];
            lab.sfu.link_room(lab.now, lab.room, ROOM, Peer(other as u32)).unwrap();
        }
    }

    pub fn unlink(&mut self, core: usize, other: usize) {
        let lab = &mut self.labs[core];
        lab.sfu.unlink_room(lab.now, lab.room, Peer(other as u32));
    }

    /// Core `core` stops, and the others are told.
    pub fn end(&mut self, core: usize) {
        self.ended.insert(core);
        for other in 0..self.labs.len() {
            if !self.ended.contains(&other) {
                self.unlink(other, core);
            }
        }
    }

    pub fn join(&mut self, core: usize) -> Person {
        let client = self.labs[core].begin_join(&Offered::default(), Lab::grants());
        self.connect((core, client))
    }

    /// The same with a client made elsewhere.
    pub fn join_of(&mut self, core: usize, client: Client) -> Person {
        let client = self.labs[core].begin_join_of(client, &Offered::default(), Lab::grants());
        self.connect((core, client))
    }

    fn connect(&mut self, person: Person) -> Person {
        for _ in 0..2_000 {
            let client = self.client(person);
            if client.connected || client.keys.is_some() {
                break;
            }
            self.step();
        }
        self.run(Duration::from_millis(20));
        person
    }

    pub fn client(&mut self, (core, client): Person) -> &mut Client {
        &mut self.labs[core].clients[client]
    }

    pub fn id(&self, (core, client): Person) -> ParticipantId {
        self.labs[core].id(client)
    }

    pub fn publish(&mut self, (core, client): Person, source: SourceKind) {
        self.labs[core].publish(client, source);
    }

    pub fn view(&mut self, viewer: Person, tiles: &[(Person, SourceKind, u32)]) {
        let tile = |(of, source, height): &(Person, SourceKind, u32)| TileRequest {
            participant: self.id(*of),
            source: *source,
            width: height * 16 / 9,
            height: *height,
            priority: 0,
            pinned: false,
        };
        let tiles = tiles.iter().map(tile).collect();
        self.labs[viewer.0].view_tiles(viewer.1, tiles);
    }

    pub fn leave(&mut self, person: Person) {
        let id = self.id(person);
        let lab = &mut self.labs[person.0];
        lab.sfu.leave(lab.now, lab.room, id);
    }

    pub fn slot_of(&self, viewer: Person, of: Person, source: SourceKind) -> Option<SlotAssignment> {
        let (participant, viewer_id) = (self.id(of), self.id(viewer));
        let slots = self.labs[viewer.0].slots.get(&viewer_id)?;
        slots.values().find(|slot| slot.participant == Some(participant) && slot.source == Some(source)).cloned()
    }

    /// What came on the slot that carries a source now.
    pub fn received(&self, viewer: Person, of: Person, source: SourceKind) -> Vec<Received> {
        let slot = self.slot_of(viewer, of, source).expect("a slot carries it");
        self.labs[viewer.0].clients[viewer.1].on(&slot.mid)
    }

    /// Layers of a camera that its sender was told to encode.
    pub fn watched(&self, (core, client): Person) -> Vec<usize> {
        self.labs[core].watched_layers(client, SourceKind::Camera)
    }

    pub fn film(&mut self, (core, client): Person, call: u64) {
        self.labs[core].film_like(client, call, &FILM);
    }

    /// A voice packet every 20 ms, if called every 10 ms.
    pub fn speak(&mut self, person: Person, call: u64, level: i8) {
        if call.is_multiple_of(2) {
            let now = self.labs[person.0].now;
            self.client(person).speak(now, level);
        }
    }

    /// Who speaks, as the home told last.
    pub fn speakers(&self, home: usize) -> Vec<ParticipantId> {
        let told = self.labs[home].events.iter().rev().find_map(|event| match event {
            Event::Speaking(speaking) => Some(speaking.clone()),
            _ => None,
        });
        told.unwrap_or_default()
    }

    pub fn run(&mut self, duration: Duration) {
        for _ in 0..duration.as_millis() {
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
        let arriving = std::mem::take(&mut self.under_way);
        for (from, to, contents) in arriving {
            if !self.ended.contains(&to) {
                let lab = &mut self.labs[to];
                lab.sfu.handle_relayed(lab.now, Peer(from as u32), &contents);
                lab.sfu.flush(lab.now);
            }
        }
        for core in 0..self.labs.len() {
            if self.ended.contains(&core) {
                continue;
            }
            let lab = &mut self.labs[core];
            lab.step();
            let batches = lab.sfu.take_relayed();
            for batch in &batches {
                self.under_way.push_back((core, batch.peer.0 as usize, batch.contents.clone()));
            }
            lab.sfu.recycle_relayed(batches);
        }
        if let Some(recorded) = &mut self.recorded {
            recorded.extend(self.under_way.iter().cloned());
        }
    }
}

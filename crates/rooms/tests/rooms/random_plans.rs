//! Random plans: whatever people, media plane, store and clock do, and in whatever order, the crate's promises hold
//! after every step. A plan is its seed; a failure prints it.

use std::collections::BTreeSet;
use std::time::Duration;

use confab_protocol::{ChatMessageId, Layer, Limits, ParticipantId, RequestId, Role, ServerMessage, TileRequest};
use confab_rooms::{Command, RoomConfig, SessionEnd, SessionId};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::world::{SOURCES, World, slot};

const PLANS: u64 = 400;
const STEPS: u32 = 200;
const CAPACITY: u32 = 5;
const ROLES: [Role; 5] = [Role::Host, Role::CoHost, Role::Presenter, Role::Participant, Role::Viewer];

struct Plan {
    seed: u64,
    random: StdRng,
    world: World,
    people: Vec<(ParticipantId, Role)>,
    sessions: Vec<SessionId>,
    stored: Vec<ChatMessageId>,
}

#[test]
fn the_promises_hold_whatever_happens_in_whatever_order() {
    let (mut joins, mut resumes, mut time_outs, mut chats) = (0, 0, 0, 0);
    for seed in 0..PLANS {
        let mut plan = Plan::new(seed);
        for _ in 0..STEPS {
            plan.step();
            plan.check();
        }
        plan.quiesce();
        joins += plan.world.told.values().filter(|told| !told.messages.is_empty()).count();
        resumes += plan.world.told.values().filter(|told| told.detached).count();
        let timed_out = confab_protocol::LeaveReason::TimedOut;
        time_outs += plan.world.left.iter().filter(|(_, reason)| *reason == timed_out).count();
        chats += plan.stored.len();
    }
    // The plans are worth their name only when they reach the corners.
    assert!(
        joins > 4_000 && resumes > 200 && time_outs > 400 && chats > 2_000,
        "{joins} {resumes} {time_outs} {chats}"
    );
}

impl Plan {
    fn new(seed: u64) -> Self {
        let limits = Limits { room_participants: CAPACITY, ..Limits::default() };
        Self {
            seed,
            random: StdRng::seed_from_u64(seed),
            world: World::with(RoomConfig::from_limits(&limits)),
            people: (0..8).map(|number| (ParticipantId::new(), ROLES[number % ROLES.len()])).collect(),
            sessions: vec![],
            stored: vec![],
        }
    }

    fn pick(&mut self, length: usize) -> usize {
        self.random.random_range(0..length)
    }

    fn chance(&mut self, percent: u32) -> bool {
        self.random.random_range(0..100) < percent
    }

    fn person(&mut self) -> ParticipantId {
        let index = self.pick(self.people.len());
        self.people[index].0
    }

    /// Mostly a session that is in the room, sometimes one that was or never will be.
    fn session(&mut self) -> SessionId {
        let inside: Vec<SessionId> =
            self.world.told.iter().filter(|(_, told)| told.people.is_some()).map(|(session, _)| *session).collect();
        if !inside.is_empty() && self.chance(85) {
            return inside[self.pick(inside.len())];
        }
        if self.sessions.is_empty() {
            return SessionId(0);
        }
        let index = self.pick(self.sessions.len());
        self.sessions[index]
    }

    fn step(&mut self) {
        match self.pick(100) {
            0..14 => {
                let index = self.pick(self.people.len());
                let (participant, role) = self.people[index];
                let session = self.world.begin_join(participant, role);
                self.sessions.push(session);
            }
            14..20 => {
                let (session, participant) = (self.world.session(), self.person());
                self.sessions.push(session);
                self.world.handle(Command::Resume { session, request: RequestId(2), participant });
            }
            20..23 => {
                let session = self.session();
                self.world.handle(Command::Restart { session, request: RequestId(3) });
            }
            23..40 => self.media_answers(),
            40..44 => {
                let session = self.session();
                self.world.handle(Command::Leave { session });
            }
            44..50 => {
                let session = self.session();
                let end = if self.chance(30) { SessionEnd::Closed } else { SessionEnd::Lost };
                self.world.handle(Command::SessionEnded { session, end });
                // A connection that is over says nothing more.
                self.sessions.retain(|known| *known != session);
                if let Some(told) = self.world.told.get_mut(&session) {
                    told.people = None;
                }
            }
            50..62 => self.say(),
            62..74 => self.chat(),
            74..90 => self.media_news(),
            _ => {
                let time = Duration::from_millis(self.random.random_range(0..6_000));
                self.world.pass(time);
            }
        }
    }

    fn media_answers(&mut self) {
        if self.world.asked.is_empty() {
            return;
        }
        let (index, fits) = (self.pick(self.world.asked.len()), self.chance(80));
        self.world.media_does(index, fits);
        if self.chance(70) {
            self.world.media_answers(index);
        }
    }

    fn say(&mut self) {
        let (session, index, muted) = (self.session(), self.pick(SOURCES.len()), self.chance(50));
        let source = SOURCES[index];
        let command = match self.pick(5) {
            0 => Command::Publish { session, source, muted, width: 640, height: 360 },
            1 => Command::Unpublish { session, source },
            2 => Command::Mute { session, source, muted },
            3 => Command::Hand { session, raised: muted },
            _ => {
                let participant = self.person();
                let tile = TileRequest { participant, source, width: 64, height: 36, priority: 0, pinned: muted };
                Command::View { session, tiles: vec![tile] }
            }
        };
        self.world.handle(command);
    }

    fn chat(&mut self) {
        if self.chance(50) {
            let session = self.session();
            return self.world.write(session, "hello");
        }
        let stored = self.chance(80);
        let id = self.world.unstored.front().map(|(_, _, message)| message.id);
        self.world.store_answers(stored);
        self.stored.extend(id.filter(|_| stored));
    }

    fn media_news(&mut self) {
        let participant = self.person();
        if !self.world.media.contains(&participant) {
            return;
        }
        // A path whose answer is still on its way has nobody yet who could close it.
        let unanswered = self.world.asked.iter().any(|asked| asked.participant == participant && asked.done.is_some());
        if !unanswered && self.chance(10) {
            return self.world.media_closes(participant);
        }
        let command = match self.pick(7) {
            0 | 1 => Command::MediaConnected(participant),
            2 | 3 => Command::MediaSilent { participant, since: self.world.now },
            4 => Command::MediaBack(participant),
            5 => {
                let other = self.person();
                Command::Slots { participant, changed: vec![slot("s0", Some(other))] }
            }
            _ if self.chance(50) => Command::Speaking(vec![participant]),
            _ => Command::Layers { participant, source: SOURCES[1], wanted: vec![Layer::Full] },
        };
        self.world.handle(command);
    }

    fn check(&self) {
        let (seed, room) = (self.seed, &self.world.room);
        let people = room.participants();
        let ids: BTreeSet<ParticipantId> = people.iter().map(|info| info.id).collect();
        assert_eq!(ids.len(), people.len(), "seed {seed}: one person, once");
        assert!(people.len() <= CAPACITY as usize, "seed {seed}: capacity");

        // One session, one person; and the same story for all.
        let mut driven = BTreeSet::new();
        for (session, told) in &self.world.told {
            let member = room.member_of(*session);
            assert_eq!(member.is_some(), told.people.is_some(), "seed {seed}: {session:?} knows whether it is inside");
            if let (Some(member), Some(story)) = (member, &told.people) {
                assert!(driven.insert(member.id()), "seed {seed}: a member has one session");
                assert_eq!(*story, people, "seed {seed}: {session:?} has the room's list");
            }
        }

        // Default deny.
        for info in &people {
            let grants = self.people.iter().find(|(id, _)| *id == info.id).map(|(_, role)| role.grants());
            let grants = grants.expect("only people of the plan are in the room");
            assert!(info.tracks.is_empty() || grants.publish, "seed {seed}: who may not publish does not");
        }

        // Nobody has media without being a member or on the way to be one; whose path has ended has a deadline.
        for participant in &self.world.media {
            let coming = self.world.asked.iter().any(|asked| asked.participant == *participant);
            assert!(ids.contains(participant) || coming, "seed {seed}: media of a member who left is closed");
        }
        for info in people.iter().filter(|info| !self.world.media.contains(&info.id)) {
            let rejoining = info.connection == confab_protocol::Connection::Rejoining;
            assert!(rejoining, "seed {seed}: a member without a media path is seen to be");
        }
    }

    /// Everything is answered, everybody goes away without a word, and the room is empty in the end.
    fn quiesce(&mut self) {
        let seed = self.seed;
        while !self.world.asked.is_empty() {
            self.world.media_answers(0);
            self.check();
        }
        while let Some((_, _, message)) = self.world.unstored.front() {
            self.stored.push(message.id);
            self.world.store_answers(true);
        }
        self.check_chat();
        for (participant, _) in self.people.clone() {
            self.world.handle(Command::MediaSilent { participant, since: self.world.now });
        }
        self.world.pass(Duration::from_mins(1));
        self.check();
        assert!(self.world.room.is_empty(), "seed {seed}: nobody stays for ever");
        assert!(self.world.media.is_empty(), "seed {seed}: every media path is closed");
        assert_eq!(self.world.room.next_deadline(), None);
    }

    /// Chat reaches people once, in the order of the store, and only when stored.
    fn check_chat(&self) {
        for told in self.world.told.values() {
            let chat = |message: &ServerMessage| match message {
                ServerMessage::ChatMessage { chat, .. } => Some(chat.id),
                _ => None,
            };
            let heard: Vec<ChatMessageId> = told.messages.iter().filter_map(chat).collect();
            let mut stored = self.stored.iter();
            let in_order = heard.iter().all(|id| stored.any(|stored| stored == id));
            assert!(in_order, "seed {}: chat once, in order, and only when stored", self.seed);
        }
    }
}

//! Around a room: its clock, a media plane and a store that answer when told to, and what every session has been told.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use confab_protocol::{
    ChatMessage, ChatMessageId, ErrorCode, Grants, LeaveReason, Limits, ParticipantId, ParticipantInfo, RequestId,
    Role, ServerMessage, SlotAssignment, SlotKind, SourceKind,
};
use confab_rooms::{Command, Effect, JoinRequest, MediaPurpose, Now, Refusal, Room, RoomConfig, SessionEnd, SessionId};

/// What one session has been told.
#[derive(Default)]
pub struct Told {
    pub messages: Vec<ServerMessage>,
    /// The people in the room, as a client that believes every message has them; `None` outside the room.
    pub people: Option<Vec<ParticipantInfo>>,
    pub ended: Option<LeaveReason>,
    pub detached: bool,
}

/// A media operation that has not been answered.
#[derive(Clone, Debug)]
pub struct Asked {
    pub session: SessionId,
    pub participant: ParticipantId,
    pub purpose: MediaPurpose,
    /// What the media plane has done by now, and is about to answer.
    pub done: Option<bool>,
}

pub struct World {
    pub room: Room,
    pub start: Instant,
    pub now: Instant,
    pub told: BTreeMap<SessionId, Told>,
    pub asked: Vec<Asked>,
    pub unstored: VecDeque<(SessionId, Option<RequestId>, ChatMessage)>,
    /// Media paths that were opened and not closed.
    pub media: BTreeSet<ParticipantId>,
    pub left: Vec<(ParticipantId, LeaveReason)>,
    /// Effects of the last command.
    pub last: Vec<Effect>,
    next_session: u64,
}

pub const SOURCES: [SourceKind; 3] = [SourceKind::Microphone, SourceKind::Camera, SourceKind::Screen];

impl World {
    pub fn new() -> Self {
        Self::with(RoomConfig::default())
    }

    pub fn with(config: RoomConfig) -> Self {
        let now = Instant::now();
        Self {
            room: Room::new("kestrel-lane-27".parse().unwrap(), config, vec![]),
            start: now,
            now,
            told: BTreeMap::new(),
            asked: vec![],
            unstored: VecDeque::new(),
            media: BTreeSet::new(),
            left: vec![],
            last: vec![],
            next_session: 0,
        }
    }

    pub fn capacity(people: u32) -> Self {
        Self::with(RoomConfig::from_limits(&Limits { room_participants: people, ..Limits::default() }))
    }

    pub fn unix_ms(&self) -> u64 {
        1_700_000_000_000 + (self.now - self.start).as_millis() as u64
    }

    pub fn session(&mut self) -> SessionId {
        self.next_session += 1;
        SessionId(self.next_session)
    }

    /// Lets something happen and carries out the effects; media and store do not answer yet.
    pub fn handle(&mut self, command: Command) {
        let now = Now { instant: self.now, unix_ms: self.unix_ms() };
        self.last = self.room.handle(now, command);
        for effect in self.last.clone() {
            self.carry_out(effect);
        }
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Send { to, message } => {
                for session in to {
                    self.told.entry(session).or_default().hear(&message);
                }
            }
            Effect::AskMedia { session, participant, purpose } => {
                assert!(self.asked.iter().all(|asked| asked.participant != participant), "one operation at a time");
                self.asked.push(Asked { session, participant, purpose, done: None });
            }
            Effect::Joined { session, participants, .. } => {
                let told = self.told.entry(session).or_default();
                told.people = Some(participants);
                (told.ended, told.detached) = (None, false);
            }
            Effect::Restarted { .. } | Effect::SetTrack { .. } | Effect::SetView { .. } => {}
            Effect::Ended { session, reason } => {
                let told = self.told.entry(session).or_default();
                (told.people, told.ended) = (None, Some(reason));
            }
            Effect::Detached { session } => {
                let told = self.told.entry(session).or_default();
                (told.people, told.detached) = (None, true);
            }
            Effect::Left { participant, reason } => self.left.push((participant, reason)),
            Effect::CloseMedia { participant } => {
                // It may have closed by itself before.
                self.media.remove(&participant);
            }
            Effect::StoreChat { session, request, message } => self.unstored.push_back((session, request, message)),
        }
    }

    /// The media plane does what it was asked at this place of the queue, or finds the offer broken. Its answer is on
    /// the way.
    pub fn media_does(&mut self, index: usize, fits: bool) {
        let asked = &mut self.asked[index];
        if asked.done.is_none() {
            let join = matches!(asked.purpose, MediaPurpose::Join(_));
            asked.done = Some(fits && (join || self.media.contains(&asked.participant)));
            if asked.done == Some(true) {
                self.media.insert(asked.participant);
            }
        }
    }

    /// The media plane's answer to what it was asked at this place of the queue arrives.
    pub fn media_answers(&mut self, index: usize) {
        self.media_does(index, true);
        let Asked { session, participant, purpose, done } = self.asked.remove(index);
        let join = matches!(purpose, MediaPurpose::Join(_));
        self.handle(if done == Some(true) {
            let slots = if join { vec![slot("s0", None)] } else { vec![] };
            Command::MediaReady { session, participant, slots }
        } else {
            let code = if join { ErrorCode::SdpInvalid } else { ErrorCode::SessionGone };
            Command::MediaRefused { session, participant, refusal: Refusal::new(code, "It cannot be done.") }
        });
    }

    /// The media plane refuses what it was asked at this place of the queue.
    pub fn media_refuses(&mut self, index: usize) {
        self.media_does(index, false);
        self.media_answers(index);
    }

    /// The media path ends by itself.
    pub fn media_closes(&mut self, participant: ParticipantId) {
        self.media.remove(&participant);
        self.handle(Command::MediaClosed(participant));
    }

    /// The store answers for the oldest message it was given.
    pub fn store_answers(&mut self, stored: bool) {
        let Some((session, request, message)) = self.unstored.pop_front() else { return };
        self.handle(if stored {
            Command::ChatStored { session, request, message }
        } else {
            Command::ChatNotStored { session, request }
        });
    }

    pub fn join_request(&mut self, participant: ParticipantId, role: Role) -> JoinRequest {
        JoinRequest {
            session: self.session(),
            request: RequestId(1),
            participant,
            name: "Ada".into(),
            role,
            grants: role.grants(),
            offered: SOURCES.to_vec(),
        }
    }

    /// Somebody asks to come in, and the media plane has not answered.
    pub fn begin_join(&mut self, participant: ParticipantId, role: Role) -> SessionId {
        let join = self.join_request(participant, role);
        let session = join.session;
        self.handle(Command::Join(join));
        session
    }

    /// Somebody comes in with media up.
    pub fn join_as(&mut self, role: Role) -> (ParticipantId, SessionId) {
        let participant = ParticipantId::new();
        let session = self.begin_join(participant, role);
        self.media_answers(self.asked.len() - 1);
        self.handle(Command::MediaConnected(participant));
        (participant, session)
    }

    /// Somebody comes in with rights of their own.
    pub fn join_with(&mut self, grants: Grants) -> SessionId {
        let participant = ParticipantId::new();
        let join = JoinRequest { grants, ..self.join_request(participant, Role::Participant) };
        let session = join.session;
        self.handle(Command::Join(join));
        self.media_answers(self.asked.len() - 1);
        self.handle(Command::MediaConnected(participant));
        session
    }

    pub fn join(&mut self) -> (ParticipantId, SessionId) {
        self.join_as(Role::Participant)
    }

    pub fn lose(&mut self, session: SessionId) {
        self.handle(Command::SessionEnded { session, end: SessionEnd::Lost });
    }

    /// The person's packets stop now, and the media plane notices two seconds later.
    pub fn fall_silent(&mut self, participant: ParticipantId) {
        let since = self.now;
        self.pass(Duration::from_secs(2));
        self.handle(Command::MediaSilent { participant, since });
    }

    /// Time passes; deadlines on the way are met.
    pub fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(deadline) = self.room.next_deadline().filter(|deadline| *deadline <= end) {
            self.now = self.now.max(deadline);
            self.handle(Command::Tick);
            assert!(self.room.next_deadline().is_none_or(|next| next > self.now), "a tick meets every deadline due");
        }
        self.now = end;
    }

    pub fn info(&self, participant: ParticipantId) -> Option<ParticipantInfo> {
        self.room.participants().into_iter().find(|info| info.id == participant)
    }

    pub fn told(&self, session: SessionId) -> &[ServerMessage] {
        self.told.get(&session).map_or(&[], |told| &told.messages)
    }

    /// The code of the last error a session was told.
    pub fn last_error(&self, session: SessionId) -> Option<ErrorCode> {
        self.told(session).iter().rev().find_map(|message| match message {
            ServerMessage::Error { code, .. } => Some(*code),
            _ => None,
        })
    }

    /// What a session was told after it had been told so much.
    pub fn news(&self, session: SessionId, before: usize) -> &[ServerMessage] {
        &self.told(session)[before..]
    }

    pub fn write(&mut self, session: SessionId, content: &str) {
        let (id, request) = (ChatMessageId::new(), Some(RequestId(7)));
        let content = content.to_owned();
        self.handle(Command::Chat { session, request, id, conversation_id: None, content });
    }
}

pub fn slot(mid: &str, participant: Option<ParticipantId>) -> SlotAssignment {
    let source = participant.map(|_| SourceKind::Microphone);
    SlotAssignment { mid: mid.into(), kind: SlotKind::Audio, participant, source, layer: None }
}

impl Told {
    fn hear(&mut self, message: &ServerMessage) {
        self.messages.push(message.clone());
        let Some(people) = &mut self.people else {
            let only_errors = matches!(message, ServerMessage::Error { .. });
            assert!(only_errors, "a session outside the room hears nothing of it: {message:?}");
            return;
        };
        match message {
            ServerMessage::CallParticipantJoined { participant } => {
                assert!(people.iter().all(|known| known.id != participant.id), "nobody joins twice");
                people.push(participant.clone());
            }
            ServerMessage::CallParticipantUpdated { participant } => {
                let known = people.iter_mut().find(|known| known.id == participant.id);
                *known.expect("who is updated is known") = participant.clone();
            }
            ServerMessage::CallParticipantLeft { participant_id, .. } => {
                let before = people.len();
                people.retain(|known| known.id != *participant_id);
                assert_eq!(people.len(), before - 1, "who leaves was there");
            }
            _ => {}
        }
    }
}

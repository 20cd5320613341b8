//! One room's task: reads the mailbox, the media's events and the clock, lets the room decide, and carries out what it
//! decided.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use confab_protocol::{ChatMessage, ErrorCode, ParticipantId, RelayAccess, RequestId, ServerMessage, TrackOffer};
use confab_rooms::{Command, Effect, MediaPurpose, Now, Refusal, Room, SessionEnd, SessionId};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{sleep, sleep_until};

use super::mail::{Enter, EnterKind, Entered, RoomMail};
use super::media_door::{self, Answered, MediaDone};
use super::outbox::{Outbox, Outgoing};
use super::{Rooms, Surroundings, unix_ms};
use crate::media::{MediaEvent, Newcomer, Place, RoomMedia};
use crate::store::{ChatWrite, RoomRecord, Written};

/// How long an empty room's task stays, so that people who come and go do not open and close it each time.
const LINGER: Duration = Duration::from_secs(30);

/// What came with a request and waits for the room's decision, then for the media plane's answer.
struct Asked {
    offer: String,
    tracks: Vec<TrackOffer>,
    answering: Answering,
}

/// What is needed to answer a request.
#[derive(Default)]
struct Answering {
    token: String,
    link: String,
    relay: Option<RelayAccess>,
    /// `None` for a restart, which nobody waits for.
    reply: Option<oneshot::Sender<Entered>>,
    /// A newcomer's; given back with this when they do not get in.
    place: Option<Place>,
}

impl Answering {
    fn settle(self, entered: Entered) {
        drop(self.place);
        if let Some(reply) = self.reply {
            // The connection may have ended meanwhile; its end comes by mail.
            let _ = reply.send(entered);
        }
    }
}

/// A media answer with what is needed to pass it on.
struct Ready {
    answer: String,
    answering: Answering,
}

pub(super) struct RoomTask {
    room: Room,
    name: String,
    number: u64,
    rooms: Weak<Rooms>,
    surroundings: Arc<Surroundings>,
    letters: mpsc::Receiver<RoomMail>,
    media: RoomMedia,
    media_events: mpsc::Receiver<MediaEvent>,
    outboxes: HashMap<SessionId, Outbox>,
    asked: HashMap<SessionId, Asked>,
    answering: HashMap<SessionId, Answering>,
    ready: HashMap<SessionId, Ready>,
    operations: JoinSet<MediaDone>,
    /// Of those who are in and whose media is on its way: once it is there, it is measured.
    places: HashMap<ParticipantId, Place>,
    outcome: mpsc::UnboundedSender<Written>,
    written: mpsc::UnboundedReceiver<Written>,
    /// Chat messages handed to the writer and not answered.
    writing: usize,
    /// People in the gauge.
    counted: usize,
}

impl RoomTask {
    pub(super) fn new(
        record: RoomRecord,
        chat: Vec<ChatMessage>,
        letters: mpsc::Receiver<RoomMail>,
        number: u64,
        rooms: Weak<Rooms>,
        surroundings: Arc<Surroundings>,
    ) -> Self {
        let (media, media_events) = surroundings.media.open_room();
        let (outcome, written) = mpsc::unbounded_channel();
        surroundings.counters.rooms_open.add(1);
        Self {
            room: Room::new(record.code, surroundings.config.clone(), chat),
            name: record.name,
            number,
            rooms,
            surroundings,
            letters,
            media,
            media_events,
            outboxes: HashMap::new(),
            asked: HashMap::new(),
            answering: HashMap::new(),
            ready: HashMap::new(),
            operations: JoinSet::new(),
            places: HashMap::new(),
            outcome,
            written,
            writing: 0,
            counted: 0,
        }
    }

    pub(super) async fn run(mut self) {
        loop {
            let deadline = self.room.next_deadline();
            let idle = self.room.is_empty() && self.writing == 0 && self.operations.is_empty();
            tokio::select! {
                letter = self.letters.recv() => match letter {
                    Some(letter) => self.open(letter),
                    None => break,
                },
                Some(event) = self.media_events.recv() => {
                    if let MediaEvent::Connected(participant) = &event {
                        self.places.remove(participant);
                    }
                    self.handle(media_door::command_of(event, Instant::now()));
                }
                Some(done) = self.operations.join_next() => {
                    if let Ok(done) = done {
                        self.media_done(done);
                    }
                }
                Some(written) = self.written.recv() => self.chat_written(written),
                () = sleep_until(deadline.unwrap_or_else(Instant::now).into()), if deadline.is_some() => {
                    self.handle(Command::Tick);
                }
                () = sleep(LINGER), if idle => break,
            }
        }
        self.end();
    }

    /// Nobody is here, or the server stops. Letters that come in between are dropped, and their senders ask again.
    fn end(mut self) {
        if let Some(rooms) = self.rooms.upgrade() {
            rooms.retire(self.room.code(), self.number);
        }
        self.letters.close();
        self.surroundings.counters.participants.subtract(self.counted as u64);
        self.surroundings.counters.rooms_open.subtract(1);
    }

    fn open(&mut self, letter: RoomMail) {
        match letter {
            RoomMail::Enter(enter) => self.enter(*enter),
            RoomMail::Restart { session, request, offer } => {
                let asked = Asked { offer, tracks: Vec::new(), answering: Answering::default() };
                self.asked.insert(session, asked);
                self.handle(Command::Restart { session, request });
                self.asked.remove(&session);
            }
            RoomMail::Command(Command::SessionEnded { session, end }) => {
                self.outboxes.remove(&session);
                self.handle(Command::SessionEnded { session, end });
            }
            RoomMail::Command(command) => self.handle(command),
        }
    }

    fn enter(&mut self, enter: Enter) {
        let session = enter.session();
        let Enter { kind, offer, token, link, relay, outbox, reply } = enter;
        let mut answering = Answering { token, link, relay: Some(relay), reply: Some(reply), place: None };
        let (command, tracks) = match kind {
            EnterKind::Join { join, tracks } => {
                match self.place_for(join.participant) {
                    Ok(place) => answering.place = place,
                    Err(refusal) => {
                        self.refuse(&outbox, join.request, refusal);
                        return answering.settle(Entered::No);
                    }
                }
                (Command::Join(join), tracks)
            }
            EnterKind::Resume { session, request, participant } => {
                (Command::Resume { session, request, participant }, Vec::new())
            }
        };
        self.outboxes.insert(session, outbox);
        self.asked.insert(session, Asked { offer, tracks, answering: std::mem::take(&mut answering) });
        self.handle(command);
        if let Some(asked) = self.asked.remove(&session) {
            // The room did not ask the media plane, so it has refused.
            self.outboxes.remove(&session);
            asked.answering.settle(Entered::No);
        }
    }

    /// A place for somebody who wants to join; `None` for who is here and needs none.
    fn place_for(&mut self, participant: ParticipantId) -> Result<Option<Place>, Refusal> {
        if self.room.has_member(participant) {
            return Ok(None);
        }
        if self.room.is_empty() && self.surroundings.is_draining() {
            return Err(super::draining());
        }
        if self.surroundings.is_full() {
            let message = "The server is full: it takes no more people. Calls that are under way go on. Try again in a few minutes.";
            return Err(Refusal::new(ErrorCode::ServerFull, message));
        }
        // Where a room is at home was chosen when it was opened; with nobody in it, it may as well be elsewhere, if there is
        // room anywhere. A storm of newcomers to a full server must not open and close rooms.
        let may_move = self.room.is_empty() && self.operations.is_empty() && self.media.is_full();
        if may_move && self.surroundings.media.workers().iter().any(|worker| worker.full.is_none()) {
            (self.media, self.media_events) = self.surroundings.media.open_room();
        }
        let people = self.room.participants();
        let newcomer = Newcomer {
            others: people.len() as u64,
            published: people.iter().map(|person| person.tracks.len() as u64).sum(),
        };
        let placed = self.media.place_newcomer(participant, newcomer);
        placed.map(Some).map_err(|error| media_door::refusal_of(&error))
    }

    fn refuse(&self, outbox: &Outbox, request: RequestId, refusal: Refusal) {
        self.surroundings.counters.refuse(refusal.code);
        let field = refusal.field.map(str::to_owned);
        let message =
            ServerMessage::Error { request: Some(request), code: refusal.code, message: refusal.message, field };
        outbox.put(Outgoing::Message(Outgoing::text(&message)));
    }

    fn media_done(&mut self, done: MediaDone) {
        let MediaDone { session, participant, outcome } = done;
        let answering = self.answering.remove(&session).unwrap_or_default();
        match outcome {
            Ok(Answered { answer, slots }) => {
                let answer = self.surroundings.relay.name_tcp(&answer);
                self.ready.insert(session, Ready { answer, answering });
                self.handle(Command::MediaReady { session, participant, slots });
                if let Some(ready) = self.ready.remove(&session) {
                    // The room had no use for it, because the session has ended meanwhile.
                    self.outboxes.remove(&session);
                    ready.answering.settle(Entered::No);
                }
            }
            Err(refusal) => {
                self.handle(Command::MediaRefused { session, participant, refusal });
                if self.room.member_of(session).is_none() {
                    self.outboxes.remove(&session);
                }
                answering.settle(Entered::No);
            }
        }
    }

    fn chat_written(&mut self, written: Written) {
        self.writing = self.writing.saturating_sub(1);
        let Written { session, request, message, stored } = written;
        self.handle(if stored {
            Command::ChatStored { session, request, message }
        } else {
            Command::ChatNotStored { session, request }
        });
    }

    /// Lets the room decide, and carries it out. What comes of carrying it out (a reader too slow, a writer too busy)
    /// is decided right after.
    fn handle(&mut self, command: Command) {
        let now = Now { instant: Instant::now(), unix_ms: unix_ms() };
        let mut commands = VecDeque::from([command]);
        while let Some(command) = commands.pop_front() {
            for effect in self.room.handle(now, command) {
                self.carry_out(effect, &mut commands);
            }
        }
        let (counted, gauge) = (self.room.len(), &self.surroundings.counters.participants);
        if counted > self.counted {
            gauge.add((counted - self.counted) as u64);
        } else {
            gauge.subtract((self.counted - counted) as u64);
        }
        self.counted = counted;
    }

    fn carry_out(&mut self, effect: Effect, commands: &mut VecDeque<Command>) {
        match effect {
            Effect::Send { to, message } => {
                if let ServerMessage::Error { code, .. } = &message {
                    self.surroundings.counters.refuse(*code);
                }
                let text = Outgoing::text(&message);
                for session in to {
                    self.put(session, Outgoing::Message(text.clone()), commands);
                }
            }
            Effect::AskMedia { session, participant, purpose } => self.ask_media(session, participant, purpose),
            Effect::Joined { session, request, participant, role, grants, participants, chat, slots } => {
                let Some(Ready { answer, mut answering }) = self.ready.remove(&session) else { return };
                self.places.extend(answering.place.take().map(|place| (participant, place)));
                self.surroundings.counters.joined.add(1);
                let joined = ServerMessage::CallJoined {
                    request,
                    participant_id: participant,
                    token: answering.token.clone(),
                    role,
                    grants,
                    answer,
                    room_name: self.name.clone(),
                    link: answering.link.clone(),
                    participants,
                    chat,
                    slots,
                    relay: answering.relay.clone(),
                };
                self.put(session, Outgoing::Message(Outgoing::text(&joined)), commands);
                answering.settle(Entered::Yes);
            }
            Effect::Restarted { session, request } => {
                let Some(Ready { answer, answering }) = self.ready.remove(&session) else { return };
                let message = ServerMessage::CallRestarted { request, answer };
                self.put(session, Outgoing::Message(Outgoing::text(&message)), commands);
                answering.settle(Entered::Yes);
            }
            Effect::Ended { session, reason } => {
                let text = Outgoing::text(&ServerMessage::CallEnded { reason });
                self.put(session, Outgoing::Ended { session, message: Some(text) }, commands);
                self.outboxes.remove(&session);
            }
            Effect::Detached { session } => {
                self.put(session, Outgoing::Ended { session, message: None }, commands);
                self.outboxes.remove(&session);
            }
            Effect::Left { reason, .. } => self.surroundings.counters.leave(reason),
            Effect::CloseMedia { participant } => {
                self.places.remove(&participant);
                self.media.leave(participant);
            }
            Effect::SetTrack { participant, source, state } => {
                self.media.set_track(participant, source, media_door::track_state(state));
            }
            Effect::SetView { participant, tiles } => self.media.set_view(participant, tiles),
            Effect::StoreChat { session, request, message } => self.store_chat(session, request, message, commands),
        }
    }

    fn ask_media(&mut self, session: SessionId, participant: ParticipantId, purpose: MediaPurpose) {
        let Some(Asked { offer, tracks, answering }) = self.asked.remove(&session) else { return };
        self.answering.insert(session, answering);
        self.operations.spawn(media_door::operate(self.media.clone(), session, participant, purpose, offer, tracks));
    }

    fn store_chat(
        &mut self,
        session: SessionId,
        request: Option<RequestId>,
        message: ChatMessage,
        commands: &mut VecDeque<Command>,
    ) {
        let room = self.room.code().clone();
        let write = ChatWrite { room, session, request, message, outcome: self.outcome.clone() };
        if self.surroundings.chat.write(write) {
            self.writing += 1;
        } else {
            commands.push_back(Command::ChatNotStored { session, request });
        }
    }

    /// Puts something into a session's queue. Without room there, the reader is too slow, and the session is over. One whose
    /// connection has ended is not: what it said last, its leave above all, may still wait in the mailbox.
    fn put(&mut self, session: SessionId, outgoing: Outgoing, commands: &mut VecDeque<Command>) {
        let Some(outbox) = self.outboxes.get(&session) else { return };
        if !outbox.put(outgoing) {
            let has_ended = outbox.is_closed();
            self.outboxes.remove(&session);
            if has_ended {
                return;
            }
            commands.push_back(Command::SessionEnded { session, end: SessionEnd::Lost });
        }
    }
}

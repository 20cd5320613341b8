//! The room: its members, and the way of every command to the part that answers it.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use confab_protocol::{
    ChatMessage, ErrorCode, LeaveReason, Limits, ParticipantId, ParticipantInfo, PersonQuality, RequestId, RoomCode,
    ServerMessage,
};

use crate::admission::Pending;
use crate::command::{Command, Now, Refusal, SessionId};
use crate::effect::Effect;
use crate::member::Member;

/// What a room allows.
#[derive(Clone, Debug)]
pub struct RoomConfig {
    /// Most people at a time.
    pub capacity: u32,
    /// How long a member without packets, or without a signaling connection, keeps the place. The default matches
    /// [`Limits::rejoin_window_ms`]: long enough for a change of network, short enough that a frozen tile is not
    /// mistaken for a person.
    pub rejoin_window: Duration,
    /// How long a member may take to bring the media path up after joining.
    pub connect_window: Duration,
    /// What a session that has just resumed gets at least to bring its new media path up.
    pub resume_grace: Duration,
    /// Longest name, Unicode scalar values.
    pub name_chars: u32,
    /// Longest chat message, Unicode scalar values.
    pub chat_chars: u32,
    /// Chat messages told to somebody who joins.
    pub chat_page: u32,
    /// Most tiles in a view.
    pub view_tiles: u32,
}

impl RoomConfig {
    /// The room's part of a server's limits.
    pub fn from_limits(limits: &Limits) -> Self {
        Self {
            capacity: limits.room_participants,
            rejoin_window: Duration::from_millis(u64::from(limits.rejoin_window_ms)),
            connect_window: Duration::from_secs(30),
            resume_grace: Duration::from_secs(5),
            name_chars: limits.name_chars,
            chat_chars: limits.chat_chars,
            chat_page: limits.chat_page,
            view_tiles: limits.view_tiles,
        }
    }
}

impl Default for RoomConfig {
    fn default() -> Self {
        Self::from_limits(&Limits::default())
    }
}

/// One room. See the crate's documentation for what always holds.
#[derive(Debug)]
pub struct Room {
    pub(crate) code: RoomCode,
    pub(crate) config: RoomConfig,
    pub(crate) members: BTreeMap<ParticipantId, Member>,
    /// Who drives whom; the mirror of [`Member::session`].
    pub(crate) sessions: BTreeMap<SessionId, ParticipantId>,
    /// Media operations on their way, one a person at most.
    pub(crate) pending: BTreeMap<ParticipantId, Pending>,
    /// The newest page of the chat, oldest first.
    pub(crate) recent_chat: VecDeque<ChatMessage>,
    pub(crate) next_order: u64,
    /// Who speaks, loudest first, as everybody was told last.
    pub(crate) speaking: Vec<ParticipantId>,
    /// Whose packets do not come through well.
    pub(crate) quality: Vec<PersonQuality>,
}

impl Room {
    /// An empty room. `recent_chat` is the newest page of its chat, oldest first.
    pub fn new(code: RoomCode, config: RoomConfig, recent_chat: Vec<ChatMessage>) -> Self {
        let mut room = Self {
            code,
            config,
            members: BTreeMap::new(),
            sessions: BTreeMap::new(),
            pending: BTreeMap::new(),
            recent_chat: recent_chat.into(),
            next_order: 0,
            speaking: Vec::new(),
            quality: Vec::new(),
        };
        room.trim_chat();
        room
    }

    /// Which room.
    pub fn code(&self) -> &RoomCode {
        &self.code
    }

    /// Nobody is here and nobody is on the way in.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty() && self.pending.is_empty()
    }

    /// How many people are here.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// The member a session drives.
    pub fn member_of(&self, session: SessionId) -> Option<&Member> {
        self.members.get(self.sessions.get(&session)?)
    }

    /// Whether this person is here.
    pub fn has_member(&self, participant: ParticipantId) -> bool {
        self.members.contains_key(&participant)
    }

    /// Everybody, in the order of joining.
    pub fn participants(&self) -> Vec<ParticipantInfo> {
        let mut members: Vec<&Member> = self.members.values().collect();
        members.sort_by_key(|member| member.order);
        members.into_iter().map(Member::info).collect()
    }

    /// When [`Command::Tick`] is due; `None` when nobody waits for anything.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.members.values().filter_map(|member| self.deadline_of(member)).min()
    }

    /// Lets something happen.
    pub fn handle(&mut self, now: Now, command: Command) -> Vec<Effect> {
        let mut effects = Vec::new();
        let out = &mut effects;
        match command {
            Command::Join(join) => self.join(join, out),
            Command::Resume { session, request, participant } => self.resume(session, request, participant, out),
            Command::Restart { session, request } => self.restart(session, request, out),
            Command::MediaReady { session, participant, slots } => {
                self.media_ready(now, session, participant, &slots, out);
            }
            Command::MediaRefused { session, participant, refusal } => {
                self.media_refused(session, participant, refusal, out);
            }
            Command::Leave { session } => self.leave(session, out),
            Command::SessionEnded { session, end } => self.session_ended(now, session, end, out),
            Command::Publish { session, source, muted, width, height } => {
                self.publish(session, source, muted, (width, height), out);
            }
            Command::Unpublish { session, source } => self.unpublish(session, source, out),
            Command::Mute { session, source, muted } => self.mute(session, source, muted, out),
            Command::View { session, tiles } => self.view(session, tiles, out),
            Command::Hand { session, raised } => self.hand(now, session, raised, out),
            Command::React { session, reaction } => self.react(now, session, reaction, out),
            Command::Chat { session, request, id, conversation_id, content } => {
                let written = crate::chat::Written { id, request, conversation_id, content };
                self.chat(now, session, &written, out);
            }
            Command::ChatStored { session, request, message } => self.chat_stored(session, request, message, out),
            Command::ChatNotStored { session, request } => Self::chat_not_stored(session, request, out),
            Command::MediaConnected(participant) | Command::MediaBack(participant) => self.media_up(participant, out),
            Command::MediaSilent { participant, since } => self.media_silent(participant, since, out),
            Command::MediaClosed(participant) => self.media_closed(now, participant, out),
            Command::Slots { participant, changed } => self.media_slots(participant, changed, out),
            Command::Speaking(participants) => self.media_speaking(participants, out),
            Command::Quality(of) => self.media_quality(of, out),
            Command::Layers { participant, source, wanted } => self.media_layers(participant, source, wanted, out),
            Command::Tick => self.tick(now, out),
        }
        effects
    }

    pub(crate) fn deadline_of(&self, member: &Member) -> Option<Instant> {
        member.deadline(self.config.connect_window, self.config.rejoin_window)
    }

    /// The member a session drives, or an error to the session.
    pub(crate) fn driver(
        &mut self,
        session: SessionId,
        request: Option<RequestId>,
        out: &mut Vec<Effect>,
    ) -> Option<&mut Member> {
        let Some(participant) = self.sessions.get(&session) else {
            let refusal = Refusal::new(ErrorCode::NotJoined, "You are not in a meeting. Join one first.");
            refuse(session, request, refusal, out);
            return None;
        };
        self.members.get_mut(participant)
    }

    /// Puts a message to everybody with a session, but one.
    pub(crate) fn tell_all(&self, except: Option<SessionId>, message: ServerMessage, out: &mut Vec<Effect>) {
        let to: Vec<SessionId> = self.sessions.keys().copied().filter(|session| Some(*session) != except).collect();
        if !to.is_empty() {
            out.push(Effect::Send { to, message });
        }
    }

    pub(crate) fn tell_one(&self, participant: ParticipantId, message: ServerMessage, out: &mut Vec<Effect>) {
        if let Some(session) = self.members.get(&participant).and_then(|member| member.session) {
            out.push(Effect::Send { to: vec![session], message });
        }
    }

    /// Tells everybody how a member is now.
    pub(crate) fn tell_update(&self, participant: ParticipantId, except: Option<SessionId>, out: &mut Vec<Effect>) {
        if let Some(member) = self.members.get(&participant) {
            self.tell_all(except, ServerMessage::CallParticipantUpdated { participant: member.info() }, out);
        }
    }

    /// Takes a member out: media closed, own session told, others told.
    pub(crate) fn remove(&mut self, participant: ParticipantId, reason: LeaveReason, out: &mut Vec<Effect>) {
        let Some(member) = self.members.remove(&participant) else { return };
        // A join of this person may be on its way: it replaces the media path, and closing could hit the new one.
        if let Some(pending) = self.pending.get_mut(&participant) {
            pending.member_left();
        }
        if !self.pending.get(&participant).is_some_and(Pending::is_join) {
            out.push(Effect::CloseMedia { participant });
        }
        self.speaking.retain(|speaker| *speaker != participant);
        self.quality.retain(|of| of.participant != participant);
        if let Some(session) = member.session {
            self.sessions.remove(&session);
            out.push(Effect::Ended { session, reason });
        }
        self.tell_all(None, ServerMessage::CallParticipantLeft { participant_id: participant, reason }, out);
        out.push(Effect::Left { participant, reason });
    }
}

/// Tells a session that something was refused.
pub(crate) fn refuse(session: SessionId, request: Option<RequestId>, refusal: Refusal, out: &mut Vec<Effect>) {
    out.push(Effect::Send {
        to: vec![session],
        message: ServerMessage::Error {
            request,
            code: refusal.code,
            message: refusal.message,
            field: refusal.field.map(str::to_owned),
        },
    });
}

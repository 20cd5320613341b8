//! Coming in and going out: join, resume, ICE restart, leave. Each of the first three waits for the media plane; what
//! was asked is kept as [`Pending`] meanwhile, one a person.

use confab_protocol::{
    ErrorCode, LeaveReason, ParticipantId, PersonQuality, Quality, RequestId, ServerMessage, SlotAssignment,
};

use crate::command::{JoinRequest, Now, Refusal, SessionEnd, SessionId};
use crate::effect::{Effect, MediaPurpose};
use crate::member::{FromMedia, MediaPath, Member};
use crate::room::{Room, refuse};
use crate::text::clean_name;

/// A media operation on its way.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    session: SessionId,
    request: RequestId,
    kind: PendingKind,
    /// The session that asked is over; nobody waits for the answer.
    abandoned: bool,
    /// The member's old media path was left open for the join to replace; close it if the join fails.
    close_if_refused: bool,
    /// What the media plane said about the new path before its answer was seen here.
    pub(crate) heard: FromMedia,
}

#[derive(Clone, Debug)]
enum PendingKind {
    Join(Box<JoinRequest>),
    Resume,
    Restart,
}

impl Pending {
    fn new(session: SessionId, request: RequestId, kind: PendingKind) -> Self {
        Self { session, request, kind, abandoned: false, close_if_refused: false, heard: FromMedia::default() }
    }

    pub(crate) fn is_join(&self) -> bool {
        matches!(self.kind, PendingKind::Join(_))
    }

    /// The member has left while this was on its way.
    pub(crate) fn member_left(&mut self) {
        self.close_if_refused = self.is_join();
    }
}

impl Room {
    pub(crate) fn join(&mut self, join: JoinRequest, out: &mut Vec<Effect>) {
        let (session, request, participant) = (join.session, join.request, join.participant);
        if let Err(refusal) = self.may_join(&join) {
            return refuse(session, Some(request), refusal, out);
        }
        let grants = join.grants;
        self.pending.insert(participant, Pending::new(session, request, PendingKind::Join(Box::new(join))));
        out.push(Effect::AskMedia { session, participant, purpose: MediaPurpose::Join(grants) });
    }

    fn may_join(&self, join: &JoinRequest) -> Result<(), Refusal> {
        self.may_enter(join.session, join.participant)?;
        let mut sources = join.offered.clone();
        sources.sort_unstable();
        sources.dedup();
        if sources.len() != join.offered.len() {
            return Err(Refusal::field("tracks", "The same source is offered twice."));
        }
        let coming = self.pending.iter().filter(|(id, pending)| pending.is_join() && !self.members.contains_key(*id));
        let taken = self.members.len() + coming.count();
        if !self.members.contains_key(&join.participant) && taken >= self.config.capacity as usize {
            let message = format!("The meeting is full: it takes {} people.", self.config.capacity);
            return Err(Refusal::new(ErrorCode::RoomFull, message));
        }
        Ok(())
    }

    /// What a join and a resume have in common: a free session, and no operation of this person on its way.
    fn may_enter(&self, session: SessionId, participant: ParticipantId) -> Result<(), Refusal> {
        let asked_before = self.pending.values().any(|pending| pending.session == session && !pending.abandoned);
        if self.sessions.contains_key(&session) || asked_before {
            return Err(Refusal::new(ErrorCode::AlreadyJoined, "This connection is in a meeting already."));
        }
        self.nothing_pending(participant)
    }

    fn nothing_pending(&self, participant: ParticipantId) -> Result<(), Refusal> {
        if self.pending.contains_key(&participant) {
            let message = "An earlier request of yours is still being answered. Try again in a moment.";
            return Err(Refusal::new(ErrorCode::RateLimited, message));
        }
        Ok(())
    }

    pub(crate) fn resume(
        &mut self,
        session: SessionId,
        request: RequestId,
        participant: ParticipantId,
        out: &mut Vec<Effect>,
    ) {
        let allowed = self
            .may_enter(session, participant)
            .and_then(|()| if self.members.contains_key(&participant) { Ok(()) } else { Err(session_gone()) });
        if let Err(refusal) = allowed {
            return refuse(session, Some(request), refusal, out);
        }
        self.pending.insert(participant, Pending::new(session, request, PendingKind::Resume));
        out.push(Effect::AskMedia { session, participant, purpose: MediaPurpose::Resume });
    }

    pub(crate) fn restart(&mut self, session: SessionId, request: RequestId, out: &mut Vec<Effect>) {
        let Some(member) = self.driver(session, Some(request), out) else { return };
        let participant = member.id;
        if let Err(refusal) = self.nothing_pending(participant) {
            return refuse(session, Some(request), refusal, out);
        }
        self.pending.insert(participant, Pending::new(session, request, PendingKind::Restart));
        out.push(Effect::AskMedia { session, participant, purpose: MediaPurpose::Restart });
    }

    fn take_pending(&mut self, session: SessionId, participant: ParticipantId) -> Option<Pending> {
        if self.pending.get(&participant)?.session != session {
            return None;
        }
        self.pending.remove(&participant)
    }

    pub(crate) fn media_ready(
        &mut self,
        now: Now,
        session: SessionId,
        participant: ParticipantId,
        slots: &[SlotAssignment],
        out: &mut Vec<Effect>,
    ) {
        let Some(pending) = self.take_pending(session, participant) else { return };
        match pending.kind {
            PendingKind::Join(_) if pending.abandoned => self.forget_abandoned_join(now, participant, out),
            PendingKind::Join(join) => self.complete_join(now, *join, slots, &pending.heard, out),
            PendingKind::Resume if !pending.abandoned => {
                self.complete_resume(now, session, pending.request, participant, out);
            }
            PendingKind::Restart if self.sessions.get(&session) == Some(&participant) => {
                self.spare(now, participant);
                out.push(Effect::Restarted { session, request: pending.request });
            }
            PendingKind::Resume | PendingKind::Restart => self.remove_if_forsaken(participant, out),
        }
    }

    /// The new session ended before its media path was ready, but the path has replaced the old one, if there was one.
    fn forget_abandoned_join(&mut self, now: Now, participant: ParticipantId, out: &mut Vec<Effect>) {
        self.remove_if_forsaken(participant, out);
        if !out.contains(&Effect::CloseMedia { participant }) {
            out.push(Effect::CloseMedia { participant });
            self.media_closed(now, participant, out);
        }
    }

    fn complete_join(
        &mut self,
        now: Now,
        join: JoinRequest,
        slots: &[SlotAssignment],
        heard: &FromMedia,
        out: &mut Vec<Effect>,
    ) {
        let (session, participant) = (join.session, join.participant);
        let name = match clean_name(&join.name, self.config.name_chars) {
            name if name.is_empty() => "Guest".to_owned(),
            name => name,
        };
        let mut member = Member {
            id: participant,
            name,
            role: join.role,
            grants: join.grants,
            session: Some(session),
            session_lost_at: None,
            path: MediaPath::Connecting(now.instant),
            spared_until: None,
            offered: join.offered,
            tracks: Vec::new(),
            hand_raised_at: None,
            reacted_at: None,
            joined_at: now.unix_ms,
            order: self.next_order,
            heard: FromMedia::default(),
        };
        member.heard.take_slots(slots);
        let before = self.members.remove(&participant);
        if let Some(before) = &before {
            member.order = before.order;
            member.joined_at = before.joined_at;
            member.hand_raised_at = before.hand_raised_at.filter(|_| member.grants.hand);
            if let Some(old) = before.session {
                self.sessions.remove(&old);
                out.push(Effect::Ended { session: old, reason: LeaveReason::Replaced });
            }
        } else {
            self.next_order += 1;
        }
        let info = member.info();
        self.members.insert(participant, member);
        self.sessions.insert(session, participant);
        self.greet(session, join.request, participant, out);
        // A new media path, of which nothing is known yet.
        self.media_quality(PersonQuality { participant, quality: Quality::Good }, out);
        if !heard.slots.is_empty() {
            self.media_slots(participant, heard.slots.values().cloned().collect(), out);
        }
        for (source, wanted) in &heard.layers {
            self.media_layers(participant, *source, wanted.clone(), out);
        }
        let news = match before {
            Some(_) => ServerMessage::CallParticipantUpdated { participant: info },
            None => ServerMessage::CallParticipantJoined { participant: info },
        };
        self.tell_all(Some(session), news, out);
    }

    fn complete_resume(
        &mut self,
        now: Now,
        session: SessionId,
        request: RequestId,
        participant: ParticipantId,
        out: &mut Vec<Effect>,
    ) {
        let Some(member) = self.members.get_mut(&participant) else {
            return refuse(session, Some(request), session_gone(), out);
        };
        member.session_lost_at = None;
        if let Some(old) = member.session.replace(session) {
            self.sessions.remove(&old);
            out.push(Effect::Detached { session: old });
        }
        self.sessions.insert(session, participant);
        self.spare(now, participant);
        self.greet(session, request, participant, out);
    }

    fn greet(&self, session: SessionId, request: RequestId, participant: ParticipantId, out: &mut Vec<Effect>) {
        let Some(member) = self.members.get(&participant) else { return };
        out.push(Effect::Joined {
            session,
            request,
            participant,
            role: member.role,
            grants: member.grants,
            participants: self.participants(),
            chat: self.recent_chat.iter().cloned().collect(),
            slots: member.heard.slots.values().cloned().collect(),
        });
        for (source, wanted) in &member.heard.layers {
            let message = ServerMessage::CallLayers { source: *source, wanted: wanted.clone() };
            out.push(Effect::Send { to: vec![session], message });
        }
        if !self.speaking.is_empty() {
            let message = ServerMessage::CallSpeaking { participants: self.speaking.clone() };
            out.push(Effect::Send { to: vec![session], message });
        }
        if !self.quality.is_empty() {
            let message = ServerMessage::CallQuality { people: self.quality.clone() };
            out.push(Effect::Send { to: vec![session], message });
        }
    }

    /// Gives a new media path time to come up before the silence of the old one counts.
    fn spare(&mut self, now: Now, participant: ParticipantId) {
        let until = now.instant + self.config.resume_grace;
        if let Some(member) = self.members.get_mut(&participant) {
            member.spared_until = Some(until);
        }
    }

    pub(crate) fn media_refused(
        &mut self,
        session: SessionId,
        participant: ParticipantId,
        refusal: Refusal,
        out: &mut Vec<Effect>,
    ) {
        let Some(pending) = self.take_pending(session, participant) else { return };
        if pending.close_if_refused && !self.members.contains_key(&participant) {
            out.push(Effect::CloseMedia { participant });
        }
        if !pending.abandoned {
            refuse(session, Some(pending.request), refusal, out);
        }
        self.remove_if_forsaken(participant, out);
    }

    /// A member whose session was lost while a newer one was on its way was kept for it; without it they are gone.
    fn remove_if_forsaken(&mut self, participant: ParticipantId, out: &mut Vec<Effect>) {
        let forsaken = self
            .members
            .get(&participant)
            .is_some_and(|member| member.session.is_none() && !matches!(member.path, MediaPath::Silent(_)));
        if forsaken {
            self.remove(participant, LeaveReason::Gone, out);
        }
    }

    pub(crate) fn leave(&mut self, session: SessionId, out: &mut Vec<Effect>) {
        let Some(member) = self.driver(session, None, out) else { return };
        let participant = member.id;
        self.remove(participant, LeaveReason::Left, out);
    }

    pub(crate) fn session_ended(&mut self, now: Now, session: SessionId, end: SessionEnd, out: &mut Vec<Effect>) {
        for pending in self.pending.values_mut().filter(|pending| pending.session == session) {
            pending.abandoned = true;
        }
        let Some(participant) = self.sessions.remove(&session) else { return };
        // Whatever is on its way now was asked by a newer session of the same person.
        let coming = self.pending.get(&participant).is_some_and(|pending| !pending.abandoned);
        let Some(member) = self.members.get_mut(&participant) else { return };
        member.session = None;
        member.session_lost_at = Some(now.instant);
        match (end, member.path) {
            (SessionEnd::Closed, _) => self.remove(participant, LeaveReason::Left, out),
            // The network went away and took the signaling with it: the place is kept.
            (SessionEnd::Lost, MediaPath::Silent(_)) => {}
            (SessionEnd::Lost, _) if coming => {}
            // Media flowed a moment ago, so the network is there and the program is not.
            (SessionEnd::Lost, _) => self.remove(participant, LeaveReason::Gone, out),
        }
    }
}

fn session_gone() -> Refusal {
    Refusal::new(ErrorCode::SessionGone, "This call cannot be taken up any more. Join the meeting again.")
}

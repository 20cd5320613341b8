//! Sockets, requests and the server's messages.

use std::time::{Duration, Instant};

use confab_protocol::{ClientMessage, ErrorCode, PROTOCOL_VERSION, ServerMessage, SourceKind};

use super::{Asked, Purpose, Report, Session};
use crate::engine::event::CallEvent;
use crate::engine::room::Room;
use crate::signal::life::{Input, SocketId};
use crate::signal::socket::{Socket, SocketEvent};

/// How long an answer to a join, resume or restart may take before its request is forgotten; the life gives up sooner.
const CONNECTION_PATIENCE: Duration = Duration::from_secs(15);

/// How long the echo of a chat line may take. Lines are kept in the outbox, so this only ends the waiting.
const CHAT_PATIENCE: Duration = Duration::from_secs(60);

impl Session {
    pub(super) fn open_socket(&mut self, id: SocketId) {
        let (events, mut receiver) = tokio::sync::mpsc::unbounded_channel();
        let reports = self.reports.clone();
        tokio::spawn(async move {
            while let Some((id, event)) = receiver.recv().await {
                if reports.send(Report::Socket(id, event)).is_err() {
                    return;
                }
            }
        });
        self.sockets.insert(id, Socket::open(id, self.config.server.clone(), events));
    }

    pub(super) fn socket_event(&mut self, id: SocketId, event: SocketEvent) {
        if !self.sockets.contains_key(&id) {
            return;
        }
        match event {
            SocketEvent::Open => self.handle(Input::SocketOpen(id)),
            SocketEvent::Failed(why) => {
                self.sockets.remove(&id);
                self.handle(Input::SocketFailed(id, why));
            }
            SocketEvent::Closed { stopping } => {
                self.sockets.remove(&id);
                self.handle(if stopping { Input::ServerStopped(id) } else { Input::SocketClosed(id) });
            }
            SocketEvent::Quiet => self.handle(Input::SocketQuiet(id)),
            SocketEvent::Limits(limits) => self.limits = limits,
            SocketEvent::RoundTrip(time) => {
                self.meters.connection(|connection| {
                    connection.signal_round_trip_ms = Some(time.as_secs_f64() * 1000.0);
                });
                self.spoke(id);
            }
            SocketEvent::Unreadable => tracing::debug!("the server sent something that is no message"),
            SocketEvent::Message(message) => {
                self.spoke(id);
                self.message(id, *message);
            }
        }
    }

    /// Something came over a socket.
    fn spoke(&mut self, id: SocketId) {
        let away = self.life.socket().is_none();
        self.handle(Input::SocketSpoke(id));
        // While the socket was suspect nothing was handed to it, so what the person did then is said now. What was
        // handed to it before has not been lost: it is the same socket.
        if away && self.life.socket() == Some(id) && self.room.is_some() {
            self.settle_in(false);
        }
    }

    /// Sends over the socket the call runs on. `false` when there is none.
    pub(super) fn send(&self, message: ClientMessage) -> bool {
        let Some(socket) = self.life.socket().and_then(|id| self.sockets.get(&id)) else { return false };
        socket.send(message);
        true
    }

    pub(super) fn send_join(&mut self, socket: SocketId, offer: String, tracks: Vec<confab_protocol::TrackOffer>) {
        let request = self.requests.open(Instant::now(), CONNECTION_PATIENCE, Asked::Join { socket });
        let message = ClientMessage::CallJoin {
            request,
            version: PROTOCOL_VERSION,
            code: self.config.code.clone(),
            name: self.config.name.clone(),
            token: self.token.clone(),
            offer,
            tracks,
        };
        if let Some(socket) = self.sockets.get(&socket) {
            socket.send(message);
        }
    }

    pub(super) fn send_later_offer(&mut self, purpose: Purpose, offer: String) {
        let (now, number) = (Instant::now(), self.media.later_offers());
        let (socket, message) = match purpose {
            Purpose::Resume(socket) => {
                let request = self.requests.open(now, CONNECTION_PATIENCE, Asked::Resume { socket });
                let token = self.token.clone().unwrap_or_default();
                (socket, ClientMessage::CallResume { request, token, offer })
            }
            Purpose::Restart(socket) | Purpose::Join(socket) => {
                let request = self.requests.open(now, CONNECTION_PATIENCE, Asked::Restart { number });
                (socket, ClientMessage::CallRestart { request, offer })
            }
            Purpose::Growth(socket) => {
                let request = self.requests.open(now, CONNECTION_PATIENCE, Asked::Growth { number });
                (socket, ClientMessage::CallRestart { request, offer })
            }
        };
        if let Some(socket) = self.sockets.get(&socket) {
            socket.send(message);
        }
    }

    pub(super) fn expire_requests(&mut self, now: Instant) {
        for asked in self.requests.expire(now) {
            tracing::debug!(?asked, "a request was not answered");
        }
    }

    fn message(&mut self, socket: SocketId, message: ServerMessage) {
        match message {
            ServerMessage::CallJoined { .. } => self.joined(socket, message),
            ServerMessage::CallRestarted { request, answer } => {
                let number = self.media.later_offers();
                match self.requests.close(request) {
                    Some(Asked::Restart { number: asked }) if asked == number => {
                        self.apply_answer(Purpose::Restart(socket), answer);
                    }
                    Some(Asked::Growth { number: asked }) if asked == number => {
                        self.apply_answer(Purpose::Growth(socket), answer);
                    }
                    _ => {}
                }
            }
            ServerMessage::Error { request, code, message, .. } => {
                let asked = request.and_then(|request| self.requests.close(request));
                self.refused(asked, code, message);
            }
            ServerMessage::CallEnded { reason } => self.handle(Input::Ended(socket, reason)),
            // An older socket may still tell of the past. The one that described the room counts at once: its answer
            // may still be being applied, and what is missed meanwhile is not said again.
            _ if self.described_by != Some(socket) => {}
            ServerMessage::CallParticipantJoined { participant } => {
                self.put(participant.clone());
                self.tell(CallEvent::ParticipantJoined { participant });
            }
            ServerMessage::CallParticipantUpdated { participant } => {
                self.put(participant.clone());
                self.tell(CallEvent::ParticipantUpdated { participant });
            }
            ServerMessage::CallParticipantLeft { participant_id, reason } => {
                let name = self.room.as_mut().and_then(|room| room.remove(participant_id)).unwrap_or_default();
                self.inlet.forget(participant_id);
                self.refresh_view();
                self.tell(CallEvent::ParticipantLeft { participant: participant_id, name, reason });
            }
            ServerMessage::CallSlots { slots } => {
                self.inlet.assign(slots);
                self.tell_tiles();
            }
            ServerMessage::CallSpeaking { participants } => self.tell(CallEvent::Speaking { participants }),
            ServerMessage::CallReaction { participant_id: participant, reaction } => {
                self.tell(CallEvent::Reaction { participant, reaction });
            }
            ServerMessage::CallQuality { people } => self.tell(CallEvent::Quality { people }),
            ServerMessage::CallLayers { source, wanted } => {
                if let Some(sending) = self.sending(source) {
                    sending.picture.control().set_watched(&wanted);
                }
                self.watched.insert(source, wanted);
                self.share_bandwidth();
            }
            ServerMessage::ChatMessage { request, chat } => {
                let local_id = match request.and_then(|request| self.requests.close(request)) {
                    Some(Asked::Chat { local_id }) => Some(local_id),
                    _ => None,
                };
                if let Some(local_id) = local_id {
                    self.outbox.settle(local_id);
                }
                if self.room.as_mut().is_none_or(|room| room.see(chat.id)) {
                    self.tell(CallEvent::Chat { message: chat, local_id });
                }
            }
            ServerMessage::ChatHistory { request, messages, more } => {
                self.requests.close(request);
                if let Some(room) = &mut self.room {
                    for message in &messages {
                        room.see(message.id);
                    }
                }
                self.tell(CallEvent::ChatHistory { messages, more });
            }
            ServerMessage::SystemMessage { .. } | ServerMessage::Pong { .. } | ServerMessage::MeetingCreated { .. } => {
            }
        }
    }

    fn put(&mut self, participant: confab_protocol::ParticipantInfo) {
        if let Some(room) = &mut self.room {
            room.put(participant);
        }
        self.refresh_view();
    }

    fn joined(&mut self, socket: SocketId, message: ServerMessage) {
        let ServerMessage::CallJoined {
            request,
            participant_id,
            token,
            role,
            grants,
            answer,
            room_name,
            link,
            participants,
            chat,
            slots,
            relay,
        } = message
        else {
            return;
        };
        let purpose = match self.requests.close(request) {
            Some(Asked::Join { socket: asked }) if asked == socket => Purpose::Join(socket),
            Some(Asked::Resume { socket: asked }) if asked == socket => Purpose::Resume(socket),
            _ => return,
        };
        self.described_by = Some(socket);
        self.meters.joined(Instant::now());
        let _ = self.me.set(participant_id);
        self.token = Some(token);
        // Slots must be known before the first packet, and packets may come as soon as the answer is applied.
        self.inlet.assign(slots);
        self.media_relay(relay);
        self.apply_answer(purpose, answer);
        let again = self.room.is_some();
        let stored = if let Some(room) = &mut self.room {
            let stored = self.outbox.reconcile(participant_id, &chat, |message| room.has_seen(message.id));
            room.replace(participant_id, participants.clone(), &chat);
            stored
        } else {
            self.room = Some(Room::new(participant_id, participants.clone(), &chat));
            Vec::new()
        };
        self.tell(CallEvent::Joined {
            me: participant_id,
            code: self.config.code.clone(),
            room_name,
            link,
            role,
            grants,
            participants,
            chat,
            again,
        });
        for (local_id, message) in stored {
            self.tell(CallEvent::Chat { message, local_id: Some(local_id) });
        }
        self.tell_tiles();
    }

    /// The call runs on this socket now: what the person set is said again, what was written meanwhile is sent. With
    /// `resend` the socket is another one, and chat lines that went over the old one and were not confirmed go again.
    pub(super) fn settle_in(&mut self, resend: bool) {
        self.unpublish_stopped();
        for source in [SourceKind::Camera, SourceKind::Screen] {
            if let Some(sending) = self.sending_mut(source) {
                sending.published = None;
            }
        }
        self.publish_microphone();
        self.publish_pictures();
        let raised = self.room.as_ref().and_then(Room::myself).is_some_and(|me| me.hand_raised_at.is_some());
        if raised != self.local.hand_raised {
            self.send(ClientMessage::CallHand { raised: self.local.hand_raised });
        }
        self.view_due = true;
        self.view_sent_at = None;
        self.sent_view = None;
        self.flush_view(Instant::now());
        // What was only said again does not make the next change wait: at a join that is the first picture.
        self.view_sent_at = None;
        let lines = self.outbox.waiting().filter(|line| resend || !line.sent);
        let lines: Vec<_> = lines.map(|line| (line.local_id, line.content.clone())).collect();
        for (local_id, content) in lines {
            self.post(local_id, content);
        }
    }

    /// Sends one chat line that stands in the outbox.
    pub(super) fn post(&mut self, local_id: u32, content: String) {
        let request = self.requests.open(Instant::now(), CHAT_PATIENCE, Asked::Chat { local_id });
        if self.send(ClientMessage::ChatMessage { request: Some(request), conversation_id: None, content }) {
            self.outbox.mark_sent(local_id);
        } else {
            self.requests.close(request);
        }
    }

    pub(super) fn ask_history(&mut self, before: Option<confab_protocol::ChatMessageId>, limit: Option<u32>) {
        let request = self.requests.open(Instant::now(), CONNECTION_PATIENCE, Asked::History);
        if !self.send(ClientMessage::ChatHistory { request, before, limit }) {
            self.requests.close(request);
        }
    }

    fn refused(&mut self, asked: Option<Asked>, code: ErrorCode, message: String) {
        match asked {
            Some(Asked::Join { socket } | Asked::Resume { socket }) => {
                self.handle(Input::Refused { socket, code, message });
            }
            Some(Asked::Restart { number }) if number == self.media.later_offers() => {
                self.handle(Input::RestartFailed);
            }
            Some(Asked::Growth { number }) if number == self.media.later_offers() => self.growth_refused(&message),
            Some(Asked::Restart { .. } | Asked::Growth { .. }) => {}
            Some(Asked::Chat { local_id }) => {
                let content = self.outbox.waiting().find(|line| line.local_id == local_id);
                let content = content.map(|line| line.content.clone()).unwrap_or_default();
                self.outbox.settle(local_id);
                let (local_id, code) = (Some(local_id), Some(code));
                self.tell(CallEvent::ChatRefused { local_id, content, code, why: message });
            }
            Some(Asked::History) | None => self.tell(CallEvent::Refused { code, message }),
        }
    }
}

//! What a connection does with each message: what needs no room is answered here, the rest is posted to the room.

use std::time::Instant;

use confab_protocol::{
    ChatMessageId, ClientMessage, ErrorCode, JoinClaims, PROTOCOL_VERSION, ParticipantId, RelayAccess, RequestId, Role,
    RoomCode, ServerMessage, TrackOffer,
};
use confab_rooms::{Command, JoinRequest, Refusal, SessionId};
use tokio::sync::oneshot;

use super::connection::Connection;
use super::inbound;
use crate::doors::rest;
use crate::gate::TokenError;
use crate::relay::Credential;
use crate::rooms::{self, Enter, EnterKind, Entered, FindError, RoomHandle, RoomMail};

/// Tracks in one offer: each source once.
const MOST_TRACKS: usize = 4;

/// How often a room is looked for anew when its task ends just as somebody comes.
const ATTEMPTS: u32 = 3;

/// A join as it came.
struct Join {
    request: RequestId,
    version: u32,
    code: RoomCode,
    name: String,
    token: Option<String>,
    offer: String,
    tracks: Vec<TrackOffer>,
}

impl Connection {
    /// Acts on a message.
    pub(super) async fn receive(&mut self, message: ClientMessage) {
        match message {
            ClientMessage::Ping { timestamp } => self.tell(&ServerMessage::Pong { timestamp }),
            ClientMessage::MeetingCreate { request, name, host_key } => {
                self.create(request, &name, host_key.as_deref()).await;
            }
            ClientMessage::CallJoin { request, version, code, name, token, offer, tracks } => {
                let join = Join { request, version, code, name, token, offer, tracks };
                if let Err(refusal) = self.join(join).await {
                    self.refuse(Some(request), refusal);
                }
            }
            ClientMessage::CallResume { request, token, offer } => {
                if let Err(refusal) = self.resume(request, token, offer).await {
                    self.refuse(Some(request), refusal);
                }
            }
            ClientMessage::CallRestart { request, offer } => {
                self.post(Some(request), |session| RoomMail::Restart { session, request, offer }).await;
            }
            ClientMessage::CallLeave {} => {
                self.command(|session| Command::Leave { session }).await;
                // The room's `call.ended` is on its way; a join may overtake it.
                self.room = None;
            }
            ClientMessage::CallPublish { source, muted, width, height } => {
                self.command(|session| Command::Publish { session, source, muted, width, height }).await;
            }
            ClientMessage::CallUnpublish { source } => {
                self.command(|session| Command::Unpublish { session, source }).await;
            }
            ClientMessage::CallMute { source, muted } => {
                self.command(|session| Command::Mute { session, source, muted }).await;
            }
            ClientMessage::CallView { tiles } => self.command(|session| Command::View { session, tiles }).await,
            ClientMessage::CallHand { raised } => self.command(|session| Command::Hand { session, raised }).await,
            ClientMessage::CallReact { reaction } => self.command(|session| Command::React { session, reaction }).await,
            ClientMessage::ChatMessage { request, conversation_id, content } => {
                let id = ChatMessageId::new();
                let chat = |session| Command::Chat { session, request, id, conversation_id, content };
                self.post(request, |session| RoomMail::Command(chat(session))).await;
            }
            ClientMessage::ChatHistory { request, before, limit } => match self.history(request, before, limit).await {
                Ok(page) => self.tell(&page),
                Err(refusal) => self.refuse(Some(request), refusal),
            },
        }
    }

    async fn command(&mut self, command: impl FnOnce(SessionId) -> Command) {
        self.post(None, |session| RoomMail::Command(command(session))).await;
    }

    /// Posts to the room this connection is in.
    async fn post(&mut self, request: Option<RequestId>, mail: impl FnOnce(SessionId) -> RoomMail) {
        let Some((room, session)) = &self.room else { return self.refuse(request, not_joined()) };
        if !room.send(mail(*session)).await {
            self.room = None;
            self.refuse(request, not_joined());
        }
    }

    async fn create(&self, request: RequestId, name: &str, host_key: Option<&str>) {
        let created = async {
            self.shared.makes_rooms()?;
            self.shared.gate.may_create(&self.opening.caller, host_key, Instant::now())?;
            rest::create(&self.shared, name).await
        };
        match created.await {
            Ok((code, token)) => {
                let link = self.opening.links.link(&code);
                self.tell(&ServerMessage::MeetingCreated { request, code, link, token });
            }
            Err(refusal) => self.refuse(Some(request), refusal),
        }
    }

    async fn join(&mut self, join: Join) -> Result<(), Refusal> {
        if join.version != PROTOCOL_VERSION {
            return Err(inbound::other_version());
        }
        self.may_enter()?;
        let limits = &self.shared.limits;
        if join.name.chars().count() > limits.name_chars as usize {
            return Err(Refusal::field("name", format!("A name is at most {} characters long.", limits.name_chars)));
        }
        if join.tracks.len() > MOST_TRACKS {
            return Err(Refusal::field("tracks", format!("At most {MOST_TRACKS} tracks can be offered.")));
        }
        let address = self.opening.caller.address;
        self.shared.gate.may_try(address, Instant::now())?;
        let given = join.token.clone().or_else(|| self.opening.token.clone());
        let claims = given.as_deref().map(|token| self.check(token, Some(&join.code))).transpose()?;
        for _ in 0..ATTEMPTS {
            let found = self.shared.rooms.find(&join.code).await.map_err(|error| match error {
                FindError::Draining => rooms::draining(),
                FindError::Store(error) => rest::internal(&self.shared, &error),
            });
            let Some(room) = found? else {
                self.shared.gate.failed(address, Instant::now());
                let message = "There is no meeting with this code. Check the link.";
                return Err(Refusal::new(ErrorCode::RoomNotFound, message));
            };
            let session = self.shared.fresh_session();
            let (request, token) = self.join_request(&join, claims.as_ref(), session)?;
            let kind = EnterKind::Join { join: request, tracks: join.tracks.clone() };
            if self.enter(room, session, kind, join.offer.clone(), token).await {
                return Ok(());
            }
        }
        Err(room_ended())
    }

    /// What the room is asked, and the token to come back with. Somebody without a token is a guest.
    fn join_request(
        &self,
        join: &Join,
        known: Option<&JoinClaims>,
        session: SessionId,
    ) -> Result<(JoinRequest, String), Refusal> {
        let (participant, role, grants, known_as) = match known {
            Some(claims) => (claims.sub, claims.role, claims.grants, claims.name.as_str()),
            None => (ParticipantId::new(), Role::Participant, Role::Participant.grants(), ""),
        };
        let name = if join.name.trim().is_empty() { known_as } else { &join.name };
        let token = match known {
            Some(claims) => self.shared.gate.tokens.renew(claims)?,
            None => self.shared.gate.tokens.issue(join.code.clone(), participant, name.to_owned(), role, grants)?,
        };
        let offered = join.tracks.iter().map(|track| track.source).collect();
        let name = name.to_owned();
        Ok((JoinRequest { session, request: join.request, participant, name, role, grants, offered }, token))
    }

    async fn resume(&mut self, request: RequestId, token: String, offer: String) -> Result<(), Refusal> {
        self.may_enter()?;
        self.shared.gate.may_try(self.opening.caller.address, Instant::now())?;
        let claims = self.check(&token, None)?;
        let gone =
            || Refusal::new(ErrorCode::SessionGone, "This call cannot be taken up any more. Join the meeting again.");
        let room = self.shared.rooms.find_open(&claims.room).ok_or_else(gone)?;
        let session = self.shared.fresh_session();
        let token = self.shared.gate.tokens.renew(&claims)?;
        let kind = EnterKind::Resume { session, request, participant: claims.sub };
        if self.enter(room, session, kind, offer, token).await { Ok(()) } else { Err(gone()) }
    }

    fn may_enter(&self) -> Result<(), Refusal> {
        self.shared.takes_newcomers()?;
        if self.room.is_some() {
            return Err(Refusal::new(ErrorCode::AlreadyJoined, "This connection is in a meeting already."));
        }
        Ok(())
    }

    /// Checks a token; one that this server never gave counts as a guess.
    fn check(&self, token: &str, room: Option<&RoomCode>) -> Result<JoinClaims, Refusal> {
        let checked = self.shared.gate.tokens.check(token, room);
        if checked.as_ref().is_err_and(|error| *error == TokenError::Invalid) {
            self.shared.gate.failed(self.opening.caller.address, Instant::now());
        }
        Ok(checked?)
    }

    /// Asks the room in, and waits for its decision. `false` when the room's task ended before it decided; otherwise
    /// the client has been answered.
    async fn enter(
        &mut self,
        room: RoomHandle,
        session: SessionId,
        kind: EnterKind,
        offer: String,
        token: String,
    ) -> bool {
        let (reply, decision) = oneshot::channel();
        let link = self.opening.links.link(&room.code);
        let participant = match &kind {
            EnterKind::Join { join, .. } => join.participant,
            EnterKind::Resume { participant, .. } => *participant,
        };
        let relay = self.relay_access(participant);
        let enter = Enter { kind, offer, token, link, relay, outbox: self.outbox.clone(), reply };
        if !room.send(RoomMail::Enter(Box::new(enter))).await {
            return false;
        }
        match decision.await {
            Ok(Entered::Yes) => {
                self.room = Some((room, session));
                true
            }
            Ok(Entered::No) => true,
            Err(_) => false,
        }
    }

    /// The way to the relay by the name this client knows the server under.
    fn relay_access(&self, participant: ParticipantId) -> RelayAccess {
        let (relay, server) = (&self.shared.relay, self.opening.links.server());
        let Credential { username, password } = relay.issue(participant);
        let (host, port) = (&server.host, server.port);
        let udp = relay.speaks_udp().then(|| format!("turn:{host}:{port}?transport=udp"));
        // Browsers take no self-made certificate, and what they send over TCP is encrypted by itself.
        let tcp = format!("turn:{host}:{port}?transport=tcp");
        let tls = self.shared.identity.is_some().then(|| format!("turns:{host}:{port}?transport=tcp"));
        let urls = udp.into_iter().chain([tcp]).chain(tls).collect();
        let expires_in_seconds = u32::try_from(relay.credential_seconds()).unwrap_or(u32::MAX);
        RelayAccess { urls, username, credential: password, expires_in_seconds }
    }

    async fn history(
        &self,
        request: RequestId,
        before: Option<ChatMessageId>,
        limit: Option<u32>,
    ) -> Result<ServerMessage, Refusal> {
        let Some((room, _)) = &self.room else { return Err(not_joined()) };
        let most = self.shared.limits.chat_page;
        let limit = limit.unwrap_or(most).clamp(1, most);
        let page = self.shared.store.chat_page(&room.code, before, limit).await;
        let page = page.map_err(|error| rest::internal(&self.shared, &error))?;
        let page = page.ok_or_else(|| Refusal::field("before", "This meeting's chat has no such message."))?;
        Ok(ServerMessage::ChatHistory { request, messages: page.messages, more: page.more })
    }
}

fn not_joined() -> Refusal {
    Refusal::new(ErrorCode::NotJoined, "You are not in a meeting. Join one first.")
}

fn room_ended() -> Refusal {
    Refusal::new(ErrorCode::Internal, "The meeting was closing just now. Try again.")
}

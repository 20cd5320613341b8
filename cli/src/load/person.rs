//! One light person: joins, sends if told to, shows everybody who does, and counts.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use confab_protocol::link::ServerAddress;
use confab_protocol::{
    ClientMessage, Layer, PROTOCOL_VERSION, ParticipantId, ParticipantInfo, RoomCode, ServerMessage, SourceKind,
    TileRequest,
};
use confab_rtp::AudioLevel;
use tokio::sync::{mpsc, watch};

use super::control::Totals;
use super::film::Film;
use super::janus::Janus;
use super::media::{Happening, Media};
use super::payload::{Contents, StreamName};
use super::peer::{Identity, Peer};
use super::signal::Signal;
use super::streams::Outgoing;
use super::tally::Tally;
use super::{LoadArgs, LoadError};

/// One voice packet every so often.
const VOICE: Duration = Duration::from_millis(20);
/// People take turns to speak, two at a time, for this long.
const TURN: Duration = Duration::from_secs(3);
/// A sender that fell this far behind its schedule leaves out what it missed.
const BEHIND: Duration = Duration::from_millis(200);

/// Where a run stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Phase {
    Joining,
    /// All are in; media flows, nothing counts.
    Settling,
    Measuring,
    /// Nothing is sent for a while.
    Paused,
    /// Nothing is sent any more; what is on its way arrives.
    Draining,
    Done,
}

pub(super) struct Person {
    pub(super) number: u32,
    pub(super) code: RoomCode,
    pub(super) server: ServerAddress,
    pub(super) args: LoadArgs,
    pub(super) sends: bool,
    /// How many send in this room.
    pub(super) senders: u32,
    pub(super) identity: Identity,
    pub(super) totals: Arc<Totals>,
    /// What is shown and said, where it is to be decoded.
    pub(super) film: Option<Arc<Film>>,
    pub(super) clock: Instant,
}

/// How what a person says and is told goes.
enum Line {
    Confab(Box<Signal>),
    Janus(Box<Janus>),
}

/// A stream being sent.
#[derive(Default)]
struct Sending {
    counter: u64,
    timestamp: u32,
    keyframe_due: bool,
    /// Where in the film the stream is.
    scene: usize,
}

/// A person in the call.
struct Member {
    person: Person,
    peer: Peer,
    line: Line,
    me: ParticipantId,
    others: HashMap<ParticipantId, ParticipantInfo>,
    shown: Vec<ParticipantId>,
    wanted: Vec<Layer>,
    voice: Sending,
    layers: [Sending; 3],
    next_voice: Instant,
    next_picture: Instant,
    phase: Phase,
    connected: bool,
    closed: bool,
}

/// Who has been let in, and with what.
struct Entered {
    peer: Peer,
    line: Line,
    me: ParticipantId,
    others: Vec<ParticipantInfo>,
    /// When it began to join.
    begin: Instant,
}

impl Person {
    /// Joins and stays until the run is done.
    pub(super) async fn take_part(
        self,
        mut phase: watch::Receiver<Phase>,
        joined: mpsc::Sender<Duration>,
    ) -> Result<Tally, LoadError> {
        let entered = match &self.args.janus {
            None => self.enter_confab().await?,
            Some(address) => self.enter_janus(address).await?,
        };
        let Entered { peer, line, me, others, begin } = entered;
        let now = Instant::now();
        // A rival says nothing of layers: there is one, and it is wanted.
        let wanted = if self.args.janus.is_some() { vec![Layer::Full] } else { Vec::new() };
        let mut member = Member {
            others: others.into_iter().filter(|info| info.id != me).map(|info| (info.id, info)).collect(),
            person: self,
            peer,
            line,
            me,
            shown: Vec::new(),
            wanted,
            voice: Sending::default(),
            layers: Default::default(),
            next_voice: now,
            next_picture: now,
            phase: Phase::Joining,
            connected: false,
            closed: false,
        };
        member.announce().await?;
        member.show_others().await?;
        // Boxed, since it holds a whole packet's way and everybody has one.
        let stayed = Box::pin(member.stay(&mut phase, begin, joined)).await?;
        Ok(Box::pin(member.leave(stayed)).await)
    }

    fn media(&self) -> Media {
        let seed = u64::from(self.number) + 1;
        Media::new(self.args.open_one_in, self.args.lose, seed, self.clock, self.totals.clone())
    }

    async fn enter_confab(&self) -> Result<Entered, LoadError> {
        let mut signal = Signal::connect(&self.server).await?;
        let mut peer = Peer::open(&self.identity, &self.server.host, self.server.port, self.media()).await?;
        let (offer, tracks) = peer.offer_call(self.args.video_slots)?;
        let begin = Instant::now();
        let request = signal.next_request();
        let name = format!("Load {}", self.number);
        let (version, code) = (PROTOCOL_VERSION, self.code.clone());
        let join = ClientMessage::CallJoin { request, version, code, name, token: None, offer, tracks };
        signal.send(&join).await?;
        let (me, answer, others) = signal
            .answer(request, |message| match message {
                ServerMessage::CallJoined { participant_id, answer, participants, .. } => {
                    Some((participant_id, answer, participants))
                }
                _ => None,
            })
            .await?;
        peer.accept(&answer)?;
        Ok(Entered { peer, line: Line::Confab(Box::new(signal)), me, others, begin })
    }

    async fn enter_janus(&self, address: &str) -> Result<Entered, LoadError> {
        let mut janus = Janus::connect(address).await?;
        let mut peer = Peer::open(&self.identity, &self.server.host, self.server.port, self.media()).await?;
        let begin = Instant::now();
        if self.sends {
            let offer = peer.offer_camera()?;
            peer.accept(&janus.publish(&offer).await?)?;
        } else {
            let offer = janus.subscribe().await?;
            janus.start(&peer.answer(&offer)?).await?;
        }
        let line = Line::Janus(Box::new(janus));
        Ok(Entered { peer, line, me: ParticipantId::new(), others: Vec::new(), begin })
    }
}

impl Line {
    async fn send(&mut self, message: &ClientMessage) -> Result<(), LoadError> {
        match self {
            Self::Confab(signal) => signal.send(message).await,
            Self::Janus(_) => Ok(()),
        }
    }

    /// The next message; `None` when the connection has ended.
    async fn next(&mut self) -> Option<ServerMessage> {
        match self {
            Self::Confab(signal) => signal.next().await,
            Self::Janus(janus) => {
                janus.stay().await;
                None
            }
        }
    }

    async fn close(self) {
        match self {
            Self::Confab(signal) => signal.close().await,
            Self::Janus(janus) => janus.close().await,
        }
    }
}

impl Member {
    async fn announce(&mut self) -> Result<(), LoadError> {
        if !self.person.sends {
            return Ok(());
        }
        if self.person.args.audio_kbps > 0 {
            let source = SourceKind::Microphone;
            self.line.send(&ClientMessage::CallPublish { source, muted: false, width: 0, height: 0 }).await?;
        }
        if self.person.args.video_kbps > 0 {
            let source = SourceKind::Camera;
            self.line.send(&ClientMessage::CallPublish { source, muted: false, width: 1_280, height: 720 }).await?;
        }
        Ok(())
    }

    /// Shows the cameras there are, if they changed. Not everybody shows the same ones: all people stand in a circle, and
    /// each shows those that come next.
    async fn show_others(&mut self) -> Result<(), LoadError> {
        let has_camera = |info: &&ParticipantInfo| info.tracks.iter().any(|track| track.source == SourceKind::Camera);
        let mut cameras: Vec<ParticipantId> = self.others.values().filter(has_camera).map(|info| info.id).collect();
        cameras.sort();
        let next = cameras.partition_point(|id| *id < self.me);
        cameras.rotate_left(next);
        cameras.truncate(self.person.args.tiles.unwrap_or(self.person.args.video_slots) as usize);
        if cameras == self.shown {
            return Ok(());
        }
        self.shown = cameras;
        let height = self.person.args.tile_height;
        let tile = |participant: &ParticipantId| TileRequest {
            participant: *participant,
            source: SourceKind::Camera,
            width: height * 16 / 9,
            height,
            priority: 0,
            pinned: false,
        };
        let tiles = self.shown.iter().map(tile).collect();
        self.line.send(&ClientMessage::CallView { tiles }).await
    }

    /// Until the run is done; `false` when it ended before.
    async fn stay(
        &mut self,
        phase: &mut watch::Receiver<Phase>,
        begin: Instant,
        joined: mpsc::Sender<Duration>,
    ) -> Result<bool, LoadError> {
        let mut happenings = Vec::new();
        self.peer.advance(&mut happenings)?;
        let mut joined = Some(joined);
        loop {
            let mut wake = self.peer.deadline();
            if self.is_sending() {
                wake = wake.min(self.next_voice).min(self.next_picture);
            }
            tokio::select! {
                changed = phase.changed() => {
                    let now = *phase.borrow_and_update();
                    self.enter(if changed.is_ok() { now } else { Phase::Done });
                    if self.phase == Phase::Done {
                        return Ok(true);
                    }
                }
                message = self.line.next() => match message {
                    Some(message) => self.take(message).await?,
                    None => self.closed = true,
                },
                _readable_or_failed = self.peer.readable() => self.peer.receive(&mut happenings)?,
                () = tokio::time::sleep_until(wake.into()) => self.peer.advance(&mut happenings)?,
            }
            if self.is_sending() && self.send_what_is_due() {
                self.peer.advance(&mut happenings)?;
            }
            for happening in happenings.drain(..) {
                self.handle(happening);
            }
            if self.connected
                && let Some(joined) = joined.take()
            {
                // The run may have given up waiting.
                let _nobody_may_wait = joined.send(begin.elapsed()).await;
            }
            if self.closed {
                return Ok(false);
            }
        }
    }

    fn is_sending(&self) -> bool {
        self.person.sends && self.connected && !matches!(self.phase, Phase::Paused | Phase::Draining | Phase::Done)
    }

    fn enter(&mut self, phase: Phase) {
        // A phase that is short may pass unseen, so it is not asked which one was before.
        if phase == Phase::Measuring {
            self.peer.media.begin_to_count();
        }
        self.phase = phase;
    }

    async fn take(&mut self, message: ServerMessage) -> Result<(), LoadError> {
        match message {
            ServerMessage::CallParticipantJoined { participant }
            | ServerMessage::CallParticipantUpdated { participant } => {
                if participant.id != self.me {
                    self.others.insert(participant.id, participant);
                }
                self.show_others().await
            }
            ServerMessage::CallParticipantLeft { participant_id, .. } => {
                self.others.remove(&participant_id);
                self.show_others().await
            }
            ServerMessage::CallLayers { source: SourceKind::Camera, wanted } => {
                for layer in &wanted {
                    if !self.wanted.contains(layer) {
                        self.layers[*layer as usize].keyframe_due = true;
                    }
                }
                self.wanted = wanted;
                Ok(())
            }
            ServerMessage::CallEnded { .. } => {
                self.closed = true;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn handle(&mut self, happening: Happening) {
        match happening {
            Happening::Connected => {
                self.connected = true;
                (self.next_voice, self.next_picture) = (Instant::now(), Instant::now());
            }
            Happening::Closed => self.closed = true,
            Happening::KeyframeWanted(layer) => {
                if let Some(layer) = layer {
                    self.layers[layer as usize].keyframe_due = true;
                }
                self.peer.media.tally.video.keyframe_requests += 1;
            }
        }
    }

    /// Queues voice and pictures whose time has come; says whether there were any.
    fn send_what_is_due(&mut self) -> bool {
        let now = Instant::now();
        let mut sent = false;
        let picture = Duration::from_secs(1) / self.person.args.fps;
        for (next, period) in [(&mut self.next_voice, VOICE), (&mut self.next_picture, picture)] {
            let behind = now.saturating_duration_since(*next);
            if behind > BEHIND {
                // In step with oneself, not with all others who had stopped too.
                *next += period * (behind.as_micros() / period.as_micros()) as u32;
            }
        }
        while self.next_voice <= now {
            self.next_voice += VOICE;
            if self.person.args.audio_kbps > 0 {
                self.send_voice(now);
                sent = true;
            }
        }
        while self.next_picture <= now {
            self.next_picture += picture;
            for layer in self.wanted.clone() {
                self.send_picture(now, layer);
                sent = true;
            }
        }
        sent
    }

    fn send_voice(&mut self, now: Instant) {
        let turn = now.saturating_duration_since(self.person.clock).as_secs() / TURN.as_secs();
        let speaks = (u64::from(self.person.number) + turn) % u64::from(self.person.senders.max(1)) < 2;
        self.voice.counter += 1;
        self.voice.timestamp = self.voice.timestamp.wrapping_add(960);
        let name = StreamName { person: self.person.number, stream: 0 };
        let contents = Contents { name, counter: self.voice.counter, sent: self.since_begin() };
        let bytes = self.person.args.audio_kbps as usize * 1_000 / 8 / 50;
        let outgoing = Outgoing {
            timestamp: self.voice.timestamp,
            marker: false,
            level: Some(AudioLevel { below_overload: if speaks { 25 } else { 80 }, voice: speaks }),
            payload: &|payload| match &self.person.film {
                Some(film) => payload.extend(film.sound(self.voice.scene)),
                None => contents.write(0x78, bytes, payload),
            },
        };
        self.peer.media.send(now, None, &outgoing);
        self.voice.scene += 1;
        self.peer.media.tally.audio.sent += u64::from(self.phase == Phase::Measuring);
    }

    fn send_picture(&mut self, now: Instant, layer: Layer) {
        if let Some(film) = self.person.film.clone() {
            self.send_scene(now, layer, &film);
            return;
        }
        let sent = self.since_begin();
        let args = &self.person.args;
        let share = [10, 3, 1][layer as usize];
        let bytes = (args.video_kbps as usize * 1_000 / 8 / args.fps as usize / share).max(1);
        let packets = bytes.div_ceil(args.packet_bytes as usize);
        let stream = &mut self.layers[layer as usize];
        let keyframe = std::mem::take(&mut stream.keyframe_due);
        stream.timestamp = stream.timestamp.wrapping_add(90_000 / args.fps);
        let name = StreamName { person: self.person.number, stream: 1 + layer as u8 };
        for packet in 0..packets {
            stream.counter += 1;
            let first = match (keyframe, packet) {
                (true, 0) => 0x67,
                (true, _) => 0x65,
                (false, _) => 0x41,
            };
            let contents = Contents { name, counter: stream.counter, sent };
            let outgoing = Outgoing {
                timestamp: stream.timestamp,
                marker: packet + 1 == packets,
                level: None,
                payload: &|payload| contents.write(first, bytes / packets, payload),
            };
            self.peer.media.send(now, Some(layer), &outgoing);
        }
        if self.phase == Phase::Measuring {
            self.peer.media.tally.video.sent += packets as u64;
        }
    }

    /// The film's next picture; its first when a keyframe is wanted.
    fn send_scene(&mut self, now: Instant, layer: Layer, film: &Film) {
        let stream = &mut self.layers[layer as usize];
        stream.timestamp = stream.timestamp.wrapping_add(90_000 / self.person.args.fps);
        if std::mem::take(&mut stream.keyframe_due) {
            stream.scene = 0;
        }
        let payloads = film.picture(layer, stream.scene);
        stream.scene += 1;
        for (place, payload) in payloads.iter().enumerate() {
            let outgoing = Outgoing {
                timestamp: stream.timestamp,
                marker: place + 1 == payloads.len(),
                level: None,
                payload: &|packet| packet.extend(payload),
            };
            self.peer.media.send(now, Some(layer), &outgoing);
        }
        if self.phase == Phase::Measuring {
            self.peer.media.tally.video.sent += payloads.len() as u64;
        }
    }

    /// The time written into packets.
    fn since_begin(&self) -> Duration {
        self.person.clock.elapsed()
    }

    async fn leave(mut self, stayed: bool) -> Tally {
        let mut tally = self.peer.media.finish();
        tally.ended_early = !stayed;
        self.peer.close();
        self.line.close().await;
        tally
    }
}

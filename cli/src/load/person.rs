//! One light person: joins, sends if told to, shows everybody who does, and counts.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use confab_protocol::link::ServerAddress;
use confab_protocol::{
    ClientMessage, Layer, PROTOCOL_VERSION, ParticipantId, ParticipantInfo, RoomCode, ServerMessage, SourceKind,
    TileRequest,
};
use str0m::config::CryptoProvider;
use str0m::media::Mid;
use str0m::rtp::RtpPacket;
use tokio::sync::{mpsc, watch};

use super::payload::{Contents, StreamName};
use super::peer::{Happening, Outgoing, Peer};
use super::signal::Signal;
use super::tally::{Arrival, KindTally, SlotTally, Tally};
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
    pub(super) crypto: Arc<CryptoProvider>,
    pub(super) clock: Instant,
}

/// A stream being sent.
#[derive(Default)]
struct Stream {
    counter: u64,
    timestamp: u32,
    keyframe_due: bool,
}

/// A person in the call.
struct Member {
    person: Person,
    peer: Peer,
    signal: Signal,
    me: ParticipantId,
    others: HashMap<ParticipantId, ParticipantInfo>,
    shown: Vec<ParticipantId>,
    wanted: Vec<Layer>,
    voice: Stream,
    layers: [Stream; 3],
    next_voice: Instant,
    next_picture: Instant,
    slots: HashMap<Mid, SlotTally>,
    tally: Tally,
    phase: Phase,
    connected: bool,
    closed: bool,
}

impl Person {
    /// Joins and stays until the run is done.
    pub(super) async fn take_part(
        self,
        mut phase: watch::Receiver<Phase>,
        joined: mpsc::Sender<Duration>,
    ) -> Result<Tally, LoadError> {
        let mut signal = Signal::connect(&self.server).await?;
        let opened = Peer::open(self.crypto.clone(), &self.server.host, self.server.port, self.args.video_slots);
        let (mut peer, offer, tracks) = opened.await?;
        let begin = Instant::now();
        let request = signal.next_request();
        let name = format!("Load {}", self.number);
        let join = ClientMessage::CallJoin {
            request,
            version: PROTOCOL_VERSION,
            code: self.code.clone(),
            name,
            token: None,
            offer,
            tracks,
        };
        signal.send(&join).await?;
        let (me, answer, participants) = signal
            .answer(request, |message| match message {
                ServerMessage::CallJoined { participant_id, answer, participants, .. } => {
                    Some((participant_id, answer, participants))
                }
                _ => None,
            })
            .await?;
        peer.accept(&answer)?;
        let now = Instant::now();
        let mut member = Member {
            others: participants.into_iter().filter(|info| info.id != me).map(|info| (info.id, info)).collect(),
            person: self,
            peer,
            signal,
            me,
            shown: Vec::new(),
            wanted: Vec::new(),
            voice: Stream::default(),
            layers: Default::default(),
            next_voice: now,
            next_picture: now,
            slots: HashMap::new(),
            tally: Tally::default(),
            phase: Phase::Joining,
            connected: false,
            closed: false,
        };
        member.announce().await?;
        member.show_others().await?;
        // Boxed, since it holds a whole packet's way and everybody has one.
        Box::pin(member.stay(&mut phase, begin, joined)).await?;
        Ok(Box::pin(member.leave()).await)
    }
}

impl Member {
    async fn announce(&mut self) -> Result<(), LoadError> {
        if !self.person.sends {
            return Ok(());
        }
        if self.person.args.audio_kbps > 0 {
            let source = SourceKind::Microphone;
            self.signal.send(&ClientMessage::CallPublish { source, muted: false, width: 0, height: 0 }).await?;
        }
        if self.person.args.video_kbps > 0 {
            let source = SourceKind::Camera;
            self.signal.send(&ClientMessage::CallPublish { source, muted: false, width: 1_280, height: 720 }).await?;
        }
        Ok(())
    }

    /// Shows the cameras there are, if they changed.
    async fn show_others(&mut self) -> Result<(), LoadError> {
        let has_camera = |info: &&ParticipantInfo| info.tracks.iter().any(|track| track.source == SourceKind::Camera);
        let mut cameras: Vec<ParticipantId> = self.others.values().filter(has_camera).map(|info| info.id).collect();
        cameras.sort();
        cameras.truncate(self.person.args.video_slots as usize);
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
        self.signal.send(&ClientMessage::CallView { tiles }).await
    }

    async fn stay(
        &mut self,
        phase: &mut watch::Receiver<Phase>,
        begin: Instant,
        joined: mpsc::Sender<Duration>,
    ) -> Result<(), LoadError> {
        let mut happenings = Vec::new();
        self.peer.advance(&mut happenings)?;
        let mut joined = Some(joined);
        loop {
            let mut wake = self.peer.deadline;
            if self.is_sending() {
                wake = wake.min(self.next_voice).min(self.next_picture);
            }
            tokio::select! {
                changed = phase.changed() => {
                    let now = *phase.borrow_and_update();
                    self.enter(if changed.is_ok() { now } else { Phase::Done });
                    if self.phase == Phase::Done {
                        return Ok(());
                    }
                }
                message = self.signal.next() => match message {
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
                self.tally.ended_early = true;
                return Ok(());
            }
        }
    }

    fn is_sending(&self) -> bool {
        self.person.sends && self.connected && !matches!(self.phase, Phase::Draining | Phase::Done)
    }

    fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        if phase == Phase::Measuring {
            for slot in self.slots.values_mut() {
                slot.restart();
            }
        }
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
                self.tally.video.keyframe_requests += 1;
            }
            Happening::Packet(mid, packet) => self.count(mid, &packet),
        }
    }

    fn count(&mut self, mid: Mid, packet: &RtpPacket) {
        let Some(contents) = Contents::read(&packet.payload) else { return };
        let slot = self.slots.entry(mid).or_default();
        let (arrival, agrees) = slot.arrive(*packet.seq_no, &contents);
        if !matches!(self.phase, Phase::Measuring | Phase::Draining) {
            return;
        }
        let kind = of_kind(&mut self.tally, contents.name);
        kind.lost += slot.give_up();
        kind.mixed_up += u64::from(!agrees);
        match arrival {
            Arrival::New { switched, .. } => kind.switches += u64::from(switched),
            Arrival::Late => kind.late += 1,
            Arrival::Duplicate => {
                kind.duplicates += 1;
                return;
            }
        }
        kind.received += 1;
        kind.bytes += packet.payload.len() as u64;
        kind.delays.add(contents.age(self.person.clock, packet.timestamp));
    }

    /// Queues voice and pictures whose time has come; says whether there were any.
    fn send_what_is_due(&mut self) -> bool {
        let now = Instant::now();
        let mut sent = false;
        let picture = Duration::from_secs(1) / self.person.args.fps;
        for next in [&mut self.next_voice, &mut self.next_picture] {
            if now.saturating_duration_since(*next) > BEHIND {
                *next = now;
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
        let sent = now.saturating_duration_since(self.person.clock);
        let contents = Contents { name, counter: self.voice.counter, sent };
        self.peer.send(Outgoing {
            layer: None,
            sequence: self.voice.counter,
            timestamp: self.voice.timestamp,
            marker: false,
            level: Some(if speaks { -25 } else { -80 }),
            payload: contents.write(0x78, self.person.args.audio_kbps as usize * 1_000 / 8 / 50),
        });
        self.tally.audio.sent += u64::from(self.phase == Phase::Measuring);
    }

    fn send_picture(&mut self, now: Instant, layer: Layer) {
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
            let sent = now.saturating_duration_since(self.person.clock);
            let contents = Contents { name, counter: stream.counter, sent };
            self.peer.send(Outgoing {
                layer: Some(layer),
                sequence: stream.counter,
                timestamp: stream.timestamp,
                marker: packet + 1 == packets,
                level: None,
                payload: contents.write(first, bytes / packets),
            });
        }
        if self.phase == Phase::Measuring {
            self.tally.video.sent += packets as u64;
        }
    }

    async fn leave(mut self) -> Tally {
        for slot in self.slots.values() {
            if let Some(name) = slot.stream() {
                of_kind(&mut self.tally, name).lost += slot.missing();
            }
        }
        self.peer.close();
        self.signal.close().await;
        self.tally
    }
}

fn of_kind(tally: &mut Tally, name: StreamName) -> &mut KindTally {
    if name.stream == 0 { &mut tally.audio } else { &mut tally.video }
}

//! One picture slot: packets to whole frames, frames to pictures, pictures to the sink, on a thread of its own.
//!
//! ```text
//!  inlet --(bounded)--> FrameAssembler -> Decoder -> (held: even pace, lip sync) -> VideoSink
//!                            |               |
//!                            +-- keyframe wanted: asked of the server
//! ```
//! The thread starts with the slot's first picture and ends with the slot.

use std::collections::VecDeque;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use confab_media::h264::Decoder;
use confab_protocol::SourceKind;
use confab_rtp::{AssembledFrame, AssemblerConfig, AssemblerOutput, FrameAssembler, RtpInput};
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded, select_biased, unbounded};

use super::lip_sync::{VoiceDelays, hold};
use super::playout::VideoPlayout;
use crate::engine::event::TileKey;
use crate::sink::{ReceivedFrame, VideoSink};
use crate::stats::meters::Meters;

/// Packets that may wait for the decoder: about two seconds of 720p. What finds no room counts as lost.
const CAPACITY: usize = 600;

/// Packets kept while the slot's first assignment is on its way: a keyframe and what follows it within a round trip.
const EARLY: usize = 200;

/// How long after an assignment a keyframe is awaited that the server has asked for, before we ask too. Asking at once
/// would make every sender encode two keyframes.
const FIRST_KEYFRAME_PATIENCE: Duration = Duration::from_millis(120);

/// A packet that waited this long means that this computer cannot keep up: everything waiting is dropped and the
/// picture begins anew, because catching up late pictures would keep it late.
const OVERLOAD: Duration = Duration::from_millis(600);

/// Two requests for a keyframe of one slot are at least so far apart.
const REQUEST_SPACING: Duration = Duration::from_millis(150);

/// Decoded pictures that may wait to be shown: those of half a second, 1.4 MB each at 720p.
const MOST_HELD: usize = 16;

/// How long the thread sleeps when nothing is due.
const IDLE: Duration = Duration::from_secs(1);

/// A packet on its way to a slot's thread.
struct Incoming {
    /// Which of the slot's assignments it belongs to; assignments come by another way.
    assignment: u64,
    packet: RtpInput,
    arrived: Instant,
}

/// What else a slot's thread is told. These are few, so their queue has no limit and nothing of it is ever lost.
enum Control {
    /// Another picture (or none) from now on, and the number of this assignment.
    Assign(u64, Option<TileKey>),
    /// The round trip to the server.
    RoundTrip(Duration),
}

/// Shared by all slots.
#[derive(Clone)]
pub struct PictureShared {
    /// Where pictures go.
    pub sink: Arc<dyn VideoSink>,
    /// The figures.
    pub meters: Arc<Meters>,
    /// The delays of the voices.
    pub voice_delays: Arc<VoiceDelays>,
}

/// A slot's door. Dropping it ends the thread.
pub struct PictureSlot {
    name: String,
    inputs: Option<(Sender<Control>, Sender<Incoming>)>,
    key: Option<TileKey>,
    assignment: u64,
    /// What the thread begins with; `None` once it runs.
    beginning: Option<(PictureShared, Box<dyn Fn() + Send>)>,
    /// Packets that came before the slot's first assignment: the server's message took longer than its media.
    early: VecDeque<(RtpInput, Instant)>,
    overflow: u64,
}

impl PictureSlot {
    /// A slot that carries nothing yet. `ask_keyframe` asks the server for a keyframe.
    pub fn new(name: &str, shared: PictureShared, ask_keyframe: impl Fn() + Send + 'static) -> Self {
        Self {
            name: name.to_owned(),
            inputs: None,
            key: None,
            assignment: 0,
            beginning: Some((shared, Box::new(ask_keyframe))),
            early: VecDeque::new(),
            overflow: 0,
        }
    }

    /// Hands a packet over; never waits.
    pub fn packet(&mut self, packet: RtpInput, arrived: Instant) {
        if let Some((_, packets)) = &self.inputs {
            let incoming = Incoming { assignment: self.assignment, packet, arrived };
            if let Err(TrySendError::Full(_)) = packets.try_send(incoming) {
                self.overflow += 1;
            }
        } else {
            if self.early.len() >= EARLY {
                self.early.pop_front();
                self.overflow += 1;
            }
            self.early.push_back((packet, arrived));
        }
    }

    /// Another picture from now on, or none.
    pub fn assign(&mut self, key: Option<TileKey>) {
        if key.is_some() && self.inputs.is_none() {
            self.start();
        }
        // Said again, as after a reconnect, it is no new one: what is on its way goes on.
        if std::mem::replace(&mut self.key, key) == key {
            return;
        }
        if let Some((control, packets)) = &self.inputs {
            self.assignment += 1;
            drop(control.send(Control::Assign(self.assignment, key)));
            for (packet, arrived) in self.early.drain(..) {
                drop(packets.try_send(Incoming { assignment: self.assignment, packet, arrived }));
            }
        }
    }

    /// The round trip to the server, for the patience with repairs.
    pub fn round_trip(&self, round_trip: Duration) {
        if let Some((control, _)) = &self.inputs {
            drop(control.send(Control::RoundTrip(round_trip)));
        }
    }

    fn start(&mut self) {
        let Some((shared, ask_keyframe)) = self.beginning.take() else { return };
        let (control, controls) = unbounded();
        let (packets, incoming) = bounded(CAPACITY);
        let spawned = thread::Builder::new().name(format!("decode-{}", self.name)).spawn(move || {
            Slot::new(shared, ask_keyframe).run(&controls, &incoming);
        });
        match spawned {
            Ok(_) => self.inputs = Some((control, packets)),
            Err(error) => tracing::error!(%error, "no thread to decode a picture"),
        }
    }
}

struct Held {
    due: Instant,
    frame: ReceivedFrame,
    assemble: Duration,
    decode: Duration,
}

struct Slot {
    shared: PictureShared,
    ask_keyframe: Box<dyn Fn() + Send>,
    key: Option<TileKey>,
    assignment: u64,
    assembler: FrameAssembler,
    round_trip: Option<Duration>,
    decoder: Decoder,
    playout: VideoPlayout,
    held: VecDeque<Held>,
    asked_at: Option<Instant>,
    /// When to ask for the first keyframe of a new picture, if none has come.
    ask_at: Option<Instant>,
    number: u64,
    /// Frames given up by assemblers before the present one.
    given_up: u64,
}

impl Slot {
    fn new(shared: PictureShared, ask_keyframe: Box<dyn Fn() + Send>) -> Self {
        Self {
            shared,
            ask_keyframe,
            key: None,
            assignment: 0,
            assembler: FrameAssembler::new(AssemblerConfig::default()),
            round_trip: None,
            decoder: Decoder::new(),
            playout: VideoPlayout::new(Instant::now()),
            held: VecDeque::new(),
            asked_at: None,
            ask_at: None,
            number: 0,
            given_up: 0,
        }
    }

    fn run(mut self, controls: &Receiver<Control>, packets: &Receiver<Incoming>) {
        loop {
            let now = Instant::now();
            let assembler = self.key.and(self.assembler.next_deadline());
            let due = [assembler, self.held.front().map(|held| held.due), self.ask_at];
            let wait = due.into_iter().flatten().min().map_or(IDLE, |due| due.saturating_duration_since(now));
            // An assignment goes before packets: those of the one before are of no use any more.
            select_biased! {
                recv(controls) -> control => match control {
                    Ok(control) => self.control(control),
                    Err(_) => break,
                },
                recv(packets) -> incoming => if let Ok(incoming) = incoming {
                    self.packet(incoming, controls, packets);
                },
                default(wait.min(IDLE)) => {}
            }
            self.advance();
        }
        self.end();
    }

    fn control(&mut self, control: Control) {
        match control {
            Control::Assign(assignment, key) => {
                self.assignment = assignment;
                self.assign(key);
            }
            Control::RoundTrip(round_trip) => {
                self.round_trip = Some(round_trip);
                self.assembler.set_round_trip(round_trip);
            }
        }
    }

    fn packet(&mut self, incoming: Incoming, controls: &Receiver<Control>, packets: &Receiver<Incoming>) {
        let Incoming { assignment, packet, arrived } = incoming;
        if assignment > self.assignment {
            // Its assignment was sent before it, just after we looked.
            controls.try_iter().for_each(|control| self.control(control));
        }
        let Some(key) = self.key.filter(|_| assignment == self.assignment) else { return };
        if arrived.elapsed() > OVERLOAD {
            self.overloaded(key, controls, packets);
            return;
        }
        self.shared.meters.picture(key, |meter| meter.bytes(arrived, packet.payload.len()));
        self.assembler.insert(arrived, packet);
    }

    fn overloaded(&mut self, key: TileKey, controls: &Receiver<Control>, packets: &Receiver<Incoming>) {
        let mut waiting = packets.try_iter().take(CAPACITY);
        let mut skipped = 1;
        let next = waiting.find(|incoming| {
            skipped += 1;
            incoming.assignment > self.assignment
        });
        tracing::debug!(skipped, "the decoder fell behind and begins anew");
        self.shared.meters.picture(key, |meter| meter.frames_skipped += 1);
        self.begin_anew();
        self.ask(key);
        if let Some(next) = next {
            self.packet(next, controls, packets);
        }
    }

    fn assign(&mut self, key: Option<TileKey>) {
        if key == self.key {
            return;
        }
        self.end();
        self.key = key;
        self.number = 0;
        self.begin_anew();
        self.ask_at = key.map(|_| Instant::now() + FIRST_KEYFRAME_PATIENCE);
    }

    /// A new assembler and decoder: nothing of what came before is of use.
    fn begin_anew(&mut self) {
        self.assembler = FrameAssembler::new(AssemblerConfig::default());
        if let Some(round_trip) = self.round_trip {
            self.assembler.set_round_trip(round_trip);
        }
        self.given_up = 0;
        self.decoder = Decoder::new();
        self.playout = VideoPlayout::new(Instant::now());
        self.held.clear();
    }

    fn end(&mut self) {
        if let Some(key) = self.key.take() {
            self.shared.meters.picture(key, crate::stats::meters::PictureMeter::pause);
            self.shared.sink.ended(key);
        }
    }

    fn advance(&mut self) {
        let Some(key) = self.key else { return };
        if self.ask_at.is_some_and(|at| at <= Instant::now()) {
            self.ask_at = None;
            self.ask(key);
        }
        while let Some(output) = self.assembler.poll(Instant::now()) {
            match output {
                AssemblerOutput::Frame(frame) => {
                    self.ask_at = None;
                    self.decode(key, &frame);
                }
                // The first keyframe has its own patience.
                AssemblerOutput::NeedKeyframe if self.ask_at.is_some() => {}
                AssemblerOutput::NeedKeyframe => self.ask(key),
            }
        }
        let given_up = self.assembler.stats().given_up;
        if given_up > self.given_up {
            let more = given_up - self.given_up;
            self.given_up = given_up;
            self.shared.meters.picture(key, |meter| meter.frames_lost += more);
        }
        let now = Instant::now();
        while self.held.front().is_some_and(|held| held.due <= now || self.held.len() > MOST_HELD) {
            if let Some(held) = self.held.pop_front() {
                self.show(key, held);
            }
        }
    }

    fn decode(&mut self, key: TileKey, frame: &AssembledFrame) {
        let began = Instant::now();
        // What stands on a screen is read, not watched: it comes as soon as it is there.
        let even = match key.source {
            SourceKind::Screen => began,
            _ => self.playout.due(began, frame.last_arrival, frame.timestamp),
        };
        match self.decoder.decode(&frame.data) {
            Ok(Some(picture)) => {
                let decoded_at = Instant::now();
                let ready_after = decoded_at.max(even).saturating_duration_since(frame.first_arrival);
                let voice = self.shared.voice_delays.of(key.participant);
                let held = voice.map_or(Duration::ZERO, |voice| hold(voice, ready_after));
                let received = ReceivedFrame {
                    frame: Arc::new(picture),
                    number: self.number,
                    own: false,
                    first_packet_at: frame.first_arrival,
                    complete_at: frame.last_arrival,
                    decoded_at,
                };
                self.number += 1;
                self.held.push_back(Held {
                    due: decoded_at.max(even) + held,
                    frame: received,
                    assemble: frame.last_arrival.saturating_duration_since(frame.first_arrival),
                    decode: decoded_at.saturating_duration_since(began),
                });
            }
            Ok(None) => {}
            Err(error) => {
                tracing::debug!(%error, "a frame was not decoded");
                self.shared.meters.picture(key, |meter| meter.frames_damaged += 1);
                self.ask(key);
            }
        }
    }

    fn show(&self, key: TileKey, held: Held) {
        let now = Instant::now();
        let (width, height) = (held.frame.frame.width(), held.frame.frame.height());
        self.shared.sink.frame(key, held.frame);
        self.shared.meters.seen(now, height);
        self.shared.meters.picture(key, |meter| {
            (meter.width, meter.height) = (width, height);
            meter.frame(now, held.assemble, held.decode);
        });
    }

    fn ask(&mut self, key: TileKey) {
        let now = Instant::now();
        if self.asked_at.is_some_and(|at| now.saturating_duration_since(at) < REQUEST_SPACING) {
            return;
        }
        self.asked_at = Some(now);
        self.shared.meters.picture(key, |meter| meter.keyframes_asked += 1);
        (self.ask_keyframe)();
    }
}

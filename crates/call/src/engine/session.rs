//! The task that owns a call. Everything reaches it as a message, so nothing here is locked and nothing waits long.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use confab_protocol::{Layer, Limits, ParticipantId, SourceKind, TileRequest};
use confab_rtp::RtpClock;
use tokio::sync::{mpsc, oneshot};

use super::config::{CallConfig, View};
use super::event::{CallEvent, CallState, EndReason, LocalMedia, MediaDevice, TileKey};
use super::handle::Command;
use super::room::Room;
use super::sound::{SoundNotice, Sounds};
use crate::receive::inlet::Inlet;
use crate::receive::lip_sync::VoiceDelays;
use crate::receive::picture::PictureShared;
use crate::receive::voice::Mixdown;
use crate::send::outlet::Outlet;
use crate::send::picture::{Picture, PictureNotice};
use crate::send::voice::{Voice, VoiceNotice, VoiceSetup};
use crate::signal::NoSocket;
use crate::signal::life::{Action, Ending, Input, Life, Phase, SocketId};
use crate::signal::outbox::Outbox;
use crate::signal::requests::Requests;
use crate::signal::socket::{Socket, SocketEvent};
use crate::stats::meters::{Meters, unix_ms};
use crate::transport::TransportEvent;

mod growth;
mod local;
mod media;
mod signaling;

use growth::PictureSlots;
use media::{Media, Offered};

/// The pace of everything that is looked at regularly.
const TICK: Duration = Duration::from_millis(50);

/// Ticks between two looks at the transport's figures.
const TICKS_PER_FIGURES: u32 = 10;

/// What a request was about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Asked {
    Join {
        socket: SocketId,
    },
    Resume {
        socket: SocketId,
    },
    /// Only the answer to the last one fits.
    Restart {
        number: u64,
    },
    /// The same.
    Growth {
        number: u64,
    },
    Chat {
        local_id: u32,
    },
    History,
}

/// What the session's own tasks and threads report.
enum Report {
    Socket(SocketId, SocketEvent),
    /// A transport and its offer are ready (or not).
    Offered(Offered),
    /// An answer was applied.
    Answered {
        generation: u64,
        purpose: Purpose,
        result: Result<(), String>,
    },
    Transport {
        generation: u64,
        event: TransportEvent,
    },
    Picture {
        source: SourceKind,
        instance: u64,
        notice: PictureNotice,
    },
    Voice(VoiceNotice),
    Sound(SoundNotice),
    DevicesChanged,
}

/// What an offer was made for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Purpose {
    Join(SocketId),
    Resume(SocketId),
    Restart(SocketId),
    Growth(SocketId),
}

/// A picture of ours and how the person wants it.
struct Sending {
    instance: u64,
    picture: Picture,
    /// The size the server was told.
    published: Option<(u32, u32)>,
}

/// See the module.
pub(super) struct Session {
    config: CallConfig,
    events: mpsc::UnboundedSender<CallEvent>,
    reports: mpsc::UnboundedSender<Report>,
    reports_in: Option<mpsc::UnboundedReceiver<Report>>,
    meters: Arc<Meters>,

    life: Life,
    sockets: HashMap<SocketId, Socket>,
    requests: Requests<Asked>,
    token: Option<String>,
    limits: Limits,
    outbox: Outbox,
    room: Option<Room>,
    /// The socket over which the room was described last; what it says from then on belongs to that description.
    described_by: Option<SocketId>,

    media: Media,
    slots: PictureSlots,
    outlet: Arc<Outlet>,
    inlet: Arc<Inlet>,
    voice: Option<Voice>,
    sounds: Sounds,
    camera: Option<Sending>,
    screen: Option<Sending>,
    instances: u64,
    estimate: u64,
    clock_origin: Instant,

    local: LocalMedia,
    view: Option<Vec<TileRequest>>,
    view_due: bool,
    view_sent_at: Option<Instant>,
    /// The view the server was told; `None` when that is not sure, so that even an empty one is said.
    sent_view: Option<Vec<TileRequest>>,
    watched: HashMap<SourceKind, Vec<Layer>>,
    /// Who we are, once the server has said; the capture threads show our own pictures under it.
    me: Arc<OnceLock<ParticipantId>>,
    tiles: Vec<TileKey>,
    ended: bool,
    left: Option<oneshot::Sender<()>>,
}

impl Session {
    pub(super) fn new(config: CallConfig, meters: Arc<Meters>, events: mpsc::UnboundedSender<CallEvent>) -> Self {
        let now = Instant::now();
        let (reports, reports_in) = mpsc::unbounded_channel();
        let outlet = Arc::new(Outlet::default());
        let delays = Arc::new(VoiceDelays::default());
        let shared = PictureShared { sink: config.sink.clone(), meters: meters.clone(), voice_delays: delays.clone() };
        let voice = start_voice(&config, &outlet, &meters, now, &reports);
        let processing = config.processing.applies_to(&config.microphone);
        let played = voice.as_ref().map(Voice::played);
        let (mixdown, voices) = Mixdown::new(meters.clone(), delays, played, config.tap.clone());
        let inlet = Arc::new(Inlet::new(shared, outlet.clone(), voices));
        let sound_reports = reports.clone();
        let sounds = Sounds::start(mixdown, voice.as_ref().map(Voice::chunks), move |notice| {
            drop(sound_reports.send(Report::Sound(notice)));
        });
        let local = LocalMedia { microphone_muted: config.microphone_muted, ..LocalMedia::default() };
        if let Some(voice) = &voice {
            voice.control().set_processing(processing);
            voice.control().set_noise_removal(config.noise_removal);
        }
        Self {
            view: (config.view == View::Chosen).then(Vec::new),
            token: config.token.clone(),
            config,
            events,
            reports,
            reports_in: Some(reports_in),
            meters,
            life: Life::new(now, rand::random()),
            sockets: HashMap::new(),
            requests: Requests::default(),
            limits: Limits::default(),
            outbox: Outbox::default(),
            room: None,
            described_by: None,
            media: Media::default(),
            slots: PictureSlots::default(),
            outlet,
            inlet,
            voice,
            sounds,
            camera: None,
            screen: None,
            instances: 0,
            estimate: media::FIRST_ESTIMATE,
            clock_origin: now,
            local,
            view_due: false,
            view_sent_at: None,
            sent_view: None,
            watched: HashMap::new(),
            me: Arc::default(),
            tiles: Vec::new(),
            ended: false,
            left: None,
        }
    }

    /// Runs the call to its end.
    pub(super) async fn run(mut self, mut commands: mpsc::UnboundedReceiver<Command>) {
        let Some(mut reports) = self.reports_in.take() else { return };
        // Everything that takes time begins at once and side by side: socket, transport and offer, sound, pictures.
        self.prepare_transport();
        self.act().await;
        self.sounds.open_speaker(self.config.speaker.clone());
        self.sounds.open_microphone(self.config.microphone.clone());
        if self.config.camera_on {
            self.start_camera();
        }
        if let Some(screen) = self.config.screen.take() {
            self.start_share(screen);
        }
        self.watch_devices();
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut ticks = 0_u32;
        while !self.ended {
            tokio::select! {
                command = commands.recv() => match command {
                    Some(command) => self.command(command),
                    None => self.leave(),
                },
                report = reports.recv() => if let Some(report) = report { self.report(report) },
                _ = tick.tick() => {
                    ticks = ticks.wrapping_add(1);
                    self.tick(ticks);
                }
            }
            self.act().await;
        }
        self.finish(&mut commands).await;
    }

    fn report(&mut self, report: Report) {
        match report {
            Report::Socket(id, event) => self.socket_event(id, event),
            Report::Offered(offered) => self.offered(offered),
            Report::Answered { generation, purpose, result } => self.answered(generation, purpose, result),
            Report::Transport { generation, event } => self.transport_event(generation, event),
            Report::Picture { source, instance, notice } => self.picture_notice(source, instance, notice),
            Report::Voice(notice) => self.tell(match notice {
                VoiceNotice::Level { level, voice } => CallEvent::MicrophoneLevel { level, voice },
                VoiceNotice::TalkingWhileMuted => CallEvent::TalkingWhileMuted,
            }),
            Report::Sound(notice) => self.sound_notice(notice),
            Report::DevicesChanged => self.tell(CallEvent::DevicesChanged),
        }
    }

    fn tick(&mut self, ticks: u32) {
        let now = Instant::now();
        self.life.tick(now);
        self.expire_requests(now);
        self.flush_view(now);
        self.grow_when_due();
        if ticks.is_multiple_of(2) {
            self.watch_path(now);
        }
        if ticks.is_multiple_of(TICKS_PER_FIGURES) {
            self.read_figures();
        }
        if self.config.stats_events && ticks.is_multiple_of(20) {
            self.tell(CallEvent::Stats { stats: Box::new(self.meters.snapshot(now)) });
        }
    }

    /// Carries out what the connection's life wants.
    async fn act(&mut self) {
        while let Some(action) = self.life.poll() {
            match action {
                Action::Open(id) => self.open_socket(id),
                Action::Drop(id) => drop(self.sockets.remove(&id)),
                Action::Join { socket, fresh_transport } => self.begin_join(socket, fresh_transport),
                Action::Resume(socket) => self.begin_restart(Purpose::Resume(socket)),
                Action::Restart(socket) => self.begin_restart(Purpose::Restart(socket)),
                Action::Grow(socket) => self.begin_growth(socket),
                Action::Phase(phase) => self.phase(&phase).await,
            }
        }
    }

    async fn phase(&mut self, phase: &Phase) {
        let state = match phase {
            Phase::Connecting => CallState::Connecting,
            Phase::Joined => CallState::Joined,
            Phase::Reconnecting { since, why } => {
                self.meters.connection(|connection| connection.reconnects += 1);
                let ago = since.elapsed().as_millis() as u64;
                let since_unix_ms = unix_ms().saturating_sub(ago);
                CallState::Reconnecting { since_unix_ms, code: *why, why: why.to_string() }
            }
            Phase::Ended(ending) => {
                self.ended = true;
                ended_state(ending)
            }
        };
        if self.ended {
            self.stop_media().await;
        }
        self.tell(CallEvent::State { state });
    }

    async fn finish(mut self, commands: &mut mpsc::UnboundedReceiver<Command>) {
        let sockets: Vec<_> = self.sockets.drain().map(|(_, socket)| socket).collect();
        for socket in sockets {
            socket.finish().await;
        }
        if let Some(left) = self.left.take() {
            let _ = left.send(());
        }
        commands.close();
        while let Some(command) = commands.recv().await {
            if let Command::Leave(done) = command {
                let _ = done.send(());
            }
        }
    }

    fn tell(&self, event: CallEvent) {
        // Nobody listening is no reason to stop a call.
        drop(self.events.send(event));
    }

    fn handle(&mut self, input: Input) {
        self.life.handle(Instant::now(), input);
    }

    fn is_joined(&self) -> bool {
        self.room.is_some() && self.life.socket().is_some()
    }
}

fn ended_state(ending: &Ending) -> CallState {
    let (reason, message) = match ending {
        Ending::Left(reason) => (EndReason::from(*reason), left_message(*reason).to_owned()),
        Ending::Refused(code, message) => (EndReason::Refused { code: *code }, message.clone()),
        Ending::Unreachable(NoSocket { doubt: Some(doubt), why }) => {
            (EndReason::Untrusted { doubt: *doubt }, why.clone())
        }
        Ending::Unreachable(NoSocket { doubt: None, why }) => (EndReason::Unreachable, why.clone()),
        Ending::Failed(message) => (EndReason::Failed, message.clone()),
    };
    CallState::Ended { reason, message }
}

fn left_message(reason: confab_protocol::LeaveReason) -> &'static str {
    use confab_protocol::LeaveReason;
    match reason {
        // Whoever left knows it.
        LeaveReason::Left => "",
        LeaveReason::Removed => "A host removed you from the meeting.",
        LeaveReason::Replaced => "You joined this meeting from another place, so this one ended.",
        LeaveReason::Gone | LeaveReason::TimedOut => "The server ended the call.",
    }
}

fn start_voice(
    config: &CallConfig,
    outlet: &Arc<Outlet>,
    meters: &Arc<Meters>,
    origin: Instant,
    reports: &mpsc::UnboundedSender<Report>,
) -> Option<Voice> {
    let notices = reports.clone();
    let setup = VoiceSetup {
        muted: config.microphone_muted,
        processing: false,
        outlet: outlet.clone(),
        meters: meters.clone(),
        clock: RtpClock::new(origin, rand::random::<u32>() >> 1),
        notice: Box::new(move |notice| drop(notices.send(Report::Voice(notice)))),
    };
    match Voice::start(setup) {
        Ok(voice) => Some(voice),
        Err(error) => {
            let message = format!("Your voice cannot be sent: {error}");
            drop(reports.send(Report::Sound(SoundNotice::Problem {
                device: MediaDevice::Microphone,
                reason: super::event::ProblemReason::Failed,
                message,
                lost: true,
            })));
            None
        }
    }
}

#[cfg(test)]
mod growth_tests;
#[cfg(test)]
mod settle_tests;

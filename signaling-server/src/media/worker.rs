//! A worker thread: sockets -> [`Sfu`] -> sockets, commands in, events out. Nothing else runs on it and nothing on it
//! waits for anybody.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use confab_sfu::{Event, JoinError, Joining, Key, RestartError, Sfu, SfuConfig};
use mio::{Events, Interest, Poll, Token, Waker};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::address::LocalAddress;
use super::admission::{Gate, LoadMeter, MeasuredCell};
use super::command::{Command, Mailbox, QUEUE, RoomId};
use super::counters::WorkerCounters;
use super::delay::Delays;
use super::sender::Sender;
use super::socket::{MediaSocket, ReceiveBuffers};
use super::{MediaAnswer, MediaConfig, MediaError, WorkerHandle};

const WAKE: Token = Token(usize::MAX);

/// Commands taken in one turn, so that packets wait no longer than they have to.
const COMMANDS_A_TURN: usize = 64;

/// Events kept for a room whose task does not read; the room is beyond help then.
const BACKLOG: usize = 65_536;

/// Even without packets and timers a worker looks up this often, for rooms nobody holds any more.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);

/// Where a room's events go.
struct Outbox {
    room: Key,
    events: mpsc::Sender<Event>,
    backlog: VecDeque<Event>,
}

struct Worker {
    poll: Poll,
    sockets: Vec<MediaSocket>,
    buffers: ReceiveBuffers,
    sender: Sender,
    delays: Delays,
    sfu: Sfu,
    commands: Receiver<Command>,
    stopping: Arc<AtomicBool>,
    rooms: HashMap<RoomId, Outbox>,
    names: HashMap<Key, RoomId>,
    counters: Arc<WorkerCounters>,
    meter: LoadMeter,
    measured: Arc<MeasuredCell>,
}

/// Opens a worker's sockets and starts its thread.
pub(super) fn spawn(
    config: &MediaConfig,
    addresses: &[LocalAddress],
    index: usize,
) -> Result<WorkerHandle, MediaError> {
    let poll = Poll::new().map_err(MediaError::Start)?;
    let sockets = open_sockets(config, addresses, index, &poll)?;
    let told: Vec<SocketAddr> = sockets.iter().map(|socket| socket.told).collect();
    let waker = Arc::new(Waker::new(poll.registry(), WAKE).map_err(MediaError::Start)?);
    let (sender, commands) = sync_channel(QUEUE);
    let stopping = Arc::new(AtomicBool::new(false));
    let counters = Arc::new(WorkerCounters::default());
    let measured = Arc::new(MeasuredCell::default());
    let worker = Worker {
        poll,
        sockets,
        buffers: ReceiveBuffers::new(),
        sender: Sender::default(),
        delays: Delays::default(),
        sfu: Sfu::new(SfuConfig { candidates: told.clone(), unix_time: since_epoch(), ..SfuConfig::default() }),
        commands,
        stopping: stopping.clone(),
        rooms: HashMap::new(),
        names: HashMap::new(),
        counters: counters.clone(),
        meter: LoadMeter::new(config.limits),
        measured: measured.clone(),
    };
    let thread = std::thread::Builder::new()
        .name(format!("media-{index}"))
        .spawn(move || worker.run())
        .map_err(MediaError::Start)?;
    Ok(WorkerHandle {
        mailbox: Mailbox::new(sender, waker, stopping, counters.clone()),
        counters,
        gate: Gate::new(config.limits, measured),
        addresses: told,
        rooms: Arc::new(AtomicUsize::new(0)),
        thread: Mutex::new(Some(thread)),
    })
}

/// One port on every address, if it is free everywhere; else the address gets a port of its own.
fn open_sockets(
    config: &MediaConfig,
    addresses: &[LocalAddress],
    index: usize,
    poll: &Poll,
) -> Result<Vec<MediaSocket>, MediaError> {
    let fixed = (config.udp_port_base != 0).then(|| config.udp_port_base.saturating_add(index as u16));
    let mut port = fixed.unwrap_or(0);
    let mut sockets: Vec<MediaSocket> = Vec::new();
    let mut failure = None;
    for address in addresses {
        let mut opened = MediaSocket::bind(SocketAddr::new(address.bind, port), address.told);
        if opened.is_err() && fixed.is_none() && port != 0 {
            opened = MediaSocket::bind(SocketAddr::new(address.bind, 0), address.told);
        }
        match opened {
            Ok(mut socket) => {
                port = if port == 0 { socket.told.port() } else { port };
                let token = Token(sockets.len());
                poll.registry().register(&mut socket.socket, token, Interest::READABLE).map_err(MediaError::Start)?;
                sockets.push(socket);
            }
            Err(error) if address.required => return Err(error),
            Err(error) => {
                tracing::warn!(%error, "an address is left out for media");
                failure = Some(error);
            }
        }
    }
    match failure {
        Some(error) if sockets.is_empty() => Err(error),
        _ => Ok(sockets),
    }
}

impl Worker {
    fn run(mut self) {
        let mut events = Events::with_capacity(64);
        while !self.stopping.load(Ordering::Acquire) {
            if let Err(error) = self.poll.poll(&mut events, Some(self.sleep()))
                && error.kind() != std::io::ErrorKind::Interrupted
            {
                tracing::error!(%error, "a media worker cannot wait for its sockets and ends");
                break;
            }
            for event in &events {
                if let Some(socket) = self.sockets.get_mut(event.token().0) {
                    socket.readable = true;
                }
            }
            self.turn();
        }
        self.end();
    }

    fn sleep(&self) -> Duration {
        if self.sockets.iter().any(|socket| socket.readable) {
            return Duration::ZERO;
        }
        let due = self.sfu.poll_timeout().map(|at| at.saturating_duration_since(Instant::now()));
        due.map_or(LONGEST_SLEEP, |due| due.min(LONGEST_SLEEP))
    }

    /// Takes in what came, lets time pass, sends what came of it.
    fn turn(&mut self) {
        self.receive();
        for _ in 0..COMMANDS_A_TURN {
            let Ok(command) = self.commands.try_recv() else { break };
            self.obey(command);
        }
        let now = Instant::now();
        if self.sfu.poll_timeout().is_some_and(|at| at <= now) {
            self.sfu.handle_timeout(now);
        } else {
            self.sfu.flush(now);
        }
        self.send();
        self.tell_rooms();
        self.count();
    }

    fn receive(&mut self) {
        let (mut datagrams, mut bytes) = (0, 0);
        for socket in self.sockets.iter_mut().filter(|socket| socket.readable || socket.failing) {
            let told = socket.told;
            let now = Instant::now();
            let sfu = &mut self.sfu;
            socket.receive(&mut self.buffers, |source, waited, datagram| {
                datagrams += 1;
                bytes += datagram.len() as u64;
                let arrival = now.checked_sub(waited).unwrap_or(now);
                sfu.handle_arrival(now, arrival, source, told, datagram);
            });
        }
        self.counters.datagrams_in.fetch_add(datagrams, Ordering::Relaxed);
        self.counters.bytes_in.fetch_add(bytes, Ordering::Relaxed);
    }

    fn obey(&mut self, command: Command) {
        let now = Instant::now();
        match command {
            Command::OpenRoom { room, events } => {
                let key = self.sfu.open_room();
                self.names.insert(key, room);
                self.rooms.insert(room, Outbox { room: key, events, backlog: VecDeque::new() });
            }
            Command::CloseRoom { room } => self.close_room(room),
            Command::Join { room, id, offer, tracks, grants, reply } => {
                let joining = Joining { participant: id, offer: &offer, tracks: &tracks, grants };
                let answer = match self.key(room) {
                    Some(key) => self.sfu.join(now, key, &joining).map_err(join_error),
                    None => Err(MediaError::Stopped),
                };
                // The packets go before the answer, so that a client that is quick finds everything ready.
                self.send();
                let answer = answer.map(|joined| MediaAnswer { answer: joined.answer, slots: joined.slots });
                if reply.send(answer).is_err() {
                    // Whoever asked has gone; so has the person.
                    if let Some(key) = self.key(room) {
                        self.sfu.leave(now, key, id);
                    }
                }
            }
            Command::Restart { room, id, offer, reply } => {
                let answer = match self.key(room) {
                    Some(key) => self.sfu.restart(now, key, id, &offer).map_err(restart_error),
                    None => Err(MediaError::UnknownParticipant),
                };
                let _asker_may_have_gone = reply.send(answer);
            }
            Command::Slots { room, id, reply } => {
                let _asker_may_have_gone = reply.send(self.key(room).and_then(|key| self.sfu.slots(key, id)));
            }
            Command::Leave { room, id } => {
                if let Some(key) = self.key(room) {
                    self.sfu.leave(now, key, id);
                }
            }
            Command::SetTrack { room, id, source, state } => {
                if let Some(key) = self.key(room) {
                    self.sfu.set_track(now, key, id, source, state);
                }
            }
            Command::SetView { room, id, tiles } => {
                if let Some(key) = self.key(room) {
                    self.sfu.set_view(now, key, id, tiles);
                }
            }
        }
    }

    fn key(&self, room: RoomId) -> Option<Key> {
        self.rooms.get(&room).map(|outbox| outbox.room)
    }

    fn close_room(&mut self, room: RoomId) {
        if let Some(outbox) = self.rooms.remove(&room) {
            self.names.remove(&outbox.room);
            self.sfu.close_room(Instant::now(), outbox.room);
        }
    }

    fn send(&mut self) {
        let mut transmits = self.sfu.take_transmits();
        if transmits.is_empty() {
            return self.sfu.recycle(transmits);
        }
        let sent = self.sender.send(&self.sockets, &mut transmits);
        self.delays.note(Instant::now(), &transmits);
        self.sfu.recycle(transmits);
        self.counters.datagrams_out.fetch_add(sent.datagrams, Ordering::Relaxed);
        self.counters.bytes_out.fetch_add(sent.bytes, Ordering::Relaxed);
        self.counters.send_failures.fetch_add(sent.failures, Ordering::Relaxed);
    }

    /// Hands events on. A room that is slow to read is not waited for: what does not fit is kept for it.
    fn tell_rooms(&mut self) {
        for (key, event) in self.sfu.take_events() {
            let outbox = self.names.get(&key).and_then(|room| self.rooms.get_mut(room));
            if let Some(outbox) = outbox {
                outbox.backlog.push_back(event);
            }
        }
        let mut abandoned = Vec::new();
        for (room, outbox) in &mut self.rooms {
            while let Some(event) = outbox.backlog.pop_front() {
                if let Err(TrySendError::Full(event)) = outbox.events.try_send(event) {
                    outbox.backlog.push_front(event);
                    break;
                }
            }
            let too_many = outbox.backlog.len().saturating_sub(BACKLOG);
            outbox.backlog.drain(..too_many);
            self.counters.events_dropped.fetch_add(too_many as u64, Ordering::Relaxed);
            if outbox.events.is_closed() {
                abandoned.push(*room);
            }
        }
        for room in abandoned {
            self.close_room(room);
        }
    }

    fn count(&mut self) {
        self.delays.publish(&self.counters.delays);
        let counters = self.sfu.counters();
        let store = |to: &std::sync::atomic::AtomicU64, value| to.store(value, Ordering::Relaxed);
        store(&self.counters.dropped_unknown, counters.dropped_unknown);
        store(&self.counters.dropped_malformed, counters.dropped_malformed);
        store(&self.counters.dropped_forged, counters.dropped_forged);
        store(&self.counters.packets_repaired, counters.packets_repaired);
        store(&self.counters.packets_late, counters.packets_late);
        store(&self.counters.repairs_refused, counters.repairs_refused);
        store(&self.counters.packets_received, counters.packets_received);
        store(&self.counters.packets_refused, counters.packets_refused);
        store(&self.counters.packets_forwarded, counters.packets_forwarded);
        store(&self.counters.keyframe_requests, counters.keyframe_requests);
        store(&self.counters.members_failed, counters.members_failed);
        store(&self.counters.members, counters.members);
        store(&self.counters.rooms, counters.rooms);
        store(&self.counters.tracks_in, counters.tracks_in);
        store(&self.counters.tracks_out, counters.tracks_out);
        let tracks = counters.tracks_in + counters.tracks_out;
        let bytes = self.counters.bytes_out.load(Ordering::Relaxed);
        let measured = self.meter.observe(Instant::now(), tracks, counters.packets_forwarded, bytes);
        self.measured.write(&measured);
    }

    /// Says goodbye on every media path.
    fn end(&mut self) {
        let rooms: Vec<RoomId> = self.rooms.keys().copied().collect();
        for room in rooms {
            self.close_room(room);
        }
        self.send();
        self.count();
    }
}

fn since_epoch() -> Duration {
    // A clock before 1970 makes reports begin there, which harms nothing.
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

fn join_error(error: JoinError) -> MediaError {
    match error {
        JoinError::RoomClosed => MediaError::Stopped,
        JoinError::Track(mid) => MediaError::Track(mid),
        error => MediaError::Offer(error.to_string()),
    }
}

fn restart_error(error: RestartError) -> MediaError {
    match error {
        RestartError::UnknownMember => MediaError::UnknownParticipant,
        error => MediaError::Offer(error.to_string()),
    }
}

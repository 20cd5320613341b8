//! A worker thread: sockets -> [`Sfu`] -> sockets, commands in, events out. Nothing else runs on it and nothing on it
//! waits for anybody.

pub(super) mod crossing;
mod obey;
mod relaying;

use std::collections::{HashMap, HashSet, VecDeque};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use confab_protocol::ParticipantId;
use confab_sfu::{Event, Key, Peer, Sfu, SfuConfig};
use mio::{Events, Interest, Poll, Token, Waker};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::address::LocalAddress;
use super::admission::{Gate, LoadMeter, MeasuredCell};
use super::command::{Command, Mailbox, QUEUE, RoomId};
use super::counters::WorkerCounters;
use super::delay::Delays;
use super::sender::Sender;
use super::socket::{MediaSocket, ReceiveBuffers, Received};
use super::{MediaConfig, MediaError, WorkerHandle};
use crossing::Crossing;

const WAKE: Token = Token(usize::MAX);

/// Commands taken in one turn, so that packets wait no longer than they have to.
const COMMANDS_A_TURN: usize = 64;

/// Events kept for a room whose task does not read; the room is beyond help then.
const BACKLOG: usize = 65_536;

/// Batches read before others have their turn.
const BATCHES: usize = 16;

/// When so many datagrams wait to be sent, they are before those of another sender are read: a third of a millisecond of work.
/// Fewer, and there are more system calls; more, and the first wait for the last.
const SOON: usize = 128;

/// Even without packets and timers a worker looks up this often, for rooms nobody holds any more.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);

/// A room, or the part of it that is here, and where its events go.
struct Outbox {
    room: Key,
    events: mpsc::Sender<Event>,
    backlog: VecDeque<Event>,
    /// Whose media path is here.
    people: HashSet<ParticipantId>,
    /// Other workers that have the room too.
    peers: Vec<Peer>,
}

struct Worker {
    poll: Poll,
    sockets: Vec<MediaSocket>,
    buffers: ReceiveBuffers,
    sender: Sender,
    delays: Delays,
    sfu: Sfu,
    crossing: Crossing,
    commands: Receiver<Command>,
    stopping: Arc<AtomicBool>,
    rooms: HashMap<RoomId, Outbox>,
    names: HashMap<Key, RoomId>,
    counters: Arc<WorkerCounters>,
    meter: LoadMeter,
    measured: Arc<MeasuredCell>,
}

/// What a worker waits on, and what wakes it.
pub(super) struct Wakeable {
    poll: Poll,
    pub(super) waker: Arc<Waker>,
}

impl Wakeable {
    pub(super) fn new() -> Result<Self, MediaError> {
        let poll = Poll::new().map_err(MediaError::Start)?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKE).map_err(MediaError::Start)?);
        Ok(Self { poll, waker })
    }
}

/// Opens a worker's sockets and starts its thread.
pub(super) fn spawn(
    config: &MediaConfig,
    addresses: &[LocalAddress],
    index: usize,
    Wakeable { poll, waker }: Wakeable,
    crossing: Crossing,
) -> Result<WorkerHandle, MediaError> {
    let sockets = open_sockets(config, addresses, index, &poll)?;
    let told: Vec<SocketAddr> = sockets.iter().map(|socket| socket.told).collect();
    let (sender, commands) = sync_channel(QUEUE);
    let stopping = Arc::new(AtomicBool::new(false));
    let counters = Arc::new(WorkerCounters::default());
    let measured = Arc::new(MeasuredCell::default());
    let ended = crossing.ended();
    let worker = Worker {
        poll,
        sockets,
        buffers: ReceiveBuffers::new(),
        sender: Sender::default(),
        delays: Delays::default(),
        sfu: Sfu::new(SfuConfig { candidates: told.clone(), unix_time: since_epoch(), ..SfuConfig::default() }),
        crossing,
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
        rooms: AtomicUsize::new(0),
        ended,
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
        if self.crossing.is_waiting() || self.sockets.iter().any(|socket| socket.readable) {
            return Duration::ZERO;
        }
        let due = self.sfu.poll_timeout().map(|at| at.saturating_duration_since(Instant::now()));
        due.map_or(LONGEST_SLEEP, |due| due.min(LONGEST_SLEEP))
    }

    /// Takes in what came, lets time pass, sends what came of it.
    fn turn(&mut self) {
        self.mend_links();
        self.receive();
        self.take_relayed();
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
        // First to those who have to do something with it.
        self.hand_over();
        self.send();
        self.tell_rooms();
        self.count();
    }

    fn receive(&mut self) {
        let (mut datagrams, mut bytes, mut last_source) = (0, 0, None);
        for index in 0..self.sockets.len() {
            for _ in 0..BATCHES {
                let socket = &mut self.sockets[index];
                if !socket.readable && !socket.is_failing() {
                    break;
                }
                let told = socket.told;
                let received = socket.receive(&mut self.buffers);
                if received == Received::Nothing && socket.is_failing() {
                    break;
                }
                for run in self.buffers.runs() {
                    let (now, source, arrival) = (Instant::now(), run.source, run.arrival);
                    // What one sender's pictures became does not wait for those of all others. Those of one stay together, so
                    // that runs to one receiver are long.
                    if last_source != Some(source) && self.sfu.waiting_transmits() >= SOON {
                        transmit(&mut self.sfu, &mut self.sender, &mut self.delays, &self.sockets, &self.counters);
                    }
                    last_source = Some(source);
                    for datagram in run.datagrams() {
                        datagrams += 1;
                        bytes += datagram.len() as u64;
                        self.sfu.handle_arrival(now, arrival, source, told, datagram);
                    }
                }
                self.fan_out();
            }
        }
        self.counters.datagrams_in.fetch_add(datagrams, Ordering::Relaxed);
        self.counters.bytes_in.fetch_add(bytes, Ordering::Relaxed);
    }

    /// The first of a large audience do not wait for the copies of the last.
    fn fan_out(&mut self) {
        while self.sfu.fan_out_part(Instant::now()) {
            self.send();
        }
    }

    fn send(&mut self) {
        transmit(&mut self.sfu, &mut self.sender, &mut self.delays, &self.sockets, &self.counters);
    }

    /// Hands events on. A room that is slow to read is not waited for: what does not fit is kept for it.
    fn tell_rooms(&mut self) {
        for (key, event) in self.sfu.take_events() {
            let outbox = self.names.get(&key).and_then(|room| self.rooms.get_mut(room));
            if let Some(outbox) = outbox {
                if let Event::Closed(id) = &event {
                    outbox.people.remove(id);
                }
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
        store(&self.counters.relayed_out, counters.relayed_out);
        store(&self.counters.relayed_in, counters.relayed_in);
        store(&self.counters.dropped_relayed, counters.dropped_relayed);
        store(&self.counters.members, counters.members);
        store(&self.counters.mirrors, counters.mirrors);
        store(&self.counters.rooms, counters.rooms);
        store(&self.counters.tracks_in, counters.tracks_in);
        store(&self.counters.tracks_out, counters.tracks_out);
        let tracks = counters.tracks_in + counters.tracks_out;
        let bytes = self.counters.bytes_out.load(Ordering::Relaxed);
        let measured = self.meter.observe(Instant::now(), tracks, counters.packets_forwarded, bytes);
        self.measured.write(&measured);
    }

    /// A worker that ends without having been told to takes its media paths with it: their rooms hear of it.
    fn tell_of_the_end(&mut self) {
        if self.stopping.load(Ordering::Acquire) {
            return;
        }
        for outbox in self.rooms.values_mut() {
            for event in outbox.backlog.drain(..).chain(outbox.people.drain().map(Event::Closed)) {
                let _without_room_it_is_lost = outbox.events.try_send(event);
            }
        }
    }

    /// Says goodbye on every media path.
    fn end(&mut self) {
        self.tell_of_the_end();
        let rooms: Vec<RoomId> = self.rooms.keys().copied().collect();
        for room in rooms {
            self.close_room(room);
        }
        self.send();
        self.count();
    }
}

/// Sends what waits.
fn transmit(
    sfu: &mut Sfu,
    sender: &mut Sender,
    delays: &mut Delays,
    sockets: &[MediaSocket],
    counters: &WorkerCounters,
) {
    let mut transmits = sfu.take_transmits();
    if !transmits.is_empty() {
        let sent = sender.send(sockets, &mut transmits);
        delays.note(Instant::now(), &transmits);
        counters.datagrams_out.fetch_add(sent.datagrams, Ordering::Relaxed);
        counters.bytes_out.fetch_add(sent.bytes, Ordering::Relaxed);
        counters.send_failures.fetch_add(sent.failures, Ordering::Relaxed);
    }
    sfu.recycle(transmits);
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.tell_of_the_end();
    }
}

fn since_epoch() -> Duration {
    // A clock before 1970 makes reports begin there, which harms nothing.
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

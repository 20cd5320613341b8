//! The media plane: worker threads that carry rooms, each with its own UDP sockets around one [`confab_sfu::Sfu`].
//!
//! ```text
//! room task -- Command --> bounded queue --> worker thread: sockets -> Sfu -> sockets
//! room task <-- MediaEvent -- bounded channel <--'
//! ```
//!
//! A room lives on one worker from [`MediaHandle::open_room`] until its last [`RoomMedia`] is dropped, so no lock is on a
//! packet's way. Who comes into it asks for a place there first ([`RoomMedia::place_newcomer`]).

mod address;
mod admission;
mod command;
mod counters;
mod delay;
#[cfg(target_os = "linux")]
mod linux_send;
mod sender;
mod socket;
#[cfg(test)]
mod tests;
mod worker;

pub(crate) use address::reachable_addresses;
#[cfg(target_os = "linux")]
pub use linux_send::BatchSender;
pub use sender::Sent;

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::TrySendError;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use confab_protocol::{Grants, ParticipantId, SlotAssignment, SourceKind, TileRequest, TrackOffer};
use tokio::sync::{mpsc, oneshot};

use admission::Gate;
pub use admission::{LIMITS, Limit, Load, LoadLimits, Newcomer, Place, WorkerReport};
use command::{Command, Mailbox, RoomId};
pub use confab_sfu::{Event as MediaEvent, TrackState};
pub use counters::MediaCounters;
pub(crate) use delay::BUCKETS_US;
pub use delay::DelayReport;

/// Events a room may be behind before the worker has to keep them for it.
const EVENTS_BEHIND: usize = 4_096;

/// How the media plane is set up.
#[derive(Clone, Debug, Default)]
pub struct MediaConfig {
    /// Addresses to listen on; empty for loopback and every address of this computer.
    pub bind: Vec<IpAddr>,
    /// Worker threads; 0 for one per core.
    pub workers: usize,
    /// Address clients are told instead of the first one of its kind that is not loopback, for a server behind a
    /// one-to-one NAT.
    pub advertise: Option<IpAddr>,
    /// UDP port of the first worker, the next ones count up; 0 for any free ports.
    pub udp_port_base: u16,
    /// What each worker carries before it takes nobody else.
    pub limits: LoadLimits,
}

/// What the media plane could not do.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// A UDP port could not be opened.
    #[error(
        "The UDP port {address} could not be opened: {error}. Is another program using it? Another one is chosen by --udp-port-base."
    )]
    Bind {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        error: std::io::Error,
    },
    /// A worker could not be started.
    #[error("A media worker could not be started: {0}")]
    Start(std::io::Error),
    /// The offer is not SDP, or lacks what is needed; the text says what.
    #[error("{0}")]
    Offer(String),
    /// A track's `mid` is not a sending m-line of the offer, or a source was offered twice.
    #[error("The track with mid \u{201c}{0}\u{201d} is not one of the offer's sending m-lines.")]
    Track(String),
    /// No such person in this room's media.
    #[error("There is no media connection to restart; join anew.")]
    UnknownParticipant,
    /// The worker carries as much as it may.
    #[error(
        "The server is full: it carries as many calls as it can. Calls that are under way go on. Try again in a few minutes."
    )]
    Full(Limit),
    /// The worker has more to do than it can.
    #[error("The server is too busy to do this now; try again in a moment.")]
    Busy,
    /// The media plane has stopped.
    #[error("The server is stopping.")]
    Stopped,
}

/// What the server answers to a join.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MediaAnswer {
    /// SDP answer with the server's candidates.
    pub answer: String,
    /// Every receive slot and what it carries.
    pub slots: Vec<SlotAssignment>,
}

/// Starts the workers and opens their sockets.
///
/// # Errors
/// [`MediaError::Bind`] when no socket of a worker could be opened, [`MediaError::Start`] when a thread could not.
pub fn start(config: &MediaConfig) -> Result<MediaHandle, MediaError> {
    let count = match config.workers {
        0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        workers => workers,
    };
    let addresses = address::local_addresses(config);
    let mut workers = Vec::new();
    for index in 0..count {
        workers.push(worker::spawn(config, &addresses, index)?);
    }
    Ok(MediaHandle { inner: Arc::new(Media { workers, next_room: AtomicU64::new(0) }) })
}

/// What the handle keeps of a worker.
struct WorkerHandle {
    mailbox: Mailbox,
    counters: Arc<counters::WorkerCounters>,
    gate: Gate,
    addresses: Vec<SocketAddr>,
    /// Rooms opened and not yet closed, known before the worker has heard of them.
    rooms: Arc<AtomicUsize>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

struct Media {
    workers: Vec<WorkerHandle>,
    next_room: AtomicU64,
}

/// The running media plane. Clones share it.
#[derive(Clone)]
pub struct MediaHandle {
    inner: Arc<Media>,
}

impl MediaHandle {
    /// Opens a room on the worker with the least load. Its events come out of the receiver; they are not lost while
    /// the reader is a few thousand behind. It has no need of the room's code, which opens the room and must not be
    /// logged.
    ///
    /// # Panics
    /// Never: there is at least one worker.
    pub fn open_room(&self) -> (RoomMedia, mpsc::Receiver<MediaEvent>) {
        let now = Instant::now();
        // Rooms in which nothing happens yet are no load, and are spread all the same.
        let load = |worker: &&WorkerHandle| (worker.gate.fullness(now), worker.rooms.load(Ordering::Relaxed));
        let worker = self.inner.workers.iter().min_by_key(load).expect("at least one worker was started");
        worker.rooms.fetch_add(1, Ordering::Relaxed);
        let room = RoomId(self.inner.next_room.fetch_add(1, Ordering::Relaxed));
        let (events, receiver) = mpsc::channel(EVENTS_BEHIND);
        tracing::debug!(media_room = room.0, "media room opened");
        // When this cannot be sent, the receiver ends at once and every join says why.
        let _refused_is_seen_by_the_receiver = worker.mailbox.post(Command::OpenRoom { room, events });
        let gate = worker.gate.clone();
        let inner = RoomInner { room, mailbox: worker.mailbox.clone(), rooms: worker.rooms.clone(), gate };
        (RoomMedia { inner: Arc::new(inner) }, receiver)
    }

    /// Sums over all workers, for `/metrics`.
    pub fn counters(&self) -> MediaCounters {
        let mut sum = MediaCounters::default();
        for worker in &self.inner.workers {
            sum.add(&worker.counters);
        }
        sum
    }

    /// Delays of forwarded packets inside the server, over all workers.
    pub fn delays(&self) -> DelayReport {
        let mut sum = DelayReport::default();
        for worker in &self.inner.workers {
            sum.add(&worker.counters.delays);
        }
        sum
    }

    /// How full each worker is.
    pub fn workers(&self) -> Vec<WorkerReport> {
        let now = Instant::now();
        self.inner.workers.iter().map(|worker| worker.gate.report(now)).collect()
    }

    /// The addresses told to clients, worker by worker.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.inner.workers.iter().flat_map(|worker| worker.addresses.iter().copied()).collect()
    }

    /// Closes every member's media path (they see it at once) and ends the workers.
    pub async fn shutdown(&self) {
        for worker in &self.inner.workers {
            worker.mailbox.stop();
        }
        let inner = self.inner.clone();
        let joined = tokio::task::spawn_blocking(move || {
            for worker in &inner.workers {
                let thread = worker.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
                if thread.is_some_and(|thread| thread.join().is_err()) {
                    tracing::error!("a media worker had ended by a panic");
                }
            }
        });
        if joined.await.is_err() {
            tracing::error!("waiting for the media workers failed");
        }
    }
}

/// One room's media. Clones share it; the room ends when the last is dropped.
#[derive(Clone)]
pub struct RoomMedia {
    inner: Arc<RoomInner>,
}

struct RoomInner {
    room: RoomId,
    mailbox: Mailbox,
    rooms: Arc<AtomicUsize>,
    gate: Gate,
}

impl Drop for RoomInner {
    fn drop(&mut self) {
        self.rooms.fetch_sub(1, Ordering::Relaxed);
        // If this is refused, the worker closes the room when it finds nobody reading its events.
        let _refused_is_noticed_later = self.mailbox.post(Command::CloseRoom { room: self.room });
    }
}

impl RoomMedia {
    /// Chooses the worker for somebody who comes into this room, which is the room's own, and takes a place there. It is to
    /// be kept until their media path is up, when their tracks are measured, or until they have gone. Somebody who is in
    /// already needs none.
    ///
    /// # Errors
    /// [`MediaError::Full`], at once, however busy the worker is.
    pub fn place_newcomer(&self, newcomer: Newcomer) -> Result<Place, MediaError> {
        self.inner.gate.admit(Instant::now(), newcomer).map_err(MediaError::Full)
    }

    /// Whether [`Self::place_newcomer`] would refuse now.
    pub fn is_full(&self) -> bool {
        self.inner.gate.is_full(Instant::now())
    }

    /// Takes a person in. A person already in is replaced without any event. Tracks begin unpublished.
    ///
    /// # Errors
    /// Says what is wrong with the offer or the tracks; then nothing has changed.
    pub async fn join(
        &self,
        id: ParticipantId,
        offer: String,
        tracks: Vec<TrackOffer>,
        grants: Grants,
    ) -> Result<MediaAnswer, MediaError> {
        self.ask(|reply| Command::Join { room: self.inner.room, id, offer, tracks, grants, reply }).await?
    }

    /// Answers an offer with new ICE credentials on the running media path.
    ///
    /// # Errors
    /// [`MediaError::UnknownParticipant`] when the path is gone (join anew), [`MediaError::Offer`] when the offer cannot
    /// be read or is another connection's.
    pub async fn restart(&self, id: ParticipantId, offer: String) -> Result<String, MediaError> {
        self.ask(|reply| Command::Restart { room: self.inner.room, id, offer, reply }).await?
    }

    /// What all receive slots of a person carry now, for the answer to a resume.
    ///
    /// # Errors
    /// [`MediaError::UnknownParticipant`] when the path is gone.
    pub async fn slots(&self, id: ParticipantId) -> Result<Vec<SlotAssignment>, MediaError> {
        let slots = self.ask(|reply| Command::Slots { room: self.inner.room, id, reply }).await?;
        slots.ok_or(MediaError::UnknownParticipant)
    }

    /// Ends a person's media path. No event follows.
    pub fn leave(&self, id: ParticipantId) {
        self.tell(Command::Leave { room: self.inner.room, id });
    }

    /// Says what a person does with a track. Until said, an offered track is unpublished and its packets are dropped.
    pub fn set_track(&self, id: ParticipantId, source: SourceKind, state: TrackState) {
        self.tell(Command::SetTrack { room: self.inner.room, id, source, state });
    }

    /// Says which pictures a person shows; replaces the view before. Without a view no video is sent.
    pub fn set_view(&self, id: ParticipantId, tiles: Vec<TileRequest>) {
        self.tell(Command::SetView { room: self.inner.room, id, tiles });
    }

    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Result<T, MediaError> {
        let (reply, answer) = oneshot::channel();
        self.inner.mailbox.post(command(reply)).map_err(|error| match error {
            TrySendError::Full(()) => MediaError::Busy,
            TrySendError::Disconnected(()) => MediaError::Stopped,
        })?;
        answer.await.map_err(|_| MediaError::Stopped)
    }

    /// For commands without an answer. A worker that is thousands of commands behind is lost anyway; it is counted.
    fn tell(&self, command: Command) {
        if let Err(TrySendError::Full(())) = self.inner.mailbox.post(command) {
            tracing::error!("a media worker does not keep up; a command was dropped");
        }
    }
}

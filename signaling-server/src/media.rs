//! The media plane: worker threads that carry rooms, each with its own UDP sockets around one [`confab_sfu::Sfu`].
//!
//! ```text
//! room task -- Command --> bounded queue --> worker thread: sockets -> Sfu -> sockets
//! room task <-- MediaEvent -- bounded channel <--'             '-- bounded queue --> another worker
//! ```
//!
//! A room is on one worker, its home, from [`MediaHandle::open_room`] until its last [`RoomMedia`] is dropped. Who comes
//! into it asks for a place first ([`RoomMedia::place_newcomer`]). When the home is full, the room spreads to other workers;
//! what crosses goes through queues that nobody waits for, so no lock is on a packet's way.

mod address;
mod admission;
mod command;
mod counters;
mod delay;
#[cfg(target_os = "linux")]
mod linux_send;
mod room;
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
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use confab_protocol::SlotAssignment;
use tokio::sync::mpsc;

use admission::Gate;
pub use admission::{LIMITS, Limit, Load, LoadLimits, Newcomer, WorkerReport};
use command::{Mailbox, RoomId};
pub use confab_sfu::{Event as MediaEvent, TrackState};
pub use counters::MediaCounters;
pub(crate) use delay::BUCKETS_US;
pub use delay::DelayReport;
pub use room::{Place, RoomMedia};
use worker::crossing;

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
    /// Every worker carries as much as it may.
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

/// How rooms spread over workers; its own only in tests.
struct Spreading {
    /// Batches a worker may be behind with what others relay.
    queue: usize,
    /// How long a room stays on a worker where nobody of it is any more, but its home. Shorter, and people who come and go
    /// open and close it each time, which tells every other worker of everybody anew; longer, and its sound crosses for
    /// nobody.
    kept_empty: Duration,
}

impl Default for Spreading {
    fn default() -> Self {
        Self { queue: crossing::QUEUE, kept_empty: Duration::from_secs(5) }
    }
}

/// Starts the workers and opens their sockets.
///
/// # Errors
/// [`MediaError::Bind`] when no socket of a worker could be opened, [`MediaError::Start`] when a thread could not.
pub fn start(config: &MediaConfig) -> Result<MediaHandle, MediaError> {
    start_spreading(config, Spreading::default())
}

fn start_spreading(config: &MediaConfig, spreading: Spreading) -> Result<MediaHandle, MediaError> {
    let count = match config.workers {
        0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        workers => workers,
    };
    let addresses = address::local_addresses(config);
    let wakeables = (0..count).map(|_| worker::Wakeable::new()).collect::<Result<Vec<_>, _>>()?;
    let wakers = wakeables.iter().map(|wakeable| Arc::clone(&wakeable.waker)).collect();
    let crossings = crossing::lay(wakers, spreading.queue);
    let mut workers = Vec::new();
    for (index, (wakeable, crossing)) in wakeables.into_iter().zip(crossings).enumerate() {
        workers.push(worker::spawn(config, &addresses, index, wakeable, crossing)?);
    }
    Ok(MediaHandle { inner: Arc::new(Media { workers, next_room: AtomicU64::new(0), spreading }) })
}

/// What the handle keeps of a worker.
struct WorkerHandle {
    mailbox: Mailbox,
    counters: Arc<counters::WorkerCounters>,
    gate: Gate,
    addresses: Vec<SocketAddr>,
    /// Rooms opened and not yet closed, known before the worker has heard of them.
    rooms: AtomicUsize,
    /// Its thread has ended.
    ended: Arc<AtomicBool>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl WorkerHandle {
    fn is_running(&self) -> bool {
        !self.ended.load(Ordering::Acquire)
    }

    /// To compare workers. Rooms in which nothing happens yet are no load, and are spread all the same.
    fn load(&self, now: Instant) -> (u64, usize) {
        (self.gate.fullness(now), self.rooms.load(Ordering::Relaxed))
    }
}

struct Media {
    workers: Vec<WorkerHandle>,
    next_room: AtomicU64,
    spreading: Spreading,
}

impl Media {
    /// Places of the workers that have not ended.
    fn running(&self) -> Vec<usize> {
        (0..self.workers.len()).filter(|worker| self.workers[*worker].is_running()).collect()
    }
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
    pub fn open_room(&self) -> (RoomMedia, mpsc::Receiver<MediaEvent>) {
        let room = RoomId(self.inner.next_room.fetch_add(1, Ordering::Relaxed));
        let (events, receiver) = mpsc::channel(EVENTS_BEHIND);
        (RoomMedia::open(Arc::clone(&self.inner), room, events), receiver)
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

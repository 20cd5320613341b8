//! What room tasks ask of a worker, and the bounded queue it goes through.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError};

use confab_protocol::{Grants, ParticipantId, SlotAssignment, SourceKind, TileRequest, TrackOffer};
use confab_sfu::{Event, Peer, TrackState};
use tokio::sync::{mpsc, oneshot};

use super::counters::WorkerCounters;
use super::{MediaAnswer, MediaError};

/// Commands a worker may be behind.
pub(super) const QUEUE: usize = 8_192;

/// A room, across all workers and for the life of the process.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct RoomId(pub(super) u64);

pub(super) enum Command {
    /// Opens a room, or a part of one that is on other workers too.
    OpenRoom {
        room: RoomId,
        events: mpsc::Sender<Event>,
        /// Whether this worker tells who speaks.
        is_home: bool,
        /// Workers that have the room already.
        peers: Vec<Peer>,
    },
    /// Closes what is here of a room, and unlinks it.
    CloseRoom {
        room: RoomId,
    },
    /// Another worker has the room too.
    Link {
        room: RoomId,
        peer: Peer,
    },
    /// Another worker has the room no more.
    Unlink {
        room: RoomId,
        peer: Peer,
    },
    /// From now on this worker tells who speaks.
    SetHome {
        room: RoomId,
    },
    Join {
        room: RoomId,
        id: ParticipantId,
        offer: String,
        tracks: Vec<TrackOffer>,
        grants: Grants,
        reply: oneshot::Sender<Result<MediaAnswer, MediaError>>,
    },
    Restart {
        room: RoomId,
        id: ParticipantId,
        offer: String,
        reply: oneshot::Sender<Result<String, MediaError>>,
    },
    Slots {
        room: RoomId,
        id: ParticipantId,
        reply: oneshot::Sender<Option<Vec<SlotAssignment>>>,
    },
    Leave {
        room: RoomId,
        id: ParticipantId,
    },
    SetTrack {
        room: RoomId,
        id: ParticipantId,
        source: SourceKind,
        state: TrackState,
    },
    SetView {
        room: RoomId,
        id: ParticipantId,
        tiles: Vec<TileRequest>,
    },
    /// Runs on the worker's thread: a pause, or a panic.
    #[cfg(test)]
    Run(Box<dyn FnOnce() + Send>),
}

/// Where commands for one worker are left. Clones share it.
#[derive(Clone)]
pub(super) struct Mailbox {
    commands: SyncSender<Command>,
    waker: Arc<mio::Waker>,
    stopping: Arc<AtomicBool>,
    counters: Arc<WorkerCounters>,
}

impl Mailbox {
    pub(super) fn new(
        commands: SyncSender<Command>,
        waker: Arc<mio::Waker>,
        stopping: Arc<AtomicBool>,
        counters: Arc<WorkerCounters>,
    ) -> Self {
        Self { commands, waker, stopping, counters }
    }

    /// Leaves a command and wakes the worker.
    pub(super) fn post(&self, command: Command) -> Result<(), TrySendError<()>> {
        self.commands.try_send(command).map_err(|error| match error {
            TrySendError::Full(_) => {
                self.counters.commands_refused.fetch_add(1, Ordering::Relaxed);
                TrySendError::Full(())
            }
            TrySendError::Disconnected(_) => TrySendError::Disconnected(()),
        })?;
        self.wake();
        Ok(())
    }

    /// Tells the worker to end.
    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.wake();
    }

    fn wake(&self) {
        if let Err(error) = self.waker.wake() {
            // The worker still looks at its queue whenever a timer or a packet wakes it.
            tracing::error!(%error, "a media worker could not be woken");
        }
    }
}

//! One room's media, on as many workers as its people need.
//!
//! ```text
//!  home:  opened with the room, tells who speaks, stays until the room ends
//!  parts: opened when the home is full, on other workers; closed a while after the last person there has left
//! ```
//!
//! All workers of a room are linked with each other. Commands about a person go to the worker where that person is, and
//! so all of one person's events come from one worker, in order.

mod whereabouts;

use std::cmp::Reverse;
use std::sync::atomic::Ordering;
use std::sync::mpsc::TrySendError;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use confab_protocol::{Grants, ParticipantId, SlotAssignment, SourceKind, TileRequest, TrackOffer};
use confab_sfu::{Peer, TrackState};
use tokio::sync::{mpsc, oneshot};

use super::admission::{Admitted, Newcomer};
use super::command::{Command, RoomId};
use super::{Media, MediaAnswer, MediaError, MediaEvent, WorkerHandle};
use whereabouts::{Emptied, Whereabouts, WorkerIndex};

/// One room's media. Clones share it; the room ends when the last is dropped.
#[derive(Clone)]
pub struct RoomMedia {
    inner: Arc<RoomInner>,
}

struct RoomInner {
    room: RoomId,
    media: Arc<Media>,
    /// For workers that the room spreads to.
    events: mpsc::Sender<MediaEvent>,
    whereabouts: Mutex<Whereabouts>,
}

/// The place of somebody who was let in. When it is dropped, nothing is expected of them any more: what is measured
/// counts, and who is not in by then is not on their way either.
pub struct Place {
    _expected: Admitted,
    _hold: Hold,
}

/// An attempt to get in.
struct Hold {
    room: Arc<RoomInner>,
    id: ParticipantId,
    number: u64,
    worker: WorkerIndex,
}

impl Drop for Hold {
    fn drop(&mut self) {
        let emptied = self.room.lock().release(self.id, self.number);
        self.room.close_later(emptied);
    }
}

impl Drop for RoomInner {
    fn drop(&mut self) {
        let whereabouts = std::mem::take(self.whereabouts.get_mut().unwrap_or_else(PoisonError::into_inner));
        for worker in whereabouts.workers() {
            let worker = &self.media.workers[worker];
            worker.rooms.fetch_sub(1, Ordering::Relaxed);
            // If this is refused, the worker closes the room when it finds nobody reading its events.
            let _refused_is_noticed_later = worker.mailbox.post(Command::CloseRoom { room: self.room });
        }
    }
}

impl RoomMedia {
    /// Opens a room on the worker with the least load.
    pub(super) fn open(media: Arc<Media>, room: RoomId, events: mpsc::Sender<MediaEvent>) -> Self {
        let inner = RoomInner { room, media, events, whereabouts: Mutex::default() };
        // When it cannot be opened now, it is when somebody joins, or they are told why not.
        let _refused_is_tried_again = inner.open_home(&mut inner.lock());
        Self { inner: Arc::new(inner) }
    }

    /// Chooses the worker for somebody who comes into this room, and takes a place there: the room's home, else another
    /// that has the room, else the one with the least load, which then has the room too. The place is to be kept until their
    /// media path is up, when their tracks are measured, or until they have gone. Somebody who is in already needs none.
    ///
    /// # Errors
    /// [`MediaError::Full`], at once, however busy the workers are, when no worker takes anybody.
    pub fn place_newcomer(&self, id: ParticipantId, newcomer: Newcomer) -> Result<Place, MediaError> {
        let (inner, now) = (&self.inner, Instant::now());
        let mut whereabouts = inner.lock();
        inner.bury(&mut whereabouts);
        let candidates = match whereabouts.worker_of(id) {
            Some(worker) => vec![worker],
            None => inner.candidates(&whereabouts, now),
        };
        let first = *candidates.first().ok_or(MediaError::Stopped)?;
        let open = candidates.into_iter().filter(|worker| !inner.worker(*worker).gate.is_full(now));
        // When all are full, the first refuses, and counts it.
        let mut refusal = None;
        for worker in open.chain([first]) {
            let admitted = inner.worker(worker).gate.admit(now, newcomer).map_err(MediaError::Full);
            match admitted.and_then(|admitted| inner.open_on(&mut whereabouts, worker).map(|()| admitted)) {
                Ok(admitted) => {
                    return Ok(Place { _expected: admitted, _hold: inner.hold(&mut whereabouts, id, worker) });
                }
                Err(error) => refusal = refusal.or(Some(error)),
            }
        }
        Err(refusal.unwrap_or(MediaError::Stopped))
    }

    /// Whether the room's home takes nobody.
    pub fn is_full(&self) -> bool {
        let home = self.inner.lock().home().map(|home| self.inner.worker(home));
        home.is_none_or(|home| !home.is_running() || home.gate.is_full(Instant::now()))
    }

    /// Takes a person in, on the worker where they have a place; without one, where there is room. A person already in is
    /// replaced without any event. Tracks begin unpublished.
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
        let hold = self.inner.hold_somewhere(id)?;
        let room = self.inner.room;
        let joined = self.ask(hold.worker, |reply| Command::Join { room, id, offer, tracks, grants, reply }).await?;
        if joined.is_ok() {
            self.inner.lock().settle(id, hold.number);
        }
        joined
    }

    /// Answers a later offer on the running media path: with new ICE credentials, more receive slots, or both.
    ///
    /// # Errors
    /// [`MediaError::UnknownParticipant`] when the path is gone (join anew), [`MediaError::Offer`] when the offer cannot
    /// be read or is another connection's.
    pub async fn restart(&self, id: ParticipantId, offer: String) -> Result<String, MediaError> {
        let room = self.inner.room;
        self.ask(self.worker_of(id)?, |reply| Command::Restart { room, id, offer, reply }).await?
    }

    /// What all receive slots of a person carry now, for the answer to a resume.
    ///
    /// # Errors
    /// [`MediaError::UnknownParticipant`] when the path is gone.
    pub async fn slots(&self, id: ParticipantId) -> Result<Vec<SlotAssignment>, MediaError> {
        let room = self.inner.room;
        let slots = self.ask(self.worker_of(id)?, |reply| Command::Slots { room, id, reply }).await?;
        slots.ok_or(MediaError::UnknownParticipant)
    }

    /// Ends a person's media path. No event follows.
    pub fn leave(&self, id: ParticipantId) {
        let (workers, emptied) = {
            let mut whereabouts = self.inner.lock();
            // Whoever is not known may have been on their way in when it was given up.
            let workers = match whereabouts.worker_of(id) {
                Some(worker) => vec![worker],
                None => whereabouts.workers().collect(),
            };
            (workers, whereabouts.leave(id))
        };
        for worker in workers {
            self.tell(worker, Command::Leave { room: self.inner.room, id });
        }
        self.inner.close_later(emptied);
    }

    /// Says what a person does with a track. Until said, an offered track is unpublished and its packets are dropped.
    pub fn set_track(&self, id: ParticipantId, source: SourceKind, state: TrackState) {
        if let Ok(worker) = self.worker_of(id) {
            self.tell(worker, Command::SetTrack { room: self.inner.room, id, source, state });
        }
    }

    /// Says which pictures a person shows; replaces the view before. Without a view no video is sent.
    pub fn set_view(&self, id: ParticipantId, tiles: Vec<TileRequest>) {
        if let Ok(worker) = self.worker_of(id) {
            self.tell(worker, Command::SetView { room: self.inner.room, id, tiles });
        }
    }

    fn worker_of(&self, id: ParticipantId) -> Result<WorkerIndex, MediaError> {
        self.inner.lock().worker_of(id).ok_or(MediaError::UnknownParticipant)
    }

    async fn ask<T>(
        &self,
        worker: WorkerIndex,
        command: impl FnOnce(oneshot::Sender<T>) -> Command,
    ) -> Result<T, MediaError> {
        let (reply, answer) = oneshot::channel();
        self.inner.post(worker, command(reply))?;
        answer.await.map_err(|_| MediaError::Stopped)
    }

    /// For commands without an answer. A worker that is thousands of commands behind is lost anyway; it is counted.
    fn tell(&self, worker: WorkerIndex, command: Command) {
        if let Err(MediaError::Busy) = self.inner.post(worker, command) {
            tracing::error!("a media worker does not keep up; a command was dropped");
        }
    }
}

impl RoomInner {
    fn lock(&self) -> MutexGuard<'_, Whereabouts> {
        self.whereabouts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn worker(&self, worker: WorkerIndex) -> &WorkerHandle {
        &self.media.workers[worker]
    }

    fn post(&self, worker: WorkerIndex, command: Command) -> Result<(), MediaError> {
        self.worker(worker).mailbox.post(command).map_err(|error| match error {
            TrySendError::Full(()) => MediaError::Busy,
            TrySendError::Disconnected(()) => MediaError::Stopped,
        })
    }

    fn hold(self: &Arc<Self>, whereabouts: &mut Whereabouts, id: ParticipantId, worker: WorkerIndex) -> Hold {
        Hold { room: Arc::clone(self), id, number: whereabouts.hold(id, worker), worker }
    }

    /// For somebody who joins: where they are, or where there is room; where there is none, at the home.
    fn hold_somewhere(self: &Arc<Self>, id: ParticipantId) -> Result<Hold, MediaError> {
        let now = Instant::now();
        let mut whereabouts = self.lock();
        self.bury(&mut whereabouts);
        let elsewhere = || {
            let candidates = self.candidates(&whereabouts, now);
            let with_room = candidates.iter().find(|worker| !self.worker(**worker).gate.is_full(now));
            with_room.or(candidates.first()).copied()
        };
        let worker = whereabouts.worker_of(id).or_else(elsewhere).ok_or(MediaError::Stopped)?;
        self.open_on(&mut whereabouts, worker)?;
        Ok(self.hold(&mut whereabouts, id, worker))
    }

    /// All workers that run, in the order in which they are to be asked for a place.
    fn candidates(&self, whereabouts: &Whereabouts, now: Instant) -> Vec<WorkerIndex> {
        let mut candidates = self.media.running();
        candidates.sort_by_cached_key(|&worker| {
            let is_home = whereabouts.home() == Some(worker);
            (Reverse(is_home), Reverse(whereabouts.is_on(worker)), self.worker(worker).load(now))
        });
        candidates
    }

    fn open_home(&self, whereabouts: &mut Whereabouts) -> Result<(), MediaError> {
        let first = self.candidates(whereabouts, Instant::now()).first().copied();
        self.open_on(whereabouts, first.ok_or(MediaError::Stopped)?)
    }

    /// Opens the room on a worker, if it is not open there, and links it with all that have it.
    fn open_on(&self, whereabouts: &mut Whereabouts, worker: WorkerIndex) -> Result<(), MediaError> {
        if whereabouts.is_on(worker) {
            return Ok(());
        }
        let room = self.room;
        let others: Vec<WorkerIndex> = whereabouts.workers().collect();
        let peers = others.iter().copied().map(peer).collect();
        let (events, is_home) = (self.events.clone(), others.is_empty());
        self.post(worker, Command::OpenRoom { room, events, is_home, peers })?;
        for other in &others {
            if let Err(error) = self.post(*other, Command::Link { room, peer: peer(worker) }) {
                // Half a mesh is none. What was linked already harms nobody.
                let _refused_is_noticed_later = self.post(worker, Command::CloseRoom { room });
                return Err(error);
            }
        }
        tracing::debug!(media_room = room.0, worker, "media room opened");
        self.worker(worker).rooms.fetch_add(1, Ordering::Relaxed);
        whereabouts.open_on(worker);
        Ok(())
    }

    /// Closes a part that nobody is in, after a while.
    fn close_later(self: &Arc<Self>, emptied: Option<Emptied>) {
        // Without a runtime the whole process ends.
        let (Some(emptied), Ok(runtime)) = (emptied, tokio::runtime::Handle::try_current()) else { return };
        let (room, pause) = (Arc::downgrade(self), self.media.spreading.kept_empty);
        runtime.spawn(async move {
            loop {
                tokio::time::sleep(pause).await;
                // A worker that is too busy is asked again.
                if room.upgrade().is_none_or(|room| room.close_if_still(emptied)) {
                    break;
                }
            }
        });
    }

    fn close_if_still(&self, emptied: Emptied) -> bool {
        let mut whereabouts = self.lock();
        let (room, worker) = (self.room, emptied.worker);
        if !whereabouts.is_still(emptied) {
            return true;
        }
        if let Err(MediaError::Busy) = self.post(worker, Command::CloseRoom { room }) {
            return false;
        }
        self.worker(worker).rooms.fetch_sub(1, Ordering::Relaxed);
        whereabouts.close_on(worker);
        for other in whereabouts.workers() {
            // The closed part has said so itself; a link without another end does nothing.
            let _is_only_tidier = self.post(other, Command::Unlink { room, peer: peer(worker) });
        }
        tracing::debug!(media_room = room.0, worker, "media room closed on a worker");
        true
    }

    /// Forgets workers that have ended, with all who were there. Others have unlinked them by themselves.
    fn bury(&self, whereabouts: &mut Whereabouts) {
        let ended: Vec<_> = whereabouts.workers().filter(|worker| !self.worker(*worker).is_running()).collect();
        let home = whereabouts.home();
        for worker in ended {
            self.worker(worker).rooms.fetch_sub(1, Ordering::Relaxed);
            whereabouts.close_on(worker);
        }
        if let Some(heir) = whereabouts.home().filter(|heir| home != Some(*heir)) {
            // One that is refused has the room's speakers missing until the room ends; the worker is lost anyway.
            let _refused_is_counted = self.post(heir, Command::SetHome { room: self.room });
        }
    }
}

fn peer(worker: WorkerIndex) -> Peer {
    Peer(worker as u32)
}

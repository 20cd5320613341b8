//! Between workers: what one's core relays to another's, and the memory back.
//!
//! ```text
//!  worker A -- batch --> bounded queue of B --> Sfu::handle_relayed
//!      ^------ emptied buffer, bounded queue of A <------'
//! ```
//!
//! Every worker has one queue, whoever sends into it. Nobody waits, no lock is taken and no memory asked for: queues have
//! their size from the start, buffers go round.
//!
//! Invariant: a worker gets another's batches in order and without a hole, or it is told of a new beginning. Once one was
//! dropped, all after it are, until the links are made anew ([`Crossing::next_mendable`]).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use confab_sfu::{Peer, Relayed};
use mio::Waker;

/// Batches a worker may be behind, of all others together; each of them sends one a turn at most. Fewer, and a worker that
/// is kept from its core for a tenth of a second makes links begin anew, at a keyframe; more, and what comes after such a
/// pause is older than anybody waits for it (400 ms), and holds memory meanwhile. At 2,000 turns a second it is a quarter
/// of a second, 25 KB for the queue itself, and for what is in it about 10 MB at 300 Mbit/s.
pub(in crate::media) const QUEUE: usize = 512;

/// Emptied buffers that may wait for their owner. Fewer, and it asks for new memory after a burst; more, and it holds
/// what a burst needed. As many as its core keeps.
const EMPTIED: usize = 64;

/// A queue that overflowed is sent into again when it is filled by no more than one part in this many. Less room, and it
/// overflows again at once.
const MENDED_BELOW: usize = 4;

/// One worker as the others see it.
struct Lane {
    batches: SyncSender<Relayed>,
    emptied: SyncSender<Vec<u8>>,
    /// Batches in its queue.
    waiting: AtomicUsize,
    waker: Arc<Waker>,
    /// It was woken and has not looked yet.
    is_rung: AtomicBool,
    ended: Arc<AtomicBool>,
}

/// What a worker knows of its way to another.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Open,
    /// Something was dropped, so nothing is sent until the links begin anew.
    Broken,
    Ended,
}

/// One worker's end of the ways to and from all others. When it is dropped, the others are told.
pub(in crate::media) struct Crossing {
    own: Peer,
    lanes: Arc<[Lane]>,
    ways: Vec<Way>,
    /// Length of each queue.
    length: usize,
    arrived: Receiver<Relayed>,
    emptied: Receiver<Vec<u8>>,
}

/// Lays the ways between workers, given by what wakes them. A worker's number is its place, and its [`Peer`].
pub(in crate::media) fn lay(wakers: Vec<Arc<Waker>>, length: usize) -> Vec<Crossing> {
    let mut lanes = Vec::new();
    let mut ends = Vec::new();
    for waker in wakers {
        let (batches, arrived) = sync_channel(length);
        let (give_back, emptied) = sync_channel(EMPTIED);
        lanes.push(Lane {
            batches,
            emptied: give_back,
            waiting: AtomicUsize::new(0),
            waker,
            is_rung: AtomicBool::new(false),
            ended: Arc::new(AtomicBool::new(false)),
        });
        ends.push((arrived, emptied));
    }
    let lanes: Arc<[Lane]> = lanes.into();
    let crossing = |(number, (arrived, emptied))| Crossing {
        own: Peer(number as u32),
        lanes: Arc::clone(&lanes),
        ways: vec![Way::Open; lanes.len()],
        length,
        arrived,
        emptied,
    };
    ends.into_iter().enumerate().map(crossing).collect()
}

impl Lane {
    fn ring(&self) {
        if !self.is_rung.swap(true, Ordering::AcqRel)
            && let Err(error) = self.waker.wake()
        {
            // It still looks whenever a timer or a packet wakes it.
            tracing::error!(%error, "a media worker could not be woken");
        }
    }
}

impl Crossing {
    /// Becomes true when this worker's thread has ended.
    pub(in crate::media) fn ended(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.lanes[self.own.0 as usize].ended)
    }

    /// Hands a batch over and wakes the other worker; `false` when it was dropped.
    pub(super) fn send(&mut self, batch: Relayed) -> bool {
        let to = batch.peer.0 as usize;
        let (Some(lane), Some(way)) = (self.lanes.get(to), self.ways.get_mut(to)) else { return false };
        let mut refused = batch.contents;
        if *way == Way::Open {
            lane.waiting.fetch_add(1, Ordering::AcqRel);
            match lane.batches.try_send(Relayed { peer: self.own, contents: refused }) {
                Ok(()) => {
                    lane.ring();
                    return true;
                }
                Err(error) => {
                    lane.waiting.fetch_sub(1, Ordering::AcqRel);
                    *way = Way::Broken;
                    let (TrySendError::Full(batch) | TrySendError::Disconnected(batch)) = error;
                    refused = batch.contents;
                }
            }
        }
        self.return_to(self.own, refused);
        false
    }

    /// Takes the next batch; its peer is whoever sent it. Give it back by [`Self::give_back`].
    pub(super) fn take(&mut self) -> Option<Relayed> {
        let batch = self.arrived.try_recv().ok()?;
        self.lane().waiting.fetch_sub(1, Ordering::AcqRel);
        Some(batch)
    }

    /// Returns a batch's memory to whoever sent it.
    pub(super) fn give_back(&self, batch: Relayed) {
        self.return_to(batch.peer, batch.contents);
    }

    /// Moves emptied buffers of one's own to the end of `batches`.
    pub(super) fn take_back(&mut self, batches: &mut Vec<Relayed>) {
        let peer = self.own;
        batches.extend(self.emptied.try_iter().map(|contents| Relayed { peer, contents }));
    }

    /// From now on the worker is woken again; call before [`Self::take`].
    pub(super) fn look(&self) {
        self.lane().is_rung.swap(false, Ordering::AcqRel);
    }

    /// Whether batches are there to be taken.
    pub(super) fn is_waiting(&self) -> bool {
        self.lane().waiting.load(Ordering::Acquire) > 0
    }

    /// A worker whose thread has ended since this was last asked.
    pub(super) fn next_ended(&mut self) -> Option<Peer> {
        let is_new = |(lane, way): (&Lane, &Way)| *way != Way::Ended && lane.ended.load(Ordering::Acquire);
        let place = self.lanes.iter().zip(&self.ways).position(is_new)?;
        self.ways[place] = Way::Ended;
        Some(Peer(place as u32))
    }

    /// A worker whose queue overflowed and has room again: the way is open from now on, and all links are to be made anew.
    pub(super) fn next_mendable(&mut self) -> Option<Peer> {
        let below = self.length / MENDED_BELOW;
        let has_room = |lane: &Lane| lane.waiting.load(Ordering::Acquire) <= below;
        let is_mendable = |(lane, way): (&Lane, &Way)| *way == Way::Broken && has_room(lane);
        let place = self.lanes.iter().zip(&self.ways).position(is_mendable)?;
        self.ways[place] = Way::Open;
        Some(Peer(place as u32))
    }

    fn lane(&self) -> &Lane {
        &self.lanes[self.own.0 as usize]
    }

    fn return_to(&self, owner: Peer, contents: Vec<u8>) {
        if let Some(lane) = self.lanes.get(owner.0 as usize) {
            // Without room there its memory goes to the system.
            let _is_kept = lane.emptied.try_send(contents);
        }
    }
}

impl Drop for Crossing {
    fn drop(&mut self) {
        self.lane().ended.store(true, Ordering::Release);
        self.lanes.iter().for_each(Lane::ring);
    }
}

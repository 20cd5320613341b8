//! Packets on their way.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

use crate::counters::Counters;
use crate::impairment::{Impairment, Verdict};

/// One direction of an impaired path that holds its packets: push at one end, poll at the other, in virtual time.
#[derive(Debug)]
pub struct Link<T> {
    impairment: Impairment,
    queue: DelayQueue<T>,
}

impl<T: Clone> Link<T> {
    /// An empty link.
    pub fn new(impairment: Impairment) -> Self {
        Self { impairment, queue: DelayQueue::default() }
    }

    /// Hands in a packet of `bytes` at `now` and says what becomes of it.
    pub fn push(&mut self, now: Instant, bytes: usize, packet: T) -> Verdict {
        let verdict = self.impairment.offer(now, bytes);
        for at in verdict.arrivals() {
            self.queue.push(at, packet.clone());
        }
        verdict
    }

    /// The next packet that has arrived by `now`, with the time of its arrival.
    pub fn poll(&mut self, now: Instant) -> Option<(Instant, T)> {
        self.queue.pop(now)
    }

    /// When the next packet arrives.
    pub fn next_arrival(&self) -> Option<Instant> {
        self.queue.next_time()
    }

    /// The path, to change its profile.
    pub fn impairment_mut(&mut self) -> &mut Impairment {
        &mut self.impairment
    }

    /// What happened so far.
    pub fn counters(&self) -> Counters {
        self.impairment.counters()
    }
}

/// Things to come, earliest first; those of the same time in the order they were put in.
#[derive(Debug)]
pub(crate) struct DelayQueue<T> {
    heap: BinaryHeap<Reverse<Entry<T>>>,
    order: u64,
}

impl<T> Default for DelayQueue<T> {
    fn default() -> Self {
        Self { heap: BinaryHeap::new(), order: 0 }
    }
}

impl<T> DelayQueue<T> {
    pub(crate) fn push(&mut self, at: Instant, item: T) {
        self.order += 1;
        self.heap.push(Reverse(Entry { at, order: self.order, item }));
    }

    pub(crate) fn pop(&mut self, now: Instant) -> Option<(Instant, T)> {
        if self.next_time()? > now {
            return None;
        }
        self.heap.pop().map(|Reverse(entry)| (entry.at, entry.item))
    }

    pub(crate) fn next_time(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse(entry)| entry.at)
    }
}

#[derive(Debug)]
struct Entry<T> {
    at: Instant,
    order: u64,
    item: T,
}

impl<T> Entry<T> {
    fn key(&self) -> (Instant, u64) {
        (self.at, self.order)
    }
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl<T> Eq for Entry<T> {}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Entry<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

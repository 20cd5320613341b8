//! The two directions of a client's path, shared by its datagrams and its connections.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::watch;

use super::RelayConfig;
use crate::counters::Counters;
use crate::impairment::{Impairment, Verdict};
use crate::profile::Profile;

#[derive(Debug)]
pub(super) struct Path {
    pub(super) up: Direction,
    pub(super) down: Direction,
}

impl Path {
    pub(super) fn new(config: &RelayConfig) -> Self {
        // Two directions with one seed would lose the same packets; people take seeds one after the other.
        let other_seed = config.seed ^ 0x5851_f42d_4c95_7f2d;
        Self { up: Direction::new(config.up, config.seed), down: Direction::new(config.down, other_seed) }
    }
}

#[derive(Debug)]
pub(super) struct Direction {
    impairment: Mutex<Impairment>,
    is_hole: watch::Sender<bool>,
}

impl Direction {
    fn new(profile: Profile, seed: u64) -> Self {
        Self { impairment: Mutex::new(Impairment::new(profile, seed)), is_hole: watch::Sender::new(profile.black_hole) }
    }

    fn lock(&self) -> MutexGuard<'_, Impairment> {
        self.impairment.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn offer(&self, bytes: usize) -> Verdict {
        // The clock is read under the lock, because time must not go backwards from one packet to the next.
        let mut impairment = self.lock();
        impairment.offer(Instant::now(), bytes)
    }

    pub(super) fn offer_stream(&self, bytes: usize) -> Instant {
        let mut impairment = self.lock();
        impairment.offer_stream(Instant::now(), bytes)
    }

    pub(super) fn set_profile(&self, profile: Profile) {
        self.lock().set_profile(profile);
        self.is_hole.send_replace(profile.black_hole);
    }

    pub(super) fn set_black_hole(&self, black_hole: bool) {
        self.lock().set_black_hole(black_hole);
        self.is_hole.send_replace(black_hole);
    }

    pub(super) fn counters(&self) -> Counters {
        self.lock().counters()
    }

    /// Waits while the path is a black hole.
    pub(super) async fn out_of_hole(&self) {
        // The sender lives in `self`, so the wait cannot fail.
        let _ = self.is_hole.subscribe().wait_for(|is_hole| !is_hole).await;
    }
}

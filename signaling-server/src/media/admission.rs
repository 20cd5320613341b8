//! Whom a worker takes in: it is full when what it carries, together with what those bring who were just let in, reaches
//! a limit.
//!
//! ```text
//! worker thread -- counters --> LoadMeter -- Measured --> MeasuredCell
//!                                                            |
//! room task, for a newcomer --> Admission::admit <-----------'--> a place, or the limit that was reached
//! ```
//!
//! The decision needs nothing of the worker, so a refusal comes as soon from a busy one. Pure but for
//! [`Admitted`], which gives back by being dropped.
//!
//! # Invariants
//!
//! - Somebody let in counts from that moment on: until their tracks are there by what is expected of them, and until the
//!   packets of those tracks show in the measured rates by what tracks usually cost here.
//! - Whoever failed to get in, or left, is expected nothing of.
//! - A burst cannot close a worker, and a worker that is full opens only when it is clearly below its limits.

mod load;
mod meter;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

pub use load::{LIMITS, Limit, Load, LoadLimits};
pub(super) use meter::{LoadMeter, Measured, MeasuredCell};

/// A newcomer's tracks are expected in full for so long: a handshake over a slow network, and a client that publishes
/// after it. Shorter, and a storm of joins runs past the limit; longer, and it is counted twice.
const AWAITED: Duration = Duration::from_millis(500);

/// After this nothing is expected of them any more that is not measured; in between it fades. Shorter, and slow clients are
/// forgotten; longer, and people who came without any tracks keep others out.
const FORGOTTEN: Duration = Duration::from_secs(2);

/// Tracks expected of anybody at least: a voice and a picture. What is known of the room may be younger than the tracks of
/// those who came a moment ago.
const LEAST_TRACKS: u64 = 2;

/// Tracks a receiver has slots for, as native clients offer them: nine pictures and four voices. Fewer, and large rooms are
/// taken for cheap; more, and their newcomers are expected to be carried to everybody.
const SLOTS: u64 = 13;

/// What a track costs at least while its packets are not measured yet, packets a second: between a voice (50) and a picture
/// of full size (240). Less, and a storm on an idle worker runs past its limit; more, and people who only listen are
/// refused.
const TRACK_PACKETS: u64 = 100;

/// The same in bits a second: between a voice (40 kbit/s) and a picture of full size (2 Mbit/s).
const TRACK_BITS: u64 = 500_000;

/// The room somebody comes into.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Newcomer {
    /// People who are there.
    pub others: u64,
    /// Tracks they publish together.
    pub published: u64,
}

impl Newcomer {
    /// Tracks that somebody like those who are there adds: what is sent to them, what they send, and to how many it goes
    /// on. Where the slots of the others are taken, another picture takes a place and adds nothing.
    fn expected_tracks(&self) -> u64 {
        let Self { others, published } = *self;
        let (sent_to, own) = (published.min(SLOTS), published.checked_div(others).unwrap_or_default());
        let forwarded = published.min((SLOTS - sent_to) * others);
        (own + sent_to + forwarded).max(LEAST_TRACKS)
    }
}

/// Somebody let in whose tracks may not be there yet.
struct Expected {
    number: u64,
    since: Instant,
    tracks: u64,
}

impl Expected {
    fn tracks_at(&self, now: Instant) -> f64 {
        let faded = now.saturating_duration_since(self.since).saturating_sub(AWAITED);
        self.tracks as f64 * (1.0 - faded.div_duration_f64(FORGOTTEN - AWAITED)).max(0.0)
    }
}

/// One worker's decisions.
pub(super) struct Admission {
    limits: LoadLimits,
    expected: VecDeque<Expected>,
    next_number: u64,
    refused: [u64; LIMITS.len()],
}

impl Admission {
    pub(super) fn new(limits: LoadLimits) -> Self {
        Self { limits, expected: VecDeque::new(), next_number: 0, refused: [0; LIMITS.len()] }
    }

    /// Lets somebody in, who is counted from now on under the number given.
    ///
    /// # Errors
    /// The limit that is reached.
    pub(super) fn admit(&mut self, now: Instant, measured: &Measured, newcomer: Newcomer) -> Result<u64, Limit> {
        if let Some(limit) = self.full(now, measured) {
            self.refused[limit as usize] += 1;
            return Err(limit);
        }
        let forgotten = |one: &Expected| now.saturating_duration_since(one.since) >= FORGOTTEN;
        while self.expected.pop_front_if(|one| forgotten(one)).is_some() {}
        let number = self.next_number;
        self.next_number += 1;
        self.expected.push_back(Expected { number, since: now, tracks: newcomer.expected_tracks() });
        Ok(number)
    }

    /// Somebody let in did not come, or has left.
    pub(super) fn withdraw(&mut self, number: u64) {
        // In order of their numbers, so that a long-forgotten one costs nothing to look for.
        if let Ok(place) = self.expected.binary_search_by_key(&number, |one| one.number) {
            self.expected.remove(place);
        }
    }

    /// What is measured, and what will be when everybody let in sends and receives.
    pub(super) fn load(&self, now: Instant, measured: &Measured) -> Load {
        let expected: f64 = self.expected.iter().map(|one| one.tracks_at(now)).sum();
        let tracks = measured.load.tracks + expected.round() as u64;
        let shown = measured.smoothed_tracks;
        let unseen = tracks.saturating_sub(shown);
        let Load { packets_per_second, bits_per_second, .. } = measured.load;
        let packets = packets_per_second.checked_div(shown).unwrap_or_default().max(TRACK_PACKETS);
        let bits = bits_per_second.checked_div(shown).unwrap_or_default().max(TRACK_BITS);
        Load {
            tracks,
            packets_per_second: packets_per_second + unseen * packets,
            bits_per_second: bits_per_second + unseen * bits,
        }
    }

    /// The limit for which nobody is let in; `None` while people are.
    pub(super) fn full(&self, now: Instant, measured: &Measured) -> Option<Limit> {
        measured.full.or_else(|| self.limits.reached(&self.load(now, measured), 100))
    }

    pub(super) fn refused(&self) -> [u64; LIMITS.len()] {
        self.refused
    }
}

/// A worker's admission as room tasks share it.
#[derive(Clone)]
pub(super) struct Gate {
    admission: Arc<Mutex<Admission>>,
    measured: Arc<MeasuredCell>,
    limits: LoadLimits,
}

impl Gate {
    pub(super) fn new(limits: LoadLimits, measured: Arc<MeasuredCell>) -> Self {
        Self { admission: Arc::new(Mutex::new(Admission::new(limits))), measured, limits }
    }

    /// Lets somebody in.
    pub(super) fn admit(&self, now: Instant, newcomer: Newcomer) -> Result<Admitted, Limit> {
        let number = self.lock().admit(now, &self.measured.read(), newcomer)?;
        Ok(Admitted { number, admission: Arc::clone(&self.admission) })
    }

    /// Whether nobody is let in.
    pub(super) fn is_full(&self, now: Instant) -> bool {
        self.lock().full(now, &self.measured.read()).is_some()
    }

    /// How much is carried and expected, in thousandths of the limit that is nearest; to compare workers.
    pub(super) fn fullness(&self, now: Instant) -> u64 {
        self.limits.or_default().fullness(&self.lock().load(now, &self.measured.read()))
    }

    /// For graphs and load balancers.
    pub(super) fn report(&self, now: Instant) -> WorkerReport {
        let (admission, measured) = (self.lock(), self.measured.read());
        WorkerReport {
            load: measured.load,
            percents: LIMITS.map(|limit| self.limits.percent(&measured.load, limit)),
            full: admission.full(now, &measured),
            refused: admission.refused(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Admission> {
        self.admission.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is expected of somebody who was let in. When it is dropped, nothing is expected of them any more; what is measured counts.
pub(super) struct Admitted {
    number: u64,
    admission: Arc<Mutex<Admission>>,
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.admission.lock().unwrap_or_else(PoisonError::into_inner).withdraw(self.number);
    }
}

/// How full a worker is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WorkerReport {
    /// What it carries.
    pub load: Load,
    /// The same in percent of each limit, in the order of [`LIMITS`]; `None` where there is no limit.
    pub percents: [Option<u64>; LIMITS.len()],
    /// Why it takes nobody; `None` while it does.
    pub full: Option<Limit>,
    /// Newcomers refused since the start, by the limit that was reached, in the order of [`LIMITS`].
    pub refused: [u64; LIMITS.len()],
}

#[cfg(test)]
mod tests;

//! What happens to each packet of one direction.
//!
//! Invariants: without reordering, arrivals never decrease; every packet offered is counted exactly once as delivered,
//! lost, overflowed or swallowed; the result depends on the seed, the profile and the calls only.

use std::time::{Duration, Instant};

use crate::counters::Counters;
use crate::loss::LossState;
use crate::profile::Profile;
use crate::random::SeededRandom;

/// What becomes of a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It arrives then.
    Deliver(Instant),
    /// It arrives twice.
    DeliverTwice(Instant, Instant),
    /// It never arrives.
    Drop(DropCause),
}

/// Why a packet never arrives.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum DropCause {
    /// The loss model took it.
    Lost,
    /// The queue before the rate limit was full.
    QueueFull,
    /// The path was a black hole.
    BlackHole,
}

/// When a packet arrives: no time, one or two.
#[derive(Clone, Debug)]
pub struct Arrivals([Option<Instant>; 2]);

impl Iterator for Arrivals {
    type Item = Instant;

    fn next(&mut self) -> Option<Instant> {
        let first = self.0[0].take();
        self.0.swap(0, 1);
        first
    }
}

impl Verdict {
    /// When it arrives, earliest first.
    pub fn arrivals(self) -> Arrivals {
        match self {
            Self::Deliver(at) => Arrivals([Some(at), None]),
            Self::DeliverTwice(first, second) => Arrivals([Some(first), Some(second)]),
            Self::Drop(_) => Arrivals([None, None]),
        }
    }
}

/// One direction of an impaired path.
#[derive(Clone, Debug)]
pub struct Impairment {
    profile: Profile,
    random: SeededRandom,
    loss: LossState,
    /// When the bottleneck has sent what it took so far.
    busy_until: Option<Instant>,
    /// The latest arrival of a packet that keeps the order.
    last_arrival: Option<Instant>,
    /// The latest arrival of all, to count what arrives after it as reordered.
    newest_arrival: Option<Instant>,
    last_stream_arrival: Option<Instant>,
    counters: Counters,
}

impl Impairment {
    /// A path that behaves like `profile`; the same seed gives the same losses and delays.
    pub fn new(profile: Profile, seed: u64) -> Self {
        Self {
            profile,
            random: SeededRandom::new(seed),
            loss: LossState::default(),
            busy_until: None,
            last_arrival: None,
            newest_arrival: None,
            last_stream_arrival: None,
            counters: Counters::default(),
        }
    }

    /// What the path is like at present.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// Changes the path; what is on its way stays as it was decided.
    pub fn set_profile(&mut self, profile: Profile) {
        self.profile = profile;
    }

    /// Opens or closes the black hole and leaves the rest of the profile alone.
    pub fn set_black_hole(&mut self, black_hole: bool) {
        self.profile.black_hole = black_hole;
    }

    /// What happened so far.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Decides over one packet of `bytes` handed in at `now`. `now` must not go backwards.
    pub fn offer(&mut self, now: Instant, bytes: usize) -> Verdict {
        self.counters.offered += 1;
        // All draws are made for every packet, so that the fate of one does not shift the fates of those after it.
        let is_lost = self.loss.takes(&self.profile.loss, &mut self.random);
        let wobble = self.random.signed_fraction();
        let is_held_back = self.random.chance(self.profile.reordering.share);
        let is_duplicated = self.random.chance(self.profile.duplicate);
        if self.profile.black_hole {
            self.counters.swallowed += 1;
            return Verdict::Drop(DropCause::BlackHole);
        }
        if is_lost {
            self.counters.lost += 1;
            return Verdict::Drop(DropCause::Lost);
        }
        let Some(departure) = self.pass_bottleneck(now, bytes, true) else {
            self.counters.overflowed += 1;
            return Verdict::Drop(DropCause::QueueFull);
        };
        let mut arrival = departure + self.time_on_the_way(wobble);
        if is_held_back {
            arrival += self.profile.reordering.by;
        } else if !self.profile.jitter_reorders {
            arrival = self.last_arrival.map_or(arrival, |last| last.max(arrival));
            self.last_arrival = Some(arrival);
        }
        self.count_delivery(now, arrival, bytes);
        if is_duplicated {
            self.counters.duplicated += 1;
            return Verdict::DeliverTwice(arrival, arrival);
        }
        Verdict::Deliver(arrival)
    }

    /// Decides when bytes of a reliable, ordered stream (TCP) arrive that were handed in at `now`. A loss shows as the
    /// time its repair takes. The black hole is the caller's matter: what is in a stream is withheld, not lost. Streams
    /// are not counted.
    pub fn offer_stream(&mut self, now: Instant, bytes: usize) -> Instant {
        let is_lost = self.random.chance(self.profile.loss.share());
        let wobble = self.random.signed_fraction();
        let departure = self.pass_bottleneck(now, bytes, false).unwrap_or(now);
        let mut arrival = departure + self.time_on_the_way(wobble);
        if is_lost {
            // RFC 6298 lets nobody retransmit by timer earlier than this on common systems.
            arrival += Duration::from_millis(200).max(self.profile.delay * 2);
        }
        arrival = self.last_stream_arrival.map_or(arrival, |last| last.max(arrival));
        self.last_stream_arrival = Some(arrival);
        arrival
    }

    /// When the packet has left the bottleneck, or `None` when its queue is full.
    fn pass_bottleneck(&mut self, now: Instant, bytes: usize, may_drop: bool) -> Option<Instant> {
        let Some(rate) = self.profile.rate else { return Some(now) };
        let start = self.busy_until.map_or(now, |busy| busy.max(now));
        if may_drop && start - now > rate.queue {
            return None;
        }
        let sending = Duration::from_secs_f64(bytes as f64 * 8.0 / rate.bits_per_second.max(1) as f64);
        self.busy_until = Some(start + sending);
        self.busy_until
    }

    fn time_on_the_way(&self, wobble: f64) -> Duration {
        let seconds = self.profile.jitter.as_secs_f64().mul_add(wobble, self.profile.delay.as_secs_f64());
        Duration::from_secs_f64(seconds.max(0.0))
    }

    fn count_delivery(&mut self, now: Instant, arrival: Instant, bytes: usize) {
        let delay = arrival - now;
        self.counters.delivered += 1;
        self.counters.delivered_bytes += bytes as u64;
        self.counters.delayed += u64::from(!delay.is_zero());
        self.counters.delay_total += delay;
        self.counters.delay_longest = self.counters.delay_longest.max(delay);
        if self.newest_arrival.is_some_and(|newest| arrival < newest) {
            self.counters.reordered += 1;
        }
        self.newest_arrival = Some(self.newest_arrival.map_or(arrival, |newest| newest.max(arrival)));
    }
}

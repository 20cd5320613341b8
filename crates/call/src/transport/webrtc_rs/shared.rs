//! What the interceptors, the pacing task and the transport's handle all look at.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use confab_protocol::{Layer, SourceKind};
use confab_rtp::DataRate;
use tokio::sync::mpsc;

use super::negotiated::Negotiated;
use crate::transport::{TransportEvent, TransportStats};

/// Places in the event channel that packets may not take, so that a change of state always finds one.
const RESERVED_FOR_STATE: usize = 64;

/// One stream we send.
#[derive(Clone, Debug)]
pub(super) struct LocalStream {
    pub source: SourceKind,
    /// As the application names it; `None` without simulcast.
    pub layer: Option<Layer>,
    pub ssrc: u32,
    /// The SSRC of its retransmissions; sound has none.
    pub repair_ssrc: Option<u32>,
    /// Index of its sender in the configuration.
    pub sender: usize,
}

/// A counter that many threads may raise.
#[derive(Default, Debug)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }
}

/// See [`TransportStats`].
#[derive(Default, Debug)]
pub(super) struct Counters {
    pub packets_out: Counter,
    pub bytes_out: Counter,
    pub packets_in: Counter,
    pub bytes_in: Counter,
    pub repairs_asked_of_us: Counter,
    pub repairs_sent: Counter,
    pub repairs_refused: Counter,
    /// Bytes of repairs sent, overhead included.
    pub repair_bytes: Counter,
    pub repairs_asked: Counter,
    pub repaired: Counter,
    pub missing: Counter,
    pub duplicates: Counter,
    pub unknown: Counter,
    pub events_dropped: Counter,
    pub outgoing_dropped: Counter,
    /// Bits per second.
    pub estimate: Counter,
    /// Microseconds.
    pub queue_delay: Counter,
    /// Millionths.
    pub outgoing_loss: Counter,
}

pub(super) struct Shared {
    pub local: Vec<LocalStream>,
    pub by_ssrc: HashMap<u32, usize>,
    pub by_repair_ssrc: HashMap<u32, usize>,
    pub counters: Counters,
    pub connected: AtomicBool,
    /// How often the way came up.
    pub connections: Counter,
    /// The estimator forgets the old way's delays when it sees this.
    pub path_changed: AtomicBool,
    /// The last answer only brought more slots: what was known of the streams before it still holds.
    pub streams_go_on: AtomicBool,
    events: mpsc::Sender<TransportEvent>,
    negotiated: RwLock<Arc<Negotiated>>,
    timing: Mutex<Timing>,
}

#[derive(Default)]
struct Timing {
    last_arrival: Option<Instant>,
    reported_round_trip: Option<Duration>,
    /// The smallest time between a packet's departure and the feedback on it, and when it was seen.
    feedback_round_trip: Option<(Instant, Duration)>,
    /// From asking for a packet to its coming, smoothed.
    repair_round_trip: Option<Duration>,
}

impl Shared {
    pub fn new(local: Vec<LocalStream>, events: mpsc::Sender<TransportEvent>, estimate: DataRate) -> Self {
        let by_ssrc = local.iter().enumerate().map(|(index, stream)| (stream.ssrc, index)).collect();
        let by_repair_ssrc =
            local.iter().enumerate().filter_map(|(index, stream)| Some((stream.repair_ssrc?, index))).collect();
        let counters = Counters::default();
        counters.estimate.set(estimate.as_bps());
        Self {
            local,
            by_ssrc,
            by_repair_ssrc,
            counters,
            connected: AtomicBool::new(false),
            connections: Counter::default(),
            path_changed: AtomicBool::new(false),
            streams_go_on: AtomicBool::new(false),
            events,
            negotiated: RwLock::new(Arc::default()),
            timing: Mutex::default(),
        }
    }

    pub fn negotiated(&self) -> Arc<Negotiated> {
        self.negotiated.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn set_negotiated(&self, negotiated: Negotiated) {
        *self.negotiated.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(negotiated);
    }

    /// Hands out a packet (or another event that may be lost), unless the receiver is too far behind.
    pub fn deliver(&self, event: TransportEvent) {
        if self.events.capacity() <= RESERVED_FOR_STATE || self.events.try_send(event).is_err() {
            self.counters.events_dropped.add(1);
        }
    }

    /// Hands out a change of state.
    pub fn announce(&self, event: TransportEvent) {
        if self.events.try_send(event).is_err() {
            self.counters.events_dropped.add(1);
        }
    }

    pub fn arrived(&self, now: Instant) {
        self.timing().last_arrival = Some(now);
    }

    pub fn round_trip_reported(&self, round_trip: Duration) {
        smooth(&mut self.timing().reported_round_trip, round_trip);
    }

    pub fn repaired_after(&self, elapsed: Duration) {
        smooth(&mut self.timing().repair_round_trip, elapsed);
    }

    pub fn feedback_after(&self, now: Instant, elapsed: Duration) {
        const MEMORY: Duration = Duration::from_secs(5);
        let mut timing = self.timing();
        let stale = timing
            .feedback_round_trip
            .is_none_or(|(at, least)| elapsed <= least || now.saturating_duration_since(at) > MEMORY);
        if stale {
            timing.feedback_round_trip = Some((now, elapsed));
        }
    }

    /// The round trip. Sender and receiver reports know it best, transport feedback knows it soonest; who only listens
    /// has neither, but sees how long repairs take.
    pub fn round_trip(&self) -> Option<Duration> {
        let timing = self.timing();
        match (timing.reported_round_trip, timing.feedback_round_trip) {
            (Some(reported), Some((_, least))) => Some(reported.min(least)),
            (reported, feedback) => reported.or(feedback.map(|(_, least)| least)).or(timing.repair_round_trip),
        }
    }

    pub fn forget_path(&self) {
        let mut timing = self.timing();
        timing.reported_round_trip = None;
        timing.feedback_round_trip = None;
        timing.repair_round_trip = None;
        drop(timing);
        self.path_changed.store(true, Ordering::Relaxed);
    }

    pub fn estimate(&self) -> DataRate {
        DataRate::from_bps(self.counters.estimate.get())
    }

    pub fn stats(&self) -> TransportStats {
        let counters = &self.counters;
        // Before the literal: a lock taken inside it would be held to its end.
        let last_arrival = self.timing().last_arrival;
        TransportStats {
            packets_out: counters.packets_out.get(),
            bytes_out: counters.bytes_out.get(),
            packets_in: counters.packets_in.get(),
            bytes_in: counters.bytes_in.get(),
            last_arrival,
            round_trip: self.round_trip(),
            repairs_asked_of_us: counters.repairs_asked_of_us.get(),
            repairs_sent: counters.repairs_sent.get(),
            repairs_refused: counters.repairs_refused.get(),
            repairs_asked: counters.repairs_asked.get(),
            repaired: counters.repaired.get(),
            missing: counters.missing.get(),
            duplicates: counters.duplicates.get(),
            unknown: counters.unknown.get(),
            events_dropped: counters.events_dropped.get(),
            outgoing_dropped: counters.outgoing_dropped.get(),
            estimate: self.estimate(),
            queue_delay: Duration::from_micros(counters.queue_delay.get()),
            outgoing_loss: counters.outgoing_loss.get() as f64 / 1e6,
        }
    }

    fn timing(&self) -> MutexGuard<'_, Timing> {
        self.timing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// As TCP does (RFC 6298).
fn smooth(value: &mut Option<Duration>, sample: Duration) {
    *value = Some(value.map_or(sample, |old| (old * 7 + sample) / 8));
}

//! How much the way to the server takes, from the transport-wide feedback on what was sent.
//!
//! ```text
//!  feedback ─┬─> one-way delay − smallest one-way delay of late = queue on the way ─┐
//!            ├─> rate of arrival                                                    ├─> target
//!            └─> share lost                                                        ─┘
//! ```
//!
//! *Queue*: when packets stand in a queue for longer than [`OVERUSE_AFTER`], the link is full and the rate of arrival
//! **is** its capacity. The target goes below it until the queue is gone, then close to it.
//! *Loss*: links lose at random without being full; only loss beyond what radio does ([`HEAVY_LOSS`]) lowers the target.
//! *Growth*: fast before the first congestion, slow near the rate at which there was congestion last, otherwise brisk.
//! There is no padding to probe with, so a sender that has nothing to send grows unproven only up to
//! [`EstimatorConfig::unproven`].

mod delay;
mod windows;

use std::time::{Duration, Instant};

use crate::data_rate::DataRate;
use delay::QueueDelay;
use windows::{ArrivalWindow, LossWindow};

/// A standing queue longer than this is congestion: less, and the bursts of a key frame look like it; more, and sound is
/// late for everybody.
const QUEUE_LIMIT: Duration = Duration::from_millis(50);
/// Below this the way counts as free.
const QUEUE_FREE: Duration = Duration::from_millis(30);
/// A queue has to stand so long before it counts: a key frame's burst is gone by then.
const OVERUSE_AFTER: Duration = Duration::from_millis(200);
/// Between two lowerings, so that the first can show its effect.
const LOWER_INTERVAL: Duration = Duration::from_millis(300);
/// Of the capacity, while the queue empties.
const DRAIN_FACTOR: f64 = 0.7;
/// No deeper at once: what looks like a collapse may be a moment in which the link, or the machine, stood still.
const DEEPEST: f64 = 0.5;
/// Of the capacity, once the queue is empty.
const SETTLE_FACTOR: f64 = 0.85;
/// Random loss of radio links stays below; a policer does not.
const HEAVY_LOSS: f64 = 0.10;
/// Above this share of loss there is no growth.
const SOME_LOSS: f64 = 0.08;
/// A full queue loses more than this; a longer way does not.
const LITTLE_LOSS: f64 = 0.02;
/// So many lowerings without any fall of the queue: it is no queue, the way has become longer.
const VAIN_LOWERINGS: u32 = 4;

/// Limits of the estimate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EstimatorConfig {
    /// Before anything is known.
    pub initial: DataRate,
    /// Never less.
    pub min: DataRate,
    /// Never more.
    pub max: DataRate,
    /// How far the estimate may grow while much less than it is sent. Enough for one good picture; what the link takes
    /// beyond has to be shown by sending it.
    pub unproven: DataRate,
}

impl Default for EstimatorConfig {
    fn default() -> Self {
        Self {
            initial: DataRate::from_kbps(1500),
            min: DataRate::from_kbps(100),
            max: DataRate::from_kbps(10_000),
            unproven: DataRate::from_kbps(4000),
        }
    }
}

/// What became of one packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PacketResult {
    /// When it left, on this machine's clock.
    pub sent: Instant,
    /// Whether it arrived.
    pub received: bool,
    /// When it arrived, on the receiver's clock, if that is known.
    pub arrived: Option<Duration>,
    /// Size on the wire.
    pub bytes: usize,
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Phase {
    /// No congestion was ever seen.
    Starting,
    /// A queue is being emptied; the capacity seen.
    Draining { capacity: DataRate },
    /// Everything else.
    Steady,
}

/// The estimate for one path. See the module.
#[derive(Debug)]
pub struct BandwidthEstimator {
    config: EstimatorConfig,
    target: f64,
    phase: Phase,
    queue: QueueDelay,
    arrivals: ArrivalWindow,
    losses: LossWindow,
    overused_since: Option<Instant>,
    free_since: Option<Instant>,
    lowered_at: Option<Instant>,
    queue_when_lowered: Duration,
    vain_lowerings: u32,
    /// Where there was congestion last.
    ceiling: Option<DataRate>,
    updated_at: Option<Instant>,
}

impl BandwidthEstimator {
    /// Knows nothing of the path yet.
    pub fn new(config: EstimatorConfig) -> Self {
        Self {
            config,
            target: config.initial.as_bps() as f64,
            phase: Phase::Starting,
            queue: QueueDelay::default(),
            arrivals: ArrivalWindow::default(),
            losses: LossWindow::default(),
            overused_since: None,
            free_since: None,
            lowered_at: None,
            queue_when_lowered: Duration::ZERO,
            vain_lowerings: 0,
            ceiling: None,
            updated_at: None,
        }
    }

    /// What to send at most, everything counted.
    pub fn target(&self) -> DataRate {
        DataRate::from_bps(self.target as u64)
    }

    /// How long packets stand in queues on the way, as last seen.
    pub fn queue_delay(&self) -> Duration {
        self.queue.latest()
    }

    /// The share of packets lost in the last second, 0 to 1.
    pub fn loss(&self) -> f64 {
        self.losses.share()
    }

    /// The path is another one (ICE restarted): delays of the old one mean nothing. The target is kept, but not above
    /// the initial one unless it was proven.
    pub fn path_changed(&mut self) {
        self.queue = QueueDelay::default();
        self.arrivals = ArrivalWindow::default();
        self.losses = LossWindow::default();
        self.overused_since = None;
        self.free_since = None;
        self.ceiling = None;
        self.phase = Phase::Starting;
        self.target = self.target.min(self.config.initial.as_bps() as f64).max(self.config.min.as_bps() as f64);
    }

    /// Takes the fate of some packets, in the order of sending.
    pub fn on_feedback(&mut self, now: Instant, packets: &[PacketResult]) {
        if packets.is_empty() {
            return;
        }
        for packet in packets {
            if let Some(arrived) = packet.arrived {
                self.arrivals.add(arrived, packet.bytes);
            }
        }
        self.losses.add(now, packets);
        self.queue.add(now, packets);
        let elapsed = self.updated_at.map_or(Duration::ZERO, |last| now.saturating_duration_since(last));
        self.updated_at = Some(now);
        self.watch_queue(now);
        self.watch_draining();
        if self.overused_since.is_some_and(|since| now.saturating_duration_since(since) >= OVERUSE_AFTER) {
            self.lower_for_queue(now);
        } else if self.losses.is_telling() && self.losses.share() > HEAVY_LOSS {
            self.lower_for_loss(now);
        } else {
            self.raise(now, elapsed.min(Duration::from_millis(500)));
        }
        self.target = self.target.clamp(self.config.min.as_bps() as f64, self.config.max.as_bps() as f64);
    }

    fn watch_queue(&mut self, now: Instant) {
        let queue = self.queue.latest();
        if queue > QUEUE_LIMIT {
            self.overused_since.get_or_insert(now);
        } else {
            self.overused_since = None;
            self.vain_lowerings = 0;
        }
        if queue < QUEUE_FREE {
            self.free_since.get_or_insert(now);
        } else {
            self.free_since = None;
        }
    }

    fn may_lower(&self, now: Instant, interval: Duration) -> bool {
        self.lowered_at.is_none_or(|last| now.saturating_duration_since(last) >= interval)
    }

    fn lower_for_queue(&mut self, now: Instant) {
        if !self.may_lower(now, LOWER_INTERVAL) {
            return;
        }
        let queue = self.queue.latest();
        let draining = matches!(self.phase, Phase::Draining { .. });
        if draining && queue + Duration::from_millis(5) < self.queue_when_lowered {
            // It falls; let it.
            self.vain_lowerings = 0;
            self.queue_when_lowered = queue;
            self.lowered_at = Some(now);
            return;
        }
        self.vain_lowerings += 1;
        if self.vain_lowerings > VAIN_LOWERINGS && self.losses.share() < LITTLE_LOSS {
            self.queue.take_as_base();
            self.overused_since = None;
            self.vain_lowerings = 0;
            return;
        }
        let Some(capacity) = self.arrivals.recent_rate() else { return };
        self.phase = Phase::Draining { capacity };
        self.ceiling = Some(capacity);
        // Others may be filling the same queue; then each lowering goes below the last.
        let again = if self.vain_lowerings > 1 { self.target * 0.85 } else { self.target };
        let wanted = again.min(capacity.as_bps() as f64 * DRAIN_FACTOR);
        let used = self.arrivals.rate().map_or(self.target, |rate| self.target.min(rate.as_bps() as f64));
        self.target = wanted.max(used * DEEPEST);
        self.queue_when_lowered = queue;
        self.lowered_at = Some(now);
    }

    fn lower_for_loss(&mut self, now: Instant) {
        if !self.may_lower(now, LOWER_INTERVAL * 2) {
            return;
        }
        let share = self.losses.share();
        self.ceiling = self.arrivals.rate();
        self.phase = Phase::Steady;
        // What arrives is what the policer lets through; no deeper than that at once.
        let passed = self.arrivals.rate().map_or(0.0, |rate| rate.as_bps() as f64);
        self.target = (self.target * (1.0 - share / 2.0)).max((passed * 0.9).min(self.target));
        self.lowered_at = Some(now);
        self.losses.forget();
    }

    fn watch_draining(&mut self) {
        let Phase::Draining { capacity } = self.phase else { return };
        if self.queue.latest() < QUEUE_FREE {
            self.phase = Phase::Steady;
            self.target = self.target.max(capacity.as_bps() as f64 * SETTLE_FACTOR);
        } else if let Some(rate) = self.arrivals.recent_rate()
            && rate > capacity
        {
            // A queue empties at the rate of the link: it was measured in a moment when the link stood still.
            self.phase = Phase::Draining { capacity: rate };
            self.ceiling = Some(rate);
        }
    }

    fn raise(&mut self, now: Instant, elapsed: Duration) {
        let free = self.free_since.is_some_and(|since| now.saturating_duration_since(since) >= LOWER_INTERVAL);
        let starting = self.phase == Phase::Starting && self.free_since.is_some();
        if !(free || starting) || self.losses.share() > SOME_LOSS || !self.may_lower(now, LOWER_INTERVAL * 2) {
            return;
        }
        let sent = self.arrivals.rate().map_or(0.0, |rate| rate.as_bps() as f64);
        let proven = sent >= self.target * 0.5;
        let ceiling = self.ceiling.map(|ceiling| ceiling.as_bps() as f64);
        let growth_per_second = match ceiling {
            _ if self.phase == Phase::Starting => 2.0,
            Some(ceiling) if self.target > ceiling * 1.2 => {
                self.ceiling = None;
                1.35
            }
            Some(ceiling) if self.target > ceiling * 0.85 => 1.06,
            _ if proven => 1.35,
            _ => 1.15,
        };
        let grown = self.target * f64::powf(growth_per_second, elapsed.as_secs_f64());
        let limit = if proven { f64::INFINITY } else { self.config.unproven.as_bps() as f64 };
        if grown > self.target && self.target < limit {
            self.target = grown.min(limit);
        }
    }
}

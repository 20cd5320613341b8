//! The controller of one path: see the parent module for the picture.
//!
//! Invariants: the target stays within its limits; it is lowered again only for what was sent after the last lowering;
//! nothing is allocated once the first second has passed.

use std::time::{Duration, Instant};

use super::delay::{QueueDelay, Sample};
use super::loss::LossWatch;
use super::probe::{Finding, ProbePlan, Prober};
use super::slot_ring::SlotRing;
use super::{EstimatorConfig, PacketResult};
use crate::data_rate::DataRate;

/// A queue has to stand so long before it counts, in microseconds: a key frame's burst is gone by then, and so is what
/// a link held back that stood still for a moment.
const OVERUSE_AFTER: i64 = 200_000;
/// Growth begins when no queue was seen for so long.
const FREE_AFTER: i64 = 300_000;
/// After a lowering, when the queue is looked at for the first time, and how long after that for the second: encoders
/// and layers need a moment to follow.
const LOOK_AFTER: i64 = 100_000;
const LOOK_AGAIN: i64 = 300_000;
/// Of the capacity, while the queue empties: the more, the longer the queue. A queue of [`DRAIN_TIME`] or more is gone
/// about a second and a half later.
const DRAIN_MOST: f64 = 0.8;
const DRAIN_LEAST: f64 = 0.3;
const DRAIN_TIME: f64 = 1_000_000.0;
/// Of the capacity, once the queue is empty. What is left are the bursts of frames and what was measured wrong.
const SETTLE_FACTOR: f64 = 0.87;
/// Of the capacity, at most, until the link shows more.
const HOLD_FACTOR: f64 = 0.90;
/// Of a lowering without a good measurement.
const CAREFUL: f64 = 0.7;
/// So many lowerings without any fall of the queue: it is no queue, the way has become longer. Fewer, and whoever
/// shares a queue with others gives up too soon; more, and a new route costs seconds of picture.
const VAIN_LOWERINGS: u32 = 3;
/// Growth a second: before the first congestion, with room, near the last congestion.
const FAST_GROWTH: f64 = 2.0;
const GROWTH: f64 = 1.35;
const UNPROVEN_GROWTH: f64 = 1.15;
const SLOW_GROWTH: f64 = 1.06;
/// Who sends less than this share of the target proves nothing.
const PROVING: f64 = 0.5;
/// Who can probe proves more by it.
const PROVING_BESIDE_PROBES: f64 = 0.75;
/// How long a sender that cannot probe stays below the last congestion.
const HOLD_TIME: Duration = Duration::from_secs(2);
/// No more than this above what the sender wants.
const WANTED_FACTOR: f64 = 1.3;

/// A gap between arrivals that is no sending time of the link.
const STILL: i64 = 250_000;
/// A gap of so much on both ends between two reports: perhaps there was one between, and it was lost.
const UNSEEN: i64 = 12_000;

#[derive(Clone, Copy, PartialEq, Debug)]
enum Phase {
    /// No congestion was ever seen.
    Starting,
    /// A queue is being emptied.
    Draining(Draining),
    /// Everything else.
    Steady,
}

#[derive(Clone, Copy, PartialEq, Debug)]
struct Draining {
    capacity: f64,
    /// When the target was lowered, as the time of sending.
    since: i64,
    /// The queue met by what was sent a moment later.
    queue_then: Option<i64>,
    vain: u32,
    /// The target before.
    before: f64,
}

/// What the link carried while a queue stood before it.
#[derive(Clone, Copy, Debug, Default)]
struct FullLink {
    bytes: u64,
    span: i64,
    packets: u32,
}

#[derive(Clone, Copy, Debug)]
struct Overuse {
    since: i64,
    peak: i64,
    lasted: i64,
}

/// Less is sent since losses were heavy.
#[derive(Clone, Copy, Debug)]
struct LossTrial {
    share: f64,
    /// What got through before, in bits a second.
    passed: f64,
    before: f64,
}

/// The congestion controller of one path. See the module above.
#[derive(Debug)]
pub struct CongestionController {
    config: EstimatorConfig,
    target: f64,
    wanted: f64,
    phase: Phase,
    epoch: Option<Instant>,
    queue: QueueDelay,
    losses: LossWatch,
    sending: SlotRing<24>,
    arriving: SlotRing<32>,
    full: FullLink,
    last_arrival: Option<(i64, i64)>,
    overuse: Option<Overuse>,
    free_since: Option<i64>,
    newest_arrival: i64,
    /// Nothing of the report that is being taken has arrived yet.
    is_new_report: bool,
    loss_trial: Option<LossTrial>,
    /// Where there was congestion last.
    ceiling: Option<f64>,
    hold_until: Option<Instant>,
    updated_at: Option<Instant>,
    round_trip: Duration,
    prober: Prober,
}

impl CongestionController {
    /// Knows nothing of the path yet.
    pub fn new(config: EstimatorConfig) -> Self {
        Self {
            config,
            target: config.initial.as_bps() as f64,
            wanted: config.max.as_bps() as f64,
            phase: Phase::Starting,
            epoch: None,
            queue: QueueDelay::new(),
            losses: LossWatch::new(),
            sending: SlotRing::new(50_000),
            arriving: SlotRing::new(25_000),
            full: FullLink::default(),
            last_arrival: None,
            overuse: None,
            free_since: None,
            newest_arrival: 0,
            is_new_report: false,
            loss_trial: None,
            ceiling: None,
            hold_until: None,
            updated_at: None,
            round_trip: Duration::ZERO,
            prober: Prober::new(),
        }
    }

    /// What to send at most, everything counted.
    pub fn target(&self) -> DataRate {
        DataRate::from_bps(self.target as u64)
    }

    /// How long packets stand in queues on the way, as last seen.
    pub fn queue_delay(&self) -> Duration {
        Duration::from_micros(self.queue.latest().max(0) as u64)
    }

    /// The share of packets lost in the last second, 0 to 1.
    pub fn loss(&self) -> f64 {
        self.losses.share()
    }

    /// What was sent of late, by the feedback. Much less than [`Self::target`] means that the sender has no more.
    pub fn sent_rate(&self) -> DataRate {
        DataRate::from_bps((self.sending.per_second(20).unwrap_or(0.0) * 8.0) as u64)
    }

    /// What would be sent if the link took everything. Nobody probes for much more. Everything up to
    /// [`EstimatorConfig::max`] until this is called.
    pub fn set_wanted(&mut self, wanted: DataRate) {
        self.wanted = wanted.as_bps() as f64;
    }

    /// The time to the receiver and back, as last measured (RTCP, ICE). It spaces the probes of far receivers.
    pub fn on_round_trip(&mut self, round_trip: Duration) {
        self.round_trip = round_trip;
    }

    /// The path is another one (ICE restarted): delays of the old one mean nothing. The target is kept, but not above
    /// the initial one, since nothing is proven.
    pub fn path_changed(&mut self) {
        let target = self.target.min(self.config.initial.as_bps() as f64).max(self.config.min.as_bps() as f64);
        let next_id = self.prober.next_id();
        *self = Self { target, wanted: self.wanted, ..Self::new(self.config) };
        self.prober.continue_from(next_id);
    }

    /// A cluster of packets to send now, if more should be known of the path. Only with [`EstimatorConfig::probing`].
    /// Never while a queue stands or much is lost, one at a time, and after one that filled the link only seconds later.
    pub fn poll_probe(&mut self, now: Instant) -> Option<ProbePlan> {
        let heard = self.updated_at.is_some_and(|at| now.saturating_duration_since(at) < Duration::from_millis(500));
        let enough = self.target >= (self.wanted * WANTED_FACTOR).min(self.config.max.as_bps() as f64);
        let drained = !matches!(self.phase, Phase::Draining(_)) && self.overuse.is_none() && self.free_since.is_some();
        if !self.config.probing || !heard || enough || !drained || self.losses.is_some() || self.loss_trial.is_some() {
            return None;
        }
        let spread = Duration::from_micros(self.queue.spread() as u64);
        let most = self.config.max.as_bps() as f64 * 1.1;
        self.prober.poll(now, self.target, most, spread, self.round_trip)
    }

    /// Takes the fate of some packets, in the order of sending.
    pub fn on_feedback(&mut self, now: Instant, packets: &[PacketResult]) {
        let Some(first) = packets.first() else { return };
        let epoch = *self.epoch.get_or_insert(first.sent);
        self.is_new_report = true;
        for packet in packets {
            let sent = micros_since(epoch, packet.sent);
            self.sending.add(sent, [packet.bytes as u64, 1]);
            // What a probe loses is the probe's matter.
            if packet.probe.is_none() {
                self.losses.add(sent, !packet.received);
            }
            let arrived = packet.arrived.map(|arrived| arrived.as_micros() as i64);
            self.prober.add(packet, sent, arrived);
            if let Some(arrived) = arrived {
                self.on_arrival(sent, arrived, packet.bytes);
            }
        }
        let elapsed = self.updated_at.map_or(Duration::ZERO, |last| now.saturating_duration_since(last));
        self.updated_at = Some(now);
        let sent_now = micros_since(epoch, now);
        self.watch_losses(now, sent_now);
        self.lower_for_queue(now, sent_now);
        if let Some(finding) = self.prober.finding(now) {
            self.learn(now, finding);
        }
        self.raise(now, elapsed.min(Duration::from_millis(500)));
        self.target = self.target.clamp(self.config.min.as_bps() as f64, self.config.max.as_bps() as f64);
    }

    fn on_arrival(&mut self, sent: i64, arrived: i64, bytes: usize) {
        if self.queue.is_jump(sent, arrived) {
            self.queue = QueueDelay::new();
            self.arriving.clear();
            self.last_arrival = None;
            self.overuse = None;
            self.free_since = None;
        }
        self.newest_arrival = arrived;
        self.arriving.add(arrived, [bytes as u64, 1]);
        let (last_sent, last_arrived) = self.last_arrival.unwrap_or((sent, arrived));
        self.last_arrival = Some((last_sent.max(sent), last_arrived.max(arrived)));
        if self.overuse.is_some() {
            let (gap, pause) = (arrived - last_arrived, sent - last_sent);
            let unseen = self.is_new_report && gap > UNSEEN && pause > UNSEEN;
            if gap < STILL && !unseen {
                self.full.bytes += bytes as u64;
                self.full.span += gap.max(0);
                self.full.packets += 1;
            }
        }
        self.is_new_report = false;
        if let Some(sample) = self.queue.add(sent, arrived) {
            self.on_sample(sample);
        }
    }

    fn on_sample(&mut self, sample: Sample) {
        if sample.queue > self.queue.limit() {
            let overuse = self.overuse.get_or_insert_with(|| {
                self.full = FullLink::default();
                Overuse { since: sample.arrived, peak: 0, lasted: 0 }
            });
            overuse.peak = overuse.peak.max(sample.queue);
            overuse.lasted = sample.arrived - overuse.since;
        } else {
            self.overuse = None;
        }
        if sample.queue < self.queue.free() {
            self.free_since.get_or_insert(sample.arrived);
        } else {
            self.free_since = None;
        }
        if let Phase::Draining(draining) = self.phase {
            self.drain(draining, sample);
        }
    }

    /// What the link carried while it was full, in bits a second.
    fn measured(&self) -> Option<f64> {
        let full = self.full;
        (full.span >= 100_000 && full.packets >= 5).then(|| full.bytes as f64 * 8e6 / full.span as f64)
    }

    fn drain(&mut self, mut draining: Draining, sample: Sample) {
        let passed = sample.sent - draining.since;
        let looked = passed >= LOOK_AFTER + LOOK_AGAIN;
        if sample.queue < self.queue.free() || looked && sample.queue < self.queue.limit() {
            self.phase = Phase::Steady;
            self.target = self.target.max((draining.capacity * SETTLE_FACTOR).min(draining.before));
            // What flowed over while the queue was full is answered.
            self.losses.judge_from(sample.sent);
            return;
        }
        // A queue empties at the rate of the link, and the longer it is looked at, the better this is known.
        if let Some(measured) = self.measured()
            && self.full.span > OVERUSE_AFTER * 3 / 2
            && draining.vain == 0
        {
            draining.capacity = draining.capacity.max(measured);
            self.ceiling = Some(draining.capacity);
        }
        if passed >= LOOK_AFTER {
            let then = *draining.queue_then.get_or_insert(sample.queue);
            if looked {
                let expected = (LOOK_AGAIN as f64 * (1.0 - drain_factor(then))) as i64;
                if then - sample.queue > (expected / 4).max(5_000) {
                    draining.vain = 0;
                } else {
                    draining.vain += 1;
                    if draining.vain >= VAIN_LOWERINGS && self.losses.is_little() {
                        self.take_way_as_longer(draining);
                        return;
                    }
                    // Others may be filling the same queue; then each lowering goes below the last.
                    draining.capacity = self.measured().unwrap_or(draining.capacity).min(draining.capacity * CAREFUL);
                    self.full = FullLink::default();
                }
                draining.since = sample.sent;
                draining.queue_then = None;
            }
        }
        let factor = drain_factor(sample.queue);
        self.target = (draining.capacity * factor).min(draining.before);
        self.phase = Phase::Draining(draining);
    }

    fn take_way_as_longer(&mut self, draining: Draining) {
        self.queue.take_as_base();
        self.overuse = None;
        self.phase = Phase::Steady;
        self.target = draining.before * SETTLE_FACTOR;
        self.ceiling = None;
    }

    fn lower_for_queue(&mut self, now: Instant, sent_now: i64) {
        let Some(overuse) = self.overuse else { return };
        if matches!(self.phase, Phase::Draining(_)) || overuse.lasted < OVERUSE_AFTER {
            return;
        }
        // It falls by itself: a burst, or the link stood still for a moment.
        if self.queue.latest() * 10 < overuse.peak * 7 {
            return;
        }
        let capacity = self.measured().unwrap_or_else(|| {
            let arriving = self.arriving.per_second(10).map_or(self.target, |bytes| bytes * 8.0);
            arriving.max(self.target.min(arriving * 2.0) * CAREFUL)
        });
        let before = self.target;
        self.target = self.target.min(capacity * drain_factor(self.queue.latest()));
        self.ceiling = Some(capacity);
        self.phase = Phase::Draining(Draining { capacity, since: sent_now, queue_then: None, vain: 0, before });
        self.settle_later(now);
    }

    fn settle_later(&mut self, now: Instant) {
        self.hold_until = Some(now + HOLD_TIME);
        self.prober.congested(now);
    }

    fn watch_losses(&mut self, now: Instant, sent_now: i64) {
        if let Some(trial) = self.loss_trial {
            let Some(share) = self.losses.judged() else { return };
            self.loss_trial = None;
            let sending = self.sending.per_second(10).map_or(0.0, |bytes| bytes * 8.0);
            if share > trial.share * 0.5 && sending < trial.passed * 1.05 {
                // No more was sent than passed before, and as much was lost.
                self.losses.take_as_usual(share.max(trial.share));
                if !matches!(self.phase, Phase::Draining(_)) {
                    self.target = self.target.max(trial.before);
                    self.ceiling = None;
                }
            }
            return;
        }
        let Some(share) = self.losses.heavy().filter(|_| !matches!(self.phase, Phase::Draining(_))) else { return };
        let before = self.target;
        let passed = self.arriving.per_second(24).map_or(0.0, |bytes| bytes * 8.0);
        if share > 0.6 {
            // An outage, not a rate.
            self.target *= CAREFUL;
        } else {
            // What arrives is what the policer lets through; no deeper than that at once.
            self.target = self.target.min((passed * HOLD_FACTOR).max(self.target * DRAIN_LEAST));
            self.ceiling = Some(passed);
            self.loss_trial = Some(LossTrial { share, passed, before });
        }
        self.phase = Phase::Steady;
        self.losses.judge_from(sent_now + LOOK_AFTER);
        self.settle_later(now);
    }

    fn learn(&mut self, now: Instant, finding: Finding) {
        if matches!(self.phase, Phase::Draining(_)) {
            return;
        }
        match finding {
            Finding::Takes(rate) => {
                let proven = rate * HOLD_FACTOR;
                if proven > self.target {
                    self.target = proven;
                }
                if self.ceiling.is_some_and(|ceiling| ceiling < rate) {
                    self.ceiling = None;
                }
            }
            Finding::Full(rate) => {
                let settled = rate * SETTLE_FACTOR;
                if settled < self.target * 0.95 || settled > self.target * 1.1 {
                    self.prober.hurry(now);
                }
                // Part of the way: one cluster may meet a moment of jitter, and no queue says that the target is too
                // high. But it is more than nothing.
                let way = match self.ceiling {
                    None => 1.0,
                    Some(_) if settled > self.target * 1.2 => 0.5,
                    Some(_) => 0.3,
                };
                self.target += (settled - self.target) * way;
                self.ceiling = Some(self.ceiling.map_or(rate, |ceiling| f64::midpoint(ceiling, rate)));
                self.phase = Phase::Steady;
                self.hold_until = Some(now + HOLD_TIME);
            }
            Finding::Unclear => {}
        }
    }

    fn raise(&mut self, now: Instant, elapsed: Duration) {
        let starting = self.phase == Phase::Starting && self.free_since.is_some();
        let free = self.free_since.is_some_and(|since| self.newest_arrival - since >= FREE_AFTER);
        let draining = matches!(self.phase, Phase::Draining(_));
        if !(free || starting) || draining || self.losses.is_some() || self.loss_trial.is_some() {
            return;
        }
        let sent = self.sending.per_second(12).map_or(0.0, |bytes| bytes * 8.0);
        let proving = if self.config.probing { PROVING_BESIDE_PROBES } else { PROVING };
        let proven = sent >= self.target * proving;
        if self.config.probing && !proven {
            return;
        }
        if self.ceiling.is_some_and(|ceiling| self.target > ceiling * 1.2) {
            self.ceiling = None;
        }
        let held = self.config.probing || self.hold_until.is_some_and(|until| now < until);
        let (growth, limit) = match self.ceiling {
            Some(ceiling) if self.target > ceiling * 0.8 => {
                (SLOW_GROWTH, if held { ceiling * HOLD_FACTOR } else { f64::INFINITY })
            }
            _ if self.phase == Phase::Starting => (FAST_GROWTH, f64::INFINITY),
            _ if proven => (GROWTH, f64::INFINITY),
            _ => (UNPROVEN_GROWTH, f64::INFINITY),
        };
        let unproven = if proven { f64::INFINITY } else { self.config.unproven.as_bps() as f64 };
        let grown = (self.target * growth.powf(elapsed.as_secs_f64())).min(limit).min(unproven);
        self.target = self.target.max(grown);
    }
}

/// How much of the capacity to use while a queue of so many microseconds empties.
fn drain_factor(queue: i64) -> f64 {
    (1.0 - queue as f64 / DRAIN_TIME).clamp(DRAIN_LEAST, DRAIN_MOST)
}

fn micros_since(epoch: Instant, at: Instant) -> i64 {
    at.checked_duration_since(epoch)
        .map_or_else(|| -(epoch.duration_since(at).as_micros() as i64), |later| later.as_micros() as i64)
}

//! The way to one receiver: what it carries, what is under way, what may be spent on repairs.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use confab_rtp::transport_wide::{SentKind, SentResult, TwccSender};
use confab_rtp::wire::{NtpClock, ReceptionBlock, TransportFeedback};
use confab_rtp::{
    BurstPacer, BurstPacerConfig, CongestionController, DataRate, EstimatorConfig, PacketResult, ProbePlan,
};

use super::again::{Awaited, Repairs};
use super::leave::Leaving;

/// Packets whose fate is awaited: over a second at 10 Mbit/s, 12 bytes each.
const UNDER_WAY: usize = 1_024;

/// No receiver is thought to take more, bits per second: several full pictures and a 4K screen.
const MOST: DataRate = DataRate::from_kbps(60_000);
const LEAST: DataRate = DataRate::from_kbps(50);

/// Bytes of UDP and IPv4 around a datagram; an estimate is of the whole.
const UDP_OVERHEAD: usize = 28;

/// A probe is filled up this often.
const PROBE_SLOT: Duration = Duration::from_millis(5);

/// The share of the estimate that repairs may take. Random loss of a bad radio link fits (one
/// packet in five, asked for more than once), congestion does not.
const REPAIR_SHARE: f64 = 0.33;
/// What the share may save up for a burst of loss.
const SAVED_UP: Duration = Duration::from_millis(1_000);
/// A few repairs are always possible, bytes.
const LEAST_SAVINGS: f64 = 12_000.0;

/// The way to one receiver.
pub(crate) struct Downlink {
    sent: TwccSender,
    controller: CongestionController,
    estimated: bool,
    /// When packets may leave.
    pub(crate) pacer: BurstPacer,
    /// Those that may not yet, and when they are looked at again.
    pub(crate) held: VecDeque<Leaving>,
    pub(crate) held_until: Option<Instant>,
    probing: Option<Probing>,
    round_trip: Option<Duration>,
    /// When something authentic came from the nominated address last.
    pub(crate) heard_on_route: Instant,
    /// When a packet left last whose arrival the receiver tells.
    pub(crate) numbered_at: Instant,
    /// When anything was sent last.
    pub(crate) sent_at: Instant,
    /// When the next full report is due.
    pub(crate) next_report: Instant,
    pub(crate) repairs: Repairs,
    repair_budget: RepairBudget,
}

impl Downlink {
    /// `initial` in bits per second.
    pub(crate) fn new(now: Instant, initial: u64) -> Self {
        Self::with(now, initial, UNDER_WAY)
    }

    /// Of a mirror, which is sent nothing.
    pub(crate) fn unused(now: Instant) -> Self {
        Self::with(now, LEAST.as_bps(), 0)
    }

    fn with(now: Instant, initial: u64, under_way: usize) -> Self {
        let config = EstimatorConfig {
            initial: DataRate::from_bps(initial),
            min: LEAST,
            max: MOST,
            probing: true,
            ..EstimatorConfig::default()
        };
        Self {
            sent: TwccSender::new(under_way),
            controller: CongestionController::new(config),
            estimated: false,
            pacer: BurstPacer::new(BurstPacerConfig::default(), config.initial),
            held: VecDeque::new(),
            held_until: None,
            probing: None,
            round_trip: None,
            heard_on_route: now,
            numbered_at: now,
            sent_at: now,
            next_report: now,
            repairs: Repairs::default(),
            repair_budget: RepairBudget { bytes: LEAST_SAVINGS, filled: now },
        }
    }

    /// The transport-wide number of a packet that leaves now; `bytes` without what protection and the network add.
    pub(crate) fn number(&mut self, now: Instant, bytes: usize, kind: SentKind) -> u16 {
        self.sent_at = now;
        self.numbered_at = now;
        let bytes = bytes + UDP_OVERHEAD;
        let kind = match &mut self.probing {
            Some(probing) => {
                probing.bytes += bytes as u64;
                probing.packets += 1;
                SentKind::Probe(probing.plan.id)
            }
            None => kind,
        };
        self.sent.send(now, bytes, kind)
    }

    /// What the network to the receiver carries, bits per second; `None` until it was told what came.
    pub(crate) fn estimate(&self) -> Option<u64> {
        self.estimated.then(|| self.controller.target().as_bps())
    }

    /// How long a packet and its answer take, once known.
    pub(crate) fn round_trip(&self) -> Option<Duration> {
        self.round_trip
    }

    /// When it wants to be called.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let probe = self.probing.as_ref().map(|probing| probing.next_slot);
        match (self.held_until, probe) {
            (Some(held), Some(probe)) => Some(held.min(probe)),
            (held, probe) => held.or(probe),
        }
    }

    /// What the receiver could take, bits per second: as far as that the network is worth trying.
    pub(crate) fn set_wanted(&mut self, bits_per_second: u64) {
        self.controller.set_wanted(DataRate::from_bps(bits_per_second));
    }

    /// Packets go another way from now on.
    pub(crate) fn path_changed(&mut self) {
        self.controller.path_changed();
        self.round_trip = None;
    }

    /// The receiver says when what came.
    pub(crate) fn feedback(&mut self, now: Instant, feedback: &TransportFeedback<'_>, scratch: &mut FeedbackScratch) {
        scratch.results.clear();
        self.sent.on_feedback(now, feedback, &mut scratch.results);
        self.repairs.settle(now, self.round_trip, &scratch.results, &mut scratch.lost);
        scratch.fates.clear();
        scratch.fates.extend(scratch.results.iter().map(|result| PacketResult::from(*result)));
        if !scratch.fates.is_empty() {
            self.estimated = true;
            self.controller.on_feedback(now, &scratch.fates);
            self.pacer.set_target(self.controller.target());
        }
    }

    /// Begins a probe, if one is due.
    pub(crate) fn begin_probe(&mut self, now: Instant) {
        if self.probing.is_none() && self.estimated {
            let plan = self.controller.poll_probe(now);
            self.probing = plan.map(|plan| Probing { plan, begun: now, next_slot: now, bytes: 0, packets: 0 });
        }
    }

    /// Whether a running probe is short of its rate at present. Ends it when its time is over.
    pub(crate) fn probe_wants_more(&mut self, now: Instant) -> bool {
        let Some(probing) = &mut self.probing else { return false };
        let elapsed = now.saturating_duration_since(probing.begun);
        let over = elapsed >= probing.plan.duration;
        let due = probing.plan.rate.bytes_in(elapsed.min(probing.plan.duration));
        if probing.bytes < due || over && probing.packets < probing.plan.packets {
            return true;
        }
        if over {
            self.probing = None;
        } else {
            probing.next_slot = now + PROBE_SLOT;
        }
        false
    }

    /// Nothing was there to fill a probe with.
    pub(crate) fn abandon_probe(&mut self) {
        self.probing = None;
    }

    /// The receiver says how a stream of ours reached it.
    pub(crate) fn reported(&mut self, clock: &NtpClock, now: Instant, block: &ReceptionBlock) {
        if let Some(measured) = block.round_trip(clock.at(now)) {
            let smoothed = self.round_trip.map_or(measured, |before| (before * 3 + measured) / 4);
            self.round_trip = Some(smoothed);
            self.controller.on_round_trip(smoothed);
        }
    }

    /// Whether a repair of so many bytes may be sent.
    pub(crate) fn may_repair(&mut self, now: Instant, bytes: usize) -> bool {
        let estimate = self.controller.target();
        self.repair_budget.spend(now, estimate, bytes)
    }
}

/// A probe under way: what leaves meanwhile belongs to it.
struct Probing {
    plan: ProbePlan,
    begun: Instant,
    next_slot: Instant,
    bytes: u64,
    packets: usize,
}

/// Memory for taking in feedback, shared by all receivers of a core.
#[derive(Default)]
pub(crate) struct FeedbackScratch {
    results: Vec<SentResult>,
    fates: Vec<PacketResult>,
    /// Packets to be sent again.
    pub(super) lost: Vec<Awaited>,
}

/// What may be spent on repairs.
struct RepairBudget {
    bytes: f64,
    filled: Instant,
}

impl RepairBudget {
    fn spend(&mut self, now: Instant, estimate: DataRate, bytes: usize) -> bool {
        let share = estimate * REPAIR_SHARE;
        let most = (share.bytes_in(SAVED_UP) as f64).max(LEAST_SAVINGS);
        let elapsed = now.saturating_duration_since(self.filled);
        self.filled = now;
        self.bytes = (self.bytes + share.bytes_in(elapsed) as f64).min(most);
        if self.bytes < bytes as f64 {
            return false;
        }
        self.bytes -= bytes as f64;
        true
    }
}

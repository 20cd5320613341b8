//! The way to one receiver: what it carries, what is under way, what may be spent on repairs.

use std::time::{Duration, Instant};

use confab_rtp::transport_wide::{SentKind, SentResult, TwccSender};
use confab_rtp::wire::{NtpClock, ReceptionBlock, TransportFeedback};
use confab_rtp::{BandwidthEstimator, DataRate, EstimatorConfig, PacketResult};

/// Packets whose fate is awaited: over a second at 10 Mbit/s, 12 bytes each.
const UNDER_WAY: usize = 1_024;

/// No receiver is thought to take more, bits per second: several full pictures and a 4K screen.
const MOST: DataRate = DataRate::from_kbps(60_000);
const LEAST: DataRate = DataRate::from_kbps(50);

/// Bytes of UDP and IPv4 around a datagram; an estimate is of the whole.
const UDP_OVERHEAD: usize = 28;

/// The share of the estimate that repairs may take. Random loss of a bad radio link fits, congestion does not.
const REPAIR_SHARE: f64 = 0.25;
/// What the share may save up for a burst of loss.
const SAVED_UP: Duration = Duration::from_millis(500);
/// A few repairs are always possible, bytes.
const LEAST_SAVINGS: f64 = 12_000.0;

/// The way to one receiver.
pub(crate) struct Downlink {
    sent: TwccSender,
    results: Vec<SentResult>,
    fates: Vec<PacketResult>,
    estimator: BandwidthEstimator,
    estimated: bool,
    round_trip: Option<Duration>,
    /// When something authentic came from the nominated address last.
    pub(crate) heard_on_route: Instant,
    /// When anything was sent last.
    pub(crate) sent_at: Instant,
    /// When the next full report is due.
    pub(crate) next_report: Instant,
    repairs: RepairBudget,
}

impl Downlink {
    /// `initial` in bits per second.
    pub(crate) fn new(now: Instant, initial: u64) -> Self {
        let config = EstimatorConfig {
            initial: DataRate::from_bps(initial),
            min: LEAST,
            max: MOST,
            ..EstimatorConfig::default()
        };
        Self {
            sent: TwccSender::new(UNDER_WAY),
            results: Vec::new(),
            fates: Vec::new(),
            estimator: BandwidthEstimator::new(config),
            estimated: false,
            round_trip: None,
            heard_on_route: now,
            sent_at: now,
            next_report: now,
            repairs: RepairBudget { bytes: LEAST_SAVINGS, filled: now },
        }
    }

    /// The transport-wide number of a packet that leaves now; `bytes` without what protection and the network add.
    pub(crate) fn number(&mut self, now: Instant, bytes: usize, kind: SentKind) -> u16 {
        self.sent_at = now;
        self.sent.send(now, bytes + UDP_OVERHEAD, kind)
    }

    /// What the network to the receiver carries, bits per second; `None` until it was told what came.
    pub(crate) fn estimate(&self) -> Option<u64> {
        self.estimated.then(|| self.estimator.target().as_bps())
    }

    /// How long a packet and its answer take, once known.
    pub(crate) fn round_trip(&self) -> Option<Duration> {
        self.round_trip
    }

    /// When it wants to be called.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        None
    }

    /// What is wished to be sent, bits per second: as far as that the network is worth trying.
    pub(crate) fn set_wanted(&mut self, _bits_per_second: u64) {}

    /// Packets go another way from now on.
    pub(crate) fn path_changed(&mut self) {
        self.estimator.path_changed();
        self.round_trip = None;
    }

    /// The receiver says when what came.
    pub(crate) fn feedback(&mut self, now: Instant, feedback: &TransportFeedback<'_>) {
        self.results.clear();
        self.sent.on_feedback(now, feedback, &mut self.results);
        self.fates.clear();
        self.fates.extend(self.results.iter().map(|result| PacketResult::from(*result)));
        if !self.fates.is_empty() {
            self.estimated = true;
            self.estimator.on_feedback(now, &self.fates);
        }
    }

    /// The receiver says how a stream of ours reached it.
    pub(crate) fn reported(&mut self, clock: &NtpClock, now: Instant, block: &ReceptionBlock) {
        if let Some(measured) = block.round_trip(clock.at(now)) {
            let smoothed = self.round_trip.map_or(measured, |before| (before * 3 + measured) / 4);
            self.round_trip = Some(smoothed);
        }
    }

    /// Whether a repair of so many bytes may be sent.
    pub(crate) fn may_repair(&mut self, now: Instant, bytes: usize) -> bool {
        let estimate = self.estimator.target();
        self.repairs.spend(now, estimate, bytes)
    }
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

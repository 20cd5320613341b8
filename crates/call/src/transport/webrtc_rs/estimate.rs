//! Our estimator in the slot the `rtc` crate has for one.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use confab_rtp::{CongestionController, DataRate, EstimatorConfig, PacketResult};
use rtc::interceptor::PacketReport;

use super::shared::Shared;
use crate::transport::TransportEvent;

/// A smaller change is not worth an event.
const TELLING: f64 = 0.03;

pub(super) struct Estimate {
    shared: Arc<Shared>,
    estimator: CongestionController,
    told: f64,
    results: Vec<PacketResult>,
    repairs: Repairs,
}

/// The rate of our repairs, by looking at their counter twice a second.
#[derive(Default)]
struct Repairs {
    seen: Option<(Instant, u64)>,
    rate: DataRate,
}

impl Repairs {
    fn rate(&mut self, now: Instant, bytes: u64) -> DataRate {
        let (since, before) = *self.seen.get_or_insert((now, bytes));
        let elapsed = now.saturating_duration_since(since);
        if elapsed >= Duration::from_millis(500) {
            self.rate = DataRate::from_bytes_over(bytes.saturating_sub(before), elapsed);
            self.seen = Some((now, bytes));
        }
        self.rate
    }
}

impl Estimate {
    pub fn new(shared: Arc<Shared>, config: EstimatorConfig) -> Self {
        Self {
            shared,
            estimator: CongestionController::new(config),
            told: 0.0,
            results: Vec::new(),
            repairs: Repairs::default(),
        }
    }
}

impl rtc::interceptor::BandwidthEstimator for Estimate {
    fn on_reports(&mut self, now: Instant, reports: &[PacketReport]) {
        if self.shared.path_changed.swap(false, Ordering::Relaxed) {
            self.estimator.path_changed();
        }
        self.results.clear();
        self.results.extend(reports.iter().map(|report| PacketResult {
            sent: report.departure,
            received: report.arrived,
            arrived: report.arrival,
            bytes: report.size,
            probe: None,
        }));
        if let Some(newest) = reports.iter().filter(|report| report.arrived).map(|report| report.departure).max() {
            self.shared.feedback_after(now, now.saturating_duration_since(newest));
        }
        self.estimator.on_feedback(now, &self.results);
        let counters = &self.shared.counters;
        let whole = self.estimator.target().as_bps();
        // What repairs need is not there for media; should they need most of it, media goes first.
        let repairs = self.repairs.rate(now, counters.repair_bytes.get()).as_bps();
        let target = whole - repairs.min(whole / 3);
        counters.estimate.set(target);
        counters.queue_delay.set(self.estimator.queue_delay().as_micros() as u64);
        counters.outgoing_loss.set((self.estimator.loss() * 1e6) as u64);
        if (target as f64 - self.told).abs() > self.told * TELLING {
            self.told = target as f64;
            self.shared.announce(TransportEvent::Estimate { bits_per_second: target });
        }
    }

    fn target_bitrate(&self) -> f64 {
        self.estimator.target().as_bps() as f64
    }
}

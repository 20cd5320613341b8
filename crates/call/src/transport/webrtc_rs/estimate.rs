//! Our estimator in the slot the `rtc` crate has for one.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use confab_rtp::{BandwidthEstimator, EstimatorConfig, PacketResult};
use rtc::interceptor::PacketReport;

use super::shared::Shared;
use crate::transport::TransportEvent;

/// A smaller change is not worth an event.
const TELLING: f64 = 0.03;

pub(super) struct Estimate {
    shared: Arc<Shared>,
    estimator: BandwidthEstimator,
    told: f64,
    results: Vec<PacketResult>,
}

impl Estimate {
    pub fn new(shared: Arc<Shared>, config: EstimatorConfig) -> Self {
        Self { shared, estimator: BandwidthEstimator::new(config), told: 0.0, results: Vec::new() }
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
        }));
        if let Some(newest) = reports.iter().filter(|report| report.arrived).map(|report| report.departure).max() {
            self.shared.feedback_after(now, now.saturating_duration_since(newest));
        }
        self.estimator.on_feedback(now, &self.results);
        let counters = &self.shared.counters;
        let target = self.estimator.target().as_bps();
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

//! Sliding sums over what the feedback says.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::PacketResult;
use crate::data_rate::DataRate;

/// Long enough to hold several frames.
const RATE_WINDOW: Duration = Duration::from_millis(600);
/// Short enough to follow a link that has just become slower.
const RECENT_WINDOW: Duration = Duration::from_millis(250);
/// Over less than this a rate means nothing.
const SHORTEST_SPAN: Duration = Duration::from_millis(100);
const LOSS_WINDOW: Duration = Duration::from_secs(1);

/// What arrived lately, on the receiver's clock.
#[derive(Debug, Default)]
pub(super) struct ArrivalWindow {
    arrivals: VecDeque<(Duration, usize)>,
    newest: Duration,
    oldest_seen: Option<Duration>,
}

impl ArrivalWindow {
    pub fn add(&mut self, arrived: Duration, bytes: usize) {
        self.newest = self.newest.max(arrived);
        self.oldest_seen = Some(self.oldest_seen.map_or(arrived, |oldest| oldest.min(arrived)));
        self.arrivals.push_back((arrived, bytes));
        while self.arrivals.front().is_some_and(|(arrived, _)| *arrived + RATE_WINDOW < self.newest) {
            self.arrivals.pop_front();
        }
    }

    /// The rate of arrival.
    pub fn rate(&self) -> Option<DataRate> {
        self.rate_over(RATE_WINDOW)
    }

    /// The rate of arrival of the last quarter of a second.
    pub fn recent_rate(&self) -> Option<DataRate> {
        self.rate_over(RECENT_WINDOW)
    }

    fn rate_over(&self, window: Duration) -> Option<DataRate> {
        // Young streams have a shorter past than the window.
        let span = window.min(self.newest.saturating_sub(self.oldest_seen?));
        if span < SHORTEST_SPAN {
            return None;
        }
        let from = self.newest.saturating_sub(span);
        let bytes: usize = self.arrivals.iter().filter(|(arrived, _)| *arrived > from).map(|(_, bytes)| bytes).sum();
        Some(DataRate::from_bytes_over(bytes as u64, span))
    }
}

/// How many packets of the last second were lost.
#[derive(Debug, Default)]
pub(super) struct LossWindow {
    batches: VecDeque<(Instant, usize, usize)>,
}

impl LossWindow {
    pub fn add(&mut self, now: Instant, packets: &[PacketResult]) {
        let lost = packets.iter().filter(|packet| !packet.received).count();
        self.batches.push_back((now, packets.len(), lost));
        while self.batches.front().is_some_and(|(at, ..)| now.saturating_duration_since(*at) > LOSS_WINDOW) {
            self.batches.pop_front();
        }
    }

    /// Enough packets to speak of a share.
    pub fn is_telling(&self) -> bool {
        self.batches.iter().map(|(_, packets, _)| packets).sum::<usize>() >= 30
    }

    /// 0 to 1.
    pub fn share(&self) -> f64 {
        let (packets, lost) =
            self.batches.iter().fold((0, 0), |(packets, lost), batch| (packets + batch.1, lost + batch.2));
        if packets == 0 { 0.0 } else { lost as f64 / packets as f64 }
    }

    pub fn forget(&mut self) {
        self.batches.clear();
    }
}

//! What an impairment did.

use std::time::Duration;

/// Totals of one direction since its start. `offered` is the sum of `delivered` and the three ways of being dropped.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counters {
    /// Packets handed in.
    pub offered: u64,
    /// Packets that arrive, a duplicated one counted once.
    pub delivered: u64,
    /// Bytes of the packets that arrive, a duplicated one counted once.
    pub delivered_bytes: u64,
    /// Dropped by the loss model.
    pub lost: u64,
    /// Dropped because the queue before the rate limit was full.
    pub overflowed: u64,
    /// Dropped while the path was a black hole.
    pub swallowed: u64,
    /// Packets that arrive twice.
    pub duplicated: u64,
    /// Packets that overtake one handed in before them.
    pub reordered: u64,
    /// Packets that arrive later than they were handed in.
    pub delayed: u64,
    /// Sum of the delays of the delivered packets.
    pub delay_total: Duration,
    /// The longest delay.
    pub delay_longest: Duration,
}

impl Counters {
    /// Share of packets the loss model took, of those that reached it: `0.0..=1.0`.
    pub fn observed_loss(&self) -> f64 {
        let reached = self.offered - self.swallowed;
        if reached == 0 { 0.0 } else { self.lost as f64 / reached as f64 }
    }

    /// Mean delay of the delivered packets.
    pub fn mean_delay(&self) -> Duration {
        if self.delivered == 0 { Duration::ZERO } else { self.delay_total.div_f64(self.delivered as f64) }
    }

    /// What happened since `earlier`, an older copy of the same counters. The longest delay stays that of the whole run.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            offered: self.offered - earlier.offered,
            delivered: self.delivered - earlier.delivered,
            delivered_bytes: self.delivered_bytes - earlier.delivered_bytes,
            lost: self.lost - earlier.lost,
            overflowed: self.overflowed - earlier.overflowed,
            swallowed: self.swallowed - earlier.swallowed,
            duplicated: self.duplicated - earlier.duplicated,
            reordered: self.reordered - earlier.reordered,
            delayed: self.delayed - earlier.delayed,
            delay_total: self.delay_total.saturating_sub(earlier.delay_total),
            delay_longest: self.delay_longest,
        }
    }
}

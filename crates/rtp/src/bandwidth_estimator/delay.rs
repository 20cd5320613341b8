//! How long packets stand in queues on the way.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::PacketResult;

/// The smallest delay of this time is taken as the way without a queue. Long enough to outlive a queue, short enough
/// that clocks running apart (50 parts in a million are 0.5 ms in 10 s) and new routes do no harm.
const BASE_SLOTS: usize = 10;
const SLOT: Duration = Duration::from_secs(1);

/// One-way delays. The two clocks have nothing to do with each other; only differences are used.
#[derive(Debug, Default)]
pub(super) struct QueueDelay {
    epoch: Option<Instant>,
    /// The smallest delay of each of the last seconds, in microseconds.
    slots: VecDeque<(Instant, i64)>,
    latest_delay: i64,
}

impl QueueDelay {
    /// Takes a batch. Its smallest delay counts: one packet that met no queue tells more than many of one burst.
    pub fn add(&mut self, now: Instant, packets: &[PacketResult]) {
        let epoch = *self.epoch.get_or_insert(packets[0].sent);
        let smallest = packets
            .iter()
            .filter_map(|packet| {
                let arrived = packet.arrived?.as_micros() as i64;
                let sent = packet.sent.checked_duration_since(epoch).map_or_else(
                    || -(epoch.duration_since(packet.sent).as_micros() as i64),
                    |later| later.as_micros() as i64,
                );
                Some(arrived - sent)
            })
            .min();
        let Some(delay) = smallest else { return };
        self.latest_delay = delay;
        match self.slots.back_mut() {
            Some((begun, least)) if now.saturating_duration_since(*begun) < SLOT => *least = delay.min(*least),
            _ => self.slots.push_back((now, delay)),
        }
        if self.slots.len() > BASE_SLOTS {
            self.slots.pop_front();
        }
    }

    /// The queue of the last batch.
    pub fn latest(&self) -> Duration {
        let base = self.slots.iter().map(|(_, delay)| *delay).min().unwrap_or(self.latest_delay);
        Duration::from_micros(self.latest_delay.saturating_sub(base).max(0) as u64)
    }

    /// The present delay is the way itself.
    pub fn take_as_base(&mut self) {
        let begun = self.slots.back().map(|(begun, _)| *begun);
        self.slots.clear();
        if let Some(begun) = begun {
            self.slots.push_back((begun, self.latest_delay));
        }
    }
}

//! How long forwarded packets are in the server: from the moment the system had a packet, by the system's own clock, to
//! the moment the batch with its copy was handed back to the system.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use confab_sfu::Transmit;

/// Upper ends of the buckets, microseconds; what took longer is counted in one more. Fine around half a millisecond and
/// four, which are what a busy server is to keep at the median and at 99 of 100.
pub(crate) const BUCKETS_US: [u64; 20] = [
    50, 100, 150, 200, 250, 300, 400, 500, 700, 1_000, 1_500, 2_000, 3_000, 4_000, 6_000, 8_000, 12_000, 25_000,
    100_000, 500_000,
];

/// A worker's own counts.
#[derive(Default)]
pub(super) struct Delays {
    counts: [u64; BUCKETS_US.len() + 1],
    sum_us: u64,
    changed: bool,
}

/// The same as others may read them.
#[derive(Default)]
pub(super) struct DelayCells {
    counts: [AtomicU64; BUCKETS_US.len() + 1],
    sum_us: AtomicU64,
}

/// Delays of forwarded packets, since the start.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct DelayReport {
    /// Packets in each bucket of [`BUCKETS_US`], and those that took longer.
    pub(crate) counts: [u64; BUCKETS_US.len() + 1],
    /// All delays together, microseconds.
    pub(crate) sum_us: u64,
}

impl Delays {
    /// Counts what of a batch was forwarded.
    pub(super) fn note(&mut self, sent: Instant, batch: &[Transmit]) {
        // Packets of one batch mostly came together, so what the last one took is most likely what the next one takes.
        let (mut last, mut delay_us, mut bucket) = (None, 0, 0);
        for transmit in batch {
            let Some(arrived) = transmit.arrived else { continue };
            if last != Some(arrived) {
                last = Some(arrived);
                delay_us = as_micros(sent.saturating_duration_since(arrived));
                bucket = BUCKETS_US.partition_point(|end| *end < delay_us);
            }
            self.counts[bucket] += 1;
            self.sum_us += delay_us;
            self.changed = true;
        }
    }

    /// Tells the others.
    pub(super) fn publish(&mut self, cells: &DelayCells) {
        if std::mem::take(&mut self.changed) {
            for (cell, count) in cells.counts.iter().zip(self.counts) {
                cell.store(count, Ordering::Relaxed);
            }
            cells.sum_us.store(self.sum_us, Ordering::Relaxed);
        }
    }
}

impl DelayReport {
    /// Adds one worker's.
    pub(super) fn add(&mut self, cells: &DelayCells) {
        for (count, cell) in self.counts.iter_mut().zip(&cells.counts) {
            *count += cell.load(Ordering::Relaxed);
        }
        self.sum_us += cells.sum_us.load(Ordering::Relaxed);
    }
}

fn as_micros(delay: Duration) -> u64 {
    u64::try_from(delay.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forwarded_packets_are_counted_by_how_long_they_took_and_others_not_at_all() {
        let begin = Instant::now();
        let transmit = |arrived: Option<u64>| Transmit {
            arrived: arrived.map(|us| begin + Duration::from_micros(us)),
            ..Transmit::new("127.0.0.1:1".parse().unwrap(), "127.0.0.1:2".parse().unwrap(), Vec::new())
        };
        let batch =
            [transmit(Some(0)), transmit(None), transmit(Some(0)), transmit(Some(9_550)), transmit(Some(20_000))];
        let (mut delays, cells) = (Delays::default(), DelayCells::default());
        delays.note(begin + Duration::from_micros(10_000), &batch);
        let mut report = DelayReport::default();
        report.add(&cells);
        assert_eq!(report, DelayReport::default(), "not published yet");
        delays.publish(&cells);
        report.add(&cells);
        let in_bucket = |end| report.counts[BUCKETS_US.iter().position(|known| *known == end).unwrap()];
        assert_eq!((in_bucket(12_000), in_bucket(500), in_bucket(50)), (2, 1, 1), "{report:?}");
        assert_eq!((report.counts.iter().sum::<u64>(), report.sum_us), (4, 20_450));
    }
}

//! How much delay the network's jitter asks for. All times in samples at 48 kHz.

use std::collections::VecDeque;

use super::samples;

/// Width of the histogram's buckets.
const BUCKET: i64 = samples(5);
const BUCKETS: usize = 100;

/// Part of the packets that should arrive in time.
const QUANTILE: f32 = 0.97;

/// Weight of the past with each packet: half is forgotten after 7 s.
const MEMORY: f32 = 0.998;

/// The first packets count for more; the assumption of a good network counts like so many of them.
const ASSUMED_PACKETS: f32 = 25.0;

/// Bounds of the target.
const LEAST: i64 = samples(20);
const MOST: i64 = samples(500);

/// For how long the earliest arrival is remembered: long enough to meet an unhindered packet, short enough to follow
/// clocks that run apart and routes that change.
const BASE_SPANS: usize = 10;
const BASE_SPAN: i64 = samples(1_000);

/// From this share of lost packets on, playing waits one packet longer, so that a lost packet's successor, which can
/// carry a copy of it, is there in time.
const LOSS_THAT_MATTERS: f32 = 0.008;
const LOSS_MEMORY: f32 = 1.0 / 250.0;
const WAIT_FOR_SUCCESSOR: i64 = samples(20);

/// Learns from arrival times how long packets have to wait so that nearly all are there when their turn comes.
pub(super) struct DelayTarget {
    /// How often packets came how late, over the earliest; the sum is 1.
    histogram: [f32; BUCKETS],
    seen: f32,
    /// The earliest arrival (time of day minus RTP time) in each second, newest last.
    earliest: VecDeque<(i64, i64)>,
    loss: f32,
}

impl DelayTarget {
    pub fn new() -> Self {
        let mut histogram = [0.0; BUCKETS];
        histogram[0] = 1.0;
        Self { histogram, seen: ASSUMED_PACKETS, earliest: VecDeque::new(), loss: 0.0 }
    }

    pub fn observe(&mut self, arrived: i64, timestamp: i64) {
        let transit = arrived - timestamp;
        let span = arrived.div_euclid(BASE_SPAN);
        match self.earliest.back_mut() {
            Some((last, earliest)) if *last == span => *earliest = transit.min(*earliest),
            _ => self.earliest.push_back((span, transit)),
        }
        while self.earliest.len() > BASE_SPANS {
            self.earliest.pop_front();
        }
        let late = transit - self.base().unwrap_or(transit);
        let bucket = ((late / BUCKET).max(0) as usize).min(BUCKETS - 1);
        self.seen += 1.0;
        let memory = MEMORY.min(1.0 - 1.0 / self.seen);
        for share in &mut self.histogram {
            *share *= memory;
        }
        self.histogram[bucket] += 1.0 - memory;
    }

    /// The earliest arrival lately, as time of day minus RTP time; `None` before the first packet.
    pub fn base(&self) -> Option<i64> {
        self.earliest.iter().map(|(_, earliest)| *earliest).min()
    }

    /// Forgets the relation of RTP time to time of day, not the jitter.
    pub fn forget_base(&mut self) {
        self.earliest.clear();
    }

    pub fn note_loss(&mut self, lost: bool) {
        let share = if lost { 1.0 } else { 0.0 };
        self.loss += (share - self.loss) * LOSS_MEMORY;
    }

    /// The delay to aim for.
    pub fn target(&self) -> i64 {
        let mut sum = 0.0;
        let bucket = self.histogram.iter().position(|share| {
            sum += share;
            sum >= QUANTILE
        });
        let jitter = (bucket.unwrap_or(BUCKETS - 1) as i64 + 1) * BUCKET;
        let wait = if self.loss > LOSS_THAT_MATTERS { WAIT_FOR_SUCCESSOR } else { 0 };
        (jitter.max(LEAST - wait) + wait).clamp(LEAST, MOST)
    }
}

//! What a path is like.

use std::time::Duration;

use crate::loss::Loss;

/// The properties of one direction of a path. The default is a perfect path.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Profile {
    /// Mean time on the way.
    pub delay: Duration,
    /// The delay varies by up to so much either way, uniformly; it never becomes negative.
    pub jitter: Duration,
    /// Whether jitter may change the order of packets. Without it a packet waits for the one before it, as in a queue,
    /// so that packets closer together than the jitter come nearer to its upper end.
    pub jitter_reorders: bool,
    /// What gets lost.
    pub loss: Loss,
    /// Share of packets that arrive twice.
    pub duplicate: f64,
    /// Packets held back behind later ones.
    pub reordering: Reordering,
    /// The bottleneck, if there is one.
    pub rate: Option<RateLimit>,
    /// Nothing arrives; what was on its way before still does.
    pub black_hole: bool,
}

/// Packets held back behind later ones.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Reordering {
    /// Share of packets held back.
    pub share: f64,
    /// For how long.
    pub by: Duration,
}

/// A bottleneck with a queue that drops at its tail.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct RateLimit {
    /// Bits per second, above zero.
    pub bits_per_second: u64,
    /// The longest a packet may wait; beyond it is dropped.
    pub queue: Duration,
}

impl Profile {
    /// Nothing happens to packets.
    pub fn perfect() -> Self {
        Self::default()
    }

    /// A fixed delay, nothing else.
    pub fn delayed(delay: Duration) -> Self {
        Self { delay, ..Self::default() }
    }

    /// Home wireless: 5 ms, 2 ms of jitter, 1 % loss.
    pub fn wifi() -> Self {
        Self {
            delay: Duration::from_millis(5),
            jitter: Duration::from_millis(2),
            loss: Loss::Random(0.01),
            ..Self::default()
        }
    }

    /// Mobile: 50 ms, 15 ms of jitter, 2 % bursty loss, 30 Mbit/s.
    pub fn cell() -> Self {
        Self {
            delay: Duration::from_millis(50),
            jitter: Duration::from_millis(15),
            loss: Loss::Bursty { share: 0.02, mean_burst: 3.0 },
            rate: Some(RateLimit { bits_per_second: 30_000_000, queue: Duration::from_millis(200) }),
            ..Self::default()
        }
    }

    /// A poor line: 100 ms, 25 ms of jitter, 5 % loss.
    pub fn moderate() -> Self {
        Self {
            delay: Duration::from_millis(100),
            jitter: Duration::from_millis(25),
            loss: Loss::Random(0.05),
            ..Self::default()
        }
    }

    /// Another continent over a thin line: 250 ms, 100 ms of jitter, 10 % bursty loss, 300 kbit/s.
    pub fn far() -> Self {
        Self {
            delay: Duration::from_millis(250),
            jitter: Duration::from_millis(100),
            loss: Loss::Bursty { share: 0.10, mean_burst: 4.0 },
            rate: Some(RateLimit { bits_per_second: 300_000, queue: Duration::from_millis(300) }),
            ..Self::default()
        }
    }

    /// Hardly a line at all: 300 ms of jitter, 20 % bursty loss.
    pub fn awful() -> Self {
        Self {
            delay: Duration::from_millis(150),
            jitter: Duration::from_millis(150),
            loss: Loss::Bursty { share: 0.20, mean_burst: 4.0 },
            ..Self::default()
        }
    }

    /// Nothing arrives.
    pub fn hole() -> Self {
        Self { black_hole: true, ..Self::default() }
    }
}

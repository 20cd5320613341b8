//! What a seed means: the conditions of one run.

use std::fmt;
use std::time::Duration;

use confab_impair::{Loss, Profile, RateLimit};

/// splitmix64: the tests' own random numbers.
#[derive(Clone, Debug)]
pub struct Random(pub u64);

impl Random {
    pub fn fraction(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub fn between(&mut self, from: f64, to: f64) -> f64 {
        from + (to - from) * self.fraction()
    }

    pub fn milliseconds(&mut self, from: f64, to: f64) -> Duration {
        Duration::from_secs_f64(self.between(from, to) / 1000.0)
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Terms {
    pub seed: u64,
    pub delay: Duration,
    pub jitter: Duration,
    pub jitter_reorders: bool,
    pub loss: Loss,
    pub queue: Duration,
    pub feedback_interval: Duration,
    pub feedback_loss: f64,
    /// Of the receiver's clock, in parts in a million.
    pub drift: f64,
}

impl Terms {
    /// A short way without any trouble but its queue.
    pub fn plain(seed: u64) -> Self {
        Self {
            seed,
            delay: Duration::from_millis(20),
            jitter: Duration::ZERO,
            jitter_reorders: false,
            loss: Loss::None,
            queue: Duration::from_millis(300),
            feedback_interval: Duration::from_millis(50),
            feedback_loss: 0.0,
            drift: 0.0,
        }
    }

    /// All the trouble a seed stands for.
    pub fn of_seed(seed: u64) -> Self {
        let mut random = Random(seed.wrapping_mul(0x5851_f42d_4c95_7f2d) ^ 0x1234_5678);
        let delay = random.milliseconds(5.0, 100.0);
        let jitter = random.milliseconds(0.0, 20.0).min(delay);
        let jitter_reorders = random.fraction() < 0.3;
        let share = random.between(0.0, 0.05);
        let loss = match random.fraction() {
            chance if chance < 0.3 => Loss::None,
            chance if chance < 0.75 => Loss::Random(share),
            _ => Loss::Bursty { share, mean_burst: 3.0 },
        };
        Self {
            seed,
            delay,
            jitter,
            jitter_reorders,
            loss,
            queue: Duration::from_millis(if random.fraction() < 0.5 { 300 } else { 1000 }),
            feedback_interval: random.milliseconds(20.0, 250.0),
            feedback_loss: random.between(0.0, 0.2),
            drift: random.between(-100.0, 100.0),
        }
    }

    pub fn down(&self, kbps: u64) -> Profile {
        Profile {
            delay: self.delay,
            jitter: self.jitter,
            jitter_reorders: self.jitter_reorders,
            loss: self.loss,
            rate: Some(RateLimit { bits_per_second: kbps * 1000, queue: self.queue }),
            ..Profile::default()
        }
    }

    pub fn up(&self) -> Profile {
        Profile {
            delay: self.delay,
            jitter: self.jitter,
            jitter_reorders: self.jitter_reorders,
            loss: Loss::Random(self.feedback_loss),
            ..Profile::default()
        }
    }
}

impl fmt::Display for Terms {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "seed {}: delay {:.0?} ± {:.0?}{}, {:?}, queue {:?}, feedback every {:.0?} with {:.0} % lost, {:+.0} ppm",
            self.seed,
            self.delay,
            self.jitter,
            if self.jitter_reorders { " reordering" } else { "" },
            self.loss,
            self.queue,
            self.feedback_interval,
            self.feedback_loss * 100.0,
            self.drift,
        )
    }
}

//! How packets get lost.

use crate::random::SeededRandom;

/// A loss model. Shares and probabilities are in `0.0..=1.0`.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub enum Loss {
    /// Nothing is lost.
    #[default]
    None,
    /// Each packet on its own.
    Random(f64),
    /// Gilbert-Elliott: a good state in which nothing is lost and a bad one in which everything is.
    Bursty {
        /// Long-run share of lost packets.
        share: f64,
        /// Mean length of a burst, packets; 1 or more.
        mean_burst: f64,
    },
}

impl Loss {
    /// Long-run share of lost packets.
    pub fn share(&self) -> f64 {
        match *self {
            Self::None => 0.0,
            Self::Random(share) | Self::Bursty { share, .. } => share,
        }
    }
}

/// The running state of a loss model.
#[derive(Clone, Debug, Default)]
pub(crate) struct LossState {
    in_burst: bool,
}

impl LossState {
    /// Whether the next packet is lost.
    pub(crate) fn takes(&mut self, loss: &Loss, random: &mut SeededRandom) -> bool {
        match *loss {
            Loss::None => false,
            Loss::Random(share) => random.chance(share),
            Loss::Bursty { share, mean_burst } => {
                let end = 1.0 / mean_burst.max(1.0);
                // The stationary share of the bad state is begin / (begin + end).
                let begin = if share >= 1.0 { 1.0 } else { (end * share / (1.0 - share)).min(1.0) };
                self.in_burst = if self.in_burst { share >= 1.0 || !random.chance(end) } else { random.chance(begin) };
                self.in_burst
            }
        }
    }
}

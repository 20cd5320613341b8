//! How late sound is played, over the earliest it could have been. All times in samples.

use std::collections::VecDeque;

/// Pulls that are looked at: half a second.
const WINDOW: usize = 50;

/// Fewest pulls before a judgement.
const LEAST: usize = 10;

/// Remembers the delay of the last pulls. Loudspeakers pull in bursts, and only the earliest pull of a burst can come
/// too early, so the lowest delay is what counts.
#[derive(Default)]
pub(super) struct PlayoutDelay {
    window: VecDeque<i64>,
}

impl PlayoutDelay {
    pub fn push(&mut self, delay: i64) {
        if self.window.len() == WINDOW {
            self.window.pop_front();
        }
        self.window.push_back(delay);
    }

    /// The lowest delay lately; `None` as long as too few were seen.
    pub fn lowest(&self) -> Option<i64> {
        (self.window.len() >= LEAST).then(|| self.window.iter().min().copied()).flatten()
    }

    /// The delay of the last pull, 0 when there was none.
    pub fn latest(&self) -> i64 {
        self.window.back().copied().unwrap_or(0)
    }

    /// Time was stretched by `samples` (negative: shortened), which changes all that was seen before.
    pub fn shift(&mut self, samples: i64) {
        for delay in &mut self.window {
            *delay += samples;
        }
    }

    pub fn clear(&mut self) {
        self.window.clear();
    }
}

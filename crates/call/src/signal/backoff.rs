//! How long to wait before the next attempt to reach a server.
//!
//! Full jitter: a uniformly random share of a ceiling that doubles. A server that comes back meets its clients spread
//! over the ceiling instead of all at once.

use std::time::Duration;

/// Ceiling of the first wait.
const FIRST_CEILING: Duration = Duration::from_millis(250);

/// No two attempts are further apart than this: a server that is back is found again within it.
pub const LONGEST_WAIT: Duration = Duration::from_secs(3);

/// Counts the failed attempts since the last success.
#[derive(Clone, Copy, Default, Debug)]
pub struct Backoff {
    attempts: u32,
}

impl Backoff {
    /// The wait before the next attempt. `random` is uniform in `0.0..1.0`.
    pub fn next_wait(&mut self, random: f64) -> Duration {
        let ceiling = FIRST_CEILING.saturating_mul(1 << self.attempts.min(16)).min(LONGEST_WAIT);
        self.attempts = self.attempts.saturating_add(1);
        ceiling.mul_f64(random.clamp(0.0, 1.0))
    }

    /// Waits given since the last success.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// The attempt succeeded.
    pub fn reset(&mut self) {
        self.attempts = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_never_exceed_three_seconds() {
        let mut backoff = Backoff::default();
        let waits: Vec<_> = (0..40).map(|_| backoff.next_wait(1.0)).collect();
        assert_eq!(waits[0], Duration::from_millis(250));
        assert_eq!(waits[1], Duration::from_millis(500));
        assert!(waits.iter().all(|wait| *wait <= LONGEST_WAIT));
        assert_eq!(waits[39], LONGEST_WAIT);
    }

    #[test]
    fn the_whole_wait_is_jittered_not_only_a_part_of_it() {
        let mut backoff = Backoff::default();
        for _ in 0..10 {
            backoff.next_wait(0.5);
        }
        assert_eq!(backoff.next_wait(0.0), Duration::ZERO);
        assert_eq!(backoff.next_wait(0.5), LONGEST_WAIT / 2);
    }

    #[test]
    fn a_success_starts_anew() {
        let mut backoff = Backoff::default();
        for _ in 0..10 {
            backoff.next_wait(1.0);
        }
        backoff.reset();
        assert_eq!(backoff.next_wait(1.0), Duration::from_millis(250));
    }
}

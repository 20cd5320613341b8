//! Bits per second as a type.

use std::fmt;
use std::ops::{Add, Mul};
use std::time::Duration;

/// What stands for "never" when nothing is sent at all.
const NEVER: Duration = Duration::from_hours(1);

/// A rate of data in bits per second.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct DataRate(u64);

impl DataRate {
    /// Nothing at all.
    pub const ZERO: Self = Self(0);

    /// So many bits per second.
    pub const fn from_bps(bits_per_second: u64) -> Self {
        Self(bits_per_second)
    }

    /// So many thousand bits per second.
    pub const fn from_kbps(kilobits_per_second: u64) -> Self {
        Self(kilobits_per_second * 1000)
    }

    /// The rate at which `bytes` go by in `time`; zero when no time passes.
    pub fn from_bytes_over(bytes: u64, time: Duration) -> Self {
        let seconds = time.as_secs_f64();
        if seconds <= 0.0 { Self::ZERO } else { Self((bytes as f64 * 8.0 / seconds) as u64) }
    }

    /// In bits per second.
    pub const fn as_bps(self) -> u64 {
        self.0
    }

    /// In thousand bits per second, rounded down.
    pub const fn as_kbps(self) -> u64 {
        self.0 / 1000
    }

    /// How long `bytes` take at this rate; a very long time at rate zero.
    pub fn time_for(self, bytes: usize) -> Duration {
        if self.0 == 0 {
            return NEVER;
        }
        Duration::from_nanos((bytes as u128 * 8 * 1_000_000_000 / u128::from(self.0)) as u64)
    }

    /// How many bytes fit into `time` at this rate.
    pub fn bytes_in(self, time: Duration) -> u64 {
        (u128::from(self.0) * time.as_nanos() / 8 / 1_000_000_000) as u64
    }
}

impl Mul<f64> for DataRate {
    type Output = Self;

    fn mul(self, factor: f64) -> Self {
        Self((self.0 as f64 * factor.max(0.0)) as u64)
    }
}

impl Add for DataRate {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl fmt::Display for DataRate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 >= 1_000_000 {
            write!(formatter, "{:.2} Mbit/s", self.0 as f64 / 1e6)
        } else {
            write!(formatter, "{:.0} kbit/s", self.0 as f64 / 1e3)
        }
    }
}

impl fmt::Debug for DataRate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_knows_how_long_bytes_take_and_how_many_fit() {
        let rate = DataRate::from_kbps(800);
        assert_eq!(rate.time_for(1000), Duration::from_millis(10));
        assert_eq!(rate.bytes_in(Duration::from_millis(10)), 1000);
        assert_eq!(DataRate::from_bytes_over(1000, Duration::from_millis(10)), rate);
    }

    #[test]
    fn a_rate_of_zero_neither_divides_nor_sends() {
        assert_eq!(DataRate::ZERO.time_for(1), NEVER);
        assert_eq!(DataRate::ZERO.bytes_in(Duration::from_secs(5)), 0);
        assert_eq!(DataRate::from_bytes_over(5, Duration::ZERO), DataRate::ZERO);
    }
}

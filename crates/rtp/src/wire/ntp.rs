//! The wall clock of RTCP: seconds since 1900 as 32.32 bits (RFC 3550, 4). The clock itself is read at the edge.

use std::time::{Duration, Instant};

/// Seconds from 1900 to 1970.
const UNIX_EPOCH: u64 = 2_208_988_800;

/// Gives each moment of this machine's clock its NTP time. It never steps, whatever is done to the wall clock later, so
/// that round trips computed from it hold.
#[derive(Clone, Copy, Debug)]
pub struct NtpClock {
    origin: Instant,
    ntp: u64,
}

impl NtpClock {
    /// At `origin`, the wall clock showed `since_unix_epoch`.
    pub fn new(origin: Instant, since_unix_epoch: Duration) -> Self {
        Self { origin, ntp: from_unix(since_unix_epoch) }
    }

    /// The NTP time of a moment; one before the origin counts as the origin.
    pub fn at(&self, moment: Instant) -> u64 {
        self.ntp.wrapping_add(fixed(moment.saturating_duration_since(self.origin)))
    }
}

/// The NTP time of a time since 1970.
pub fn from_unix(since_unix_epoch: Duration) -> u64 {
    (UNIX_EPOCH << 32).wrapping_add(fixed(since_unix_epoch))
}

/// The middle 32 bits (16.16 seconds), by which a report names a sender report.
pub const fn middle(ntp: u64) -> u32 {
    (ntp >> 16) as u32
}

/// The 24 bits (6.18 seconds) of the sending time extension.
pub const fn abs_send_time(ntp: u64) -> u32 {
    (ntp >> 14) as u32 & 0x00ff_ffff
}

/// A delay in units of 1/65536 s, rounded down; what does not fit is the largest.
pub fn short_delay(delay: Duration) -> u32 {
    u32::try_from(fixed(delay) >> 16).unwrap_or(u32::MAX)
}

/// The time from a sender report's leaving to the coming of the report that answers it, without the time the other side
/// kept it (RFC 3550, 6.4.1). `last_sender_report` and `delay` are as in the block; `None` when the other side has had no
/// report, or the numbers make no sense: negative, or over a minute.
pub fn round_trip(now: u64, last_sender_report: u32, delay: u32) -> Option<Duration> {
    if last_sender_report == 0 {
        return None;
    }
    let units = middle(now).wrapping_sub(last_sender_report).wrapping_sub(delay);
    (units < 60 << 16).then(|| Duration::from_nanos((u64::from(units) * 1_000_000_000) >> 16))
}

fn fixed(duration: Duration) -> u64 {
    (duration.as_secs() << 32) | ((u64::from(duration.subsec_nanos()) << 32) / 1_000_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_counts_from_1900_in_fractions_of_two() {
        let origin = Instant::now();
        let clock = NtpClock::new(origin, Duration::from_millis(1500));
        assert_eq!(clock.at(origin), (UNIX_EPOCH + 1) << 32 | 1 << 31);
        assert_eq!(clock.at(origin + Duration::from_millis(750)), (UNIX_EPOCH + 2) << 32 | 1 << 30);
        assert_eq!(middle(0x1234_5678_9abc_def0), 0x5678_9abc);
        assert_eq!(short_delay(Duration::from_millis(500)), 1 << 15);
        assert_eq!(short_delay(Duration::from_hours(24)), u32::MAX);
        assert_eq!(abs_send_time(1 << 32), 1 << 18);
        assert_eq!(abs_send_time(64 << 32), 0);
    }

    #[test]
    fn the_round_trip_leaves_out_what_the_other_side_kept() {
        let origin = Instant::now();
        let clock = NtpClock::new(origin, Duration::from_secs(1_800_000_000));
        let sent = middle(clock.at(origin));
        let kept = short_delay(Duration::from_millis(300));
        let round_trip_of = |later: u64| round_trip(clock.at(origin + Duration::from_millis(later)), sent, kept);
        let found = round_trip_of(380).expect("sensible");
        assert!(found.abs_diff(Duration::from_millis(80)) < Duration::from_micros(50), "{found:?}");
        assert_eq!(round_trip_of(290), None, "negative");
        assert_eq!(round_trip(clock.at(origin), 0, kept), None, "no report was seen");
        // The middle bits wrap every 18 hours.
        assert_eq!(round_trip(0x0001_0000_8000_0000, 0xffff_8000, 0), Some(Duration::from_secs(1)));
    }
}

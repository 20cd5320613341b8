//! RTP timestamps without the wrap, and their relation to the clock of this machine.

use std::time::{Duration, Instant};

/// A media time in ticks of `RATE` per second, never wrapping: 90 000 for video (RFC 6184), 48 000 for Opus (RFC 7587).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Timestamp<const RATE: u32>(pub u64);

/// The media time of video.
pub type VideoTimestamp = Timestamp<90_000>;

/// The media time of Opus.
pub type AudioTimestamp = Timestamp<48_000>;

impl<const RATE: u32> Timestamp<RATE> {
    /// The 32 bits that go on the wire.
    pub const fn wire(self) -> u32 {
        self.0 as u32
    }

    /// How long after `earlier` this is; zero when it is before.
    pub fn since(self, earlier: Self) -> Duration {
        ticks_to_duration(self.0.saturating_sub(earlier.0), RATE)
    }

    /// This time later by `duration`, rounded down to a tick.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0 + duration_to_ticks(duration, RATE))
    }
}

/// Extends the 32-bit timestamps of one RTP stream to 64 bits. The first is placed one full wrap above zero, so that
/// older packets have a place too.
#[derive(Clone, Debug, Default)]
pub struct TimestampUnwrapper<const RATE: u32> {
    highest: Option<u64>,
}

impl<const RATE: u32> TimestampUnwrapper<RATE> {
    /// Knows nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The extended timestamp of this packet.
    pub fn unwrap(&mut self, timestamp: u32) -> Timestamp<RATE> {
        let Some(highest) = self.highest else {
            let first = (1 << 32) + u64::from(timestamp);
            self.highest = Some(first);
            return Timestamp(first);
        };
        let distance = timestamp.wrapping_sub(highest as u32) as i32;
        let extended = highest.saturating_add_signed(i64::from(distance));
        if extended > highest {
            self.highest = Some(extended);
        }
        Timestamp(extended)
    }
}

/// Gives each moment of this machine's clock its RTP timestamp. One clock per track; tracks made with the same origin
/// stay in step.
#[derive(Clone, Copy, Debug)]
pub struct RtpClock<const RATE: u32> {
    origin: Instant,
    offset: u32,
}

impl<const RATE: u32> RtpClock<RATE> {
    /// `origin` gets the timestamp `offset`, which should be random (RFC 3550, 5.1).
    pub fn new(origin: Instant, offset: u32) -> Self {
        Self { origin, offset }
    }

    /// The timestamp of a moment; one before the origin counts as the origin.
    pub fn at(&self, moment: Instant) -> Timestamp<RATE> {
        let elapsed = moment.saturating_duration_since(self.origin);
        Timestamp(u64::from(self.offset) + duration_to_ticks(elapsed, RATE))
    }
}

fn ticks_to_duration(ticks: u64, rate: u32) -> Duration {
    let rate = u64::from(rate.max(1));
    Duration::from_secs(ticks / rate) + Duration::from_nanos(ticks % rate * 1_000_000_000 / rate)
}

fn duration_to_ticks(duration: Duration, rate: u32) -> u64 {
    (duration.as_nanos() * u128::from(rate) / 1_000_000_000) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_go_on_counting_past_the_wrap_and_back() {
        let mut unwrapper = TimestampUnwrapper::<90_000>::new();
        let first = unwrapper.unwrap(u32::MAX - 2999);
        let second = unwrapper.unwrap(0);
        assert_eq!(second.0 - first.0, 3000);
        assert_eq!(unwrapper.unwrap(u32::MAX - 2999), first);
        assert_eq!(unwrapper.unwrap(3000).since(first), Duration::from_nanos(66_666_666));
    }

    #[test]
    fn a_clock_counts_ticks_from_its_origin() {
        let origin = Instant::now();
        let clock = RtpClock::<48_000>::new(origin, 500);
        assert_eq!(clock.at(origin).wire(), 500);
        assert_eq!(clock.at(origin + Duration::from_millis(20)).wire(), 500 + 960);
        // A day later the wire value has wrapped nothing away.
        let later = clock.at(origin + Duration::from_hours(24));
        assert_eq!(later.0, 500 + 86_400 * 48_000);
        assert_eq!(later.since(clock.at(origin)), Duration::from_hours(24));
    }

    #[test]
    fn a_moment_before_the_origin_is_the_origin() {
        let before = Instant::now();
        let clock = RtpClock::<90_000>::new(before + Duration::from_secs(5), 7);
        assert_eq!(clock.at(before), Timestamp(7));
    }
}

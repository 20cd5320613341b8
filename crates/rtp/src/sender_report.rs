//! Sender reports put the tracks of one sender on one time line, so that lips and voice can be shown together.

use std::time::Duration;

/// The relation a sender report (RFC 3550, 6.4.1) states between the RTP timestamps of one stream and the wall clock of
/// whoever sent the report. Differences between two streams of one sender are meaningful; the wall clock itself is not
/// to be trusted.
#[derive(Clone, Copy, Debug, Default)]
pub struct SenderReportClock<const RATE: u32> {
    report: Option<(u64, u32)>,
}

impl<const RATE: u32> SenderReportClock<RATE> {
    /// Knows nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a report: its 64-bit NTP time and its RTP timestamp.
    pub fn report(&mut self, ntp: u64, timestamp: u32) {
        self.report = Some((ntp, timestamp));
    }

    /// When the sample with this timestamp was taken, as time since 1900 on the sender's wall clock. `None` before the
    /// first report. Right for timestamps within half a wrap of the report.
    pub fn wall_clock(&self, timestamp: u32) -> Option<Duration> {
        let (ntp, reported) = self.report?;
        let base = Duration::new(ntp >> 32, (((ntp & 0xffff_ffff) * 1_000_000_000) >> 32) as u32);
        let ticks = timestamp.wrapping_sub(reported) as i32;
        let distance = Duration::from_secs_f64(f64::from(ticks.unsigned_abs()) / f64::from(RATE.max(1)));
        if ticks >= 0 { Some(base + distance) } else { Some(base.saturating_sub(distance)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_streams_of_one_sender_meet_on_its_wall_clock() {
        let mut audio = SenderReportClock::<48_000>::new();
        let mut video = SenderReportClock::<90_000>::new();
        assert_eq!(audio.wall_clock(0), None);
        audio.report(1000 << 32, 4_294_967_000);
        video.report((1001 << 32) | (1 << 31), 90_000);
        let heard = audio.wall_clock(4_294_967_000_u32.wrapping_add(96_000)).expect("reported");
        let seen = video.wall_clock(90_000 + 45_000).expect("reported");
        assert_eq!(heard, Duration::from_secs(1002));
        assert_eq!(seen, Duration::from_secs(1002));
        assert_eq!(video.wall_clock(0).expect("reported"), Duration::from_millis(1_000_500));
    }
}

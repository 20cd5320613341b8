//! Makes one continuous RTP stream of stretches that come from different sources.
//!
//! Within a stretch numbers keep their distances, so a late or repaired packet finds its place and a loss on the way in
//! stays visible as a gap. Between stretches there is no gap: the next begins right after the highest number sent.

use std::time::{Duration, Instant};

/// Numbers for one slot's outgoing stream.
pub(crate) struct Rewriter {
    clock_rate: u32,
    /// Highest sequence number given out, extended.
    highest: Option<u64>,
    /// Highest of them whose packet has left; those above it may wait.
    left: Option<u64>,
    first_sequence: u64,
    stretch: Option<Stretch>,
    last_timestamp: u32,
    last_sent: Option<Instant>,
}

#[derive(Clone, Copy)]
struct Stretch {
    /// Incoming number of the stretch's first packet; earlier ones belong to what was before.
    first_in: u64,
    first_out: u64,
    timestamp_offset: u32,
}

impl Rewriter {
    /// `clock_rate` in Hz; `first_sequence` must be below 65536, since receivers begin at rollover count 0.
    pub(crate) fn new(clock_rate: u32, first_sequence: u16, first_timestamp: u32) -> Self {
        Self {
            clock_rate,
            highest: None,
            left: None,
            first_sequence: u64::from(first_sequence),
            stretch: None,
            last_timestamp: first_timestamp,
            last_sent: None,
        }
    }

    /// Whether a stretch is running.
    pub(crate) fn is_running(&self) -> bool {
        self.stretch.is_some()
    }

    /// What is added to the source's timestamps, while a stretch is running.
    pub(crate) fn timestamp_offset(&self) -> Option<u32> {
        self.stretch.map(|stretch| stretch.timestamp_offset)
    }

    /// The packet with this number leaves; `false` when one with a higher number has left before.
    pub(crate) fn note_left(&mut self, sequence: u64) -> bool {
        let leads = self.left.is_none_or(|left| sequence > left);
        if leads {
            self.left = Some(sequence);
        }
        leads
    }

    /// Whether a packet with a higher number has left.
    pub(crate) fn has_passed(&self, sequence: u64) -> bool {
        self.left.is_some_and(|left| sequence < left)
    }

    /// Takes back the numbers whose packets have not left and never will. To be called before the next stretch begins,
    /// which goes on right behind what the receiver can have.
    pub(crate) fn take_back(&mut self) {
        self.highest = self.left;
    }

    /// Whether a number belongs to the stretch that is running.
    pub(crate) fn is_of_stretch(&self, sequence: u64) -> bool {
        self.stretch.is_some_and(|stretch| sequence >= stretch.first_out)
    }

    /// Ends the stretch: the next packet begins another.
    pub(crate) fn end_stretch(&mut self) {
        self.stretch = None;
    }

    /// Begins a stretch with the packet numbered `sequence`, at `timestamp` of its source. With `same_clock` the source
    /// is another layer of the one before, and its timestamps mean the same.
    pub(crate) fn begin_stretch(&mut self, now: Instant, sequence: u64, timestamp: u32, same_clock: bool) {
        let first_out = self.highest.map_or(self.first_sequence, |highest| highest + 1);
        let timestamp_offset = match (self.last_sent, self.stretch) {
            (None, _) => self.last_timestamp.wrapping_sub(timestamp),
            (Some(_), Some(before)) if same_clock && self.continues(before, timestamp) => {
                // Never the same time twice: the receiver would take two pictures for one.
                let aligned = timestamp.wrapping_add(before.timestamp_offset);
                let least = self.last_timestamp.wrapping_add(1);
                let chosen = if is_newer(aligned, self.last_timestamp) { aligned } else { least };
                chosen.wrapping_sub(timestamp)
            }
            (Some(last_sent), _) => {
                let elapsed = self.ticks(now.saturating_duration_since(last_sent)).max(1);
                self.last_timestamp.wrapping_add(elapsed).wrapping_sub(timestamp)
            }
        };
        self.stretch = Some(Stretch { first_in: sequence, first_out, timestamp_offset });
    }

    /// The numbers a packet gets, or `None` when it is older than the stretch.
    pub(crate) fn rewrite(&mut self, now: Instant, sequence: u64, timestamp: u32) -> Option<(u64, u32)> {
        let stretch = self.stretch?;
        let out = stretch.first_out + sequence.checked_sub(stretch.first_in)?;
        let timestamp = timestamp.wrapping_add(stretch.timestamp_offset);
        if self.highest.is_none_or(|highest| out > highest) {
            self.highest = Some(out);
            if self.last_sent.is_none() || is_newer(timestamp, self.last_timestamp) {
                self.last_timestamp = timestamp;
                self.last_sent = Some(now);
            }
        }
        Some((out, timestamp))
    }

    fn ticks(&self, duration: Duration) -> u32 {
        (duration.as_micros() * u128::from(self.clock_rate) / 1_000_000) as u32
    }

    /// Whether the layers' clocks agree to within two seconds, as they do when one encoder made both.
    fn continues(&self, before: Stretch, timestamp: u32) -> bool {
        let difference = timestamp.wrapping_add(before.timestamp_offset).wrapping_sub(self.last_timestamp) as i32;
        difference.unsigned_abs() < self.clock_rate * 2
    }
}

fn is_newer(timestamp: u32, than: u32) -> bool {
    timestamp != than && timestamp.wrapping_sub(than) < u32::MAX / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewriter() -> (Rewriter, Instant) {
        (Rewriter::new(90_000, 100, 5_000), Instant::now())
    }

    #[test]
    fn the_first_packet_gets_the_first_numbers() {
        let (mut rewriter, now) = rewriter();
        assert_eq!(rewriter.rewrite(now, 7, 7), None, "no stretch yet");
        rewriter.begin_stretch(now, 70_000, 123, false);
        assert_eq!(rewriter.rewrite(now, 70_000, 123), Some((100, 5_000)));
        assert_eq!(rewriter.rewrite(now, 70_001, 3_123), Some((101, 8_000)));
    }

    #[test]
    fn late_packets_find_their_place_and_losses_stay_gaps() {
        let (mut rewriter, now) = rewriter();
        rewriter.begin_stretch(now, 10, 0, false);
        assert_eq!(rewriter.rewrite(now, 10, 0).unwrap().0, 100);
        assert_eq!(rewriter.rewrite(now, 13, 0).unwrap().0, 103);
        assert_eq!(rewriter.rewrite(now, 11, 0).unwrap().0, 101);
        assert_eq!(rewriter.rewrite(now, 9, 0), None, "older than the stretch");
    }

    #[test]
    fn a_new_stretch_continues_without_a_gap_and_time_goes_on() {
        let (mut rewriter, now) = rewriter();
        rewriter.begin_stretch(now, 10, 0, false);
        rewriter.rewrite(now, 10, 0);
        rewriter.rewrite(now, 15, 3_000);
        let later = now + Duration::from_millis(100);
        rewriter.end_stretch();
        rewriter.begin_stretch(later, 900_000, 77, false);
        assert_eq!(rewriter.rewrite(later, 900_000, 77), Some((106, 5_000 + 3_000 + 9_000)));
        assert_eq!(rewriter.rewrite(later, 16, 6_000), None, "the old source's number is below the new stretch");
    }

    #[test]
    fn layers_of_one_encoder_keep_their_clock_but_never_repeat_a_time() {
        let (mut rewriter, now) = rewriter();
        rewriter.begin_stretch(now, 10, 90_000, false);
        rewriter.rewrite(now, 10, 90_000);
        rewriter.begin_stretch(now, 500, 93_000, true);
        assert_eq!(rewriter.rewrite(now, 500, 93_000), Some((101, 8_000)));
        rewriter.begin_stretch(now, 900, 93_000, true);
        assert_eq!(rewriter.rewrite(now, 900, 93_000), Some((102, 8_001)));
    }

    #[test]
    fn timestamps_wrap() {
        let mut rewriter = Rewriter::new(48_000, 0, u32::MAX - 10);
        let now = Instant::now();
        rewriter.begin_stretch(now, 0, 0, false);
        assert_eq!(rewriter.rewrite(now, 0, 0), Some((0, u32::MAX - 10)));
        assert_eq!(rewriter.rewrite(now, 1, 960), Some((1, 949)));
        let later = now + Duration::from_millis(20);
        rewriter.end_stretch();
        rewriter.begin_stretch(later, 4, 4, false);
        assert_eq!(rewriter.rewrite(later, 4, 4), Some((2, 949 + 960)));
    }
}

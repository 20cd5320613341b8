//! When a picture is shown, so that it moves evenly although its frames come unevenly.
//!
//! A frame is whole late when the network varies, and later still when one of its packets had to be sent again; every
//! frame behind it waits too. So each is shown a little after the moment at which the quickest would have been whole:
//! by as much as nearly all of the last frames needed. On a quiet network that is nothing.
//!
//! ```text
//!  taken   |  1  |  2  |  3  |  4  |  5        by the sender's clock
//!  whole      1     2           34    5        3 was repaired
//!  shown             1     2     3     4     5
//! ```

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use confab_rtp::VideoTimestamp;

/// Frames that are remembered: ten seconds of 30 a second. Long enough for losses to be seen, short enough to forget a
/// bad moment.
const REMEMBERED: usize = 300;

/// This part of the frames is shown on time. The rest comes when it is ready: waiting for the latest would delay all.
const ON_TIME: f64 = 0.96;

/// Unevenness that nobody sees: half a frame at 30 a second.
const UNSEEN: Duration = Duration::from_millis(17);

/// No picture is delayed for longer: people who talk to each other notice.
const LONGEST: Duration = Duration::from_millis(300);

/// A larger jump of the times is another stream, or a pause.
const JUMP_US: i64 = 2_000_000;

/// How often the delay is thought over, in frames.
const EVERY: u32 = 8;

/// See the module. Owned by whoever decodes one picture.
#[derive(Debug)]
pub struct VideoPlayout {
    origin: Instant,
    /// How long each of the last frames was under way, by two clocks that do not agree: only differences mean something.
    transits_us: VecDeque<i64>,
    /// The least of them, and how much later the frames are that are still shown on time.
    plan: Option<(i64, Duration)>,
    counted: u32,
    sorted: Vec<i64>,
}

impl VideoPlayout {
    /// For a picture that begins about now.
    pub fn new(now: Instant) -> Self {
        Self {
            origin: now,
            transits_us: VecDeque::with_capacity(REMEMBERED),
            plan: None,
            counted: 0,
            sorted: Vec::with_capacity(REMEMBERED),
        }
    }

    /// A frame whose last packet came at `whole` can be shown from now on: when it shall be. Never before `now`.
    pub fn due(&mut self, now: Instant, whole: Instant, taken: VideoTimestamp) -> Instant {
        let taken_us = (taken.0 * 100 / 9) as i64;
        // Those that only waited behind a late one do not count: one repair would look like many.
        let transit = whole.saturating_duration_since(self.origin).as_micros() as i64 - taken_us;
        if self.plan.is_some_and(|(least, _)| (transit - least).abs() > JUMP_US) {
            self.transits_us.clear();
            self.counted = 0;
        }
        if self.transits_us.len() >= REMEMBERED {
            self.transits_us.pop_front();
        }
        self.transits_us.push_back(transit);
        let (least, delay) = match self.plan {
            Some((least, delay)) if !self.counted.is_multiple_of(EVERY) && transit >= least => (least, delay),
            _ => self.think_over(),
        };
        self.plan = Some((least, delay));
        self.counted = self.counted.wrapping_add(1);
        if delay < UNSEEN {
            return now;
        }
        let due_us = taken_us + least + delay.as_micros() as i64;
        (self.origin + Duration::from_micros(due_us.max(0) as u64)).max(now)
    }

    fn think_over(&mut self) -> (i64, Duration) {
        self.sorted.clear();
        self.sorted.extend(&self.transits_us);
        let place = ((self.sorted.len() - 1) as f64 * ON_TIME).round() as usize;
        let (_, nearly_all, _) = self.sorted.select_nth_unstable(place);
        let nearly_all = *nearly_all;
        let least = self.sorted[..=place].iter().copied().min().unwrap_or(nearly_all);
        (least, Duration::from_micros((nearly_all - least).max(0) as u64).min(LONGEST))
    }
}

#[cfg(test)]
mod tests {
    use confab_rtp::Timestamp;

    use super::*;

    const FRAME_TICKS: u64 = 3_000;

    fn taken_at(number: u64) -> Duration {
        Duration::from_micros(number * 33_333)
    }

    /// Frames at 30 a second of which each takes as long as `late` says: the times at which they are shown, less those at
    /// which they were taken. As in a call, no frame is ready before the one before it.
    fn shown(count: u64, late: impl Fn(u64) -> u64) -> Vec<Duration> {
        let start = Instant::now();
        let mut playout = VideoPlayout::new(start);
        let (mut ready, mut last) = (start, start);
        (0..count)
            .map(|number| {
                let taken = start + taken_at(number);
                let whole = taken + Duration::from_millis(20 + late(number));
                ready = ready.max(whole);
                last = last.max(playout.due(ready, whole, Timestamp(9_000_000 + number * FRAME_TICKS)));
                last - taken
            })
            .collect()
    }

    fn longest_gap(shown: &[Duration]) -> Duration {
        let at = |number: usize| taken_at(number as u64) + shown[number];
        (1..shown.len()).map(|number| at(number).saturating_sub(at(number - 1))).max().unwrap_or_default()
    }

    #[test]
    fn on_a_quiet_network_every_frame_is_shown_at_once() {
        let shown = shown(300, |number| number % 5);
        assert!(shown.iter().zip(0..).all(|(delay, number)| *delay == Duration::from_millis(20 + number % 5)));
    }

    #[test]
    fn frames_that_are_repaired_now_and_then_leave_no_gap() {
        let shown = shown(600, |number| if number % 11 == 0 { 120 } else { number % 7 });
        let settled = &shown[60..];
        assert!(longest_gap(settled) < Duration::from_millis(40), "{:?}", longest_gap(settled));
        assert!(settled.iter().all(|delay| *delay < Duration::from_millis(150)), "{settled:?}");
    }

    #[test]
    fn one_very_late_frame_does_not_delay_the_others_for_long() {
        let shown = shown(200, |number| if number == 100 { 900 } else { 0 });
        assert!(shown[100] > Duration::from_millis(900));
        assert!(shown[140..].iter().all(|delay| *delay == Duration::from_millis(20)), "{:?}", &shown[140..]);
    }

    #[test]
    fn the_delay_goes_when_the_network_gets_better() {
        let shown = shown(900, |number| if number < 300 && number % 6 == 0 { 100 } else { 0 });
        assert!(shown[250] > Duration::from_millis(100));
        assert_eq!(shown[899], Duration::from_millis(20));
    }

    #[test]
    fn no_picture_is_delayed_beyond_the_limit() {
        let start = Instant::now();
        let mut playout = VideoPlayout::new(start);
        for number in 0..600_u64 {
            let whole = start + taken_at(number) + Duration::from_millis(if number % 4 == 0 { 1_000 } else { 0 });
            let due = playout.due(whole, whole, Timestamp(number * FRAME_TICKS));
            assert!(due - whole <= LONGEST, "frame {number} waits {:?}", due - whole);
            if number > 100 && number % 4 != 0 {
                assert!(due - whole >= LONGEST - Duration::from_millis(1), "it does wait: {:?}", due - whole);
            }
        }
    }

    #[test]
    fn a_jump_of_the_senders_clock_begins_anew() {
        let start = Instant::now();
        let mut playout = VideoPlayout::new(start);
        for number in 0..100_u64 {
            playout.due(start, start + taken_at(number), Timestamp(number * FRAME_TICKS));
        }
        for number in 100..200_u64 {
            let now = start + taken_at(number);
            assert_eq!(playout.due(now, now, Timestamp((number + 100_000) * FRAME_TICKS)), now);
        }
    }
}

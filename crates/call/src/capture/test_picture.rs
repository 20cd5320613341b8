//! The moving test picture as a camera or a screen.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use confab_media::pattern::TestPattern;

use super::pace::{Pace, sleep_until};
use super::{CaptureError, CapturedFrame, VideoFormat, VideoSource};

/// Draws each frame ahead and hands it over when it is due, so that drawing does not count as delay. The mark carries
/// the time at which the frame is due.
pub(crate) struct TestPictureSource {
    pattern: TestPattern,
    format: VideoFormat,
    pace: Pace,
}

impl TestPictureSource {
    pub(crate) fn new(wanted: VideoFormat) -> Self {
        let pattern = TestPattern::new(wanted.width, wanted.height);
        let fps = wanted.fps.max(1);
        let format = VideoFormat { width: pattern.width(), height: pattern.height(), fps };
        Self { pattern, format, pace: Pace::new(Instant::now(), u64::from(fps), Duration::from_secs(1)) }
    }
}

impl VideoSource for TestPictureSource {
    fn format(&self) -> VideoFormat {
        self.format
    }

    fn next_frame(&mut self) -> Result<CapturedFrame, CaptureError> {
        let now = Instant::now();
        let tick = self.pace.next_tick(now);
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let due = match tick.due.checked_duration_since(now) {
            Some(ahead) => unix + ahead,
            None => unix.saturating_sub(now - tick.due),
        };
        let frame = self.pattern.render(tick.number as u32, due.as_millis() as u64);
        sleep_until(tick.due);
        Ok(CapturedFrame { frame: Arc::new(frame), captured_at: tick.due, number: tick.number })
    }
}

#[cfg(test)]
mod tests {
    use confab_media::pattern::read_mark;

    use super::*;

    #[test]
    fn frames_come_when_they_are_due_and_say_so() {
        let mut source = TestPictureSource::new(VideoFormat { width: 320, height: 180, fps: 50 });
        let start = Instant::now();
        let mut last = None;
        for _ in 0..25 {
            let captured = source.next_frame().unwrap();
            assert!(captured.captured_at <= Instant::now(), "handed over before it was due");
            let mark = read_mark(&captured.frame).unwrap();
            assert_eq!(u64::from(mark.frame), captured.number);
            let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
            assert!(unix.abs_diff(mark.unix_ms) < 100, "{unix} {}", mark.unix_ms);
            assert!(last < Some(captured.number));
            last = Some(captured.number);
        }
        assert!(start.elapsed() >= Duration::from_millis(470), "{:?}", start.elapsed());
    }
}

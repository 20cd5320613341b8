//! What happened in a run, and how it is told.

use std::fmt::Write as _;
use std::time::Duration;

/// One look, ten a second.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Since the start, seconds.
    pub at: f64,
    pub target_kbps: u64,
    pub sent_video_kbps: u64,
    /// Of the bottleneck, as it is.
    pub queue: Duration,
    /// The same as the controller sees it.
    pub seen_queue: Duration,
}

/// A packet of sound.
#[derive(Clone, Copy, Debug)]
pub struct Sound {
    pub sent: f64,
    /// `None` when the queue was full.
    pub delay: Option<Duration>,
}

#[derive(Debug, Default)]
pub struct Course {
    pub looks: Vec<Look>,
    pub sounds: Vec<Sound>,
}

impl Course {
    pub fn between(&self, from: f64, to: f64) -> impl Iterator<Item = &Look> {
        self.looks.iter().filter(move |look| look.at >= from && look.at < to)
    }

    /// A share of the targets of a time lies below, in kbit/s.
    pub fn target(&self, from: f64, to: f64, share: f64) -> u64 {
        let mut targets: Vec<u64> = self.between(from, to).map(|look| look.target_kbps).collect();
        targets.sort_unstable();
        targets[((targets.len() - 1) as f64 * share).round() as usize]
    }

    pub fn worst_queue(&self, from: f64, to: f64) -> Duration {
        self.between(from, to).map(|look| look.queue).max().unwrap_or_default()
    }

    /// The worst delay of sound and the share the queue dropped.
    pub fn sound(&self, from: f64, to: f64) -> (Duration, f64) {
        let sounds: Vec<&Sound> = self.sounds.iter().filter(|sound| sound.sent >= from && sound.sent < to).collect();
        let dropped = sounds.iter().filter(|sound| sound.delay.is_none()).count();
        let worst = sounds.iter().filter_map(|sound| sound.delay).max().unwrap_or_default();
        (worst, dropped as f64 / sounds.len().max(1) as f64)
    }

    /// The course in a few lines: time, target, video sent, queue.
    pub fn told(&self, from: f64, to: f64) -> String {
        let step = ((to - from) / 40.0).max(0.1);
        let mut text = String::from("\n  [s: target kbit/s, video kbit/s, queue ms (as seen)]");
        let mut next = from;
        for (number, look) in self
            .between(from, to)
            .filter(|look| {
                let due = look.at >= next;
                next += if due { step } else { 0.0 };
                due
            })
            .enumerate()
        {
            text.push_str(if number % 8 == 0 { "\n  " } else { " | " });
            let (queue, seen) = (look.queue.as_millis(), look.seen_queue.as_millis());
            let _ = write!(text, "{:.1}: {} {} {queue} ({seen})", look.at, look.target_kbps, look.sent_video_kbps);
        }
        text
    }
}

//! A run that is told from outside when to send and when to rest, so that something else can be measured between.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;

use crate::join::standard_input;

/// What all people of a run count together, at any time.
#[derive(Default)]
pub(super) struct Totals {
    /// Media packets sent, repairs left out.
    pub(super) sent: AtomicU64,
    /// Media packets that came, each receiver counted, repairs left out.
    pub(super) arrived: AtomicU64,
}

/// What a line of standard input asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Wish {
    Count,
    Pause,
    Resume,
    End,
}

impl Wish {
    fn read(line: &str) -> Option<Self> {
        match line.trim() {
            "count" => Some(Self::Count),
            "pause" => Some(Self::Pause),
            "resume" => Some(Self::Resume),
            "end" => Some(Self::End),
            _ => None,
        }
    }
}

/// Standard input, line by line; without control, silence.
pub(super) struct Control {
    lines: Option<mpsc::UnboundedReceiver<String>>,
}

impl Control {
    pub(super) fn new(is_controlled: bool) -> Self {
        Self { lines: is_controlled.then(standard_input) }
    }

    /// The next wish; the end of the input is the wish that the run ends. Without control it never comes.
    pub(super) async fn next(&mut self) -> Wish {
        let Some(lines) = &mut self.lines else { return std::future::pending().await };
        while let Some(line) = lines.recv().await {
            if let Some(wish) = Wish::read(&line) {
                return wish;
            }
            tracing::warn!("not understood; there are: count, pause, resume, end");
        }
        Wish::End
    }

    /// Answers a wish with one line.
    pub(super) fn say(&self, what: &str, totals: &Totals) {
        if self.lines.is_some() {
            let (sent, arrived) = (totals.sent.load(Ordering::Relaxed), totals.arrived.load(Ordering::Relaxed));
            println!("{}", serde_json::json!({ "state": what, "sent": sent, "arrived": arrived }));
        }
    }
}

/// How long a controlled run may last: who forgets to end it is not to leave it behind.
pub(super) const LONGEST_CONTROLLED: Duration = Duration::from_secs(3_600);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_are_single_words() {
        assert_eq!(Wish::read(" pause\n"), Some(Wish::Pause));
        assert_eq!(Wish::read("pause now"), None);
        assert_eq!(Wish::read(""), None);
    }
}

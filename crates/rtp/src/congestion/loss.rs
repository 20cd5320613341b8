//! Which losses mean congestion.

use super::slot_ring::SlotRing;

/// Radio links lose so much at random without being full.
const USUAL: f64 = 0.10;
/// Fewer packets say nothing about a share.
const TELLING: u64 = 40;
const SLOT: i64 = 100_000;
/// One second, for whoever asks.
const SHOWN: usize = 10;
/// Two seconds, to judge: of a few dozen packets a second, two bursts of random loss are a tenth.
const WINDOW: usize = 20;
/// What was sent in the newest slots may be late, not lost.
const UNSURE: usize = 2;
/// Random losses come in bursts, so a share wanders twice as far as if each packet were lost on its own. More, and a
/// policer is noticed late; less, and bursts cost the picture.
const DOUBT: f64 = 5.0;
/// The usual loss of the link is forgotten this slowly, in microseconds.
const MEMORY: f64 = 30_000_000.0;

/// The share of packets lost, by the time of their sending, in microseconds.
#[derive(Debug)]
pub(super) struct LossWatch {
    shown: SlotRing<16>,
    /// What was sent since the last judgement.
    judged: SlotRing<24>,
    judged_from: i64,
    latest: i64,
    /// What the link loses whatever is sent.
    usual: f64,
    /// A slow mean, to tell a change.
    mean: f64,
}

impl LossWatch {
    pub fn new() -> Self {
        Self {
            shown: SlotRing::new(SLOT),
            judged: SlotRing::new(SLOT),
            judged_from: i64::MIN,
            latest: i64::MIN,
            usual: USUAL,
            mean: 0.0,
        }
    }

    pub fn add(&mut self, sent: i64, lost: bool) {
        if sent < self.latest && !lost {
            // It was thought lost and came late.
            self.shown.take_back(sent);
            self.judged.take_back(sent);
            return;
        }
        let values = [1, u64::from(lost)];
        self.shown.add(sent, values);
        if sent >= self.judged_from {
            self.judged.add(sent, values);
        }
        let elapsed = sent.saturating_sub(self.latest).clamp(0, SLOT) as f64;
        self.latest = self.latest.max(sent);
        self.usual += (USUAL - self.usual) * elapsed / MEMORY;
        let weight = elapsed / (elapsed + MEMORY / 3.0);
        self.mean += (self.share() - self.mean) * weight;
    }

    /// The share of the last second, 0 to 1.
    pub fn share(&self) -> f64 {
        share(self.shown.sums(UNSURE, SHOWN))
    }

    /// The share lost when it is more than the link loses at random, as far as so few packets can tell.
    pub fn heavy(&self) -> Option<f64> {
        let sums = self.judged.sums(UNSURE, WINDOW);
        if sums[0] < TELLING {
            return None;
        }
        let doubt = DOUBT * (self.usual * (1.0 - self.usual) / sums[0] as f64).sqrt();
        Some(share(sums)).filter(|share| *share > self.usual + doubt)
    }

    /// No growth above this.
    pub fn is_some(&self) -> bool {
        self.share() > self.usual
    }

    /// No more than the path lost all along, so no queue is flowing over.
    pub fn is_little(&self) -> bool {
        self.share() < 0.02 + 1.5 * self.mean
    }

    /// What is sent from now on is judged apart.
    pub fn judge_from(&mut self, sent: i64) {
        self.judged_from = sent;
        self.judged.clear();
    }

    /// The share of what is judged apart, once enough of it has been seen.
    pub fn judged(&self) -> Option<f64> {
        let sums = self.judged.sums(UNSURE, WINDOW);
        (sums[0] >= TELLING * 2).then(|| share(sums))
    }

    /// Less is sent and as much is lost: the link is like that.
    pub fn take_as_usual(&mut self, share: f64) {
        self.usual = self.usual.max(share * 1.2).min(0.5);
    }
}

fn share([packets, lost]: [u64; 2]) -> f64 {
    if packets == 0 { 0.0 } else { lost as f64 / packets as f64 }
}

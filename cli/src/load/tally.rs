//! Counting: what was sent, what arrived, what never did, what came twice, and how long it took.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use serde::Serialize;

use super::payload::{Contents, StreamName};

/// A slot's history is forgotten this far back; nothing is repaired after that.
const REPAIRABLE: u64 = 4_096;

/// Delays are counted in steps of this, microseconds, up to [`STEPS`] of them.
const STEP: u64 = 100;
const STEPS: usize = 50_000;

/// Order and completeness of one slot's stream, by sequence numbers, checked against what the payloads say.
#[derive(Default)]
pub(super) struct SlotTally {
    highest: Option<u64>,
    missing: BTreeSet<u64>,
    /// Not every packet is opened, so that a stream may be left and come back to unseen.
    is_sampled: bool,
    carries: Option<Carried>,
}

/// The stream a slot carries.
#[derive(Clone, Copy)]
struct Carried {
    name: StreamName,
    /// What has to be subtracted from a sequence number to get its counter.
    offset: i64,
    /// The first and the last packet of this stretch that was opened.
    first: u64,
    last: u64,
}

/// What one packet turned out to be, by its number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Arrival {
    /// The next, or a newer one; so many were skipped on the way, which may still come.
    New(u64),
    /// One that was missing.
    Late,
    /// Here already.
    Duplicate,
}

/// What one packet turned out to be, by what it holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Contained {
    /// What its number says.
    Expected,
    /// The slot carries another stream than before.
    Switched,
    /// Another packet than its number says.
    MixedUp,
}

impl SlotTally {
    /// Nothing came yet.
    pub(super) fn new(is_sampled: bool) -> Self {
        Self { is_sampled, ..Self::default() }
    }

    /// Takes in one packet's number.
    pub(super) fn arrive(&mut self, sequence: u64) -> Arrival {
        let Some(highest) = self.highest else {
            self.highest = Some(sequence);
            return Arrival::New(0);
        };
        if sequence <= highest {
            return if self.missing.remove(&sequence) { Arrival::Late } else { Arrival::Duplicate };
        }
        // A jump beyond what is repairable is one of the numbering, not that many losses kept in memory.
        self.missing.extend((highest + 1).max(sequence.saturating_sub(REPAIRABLE))..sequence);
        self.highest = Some(sequence);
        Arrival::New(sequence - highest - 1)
    }

    /// Compares what an opened packet holds with what came before; `skipped` is how many packets were right before it.
    pub(super) fn open(&mut self, sequence: u64, skipped: u64, contents: &Contents) -> Contained {
        let offset = sequence as i64 - contents.counter as i64;
        let begin = Carried { name: contents.name, offset, first: sequence, last: sequence };
        let Some(carried) = &mut self.carries else {
            self.carries = Some(begin);
            return Contained::Switched;
        };
        if sequence < carried.first {
            // A late packet from before the switch cannot be checked any more.
            return Contained::Expected;
        }
        if carried.name == contents.name && carried.offset == offset {
            carried.last = carried.last.max(sequence);
            return Contained::Expected;
        }
        if sequence <= carried.last {
            return Contained::MixedUp;
        }
        // A slot may come back to a stream it carried before; then its counter has gone on.
        let goes_on = sequence as i64 - offset > carried.last as i64 - carried.offset;
        if carried.name == contents.name && !(goes_on && (self.is_sampled || skipped == 0)) {
            return Contained::MixedUp;
        }
        self.carries = Some(begin);
        Contained::Switched
    }

    /// Drops what can no longer come and says how much that was.
    pub(super) fn give_up(&mut self) -> u64 {
        let Some(highest) = self.highest else { return 0 };
        if self.missing.first().is_none_or(|first| *first >= highest.saturating_sub(REPAIRABLE)) {
            return 0;
        }
        let kept = self.missing.split_off(&highest.saturating_sub(REPAIRABLE));
        std::mem::replace(&mut self.missing, kept).len() as u64
    }

    /// The newest number that came.
    pub(super) fn highest(&self) -> Option<u64> {
        self.highest
    }

    /// How many are still missing.
    pub(super) fn missing(&self) -> u64 {
        self.missing.len() as u64
    }

    /// Begins to count here; what is missing from before is forgotten.
    pub(super) fn restart(&mut self) {
        self.missing.clear();
    }
}

/// How long packets took.
#[derive(Clone, Default)]
pub(super) struct Delays {
    steps: HashMap<u32, u64>,
    longest: u64,
}

impl Delays {
    pub(super) fn add(&mut self, delay: Duration) {
        let micros = delay.as_micros() as u64;
        self.longest = self.longest.max(micros);
        *self.steps.entry((micros / STEP).min(STEPS as u64) as u32).or_default() += 1;
    }

    fn merge(&mut self, other: &Self) {
        self.longest = self.longest.max(other.longest);
        for (step, count) in &other.steps {
            *self.steps.entry(*step).or_default() += count;
        }
    }

    fn report(&self) -> DelayReport {
        let mut steps: Vec<(u32, u64)> = self.steps.iter().map(|(step, count)| (*step, *count)).collect();
        steps.sort_unstable();
        let total: u64 = steps.iter().map(|(_, count)| count).sum();
        let at = |share: f64| {
            let wanted = (total as f64 * share).ceil().max(1.0) as u64;
            let mut seen = 0;
            for (step, count) in &steps {
                seen += count;
                if seen >= wanted {
                    return f64::from(*step) * STEP as f64 / 1_000.0;
                }
            }
            0.0
        };
        DelayReport { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: self.longest as f64 / 1_000.0 }
    }
}

/// Delays, milliseconds.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize)]
pub struct DelayReport {
    /// Median.
    pub p50: f64,
    /// 95 of 100 took no longer.
    pub p95: f64,
    /// 99 of 100 took no longer.
    pub p99: f64,
    /// The longest.
    pub max: f64,
}

impl DelayReport {
    /// Of single times, microseconds.
    pub(super) fn of(micros: Vec<u64>) -> Self {
        let mut delays = Delays::default();
        for time in micros {
            delays.add(Duration::from_micros(time));
        }
        delays.report()
    }
}

/// All streams of one kind.
#[derive(Clone, Default)]
pub(super) struct KindTally {
    pub(super) sent: u64,
    pub(super) received: u64,
    pub(super) opened: u64,
    pub(super) bytes: u64,
    pub(super) lost: u64,
    pub(super) late: u64,
    pub(super) duplicates: u64,
    pub(super) mixed_up: u64,
    pub(super) switches: u64,
    pub(super) keyframe_requests: u64,
    pub(super) delays: Delays,
}

impl KindTally {
    fn add(&mut self, other: &Self) {
        self.sent += other.sent;
        self.received += other.received;
        self.opened += other.opened;
        self.bytes += other.bytes;
        self.lost += other.lost;
        self.late += other.late;
        self.duplicates += other.duplicates;
        self.mixed_up += other.mixed_up;
        self.switches += other.switches;
        self.keyframe_requests += other.keyframe_requests;
        self.delays.merge(&other.delays);
    }

    pub(super) fn report(&self, seconds: f64) -> StreamReport {
        StreamReport {
            packets_sent: self.sent,
            packets_received: self.received,
            packets_opened: self.opened,
            packets_lost: self.lost,
            packets_repaired: self.late,
            duplicates: self.duplicates,
            mixed_up: self.mixed_up,
            switches: self.switches,
            keyframe_requests: self.keyframe_requests,
            received_kbps: (self.bytes as f64 * 8.0 / 1_000.0 / seconds.max(0.001)).round(),
            delay_ms: self.delays.report(),
        }
    }
}

/// What a run measured of voices or of pictures, over all people.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize)]
pub struct StreamReport {
    /// Packets people sent.
    pub packets_sent: u64,
    /// Packets people received, each receiver counted.
    pub packets_received: u64,
    /// Those of them that were decrypted and whose contents were checked.
    pub packets_opened: u64,
    /// Packets that never came, though the ones around them did.
    pub packets_lost: u64,
    /// Packets that came after newer ones: reordered, or repaired.
    pub packets_repaired: u64,
    /// Packets that came twice.
    pub duplicates: u64,
    /// Packets whose contents are not what their number says. Always 0, or the server is wrong.
    pub mixed_up: u64,
    /// How often a slot went over to another stream.
    pub switches: u64,
    /// Keyframes asked of the senders.
    pub keyframe_requests: u64,
    /// Payload received, kbit/s over all people.
    pub received_kbps: f64,
    /// From sender to receiver, through the server.
    pub delay_ms: DelayReport,
}

/// What one person brings back.
#[derive(Clone, Default)]
pub(super) struct Tally {
    pub(super) audio: KindTally,
    pub(super) video: KindTally,
    /// The media path or the signaling ended before the run did.
    pub(super) ended_early: bool,
}

impl Tally {
    pub(super) fn add(&mut self, other: &Self) {
        self.audio.add(&other.audio);
        self.video.add(&other.video);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(person: u32, counter: u64) -> Contents {
        Contents { name: StreamName { person, stream: 0 }, counter, sent: Duration::ZERO }
    }

    #[test]
    fn losses_repairs_and_duplicates_are_told_apart() {
        let mut slot = SlotTally::default();
        assert_eq!(slot.arrive(100), Arrival::New(0));
        assert_eq!(slot.arrive(101), Arrival::New(0));
        assert_eq!(slot.arrive(104), Arrival::New(2));
        assert_eq!(slot.arrive(102), Arrival::Late);
        assert_eq!(slot.arrive(102), Arrival::Duplicate);
        assert_eq!(slot.missing(), 1);
        assert_eq!(slot.arrive(104 + REPAIRABLE + 10), Arrival::New(REPAIRABLE + 9));
        assert_eq!(slot.give_up(), 1, "103 can no longer come");
    }

    #[test]
    fn a_packet_with_another_ones_number_is_mixed_up() {
        let mut slot = SlotTally::default();
        slot.open(100, 0, &contents(1, 5));
        assert_eq!(slot.open(103, 2, &contents(1, 8)), Contained::Expected);
        assert_eq!(slot.open(102, 0, &contents(1, 6)), Contained::MixedUp);
        assert_eq!(slot.open(105, 1, &contents(1, 11)), Contained::MixedUp);
        assert_eq!(slot.open(106, 0, &contents(1, 7)), Contained::MixedUp, "its counter goes back");
        slot.is_sampled = true;
        assert_eq!(slot.open(120, 0, &contents(1, 8)), Contained::MixedUp, "its counter goes back");
    }

    #[test]
    fn a_switch_is_no_loss() {
        let mut slot = SlotTally::default();
        assert_eq!(slot.open(100, 0, &contents(1, 5)), Contained::Switched);
        assert_eq!(slot.open(101, 0, &contents(2, 900)), Contained::Switched);
        assert_eq!(slot.open(102, 0, &contents(2, 901)), Contained::Expected);
        assert_eq!(slot.open(103, 0, &contents(1, 77)), Contained::Switched);
        slot.is_sampled = true;
        assert_eq!(slot.open(113, 0, &contents(1, 177)), Contained::Switched, "away and back between two looks");
        assert_eq!(slot.open(99, 0, &contents(1, 4)), Contained::Expected, "from before, so not known");
    }

    #[test]
    fn delays_are_reported_by_their_share() {
        let report = DelayReport::of((1..=100).map(|milliseconds| milliseconds * 1_000).collect());
        assert_eq!((report.p50, report.p95, report.p99, report.max), (50.0, 95.0, 99.0, 100.0));
        assert_eq!(DelayReport::of(vec![]), DelayReport::default());
    }
}

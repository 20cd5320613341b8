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
    /// The stream the slot carries, and what has to be subtracted from a sequence number to get its counter.
    carries: Option<(StreamName, i64, u64)>,
}

/// What one packet turned out to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Arrival {
    /// The next, or a newer one.
    New {
        /// How many were skipped on the way; they may still come.
        skipped: u64,
        /// The slot carries another stream than before.
        switched: bool,
    },
    /// One that was missing.
    Late,
    /// Here already.
    Duplicate,
}

impl SlotTally {
    /// Takes in one packet. `false` beside the arrival when number and counter disagree: something was mixed up.
    pub(super) fn arrive(&mut self, sequence: u64, contents: &Contents) -> (Arrival, bool) {
        let Some(highest) = self.highest else {
            self.highest = Some(sequence);
            self.carries = Some(Self::begin(sequence, contents));
            return (Arrival::New { skipped: 0, switched: true }, true);
        };
        if sequence <= highest {
            let arrival = if self.missing.remove(&sequence) { Arrival::Late } else { Arrival::Duplicate };
            return (arrival, self.agrees(sequence, contents));
        }
        self.missing.extend(highest + 1..sequence);
        self.highest = Some(sequence);
        let skipped = sequence - highest - 1;
        let switched = self.carries.is_none_or(|(name, ..)| name != contents.name);
        if switched || (self.carries.is_some() && !self.agrees(sequence, contents) && skipped == 0) {
            // A slot may come back to a stream it carried before: that is a new stretch as well.
            self.carries = Some(Self::begin(sequence, contents));
            return (Arrival::New { skipped, switched: true }, true);
        }
        (Arrival::New { skipped, switched: false }, self.agrees(sequence, contents))
    }

    fn begin(sequence: u64, contents: &Contents) -> (StreamName, i64, u64) {
        (contents.name, sequence as i64 - contents.counter as i64, sequence)
    }

    fn agrees(&self, sequence: u64, contents: &Contents) -> bool {
        match self.carries {
            // A late packet from before the switch cannot be checked any more.
            Some((_, _, first)) if sequence < first => true,
            Some((name, offset, _)) => name == contents.name && sequence as i64 - contents.counter as i64 == offset,
            None => true,
        }
    }

    /// Drops what can no longer come and says how much that was.
    pub(super) fn give_up(&mut self) -> u64 {
        let Some(highest) = self.highest else { return 0 };
        let kept = self.missing.split_off(&highest.saturating_sub(REPAIRABLE));
        std::mem::replace(&mut self.missing, kept).len() as u64
    }

    /// The stream carried last.
    pub(super) fn stream(&self) -> Option<StreamName> {
        self.carries.map(|(name, ..)| name)
    }

    /// What is still missing.
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

    const NEXT: Arrival = Arrival::New { skipped: 0, switched: false };

    #[test]
    fn losses_repairs_and_duplicates_are_told_apart() {
        let mut slot = SlotTally::default();
        assert_eq!(slot.arrive(100, &contents(1, 5)), (Arrival::New { skipped: 0, switched: true }, true));
        assert_eq!(slot.arrive(101, &contents(1, 6)), (NEXT, true));
        assert_eq!(slot.arrive(104, &contents(1, 9)), (Arrival::New { skipped: 2, switched: false }, true));
        assert_eq!(slot.arrive(102, &contents(1, 7)), (Arrival::Late, true));
        assert_eq!(slot.arrive(102, &contents(1, 7)), (Arrival::Duplicate, true));
        assert_eq!(slot.missing(), 1);
    }

    #[test]
    fn a_packet_with_another_ones_number_is_mixed_up() {
        let mut slot = SlotTally::default();
        slot.arrive(100, &contents(1, 5));
        slot.arrive(103, &contents(1, 8));
        assert_eq!(slot.arrive(102, &contents(1, 6)), (Arrival::Late, false));
        assert_eq!(slot.arrive(105, &contents(1, 11)), (Arrival::New { skipped: 1, switched: false }, false));
    }

    #[test]
    fn a_switch_is_no_loss() {
        let mut slot = SlotTally::default();
        slot.arrive(100, &contents(1, 5));
        assert_eq!(slot.arrive(101, &contents(2, 900)), (Arrival::New { skipped: 0, switched: true }, true));
        assert_eq!(slot.arrive(102, &contents(2, 901)), (NEXT, true));
        assert_eq!(slot.arrive(103, &contents(1, 77)), (Arrival::New { skipped: 0, switched: true }, true));
        assert_eq!(slot.missing(), 0);
    }

    #[test]
    fn delays_are_reported_by_their_share() {
        let report = DelayReport::of((1..=100).map(|milliseconds| milliseconds * 1_000).collect());
        assert_eq!((report.p50, report.p95, report.p99, report.max), (50.0, 95.0, 99.0, 100.0));
        assert_eq!(DelayReport::of(vec![]), DelayReport::default());
    }
}

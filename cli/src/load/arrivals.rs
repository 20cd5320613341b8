//! What one light person receives: for each stream of the server's, what came, what is missing, and when to ask for it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use confab_rtp::SequenceUnwrapper;
use confab_rtp::wire::{ReceptionBlock, SenderInfo, ntp};

use super::tally::{Arrival, SlotTally};

/// A gap may close by itself: what is only out of order comes within this.
const ASK_AFTER: Duration = Duration::from_millis(10);

/// Asked again after so long: more than a round trip on one computer, less than a person waits.
const ASK_AGAIN: Duration = Duration::from_millis(100);

/// Then it is lost.
const ASKED_AT_MOST: u8 = 10;

/// A packet asked for.
struct Ask {
    due: Instant,
    times: u8,
}

/// One stream of the server's: what a slot carries, one after the other.
pub(super) struct Arriving {
    pub(super) is_video: bool,
    numbers: SequenceUnwrapper,
    pub(super) tally: SlotTally,
    asks: BTreeMap<u64, Ask>,
    first: Option<u64>,
    received: u64,
    /// Expected and received at the last report.
    reported: (u64, u64),
    sender_report: Option<(u32, Instant)>,
    pub(super) wants_keyframe: bool,
    /// Packets skipped right before the one that came last.
    pub(super) skipped: u64,
}

impl Arriving {
    pub(super) fn new(is_video: bool, is_sampled: bool) -> Self {
        Self {
            is_video,
            numbers: SequenceUnwrapper::new(),
            tally: SlotTally::new(is_sampled),
            asks: BTreeMap::new(),
            first: None,
            received: 0,
            reported: (0, 0),
            sender_report: None,
            wants_keyframe: false,
            skipped: 0,
        }
    }

    /// Takes in one packet, by its number.
    pub(super) fn arrive(&mut self, now: Instant, sequence: u16, asks_again: bool) -> (u64, Arrival) {
        let number = self.numbers.unwrap(sequence);
        self.first.get_or_insert(number);
        let before = self.tally.highest();
        let arrival = self.tally.arrive(number);
        match arrival {
            Arrival::New(skipped) => {
                self.skipped = skipped;
                self.received += 1;
                if let Some(before) = before.filter(|_| asks_again && skipped < 1_000) {
                    for missing in before + 1..number {
                        self.asks.insert(missing, Ask { due: now + ASK_AFTER, times: 0 });
                    }
                }
            }
            Arrival::Late => {
                self.asks.remove(&number);
                self.received += 1;
            }
            Arrival::Duplicate => {}
        }
        (number, arrival)
    }

    /// When something is to be asked for.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.asks.values().map(|ask| ask.due).min()
    }

    /// The numbers to ask for now.
    pub(super) fn due(&mut self, now: Instant) -> Vec<u16> {
        if self.asks.is_empty() {
            return Vec::new();
        }
        let mut due = Vec::new();
        let before = self.asks.len();
        self.asks.retain(|number, ask| {
            if ask.due > now {
                return true;
            }
            if ask.times == ASKED_AT_MOST {
                return false;
            }
            ask.times += 1;
            ask.due = now + ASK_AGAIN;
            due.push(*number as u16);
            true
        });
        // A picture that cannot be repaired is no good until the next keyframe.
        self.wants_keyframe |= self.is_video && self.asks.len() < before;
        due
    }

    pub(super) fn sender_report(&mut self, now: Instant, info: &SenderInfo) {
        self.sender_report = Some((ntp::middle(info.ntp), now));
    }

    /// What a receiver report says of it (RFC 3550, 6.4.1 and A.3).
    pub(super) fn block(&mut self, now: Instant, ssrc: u32) -> Option<ReceptionBlock> {
        let highest = self.tally.highest()?;
        let expected = highest + 1 - self.first?.min(highest);
        let (expected_before, received_before) = std::mem::replace(&mut self.reported, (expected, self.received));
        let (new, came) = (expected.saturating_sub(expected_before), self.received.saturating_sub(received_before));
        let fraction_lost = if new > came { ((new - came) * 256 / new).min(255) as u8 } else { 0 };
        let (last, since) = self.sender_report.map_or((0, 0), |(last, came)| (last, ntp::short_delay(now - came)));
        Some(ReceptionBlock {
            ssrc,
            fraction_lost,
            lost: expected as i32 - self.received as i32,
            // The unwrapper begins one round up.
            highest_sequence: (highest as u32).wrapping_sub(1 << 16),
            jitter: 0,
            last_sender_report: last,
            delay_since_sender_report: since,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_asked_for_until_it_comes_or_is_given_up() {
        let mut now = Instant::now();
        let mut arriving = Arriving::new(true, false);
        arriving.arrive(now, 65_534, true);
        arriving.arrive(now, 2, true);
        assert!(arriving.due(now).is_empty(), "it may only be out of order");
        now += ASK_AFTER;
        assert_eq!(arriving.due(now), [65_535, 0, 1]);
        assert_eq!(arriving.arrive(now, 0, true).1, Arrival::Late);
        now += ASK_AGAIN;
        assert_eq!(arriving.due(now), [65_535, 1]);
        for _ in 2..ASKED_AT_MOST {
            now += ASK_AGAIN;
            assert_eq!(arriving.due(now), [65_535, 1]);
        }
        assert!(!arriving.wants_keyframe);
        now += ASK_AGAIN;
        assert!(arriving.due(now).is_empty());
        assert!(arriving.wants_keyframe && arriving.deadline().is_none());
        let block = arriving.block(now, 7).expect("something came");
        assert_eq!((block.lost, block.fraction_lost, block.highest_sequence), (2, 102, 0x1_0002));
    }
}

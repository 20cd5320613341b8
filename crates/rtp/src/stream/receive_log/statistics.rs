//! Loss and jitter as receiver reports tell them.

use std::time::{Duration, Instant};

use super::{Fate, Noted};
use crate::wire::{ReceptionBlock, ntp};

/// Two packets whose distance on the way differs by more than this belong to two time lines.
const MAX_DIFFERENCE: i64 = 5;

/// RFC 3550, A.3 and A.8.
#[derive(Debug)]
pub(super) struct Statistics {
    clock_rate: u32,
    /// The first number of the present run.
    base: u64,
    received: u64,
    expected_before: u64,
    received_before: u64,
    /// What the ticks of arrival count from.
    origin: Option<Instant>,
    /// Arrival less timestamp of the packet before, in ticks.
    transit: Option<u32>,
    /// In 1/16 tick, as A.8 keeps it.
    jitter: u32,
    sender_report: Option<(Instant, u32)>,
}

impl Statistics {
    pub(super) fn new(clock_rate: u32) -> Self {
        Self {
            clock_rate: clock_rate.max(1),
            base: 0,
            received: 0,
            expected_before: 0,
            received_before: 0,
            origin: None,
            transit: None,
            jitter: 0,
            sender_report: None,
        }
    }

    /// The stream begins, or begins anew, with this number.
    pub(super) fn begin_at(&mut self, number: u64) {
        self.base = number;
        self.received = 0;
        self.expected_before = 0;
        self.received_before = 0;
        self.transit = None;
    }

    /// A packet came by itself, for the first time.
    pub(super) fn add(&mut self, now: Instant, noted: Noted, timestamp: u32) {
        if noted.number < self.base {
            return;
        }
        self.received += 1;
        // One that was overtaken says how long it stood still, not how evenly the others come.
        if noted.fate == Fate::Late {
            return;
        }
        let origin = *self.origin.get_or_insert(now);
        let elapsed = now.saturating_duration_since(origin).as_micros() * u128::from(self.clock_rate) / 1_000_000;
        let transit = (elapsed as u32).wrapping_sub(timestamp);
        if let Some(before) = self.transit.replace(transit) {
            let difference = transit.wrapping_sub(before).cast_signed().unsigned_abs();
            if i64::from(difference) < MAX_DIFFERENCE * i64::from(self.clock_rate) {
                self.jitter = self.jitter.saturating_add(difference) - ((self.jitter + 8) >> 4);
            }
        }
    }

    pub(super) fn on_sender_report(&mut self, now: Instant, ntp: u64) {
        self.sender_report = Some((now, ntp::middle(ntp)));
    }

    pub(super) fn block(&mut self, now: Instant, ssrc: u32, highest: u64) -> ReceptionBlock {
        let expected = (highest + 1).saturating_sub(self.base);
        let expected_since = expected - self.expected_before;
        let lost_since = expected_since.saturating_sub(self.received - self.received_before);
        self.expected_before = expected;
        self.received_before = self.received;
        let fraction = (lost_since << 8).checked_div(expected_since).unwrap_or(0);
        let (last_sender_report, delay_since_sender_report) = match self.sender_report {
            Some((at, middle)) => (middle, ntp::short_delay(now.saturating_duration_since(at))),
            None => (0, 0),
        };
        ReceptionBlock {
            ssrc,
            fraction_lost: fraction.min(255) as u8,
            lost: i32::try_from(expected as i64 - self.received as i64).unwrap_or(i32::MAX),
            // The wraps are counted from the first packet's, which stands above 65536.
            highest_sequence: highest.wrapping_sub(1 << 16) as u32,
            jitter: self.jitter >> 4,
            last_sender_report,
            delay_since_sender_report,
        }
    }

    pub(super) fn jitter(&self) -> Duration {
        Duration::from_micros(u64::from(self.jitter >> 4) * 1_000_000 / u64::from(self.clock_rate))
    }
}

//! What came of one incoming stream, what is missing, and when to ask for it.
//!
//! ```text
//!  packet ──> number ─┬─> highest + 1        ──> New
//!                     ├─> beyond             ──> New, and the numbers between are holes ──> asked for, again and again
//!                     ├─> fills a hole       ──> Late, or Repaired                          until filled or 2 s old
//!                     ├─> seen               ──> Duplicate
//!                     └─> 3000 away and more ──> Restarted: nothing before is missed any more
//! ```

mod holes;
mod statistics;

use std::time::{Duration, Instant};

use crate::wire::ReceptionBlock;
use holes::Holes;
use statistics::Statistics;

/// A jump of more numbers than this is no loss: the stream began anew, or nothing before can be of use any more.
const MAX_JUMP: u64 = 3000;
/// Numbers whose coming is remembered; more than [`MAX_JUMP`].
const WINDOW: u64 = 4096;
const WORDS: usize = (WINDOW / 64) as usize;

/// What a log does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReceiveLogConfig {
    /// Ticks of the RTP timestamp in a second: 90 000 for video, 48 000 for Opus.
    pub clock_rate: u32,
    /// Missing packets are asked for. Without, no holes are kept.
    pub asks: bool,
}

/// What a packet was.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// It is ahead of all before.
    New,
    /// It was missing, and came by itself: packets were reordered, or one of them stood still.
    Late,
    /// It was missing, and came because it was asked for.
    Repaired,
    /// It came before.
    Duplicate,
    /// So far behind that nobody can tell whether it came before, or a repair of what is not known. Drop it.
    TooOld,
    /// It is ahead by far, or the stream has begun anew: everything known of the numbers before is void.
    Restarted,
}

impl Fate {
    /// Whether the packet is to be used: it did not come before.
    pub const fn is_fresh(self) -> bool {
        matches!(self, Self::New | Self::Late | Self::Repaired | Self::Restarted)
    }
}

/// A packet as the log places it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Noted {
    /// The sequence number without the wrap; its low 16 bits are the number on the wire. Above all before when the
    /// stream restarted, too.
    pub number: u64,
    /// What it was.
    pub fate: Fate,
}

/// What became of the packets of one stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ReceiveStats {
    /// Came by themselves, each once.
    pub received: u64,
    /// Came because they were asked for, each once.
    pub repaired: u64,
    /// Of those received, so many came after a later one.
    pub late: u64,
    /// Came more than once.
    pub duplicates: u64,
    /// Too far behind to tell.
    pub too_old: u64,
    /// Times the stream began anew.
    pub restarts: u64,
    /// Numbers asked for, each asking counted.
    pub asked: u64,
    /// Numbers given up.
    pub given_up: u64,
}

/// The log of one incoming stream; its repairs, which come on a stream of their own, are told it with the number they
/// repair.
///
/// Invariant: each number is fresh once. Memory is bounded: 4096 bits and at most 512 holes, however the numbers jump.
#[derive(Debug)]
pub struct ReceiveLog {
    asks: bool,
    highest: Option<u64>,
    /// Which of the last numbers came.
    seen: [u64; WORDS],
    /// A number far behind: two in a row are a restart, one is a straggler.
    stray: Option<u16>,
    holes: Holes,
    statistics: Statistics,
    stats: ReceiveStats,
    round_trip: Duration,
}

impl ReceiveLog {
    /// Nothing came yet.
    pub fn new(config: ReceiveLogConfig) -> Self {
        Self {
            asks: config.asks,
            highest: None,
            seen: [0; WORDS],
            stray: None,
            holes: Holes::default(),
            statistics: Statistics::new(config.clock_rate),
            stats: ReceiveStats::default(),
            round_trip: Duration::from_millis(100),
        }
    }

    /// Notes a packet. `timestamp` is its RTP timestamp; `repair` says that it came on the repair stream, `sequence` being
    /// the number of the original.
    pub fn on_packet(&mut self, now: Instant, sequence: u16, timestamp: u32, repair: bool) -> Noted {
        let noted = self.place(now, sequence, repair);
        self.count(now, noted, timestamp);
        noted
    }

    /// Notes a packet that another log placed already, by its number there. Nothing is asked for, and no number behind
    /// the others is a restart: whoever placed it says when the stream began anew. One ahead by far is, as ever.
    pub fn on_numbered(&mut self, now: Instant, number: u64, timestamp: u32) -> Fate {
        let fate = match self.highest {
            None => {
                self.begin_at(number);
                Fate::New
            }
            Some(highest) if number > highest.saturating_add(MAX_JUMP) => {
                self.begin_at(number);
                Fate::Restarted
            }
            Some(highest) if number > highest => {
                self.advance(now, highest, number);
                Fate::New
            }
            Some(highest) if highest - number > MAX_JUMP => Fate::TooOld,
            Some(_) if self.is_seen(number) => Fate::Duplicate,
            Some(_) => {
                self.set_seen(number, true);
                self.holes.filled(now, number, true, self.round_trip);
                Fate::Late
            }
        };
        self.count(now, Noted { number, fate }, timestamp);
        fate
    }

    fn count(&mut self, now: Instant, noted: Noted, timestamp: u32) {
        match noted.fate {
            Fate::Duplicate => self.stats.duplicates += 1,
            Fate::TooOld => self.stats.too_old += 1,
            Fate::Repaired => self.stats.repaired += 1,
            Fate::New | Fate::Late | Fate::Restarted => {
                self.stats.received += 1;
                self.stats.late += u64::from(noted.fate == Fate::Late);
                self.stats.restarts += u64::from(noted.fate == Fate::Restarted);
                self.statistics.add(now, noted, timestamp);
            }
        }
    }

    fn place(&mut self, now: Instant, sequence: u16, repair: bool) -> Noted {
        let Some(highest) = self.highest else {
            // Above 65536, so that what comes late has a place before it.
            let number = (1 << 16) + u64::from(sequence);
            if repair {
                return Noted { number, fate: Fate::TooOld };
            }
            self.begin_at(number);
            return Noted { number, fate: Fate::New };
        };
        let distance = i64::from(sequence.wrapping_sub(highest as u16) as i16);
        let number = highest.saturating_add_signed(distance);
        if distance.unsigned_abs() > MAX_JUMP {
            return self.far(highest, number, sequence, repair);
        }
        if repair && number > highest {
            // Nobody asked for it: no repair runs ahead of its stream.
            return Noted { number, fate: Fate::TooOld };
        }
        if !repair {
            self.stray = None;
        }
        let fate = if number > highest {
            self.advance(now, highest, number);
            Fate::New
        } else if self.is_seen(number) {
            Fate::Duplicate
        } else {
            self.set_seen(number, true);
            self.holes.filled(now, number, !repair, self.round_trip);
            if repair { Fate::Repaired } else { Fate::Late }
        };
        Noted { number, fate }
    }

    fn far(&mut self, highest: u64, number: u64, sequence: u16, repair: bool) -> Noted {
        if repair {
            return Noted { number, fate: Fate::TooOld };
        }
        if number > highest {
            self.begin_at(number);
            return Noted { number, fate: Fate::Restarted };
        }
        if self.stray.replace(sequence.wrapping_add(1)) != Some(sequence) {
            return Noted { number, fate: Fate::TooOld };
        }
        // Numbers never go back for whoever keeps things by them.
        let number = ((highest >> 16) + 1) << 16 | u64::from(sequence);
        self.begin_at(number);
        Noted { number, fate: Fate::Restarted }
    }

    fn begin_at(&mut self, number: u64) {
        self.stats.given_up += self.holes.clear();
        // What was before is nobody's loss, but if the first packets were reordered, the earlier ones are fresh.
        self.seen = [0; WORDS];
        self.set_seen(number, true);
        self.highest = Some(number);
        self.stray = None;
        self.statistics.begin_at(number);
    }

    fn advance(&mut self, now: Instant, highest: u64, number: u64) {
        for missing in highest + 1..number {
            self.set_seen(missing, false);
            if self.asks {
                self.stats.given_up += self.holes.add(now, missing);
            }
        }
        self.set_seen(number, true);
        self.highest = Some(number);
    }

    /// Appends the numbers to ask for now, lowest first, 256 at most; if there are more, the deadline says so. Give it the
    /// round trip as it is known; before, 100 ms is a fair guess.
    pub fn poll_nacks(&mut self, now: Instant, round_trip: Duration, numbers: &mut Vec<u16>) {
        self.round_trip = round_trip;
        let before = numbers.len();
        self.stats.given_up += self.holes.poll(now, round_trip, numbers);
        self.stats.asked += (numbers.len() - before) as u64;
    }

    /// When to call [`poll_nacks`](Self::poll_nacks) next; `None` while nothing is missing.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.holes.next_deadline()
    }

    /// How many numbers are missing and still asked for.
    pub fn missing(&self) -> usize {
        self.holes.len()
    }

    /// A sender report of this stream came, with this NTP time.
    pub fn on_sender_report(&mut self, now: Instant, ntp: u64) {
        self.statistics.on_sender_report(now, ntp);
    }

    /// The block for the next report, and from now on counts the share lost anew. `None` before the first packet. What
    /// came only as a repair counts as lost: it says how the way is.
    pub fn reception_block(&mut self, now: Instant, ssrc: u32) -> Option<ReceptionBlock> {
        Some(self.statistics.block(now, ssrc, self.highest?))
    }

    /// The jitter (RFC 3550, A.8).
    pub fn jitter(&self) -> Duration {
        self.statistics.jitter()
    }

    /// The highest number so far.
    pub const fn highest(&self) -> Option<u64> {
        self.highest
    }

    /// What became of the packets.
    pub const fn stats(&self) -> ReceiveStats {
        self.stats
    }

    fn is_seen(&self, number: u64) -> bool {
        let place = number % WINDOW;
        self.seen[(place / 64) as usize] & 1 << (place % 64) != 0
    }

    fn set_seen(&mut self, number: u64, seen: bool) {
        let place = number % WINDOW;
        let (word, bit) = ((place / 64) as usize, 1 << (place % 64));
        if seen { self.seen[word] |= bit } else { self.seen[word] &= !bit }
    }
}

#[cfg(test)]
mod tests;

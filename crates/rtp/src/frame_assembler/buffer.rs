//! The packets that have come and the numbers that have not.

use std::collections::BTreeMap;
use std::time::Instant;

use bytes::Bytes;

use crate::h264::{PayloadInfo, inspect};
use crate::timestamp::VideoTimestamp;

/// Beyond this no repair is waited for: about two seconds of 1080p at 4 Mbit/s.
const OVERFULL: usize = 1024;

/// How many packets are kept while a key frame is waited for.
const KEPT_WITHOUT_KEYFRAME: usize = 512;

#[derive(Debug)]
pub(super) struct Stored {
    pub timestamp: VideoTimestamp,
    pub marker: bool,
    pub payload: Bytes,
    pub arrived: Instant,
    pub info: PayloadInfo,
}

impl Stored {
    pub fn new(timestamp: VideoTimestamp, marker: bool, payload: Bytes, arrived: Instant) -> Self {
        let info = inspect(&payload);
        Self { timestamp, marker, payload, arrived, info }
    }
}

pub(super) enum Insertion {
    New,
    FilledHole,
    Duplicate,
}

pub(super) enum Scan {
    /// The frame ends with this number and everything before it is here.
    Complete { last: u64 },
    /// Something is not here (or not yet).
    Missing,
}

#[derive(Debug, Default)]
pub(super) struct PacketBuffer {
    packets: BTreeMap<u64, Stored>,
    /// Numbers below the highest that have not come, and when that was noticed.
    holes: BTreeMap<u64, Instant>,
    highest: Option<u64>,
}

impl PacketBuffer {
    pub fn highest(&self) -> Option<u64> {
        self.highest
    }

    pub fn is_overfull(&self) -> bool {
        self.packets.len() > OVERFULL
    }

    pub fn insert(&mut self, now: Instant, number: u64, packet: Stored) -> Insertion {
        if self.packets.contains_key(&number) {
            return Insertion::Duplicate;
        }
        // The stream may show itself with a later packet first; what lies between is missing too.
        let lowest = self.packets.keys().next().copied();
        if let Some(lowest) = lowest
            && number < lowest
        {
            self.holes.extend(
                (number + 1..lowest)
                    .filter(|hole| !self.holes.contains_key(hole))
                    .map(|hole| (hole, now))
                    .collect::<Vec<_>>(),
            );
        }
        self.packets.insert(number, packet);
        match self.highest {
            Some(highest) if number <= highest => {
                return if self.holes.remove(&number).is_some() { Insertion::FilledHole } else { Insertion::New };
            }
            Some(highest) => self.holes.extend((highest + 1..number).map(|hole| (hole, now))),
            None => {}
        }
        self.highest = Some(number);
        Insertion::New
    }

    /// Looks for the end of the frame that begins with `first`.
    pub fn scan(&self, first: u64) -> Scan {
        let mut timestamp = None;
        for (expected, (&number, packet)) in (first..).zip(self.packets.range(first..)) {
            if number != expected {
                return Scan::Missing;
            }
            // A sender that forgot the marker still ended its frame when the next one begins.
            if *timestamp.get_or_insert(packet.timestamp) != packet.timestamp {
                return Scan::Complete { last: number - 1 };
            }
            if packet.marker {
                return Scan::Complete { last: number };
            }
        }
        Scan::Missing
    }

    /// The first number from `from` on that is missing although later ones came, and when that was noticed.
    pub fn first_hole(&self, from: u64) -> Option<(u64, Instant)> {
        self.holes.range(from..).next().map(|(&number, &noticed)| (number, noticed))
    }

    /// Where a key frame with its parameter sets begins, after `from`.
    pub fn keyframe_start_after(&self, from: u64) -> Option<u64> {
        self.packets.range(from + 1..).find(|(_, packet)| packet.info.has_parameters).map(|(&number, _)| number)
    }

    /// The same, but only when the whole key frame is here.
    pub fn complete_keyframe_after(&self, from: u64) -> Option<u64> {
        self.packets
            .range(from + 1..)
            .filter(|(_, packet)| packet.info.has_parameters)
            .map(|(&number, _)| number)
            .find(|&number| matches!(self.scan(number), Scan::Complete { .. }))
    }

    pub fn holds_keyframe_parts(&self) -> bool {
        self.packets.values().any(|packet| packet.info.has_idr)
    }

    /// Takes the packets of a complete frame out.
    pub fn take(&mut self, first: u64, last: u64) -> impl Iterator<Item = Stored> {
        let rest = self.packets.split_off(&(last + 1));
        let mut frame = std::mem::replace(&mut self.packets, rest);
        frame.split_off(&first).into_values()
    }

    /// Drops all below `start`; says how many of those had never come.
    pub fn drop_before(&mut self, start: u64) -> u64 {
        self.packets = self.packets.split_off(&start);
        let kept = self.holes.split_off(&start);
        std::mem::replace(&mut self.holes, kept).len() as u64
    }

    /// Counts the time of all holes from `now`.
    pub fn refresh_holes(&mut self, now: Instant) {
        self.holes.values_mut().for_each(|noticed| *noticed = now);
    }

    /// Keeps only the newest packets; says how many numbers below them had never come.
    pub fn shorten(&mut self) -> u64 {
        let surplus = self.packets.len().saturating_sub(KEPT_WITHOUT_KEYFRAME);
        match self.packets.keys().nth(surplus).copied() {
            Some(oldest) if surplus > 0 => self.drop_before(oldest),
            _ => 0,
        }
    }
}

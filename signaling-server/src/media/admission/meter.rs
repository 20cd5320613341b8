//! The worker's side: from counters that grow to a load that can be compared.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::load::{LIMITS, Limit, Load, LoadLimits};

/// Rates follow a change by two thirds in this time. Shorter, and a keyframe to a large room counts as a full worker;
/// longer, and a load that grows is seen late.
const SMOOTHING: Duration = Duration::from_secs(1);

/// Rates are taken anew this often at most: a worker has thousands of turns a second.
const SAMPLE: Duration = Duration::from_millis(100);

/// A full worker opens again below this share of every limit, percent. More, and it opens and closes with every picture
/// that moves; less, and a place that is free stays empty.
const OPEN_BELOW: u64 = 90;

/// What was measured last.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(in crate::media) struct Measured {
    /// Tracks as they are, rates smoothed.
    pub(in crate::media) load: Load,
    /// Tracks smoothed as the rates are: those whose packets the rates show.
    pub(in crate::media) smoothed_tracks: u64,
    /// The limit that was reached, until the load is clearly below all of them.
    pub(in crate::media) full: Option<Limit>,
}

struct Sample {
    at: Instant,
    packets: u64,
    bytes: u64,
}

/// Measures one worker's load.
pub(in crate::media) struct LoadMeter {
    limits: LoadLimits,
    last: Option<Sample>,
    packets_per_second: f64,
    bits_per_second: f64,
    tracks: f64,
    full: Option<Limit>,
}

impl LoadMeter {
    pub(in crate::media) fn new(limits: LoadLimits) -> Self {
        Self { limits, last: None, packets_per_second: 0.0, bits_per_second: 0.0, tracks: 0.0, full: None }
    }

    /// Takes a reading: tracks at present, packets forwarded and bytes sent since the start.
    pub(in crate::media) fn observe(&mut self, now: Instant, tracks: u64, packets: u64, bytes: u64) -> Measured {
        let since = self.last.as_ref().map(|last| now.saturating_duration_since(last.at));
        match (&self.last, since) {
            (Some(last), Some(since)) if since >= SAMPLE => {
                let share = 1.0 - (-since.div_duration_f64(SMOOTHING)).exp();
                let rate = |more: u64| more as f64 / since.as_secs_f64();
                let (forwarded, sent) = (packets.saturating_sub(last.packets), bytes.saturating_sub(last.bytes));
                self.packets_per_second += share * (rate(forwarded) - self.packets_per_second);
                self.bits_per_second += share * (rate(sent * 8) - self.bits_per_second);
                self.tracks += share * (tracks as f64 - self.tracks);
                self.last = Some(Sample { at: now, packets, bytes });
            }
            (Some(_), _) => {}
            (None, _) => self.last = Some(Sample { at: now, packets, bytes }),
        }
        let load = Load {
            tracks,
            packets_per_second: self.packets_per_second.round() as u64,
            bits_per_second: self.bits_per_second.round() as u64,
        };
        self.full = match self.full {
            None => self.limits.reached(&load, 100),
            // The limit that is named is the one that still keeps it closed.
            Some(before) => self.limits.reached(&load, 100).or_else(|| {
                self.limits
                    .reached(&load, OPEN_BELOW)
                    .map(|still| if self.is_over(&load, before) { before } else { still })
            }),
        };
        Measured { load, smoothed_tracks: self.tracks.round() as u64, full: self.full }
    }

    fn is_over(&self, load: &Load, limit: Limit) -> bool {
        self.limits.percent(load, limit).is_some_and(|percent| percent >= OPEN_BELOW)
    }
}

/// The last [`Measured`], written by the worker's thread alone. Its parts may be of two turns, which is as good.
#[derive(Default)]
pub(in crate::media) struct MeasuredCell {
    tracks: AtomicU64,
    packets_per_second: AtomicU64,
    bits_per_second: AtomicU64,
    smoothed_tracks: AtomicU64,
    /// One more than the limit's number; 0 for none.
    full: AtomicU64,
}

impl MeasuredCell {
    pub(in crate::media) fn write(&self, measured: &Measured) {
        let store = |to: &AtomicU64, value| to.store(value, Ordering::Relaxed);
        store(&self.tracks, measured.load.tracks);
        store(&self.packets_per_second, measured.load.packets_per_second);
        store(&self.bits_per_second, measured.load.bits_per_second);
        store(&self.smoothed_tracks, measured.smoothed_tracks);
        store(&self.full, measured.full.map_or(0, |limit| limit as u64 + 1));
    }

    pub(in crate::media) fn read(&self) -> Measured {
        let load = |from: &AtomicU64| from.load(Ordering::Relaxed);
        let full = (load(&self.full) as usize).checked_sub(1);
        Measured {
            load: Load {
                tracks: load(&self.tracks),
                packets_per_second: load(&self.packets_per_second),
                bits_per_second: load(&self.bits_per_second),
            },
            smoothed_tracks: load(&self.smoothed_tracks),
            full: full.and_then(|number| LIMITS.get(number)).copied(),
        }
    }
}

//! Spreads the packets of a large frame over some milliseconds, so that one key frame does not fill the queue of a slow
//! link or overrun the buffer of a switch.
//!
//! The pacer is not what keeps the sender within the estimate: the encoders are. It runs at a multiple of the estimate
//! ([`PacerConfig::factor`]) and therefore empties soon; what stays too long is thrown away by whole streams, and the
//! sender begins that stream again with a key frame. Sound never waits.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use crate::data_rate::DataRate;

/// The class of sound: sent at once, before everything else.
pub const AUDIO_PRIORITY: u8 = 0;

/// Numbers to tune the pacer by.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct PacerConfig {
    /// The pace as a multiple of the estimate. More shortens frames on the way, less spares slow links.
    pub factor: f64,
    /// Never slower than this, so that a wrong estimate cannot strangle the call.
    pub slowest: DataRate,
    /// What may leave at once: timers tick in milliseconds.
    pub burst: Duration,
    /// A packet that waited longer is of no use to anybody; its stream is dropped.
    pub longest_wait: Duration,
}

impl Default for PacerConfig {
    fn default() -> Self {
        Self {
            factor: 2.5,
            slowest: DataRate::from_kbps(300),
            burst: Duration::from_millis(4),
            longest_wait: Duration::from_millis(400),
        }
    }
}

#[derive(Debug)]
struct Queued<K, P> {
    stream: K,
    packet: P,
    bytes: usize,
    since: Instant,
}

/// Queues packets `P` of streams `K`. Lower priorities go first; [`AUDIO_PRIORITY`] is never held back.
#[derive(Debug)]
pub struct Pacer<K, P> {
    config: PacerConfig,
    pace: DataRate,
    queues: BTreeMap<u8, VecDeque<Queued<K, P>>>,
    /// When everything sent so far is through at the present pace.
    free_at: Option<Instant>,
    queued_bytes: usize,
}

impl<K: PartialEq + Copy, P> Pacer<K, P> {
    /// An empty pacer for a path of this estimate.
    pub fn new(config: PacerConfig, estimate: DataRate) -> Self {
        let mut pacer = Self { config, pace: config.slowest, queues: BTreeMap::new(), free_at: None, queued_bytes: 0 };
        pacer.set_estimate(estimate);
        pacer
    }

    /// The path takes so much now.
    pub fn set_estimate(&mut self, estimate: DataRate) {
        self.pace = (estimate * self.config.factor).max(self.config.slowest);
    }

    /// The pace of sending.
    pub fn pace(&self) -> DataRate {
        self.pace
    }

    /// How long what is queued will take.
    pub fn queue_time(&self) -> Duration {
        self.pace.time_for(self.queued_bytes)
    }

    /// Puts a packet in line; `bytes` is its size on the wire.
    pub fn push(&mut self, now: Instant, stream: K, priority: u8, bytes: usize, packet: P) {
        self.queued_bytes += bytes;
        self.queues.entry(priority).or_default().push_back(Queued { stream, packet, bytes, since: now });
    }

    /// The next packet that may leave at `now`.
    pub fn poll(&mut self, now: Instant) -> Option<P> {
        let (&priority, _) = self.queues.iter().find(|(_, queue)| !queue.is_empty())?;
        if priority != AUDIO_PRIORITY && self.free_at.is_some_and(|free_at| free_at > now) {
            return None;
        }
        let queued = self.queues.get_mut(&priority)?.pop_front()?;
        self.queued_bytes -= queued.bytes;
        let earliest = now.checked_sub(self.config.burst).unwrap_or(now);
        let from = self.free_at.map_or(earliest, |free_at| free_at.max(earliest));
        self.free_at = Some(from + self.pace.time_for(queued.bytes));
        Some(queued.packet)
    }

    /// When [`Self::poll`] gives something again; `None` when nothing is queued.
    pub fn next_deadline(&self) -> Option<Instant> {
        let (&priority, queue) = self.queues.iter().find(|(_, queue)| !queue.is_empty())?;
        let oldest = queue.front()?.since;
        if priority == AUDIO_PRIORITY {
            Some(oldest)
        } else {
            Some(self.free_at.map_or(oldest, |free_at| free_at.max(oldest)))
        }
    }

    /// Throws out every stream with a packet that waited too long, and names each once. The caller tells their receivers
    /// by a gap in the numbers, and begins them again with a key frame.
    pub fn expire(&mut self, now: Instant) -> Vec<K> {
        let mut expired: Vec<K> = Vec::new();
        for queue in self.queues.values() {
            for queued in queue {
                if now.saturating_duration_since(queued.since) <= self.config.longest_wait {
                    break;
                }
                if !expired.contains(&queued.stream) {
                    expired.push(queued.stream);
                }
            }
        }
        if !expired.is_empty() {
            for queue in self.queues.values_mut() {
                queue.retain(|queued| {
                    let stays = !expired.contains(&queued.stream);
                    if !stays {
                        self.queued_bytes -= queued.bytes;
                    }
                    stays
                });
            }
        }
        expired
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pacer(kbps: u64) -> Pacer<char, u32> {
        Pacer::new(PacerConfig::default(), DataRate::from_kbps(kbps))
    }

    /// Lets time pass and notes when each packet leaves, in milliseconds.
    fn run(pacer: &mut Pacer<char, u32>, start: Instant, milliseconds: u64) -> Vec<(u64, u32)> {
        let mut sent = Vec::new();
        let end = start + Duration::from_millis(milliseconds);
        let mut now = start;
        while let Some(deadline) = pacer.next_deadline() {
            now = now.max(deadline);
            if now > end {
                break;
            }
            while let Some(packet) = pacer.poll(now) {
                sent.push((now.duration_since(start).as_millis() as u64, packet));
            }
        }
        sent
    }

    #[test]
    fn a_large_frame_is_spread_at_the_pace() {
        let start = Instant::now();
        let mut pacer = pacer(1600);
        for number in 0..50 {
            pacer.push(start, 'f', 3, 1000, number);
        }
        let sent = run(&mut pacer, start, 1000);
        assert_eq!(sent.len(), 50);
        // 4 Mbit/s is 500 bytes a millisecond: 100 ms for all of it, less the burst at the beginning.
        let last = sent.last().expect("all were sent").0;
        assert!((90..=100).contains(&last), "{last}");
        assert!(sent.iter().filter(|(time, _)| *time == 0).count() <= 4);
        assert!(sent.iter().map(|(_, number)| *number).eq(0..50), "order is kept");
    }

    #[test]
    fn sound_goes_first_and_never_waits() {
        let start = Instant::now();
        let mut pacer = pacer(500);
        for number in 0..20 {
            pacer.push(start, 'f', 3, 1200, number);
        }
        let before = run(&mut pacer, start, 10).len();
        assert!(before < 10);
        let later = start + Duration::from_millis(10);
        pacer.push(later, 'a', AUDIO_PRIORITY, 100, 1000);
        assert_eq!(pacer.poll(later), Some(1000));
        assert_eq!(pacer.poll(later), None);
    }

    #[test]
    fn low_layers_go_before_high_ones() {
        let start = Instant::now();
        let mut pacer = pacer(500);
        pacer.push(start, 'f', 3, 1200, 30);
        pacer.push(start, 'f', 3, 1200, 31);
        pacer.push(start, 'q', 1, 1200, 10);
        let order: Vec<u32> = run(&mut pacer, start, 1000).into_iter().map(|(_, packet)| packet).collect();
        assert_eq!(order, [10, 30, 31]);
    }

    #[test]
    fn a_stream_that_waited_too_long_is_dropped_whole() {
        let start = Instant::now();
        let mut pacer = pacer(100);
        for number in 0..100 {
            pacer.push(start, 'f', 3, 1200, number);
        }
        let later = start + Duration::from_millis(390);
        pacer.push(later, 'q', 1, 1200, 500);
        assert!(pacer.expire(later).is_empty());
        let late = start + Duration::from_millis(401);
        assert_eq!(pacer.expire(late), ['f']);
        assert_eq!(pacer.poll(late), Some(500));
        assert_eq!(pacer.next_deadline(), None);
        assert_eq!(pacer.queue_time(), Duration::ZERO);
    }

    #[test]
    fn a_higher_estimate_empties_the_queue_faster() {
        let start = Instant::now();
        let mut pacer = pacer(200);
        for number in 0..50 {
            pacer.push(start, 'f', 3, 1000, number);
        }
        assert!(pacer.queue_time() > Duration::from_millis(700));
        pacer.set_estimate(DataRate::from_kbps(8000));
        assert_eq!(pacer.queue_time(), Duration::from_millis(20));
        assert_eq!(run(&mut pacer, start, 25).len(), 50);
    }
}

//! How long packets stand in queues on the way.

use std::collections::VecDeque;

/// The smallest delay of this time is taken as the way without a queue. Long enough to outlive a queue, short enough
/// that clocks running apart (100 parts in a million are 1 ms in 10 s) and new routes do no harm.
const BASE_SLOTS: usize = 10;
const SLOT: i64 = 1_000_000;
/// Packets that arrive within this time make one sample, of which the smallest delay counts: one packet that met no
/// queue tells more than many of one burst, and a machine that stood still hands over everything at once.
const GROUP: i64 = 20_000;
/// A queue beyond the usual spread of delays by this is congestion: less, and bursts look like it; more, and sound is
/// late for everybody.
const LIMIT: i64 = 50_000;
/// A queue within this of the usual spread counts as none.
const FREE: i64 = 20_000;
/// More than this is never taken for the usual spread, or a standing queue would be.
const MOST_SPREAD: f64 = 40_000.0;
/// The usual spread is learnt over this time.
const SPREAD_TIME: f64 = 2_000_000.0;
/// A receiver's clock that jumps by more was set, or is another one.
const CLOCK_JUMP: i64 = 5_000_000;

/// One look at the queue. Times in microseconds, each on its own clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    pub arrived: i64,
    pub sent: i64,
    pub queue: i64,
}

#[derive(Clone, Copy, Debug)]
struct Group {
    begun: i64,
    arrived: i64,
    sent: i64,
    least: i64,
}

/// One-way delays. The two clocks have nothing to do with each other; only differences are used.
#[derive(Debug)]
pub(super) struct QueueDelay {
    /// The smallest delay of each of the last seconds, by when it was sent.
    slots: VecDeque<(i64, i64)>,
    base: i64,
    group: Option<Group>,
    latest: i64,
    latest_sent: i64,
    /// The mean of the queue while there is no congestion: jitter and the bursts of frames.
    spread: f64,
}

impl QueueDelay {
    pub fn new() -> Self {
        Self {
            slots: VecDeque::with_capacity(BASE_SLOTS + 1),
            base: 0,
            group: None,
            latest: 0,
            latest_sent: 0,
            spread: 0.0,
        }
    }

    /// Whether a packet's clock has nothing to do with that of the packets before.
    pub fn is_jump(&self, sent: i64, arrived: i64) -> bool {
        self.group.is_some_and(|group| ((arrived - sent) - (group.arrived - group.sent)).abs() > CLOCK_JUMP)
    }

    /// Takes a packet that arrived; gives a sample when a group of them is complete.
    pub fn add(&mut self, sent: i64, arrived: i64) -> Option<Sample> {
        let delay = arrived - sent;
        if let Some(group) = &mut self.group
            && arrived < group.begun + GROUP
        {
            group.arrived = group.arrived.max(arrived);
            group.sent = group.sent.max(sent);
            group.least = group.least.min(delay);
            return None;
        }
        let next = Group { begun: arrived, arrived, sent, least: delay };
        let complete = self.group.replace(next)?;
        Some(self.complete(complete))
    }

    fn complete(&mut self, group: Group) -> Sample {
        match self.slots.back_mut() {
            Some((begun, least)) if group.sent - *begun < SLOT => {
                *least = group.least.min(*least);
                self.base = self.base.min(group.least);
            }
            _ => {
                if self.slots.len() >= BASE_SLOTS {
                    self.slots.pop_front();
                }
                self.slots.push_back((group.sent, group.least));
                self.base = self.slots.iter().map(|(_, delay)| *delay).min().unwrap_or(group.least);
            }
        }
        let queue = group.least - self.base;
        if queue < self.limit() {
            let elapsed = (group.sent - self.latest_sent).clamp(0, 200_000) as f64;
            self.spread += (queue as f64 - self.spread) * (elapsed / SPREAD_TIME);
            self.spread = self.spread.min(MOST_SPREAD);
        }
        self.latest = queue;
        self.latest_sent = group.sent;
        Sample { arrived: group.arrived, sent: group.sent, queue }
    }

    /// The queue of the last sample, in microseconds.
    pub fn latest(&self) -> i64 {
        self.latest
    }

    /// The usual spread of delays, in microseconds.
    pub fn spread(&self) -> i64 {
        self.spread as i64
    }

    /// A longer queue is congestion.
    pub fn limit(&self) -> i64 {
        LIMIT + self.spread as i64
    }

    /// A shorter queue is none.
    pub fn free(&self) -> i64 {
        FREE + (self.spread * 1.25) as i64
    }

    /// The present delay is the way itself.
    pub fn take_as_base(&mut self) {
        self.base += self.latest;
        self.slots.clear();
        self.slots.push_back((self.latest_sent, self.base));
        self.latest = 0;
    }
}

//! When the packets of one receiver may leave, for a sender that keeps them itself and likes to send a frame's packets
//! together.
//!
//! The pacer knows only a debt: the bytes that left and, at the pace, are not through yet. A burst that fits beside the
//! debt leaves whole; otherwise so much of it as fits, and the rest in slots. While much less is sent than the target,
//! that is one comparison a burst.

use std::time::{Duration, Instant};

use crate::data_rate::DataRate;

/// Numbers to tune the pacer by. What lies between a slow and a fast link is treated in proportion.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct BurstPacerConfig {
    /// Links up to this target are slow.
    pub slow: DataRate,
    /// Links from this target on are fast.
    pub fast: DataRate,
    /// What may leave at once on a slow link, as time at the target: a longer queue and sound would be late.
    pub slow_burst: Duration,
    /// The same on a fast link, where it holds a frame of each picture.
    pub fast_burst: Duration,
    /// The pace as a multiple of the target on a slow link, where a key frame is late by the link anyway.
    pub slow_factor: f64,
    /// The same on a fast link, which mostly takes more than the target.
    pub fast_factor: f64,
    /// Whatever the target, so much may leave at once: two packets.
    pub least_burst: usize,
    /// What is held is held for multiples of this: fewer wake-ups, and packets that can leave in one system call.
    pub slot: Duration,
    /// A picture that waited longer is of no use to anybody.
    pub longest_wait: Duration,
}

impl Default for BurstPacerConfig {
    fn default() -> Self {
        Self {
            slow: DataRate::from_kbps(1000),
            fast: DataRate::from_kbps(5000),
            slow_burst: Duration::from_millis(20),
            fast_burst: Duration::from_millis(50),
            slow_factor: 1.25,
            fast_factor: 2.5,
            least_burst: 2500,
            slot: Duration::from_millis(5),
            longest_wait: Duration::from_millis(400),
        }
    }
}

/// What a burst consists of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PacketClass {
    /// Sound: never held.
    Audio,
    /// A packet sent again: before new pictures, since a whole frame waits for it.
    Repair,
    /// Pictures.
    Video,
    /// Padding and repeats of a probe, whose plan has its own pace: never held, but counted.
    Probe,
}

/// Whether a burst may leave.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PacerDecision {
    /// All of it, now. It is counted.
    Send,
    /// At most so many bytes of it now, the rest later. Nothing is counted: ask for the whole packets that fit.
    Split(usize),
    /// Nothing before then.
    HoldUntil(Instant),
}

/// The pacer of one receiver. See the module.
#[derive(Debug)]
pub struct BurstPacer {
    config: BurstPacerConfig,
    /// Bytes a second.
    pace: f64,
    burst: f64,
    debt: f64,
    counted_at: Option<Instant>,
    origin: Option<Instant>,
    /// Repairs were held until then; pictures let them pass.
    repairs_wait: Option<Instant>,
}

impl BurstPacer {
    /// A pacer without any debt.
    pub fn new(config: BurstPacerConfig, target: DataRate) -> Self {
        let mut pacer =
            Self { config, pace: 0.0, burst: 0.0, debt: 0.0, counted_at: None, origin: None, repairs_wait: None };
        pacer.set_target(target);
        pacer
    }

    /// The path takes so much now.
    pub fn set_target(&mut self, target: DataRate) {
        let config = &self.config;
        let (slow, fast) = (config.slow.as_bps() as f64, config.fast.as_bps() as f64);
        let bits = target.as_bps() as f64;
        let speed = ((bits - slow) / (fast - slow).max(1.0)).clamp(0.0, 1.0);
        let between = |from: f64, to: f64| from + (to - from) * speed;
        self.pace = bits / 8.0 * between(config.slow_factor, config.fast_factor);
        let burst = between(config.slow_burst.as_secs_f64(), config.fast_burst.as_secs_f64());
        self.burst = (bits / 8.0 * burst).max(config.least_burst as f64);
    }

    /// Whether a burst of so many bytes may leave at `now`.
    pub fn allow(&mut self, now: Instant, bytes: usize, class: PacketClass) -> PacerDecision {
        let unheld = matches!(class, PacketClass::Audio | PacketClass::Probe);
        self.pay(now);
        if !unheld && self.debt + bytes as f64 > self.burst {
            return self.hold(now, class);
        }
        if class == PacketClass::Video && self.repairs_wait.is_some_and(|until| now < until + self.config.slot) {
            return PacerDecision::HoldUntil(self.next_slot(now));
        }
        if class == PacketClass::Repair {
            self.repairs_wait = None;
        }
        self.debt += bytes as f64;
        PacerDecision::Send
    }

    /// Whether a picture that is in line since `since` has waited too long. It is to be dropped with all its packets, and
    /// its receiver needs a key frame.
    pub fn is_too_late(&self, now: Instant, since: Instant) -> bool {
        now.saturating_duration_since(since) > self.config.longest_wait
    }

    fn pay(&mut self, now: Instant) {
        let since = self.counted_at.replace(now).unwrap_or(now);
        self.debt = (self.debt - self.pace * now.saturating_duration_since(since).as_secs_f64()).max(0.0);
    }

    fn hold(&mut self, now: Instant, class: PacketClass) -> PacerDecision {
        let until = self.next_slot(now);
        if class == PacketClass::Repair {
            self.repairs_wait = Some(until);
        } else if self.repairs_wait.is_some_and(|until| now < until + self.config.slot) {
            return PacerDecision::HoldUntil(until);
        }
        let room = self.burst - self.debt;
        // Less than a packet is not worth a system call.
        if room >= self.config.least_burst as f64 / 2.0 {
            PacerDecision::Split(room as usize)
        } else {
            PacerDecision::HoldUntil(until)
        }
    }

    /// The next slot in which there is room for a packet.
    fn next_slot(&mut self, now: Instant) -> Instant {
        let slot = self.config.slot.max(Duration::from_micros(100));
        let origin = *self.origin.get_or_insert(now);
        let over = (self.debt + self.config.least_burst as f64 / 2.0 - self.burst).max(0.0);
        let wait = if self.pace > 0.0 { Duration::from_secs_f64((over / self.pace).min(1.0)) } else { slot };
        let slots = (now + wait).saturating_duration_since(origin).as_nanos() / slot.as_nanos() + 1;
        origin + slot * slots as u32
    }
}

//! [`JitterBuffer`]: packets in as the network brings them, 10 ms of sound out whenever the loudspeaker asks.
//!
//! ```text
//! insert -> arrival times -> target delay (how late packets come)  --.
//!     '---> packets in order -> decode / correct / conceal -> stretch or shorten -> pull
//!                                                  playout delay (how late they are played) --'
//! ```
//!
//! Both delays are measured on one scale: time of day minus the packet's RTP time, over the least that was seen lately.
//! The playout delay is kept near the target by taking out or putting in single periods of the voice. Invariants:
//!
//! - `pull` always gives 480 samples and never waits.
//! - A packet that comes after its turn, but before the next one, is still played: the delay grows by what was invented
//!   in between, and shrinks again later. A packet whose successor was played is dropped and counted.
//! - A lost packet is rebuilt from its successor where that carries a copy, else concealed.
//! - After 120 ms without packets the buffer falls silent and starts anew with the next packet, at the target delay.

mod delay_target;
mod playout_delay;
mod stats;

use std::collections::BTreeMap;
use std::time::Instant;

pub use stats::JitterBufferStats;

use crate::opus::{self, Decoder, OpusError};
use crate::{FRAME_SAMPLES, PACKET_SAMPLES, time_stretch};
use delay_target::DelayTarget;
use playout_delay::PlayoutDelay;
use stats::Counters;

/// Longest gap that is concealed; after that, silence is more honest.
const MAX_CONCEALED: i64 = samples(120);

/// A packet whose time is further off than this belongs to another timeline (the sender started over).
const MAX_TIME_JUMP: i64 = samples(2_000);

/// After so long without packets, what was known about arrival times is out of date.
const FORGET_AFTER: i64 = samples(2_000);

/// Sequence numbers jumping back further than this belong to another stream.
const MAX_SEQUENCE_JUMP: u64 = 3_000;

/// Most packets that wait: 2 s.
const MAX_PACKETS: usize = 100;

/// The delay may leave the target by so much before time is stretched.
const TOO_EARLY: i64 = samples(5);
const TOO_LATE: i64 = samples(10);

/// This much over the target, less fitting places are cut as well.
const MUCH_TOO_LATE: i64 = samples(60);

/// This much over the target, whole packets are thrown away: one cut is less annoying than talking over each other for
/// the seconds that shortening would take.
const FAR_TOO_LATE: i64 = samples(200);

/// How alike a voice has to be to itself one period later for a cut: nearly unnoticeable, and in a hurry.
const GOOD_LIKENESS: f32 = 0.85;
const POOR_LIKENESS: f32 = 0.5;

/// Milliseconds as samples.
const fn samples(milliseconds: i64) -> i64 {
    milliseconds * 48
}

struct Packet {
    /// RTP time, extended to 64 bits.
    timestamp: i64,
    payload: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing to play until a packet's time has come. `comfort`: the sender left out silence, so its background noise
    /// goes on.
    Waiting {
        comfort: bool,
    },
    Playing,
}

/// Evens out one incoming voice; see the module's description.
pub struct JitterBuffer {
    decoder: Decoder,
    packets: BTreeMap<u64, Packet>,
    state: State,
    /// The packet that is decoded next; `None` before the first.
    next_sequence: Option<u64>,
    /// Which of the 64 packets before that were decoded, the latest in the lowest bit.
    decoded: u64,
    /// RTP time of the next sample to be decoded.
    next_timestamp: i64,
    /// Samples invented since `next_timestamp` because nothing was there to decode.
    invented: i64,
    /// Decoded and not yet played.
    ready: Vec<f32>,
    /// The last decoded packet said that silence follows.
    silence_announced: bool,
    target: DelayTarget,
    playout: PlayoutDelay,
    counters: Counters,
    /// Time zero of the sample clock.
    epoch: Option<Instant>,
    last_timestamp: Option<i64>,
    last_arrival: Option<i64>,
}

impl JitterBuffer {
    /// An empty buffer.
    ///
    /// # Errors
    /// [`OpusError::Setup`] when the decoder cannot be made.
    pub fn new() -> Result<Self, OpusError> {
        Ok(Self {
            decoder: Decoder::new()?,
            packets: BTreeMap::new(),
            state: State::Waiting { comfort: false },
            next_sequence: None,
            decoded: 0,
            next_timestamp: 0,
            invented: 0,
            ready: Vec::new(),
            silence_announced: false,
            target: DelayTarget::new(),
            playout: PlayoutDelay::default(),
            counters: Counters::default(),
            epoch: None,
            last_timestamp: None,
            last_arrival: None,
        })
    }

    /// Takes a packet that arrived at `now`: RTP sequence number extended to 64 bits, RTP timestamp (48 kHz), Opus
    /// payload. Whatever is wrong with it is counted, never reported.
    pub fn insert(&mut self, now: Instant, sequence: u64, rtp_timestamp: u32, payload: &[u8]) {
        let arrived = self.sample_time(now);
        self.counters.received += 1;
        let Some(duration) = opus::Decoder::duration(payload).filter(|duration| *duration > 0) else {
            self.counters.damaged += 1;
            return;
        };
        if self.next_sequence.is_some_and(|next| sequence.saturating_add(MAX_SEQUENCE_JUMP) < next) {
            self.reset();
        }
        let mut timestamp = self.extend(rtp_timestamp);
        if self.last_arrival.is_some_and(|last| arrived - last > FORGET_AFTER) {
            self.target.forget_base();
        }
        if self.target.base().is_some_and(|base| (arrived - timestamp - base).abs() > MAX_TIME_JUMP) {
            self.reset();
            timestamp = self.extend(rtp_timestamp);
        }
        if self.packets.contains_key(&sequence) || self.was_decoded(sequence) {
            self.counters.duplicate += 1;
            return;
        }
        self.last_timestamp = Some(timestamp);
        self.last_arrival = Some(arrived);
        self.target.observe(arrived, timestamp);
        if self.next_sequence.is_some_and(|next| sequence < next) {
            self.counters.late += 1;
            return;
        }
        self.packets.insert(sequence, Packet { timestamp, payload: payload.to_vec() });
        self.counters.last_duration = duration;
        if self.packets.len() > MAX_PACKETS {
            self.packets.pop_first();
            self.counters.discarded += 1;
        }
    }

    /// The next 10 ms of sound. Call it when the loudspeaker needs them; calls may come in bursts.
    pub fn pull(&mut self, now: Instant) -> [f32; FRAME_SAMPLES] {
        let now = self.sample_time(now);
        if self.state == State::Playing && self.invented == 0 {
            self.measure(now);
        }
        while self.ready.len() < FRAME_SAMPLES {
            self.produce(now);
        }
        let mut frame = [0.0; FRAME_SAMPLES];
        frame.copy_from_slice(&self.ready[..FRAME_SAMPLES]);
        self.ready.drain(..FRAME_SAMPLES);
        self.counters.played += FRAME_SAMPLES as u64;
        frame
    }

    /// Starts over for another speaker or another stream: waiting packets and the decoder's memory are dropped, what
    /// is known about the network's jitter is kept.
    pub fn reset(&mut self) {
        self.counters.discarded += self.packets.len() as u64;
        self.counters.resets += 1;
        self.packets.clear();
        self.decoder.reset();
        self.state = State::Waiting { comfort: false };
        self.next_sequence = None;
        self.decoded = 0;
        self.invented = 0;
        self.silence_announced = false;
        self.target.forget_base();
        self.playout.clear();
        self.last_timestamp = None;
        self.last_arrival = None;
    }

    /// Whether nothing is being played and nothing waits: the mixer can leave this voice out.
    pub fn is_idle(&self) -> bool {
        self.state == State::Waiting { comfort: false } && self.packets.is_empty() && self.ready.is_empty()
    }

    /// What happened so far and how things stand.
    pub fn stats(&self) -> JitterBufferStats {
        let waiting = self.packets.len() * self.counters.last_duration + self.ready.len();
        self.counters.summary(self.target.target(), self.playout.latest(), waiting)
    }

    fn sample_time(&mut self, now: Instant) -> i64 {
        let epoch = *self.epoch.get_or_insert(now);
        (now.saturating_duration_since(epoch).as_micros() as i64) * 48 / 1_000
    }

    /// The RTP timestamp as 64 bits, nearest to the last one.
    fn extend(&self, rtp_timestamp: u32) -> i64 {
        match self.last_timestamp {
            Some(last) => last + i64::from(rtp_timestamp.wrapping_sub(last as u32).cast_signed()),
            None => i64::from(rtp_timestamp),
        }
    }

    fn was_decoded(&self, sequence: u64) -> bool {
        let age = self.next_sequence.and_then(|next| next.checked_sub(sequence)?.checked_sub(1));
        age.is_some_and(|age| age < 64 && (self.decoded >> age) & 1 == 1)
    }

    /// Makes `next` the packet that is decoded next; those passed over count as lost.
    fn advance(&mut self, next: u64) {
        let passed = next.saturating_sub(*self.next_sequence.get_or_insert(next));
        self.counters.lost += passed;
        for _ in 0..passed.min(50) {
            self.target.note_loss(true);
        }
        self.decoded = u32::try_from(passed).ok().and_then(|passed| self.decoded.checked_shl(passed)).unwrap_or(0);
        self.next_sequence = self.next_sequence.map(|known| known.max(next));
    }

    fn measure(&mut self, now: i64) {
        if let Some(base) = self.target.base() {
            let playing = self.next_timestamp - self.ready.len() as i64;
            self.playout.push(now - playing - base);
        }
    }

    /// Appends at least one sample to `ready`.
    fn produce(&mut self, now: i64) {
        match self.state {
            State::Waiting { comfort } => {
                if !self.start(now) {
                    self.rest(comfort);
                }
            }
            State::Playing => self.play(now),
        }
    }

    /// Starts playing when the first packet's time has come.
    fn start(&mut self, now: i64) -> bool {
        let (Some(base), target) = (self.target.base(), self.target.target()) else { return false };
        // After a long hole packets come all at once; the oldest are not worth the delay they would cause.
        while self.packets.len() > 1 && self.first_delay(now, base) > target + FAR_TOO_LATE {
            self.packets.pop_first();
            self.counters.discarded += 1;
        }
        if self.packets.is_empty() || self.first_delay(now, base) < target {
            return false;
        }
        self.state = State::Playing;
        self.playout.clear();
        self.decode_first(now);
        true
    }

    fn first_delay(&self, now: i64, base: i64) -> i64 {
        self.packets.first_key_value().map_or(0, |(_, packet)| now - packet.timestamp - base)
    }

    fn rest(&mut self, comfort: bool) {
        let count = FRAME_SAMPLES - self.ready.len().min(FRAME_SAMPLES - 1);
        if comfort {
            self.ready.extend(self.decoder.conceal(count));
        } else {
            self.ready.resize(self.ready.len() + count, 0.0);
        }
    }

    fn play(&mut self, now: i64) {
        let Some((&sequence, first)) = self.packets.first_key_value() else {
            self.run_dry();
            return;
        };
        let gap = first.timestamp - self.next_timestamp - self.invented;
        if Some(sequence) == self.next_sequence {
            if gap > 0 {
                // Nothing is missing, yet time has passed: the sender left out silence.
                self.state = State::Waiting { comfort: true };
            } else {
                self.decode_first(now);
            }
        } else if gap > MAX_CONCEALED {
            self.state = State::Waiting { comfort: false };
        } else if gap <= 0 {
            self.decode_first(now);
        } else {
            self.bridge(gap);
        }
    }

    /// No packet is there: goes on with what was heard, for a while.
    fn run_dry(&mut self) {
        if self.silence_announced {
            self.state = State::Waiting { comfort: true };
        } else if self.invented >= MAX_CONCEALED {
            self.state = State::Waiting { comfort: false };
        } else {
            let concealed = self.decoder.conceal(FRAME_SAMPLES);
            self.invented += concealed.len() as i64;
            self.counters.concealed += concealed.len() as u64;
            self.ready.extend(concealed);
        }
    }

    /// Packets are lost before the first one that waits; `gap` samples are still missing.
    fn bridge(&mut self, gap: i64) {
        self.next_timestamp += self.invented;
        self.invented = 0;
        let packet = PACKET_SAMPLES as i64;
        // What does not fill a whole packet is concealed first, so that the last whole one can be rebuilt.
        let piece = match gap % packet {
            0 => packet,
            rest => rest,
        };
        let rebuilt = (gap == packet).then(|| self.rebuild()).flatten();
        let sound = if let Some(sound) = rebuilt {
            self.counters.corrected += sound.len() as u64;
            sound
        } else {
            let sound = self.decoder.conceal(piece as usize);
            self.counters.concealed += sound.len() as u64;
            sound
        };
        self.next_timestamp += piece;
        self.ready.extend(sound);
        // A packet of the gap that turns up now has had its turn.
        let missing = ((gap - piece) / packet) as u64;
        if let Some((&sequence, _)) = self.packets.first_key_value() {
            self.advance(sequence.saturating_sub(missing));
        }
    }

    fn rebuild(&mut self) -> Option<Vec<f32>> {
        let (_, first) = self.packets.first_key_value()?;
        if !opus::has_error_correction(&first.payload) {
            return None;
        }
        self.decoder.decode_fec(&first.payload, PACKET_SAMPLES).ok()
    }

    /// Decodes the packet that waits first, and the time after it.
    fn decode_first(&mut self, now: i64) {
        self.decode_one();
        self.adapt(now);
    }

    fn decode_one(&mut self) {
        let Some((sequence, packet)) = self.packets.pop_first() else { return };
        self.advance(sequence);
        self.decoded = self.decoded << 1 | 1;
        self.target.note_loss(false);
        let sound = self.decoder.decode(&packet.payload).unwrap_or_else(|_| {
            self.counters.damaged += 1;
            self.decoder.conceal(PACKET_SAMPLES)
        });
        self.next_sequence = Some(sequence.saturating_add(1));
        self.next_timestamp = packet.timestamp + sound.len() as i64;
        self.invented = 0;
        self.silence_announced = opus::is_discontinuous(&packet.payload);
        self.ready.extend(sound);
    }

    /// Brings the playout delay nearer to the target.
    fn adapt(&mut self, now: i64) {
        let Some(delay) = self.playout.lowest() else { return };
        let excess = delay - self.target.target();
        if excess > FAR_TOO_LATE {
            self.skip(now);
        } else if excess > TOO_LATE {
            let hurry = excess > MUCH_TOO_LATE;
            let likeness = if hurry { POOR_LIKENESS } else { GOOD_LIKENESS };
            self.decode_follower();
            let mut removed = 0;
            // In a hurry more than one period goes, but never so much that the pull is left without sound.
            for _ in 0..if hurry { 3 } else { 1 } {
                if self.ready.len() >= 2 * time_stretch::LEAST_SAMPLES {
                    removed += time_stretch::shorten(&mut self.ready, likeness);
                }
            }
            self.counters.shortened += removed as u64;
            self.playout.shift(-(removed as i64));
        } else if excess < -TOO_EARLY {
            let added = time_stretch::lengthen(&mut self.ready, GOOD_LIKENESS);
            self.counters.lengthened += added as u64;
            self.playout.shift(added as i64);
        }
    }

    /// Decodes the next packet too, if it follows directly: long periods need more than 20 ms of sound.
    fn decode_follower(&mut self) {
        let follows = self.packets.first_key_value().is_some_and(|(&sequence, packet)| {
            Some(sequence) == self.next_sequence && packet.timestamp == self.next_timestamp
        });
        if follows {
            self.decode_one();
        }
    }

    /// Throws away whole packets until the delay is near the target again.
    fn skip(&mut self, now: i64) {
        let Some(base) = self.target.base() else { return };
        let acceptable = self.target.target() + TOO_LATE;
        while self.packets.len() > 1 && self.first_delay(now, base) > acceptable {
            self.packets.pop_first();
            self.counters.discarded += 1;
        }
        if let Some((&sequence, first)) = self.packets.first_key_value() {
            self.next_timestamp = first.timestamp;
            self.invented = 0;
            self.next_sequence = Some(sequence);
            self.decoded = 0;
        }
        self.playout.clear();
    }
}

#[cfg(test)]
mod tests;

//! Whole pictures, in order, out of the packets of one H.264 stream.
//!
//! ```text
//!  packets, any order ──> [ buffer by sequence number ] ──> complete frames in order ──> decoder
//!                            hole? wait for the repair ──(deadline)──> give up, ask for a key frame
//! ```
//!
//! Invariants:
//! * a frame is given out once, after all its packets came, and only when every frame before it was given out or a key
//!   frame made them unneeded: the decoder never sees a picture whose reference is missing;
//! * before the first key frame, and after a loss that was not repaired in time, nothing is given out until a key frame
//!   with its parameter sets is complete;
//! * a repair that comes after its deadline may still complete a key frame, but never brings back an older picture.
//!
//! The stream is continuous in sequence numbers even where the server switches what a slot carries; such a switch
//! begins with a key frame and needs nothing from here.

mod buffer;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::h264::append_payload;
use crate::sequence::SequenceUnwrapper;
use crate::timestamp::{TimestampUnwrapper, VideoTimestamp};
use buffer::{PacketBuffer, Scan, Stored};

/// A forward jump of so many sequence numbers is no loss but another stream; begin anew.
const RESYNC_JUMP: u64 = 3000;

/// After so many packets in a row from before what was given out, the sender has begun anew; so do we.
const RESYNC_LATE: u32 = 100;

/// How patient the assembler is. Longer waits repair more and freeze longer; a key frame asked for too early costs a
/// round trip, a burst, and sharpness.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AssemblerConfig {
    /// Wait for a repair before the round trip is known.
    pub initial_wait: Duration,
    /// Never wait less than this.
    pub shortest_wait: Duration,
    /// Never wait longer than this.
    pub longest_wait: Duration,
    /// How long a packet may merely be out of order: a complete key frame behind a hole is shown after this.
    pub reorder: Duration,
    /// Ask again for a key frame after so long without one.
    pub keyframe_retry: Duration,
}

impl Default for AssemblerConfig {
    fn default() -> Self {
        Self {
            initial_wait: Duration::from_millis(300),
            shortest_wait: Duration::from_millis(150),
            longest_wait: Duration::from_millis(600),
            reorder: Duration::from_millis(30),
            keyframe_retry: Duration::from_millis(500),
        }
    }
}

/// One packet of the stream, with its repairs already put back under their own numbers (RFC 4588).
#[derive(Clone, Debug)]
pub struct RtpInput {
    /// As on the wire.
    pub sequence: u16,
    /// As on the wire, 90 kHz.
    pub timestamp: u32,
    /// The last packet of its picture.
    pub marker: bool,
    /// The RTP payload.
    pub payload: Bytes,
}

/// What comes out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AssemblerOutput {
    /// The next picture for the decoder.
    Frame(AssembledFrame),
    /// Nothing more can be shown before a key frame: ask the sender for one.
    NeedKeyframe,
}

/// One whole picture.
#[derive(Clone, PartialEq, Eq)]
pub struct AssembledFrame {
    /// Annex B.
    pub data: Vec<u8>,
    /// Needs no other picture.
    pub keyframe: bool,
    /// When it was taken, on the stream's media clock.
    pub timestamp: VideoTimestamp,
    /// Of how many packets it was made.
    pub packets: u32,
    /// When its first packet came.
    pub first_arrival: Instant,
    /// When its last packet came.
    pub last_arrival: Instant,
}

impl std::fmt::Debug for AssembledFrame {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("AssembledFrame")
            .field("bytes", &self.data.len())
            .field("keyframe", &self.keyframe)
            .field("timestamp", &self.timestamp.0)
            .field("packets", &self.packets)
            .finish_non_exhaustive()
    }
}

/// Counts since the beginning.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct AssemblerStats {
    /// Packets taken in, of any kind.
    pub packets: u64,
    /// Packets that had been there before.
    pub duplicates: u64,
    /// Packets that came after their frame was given out or given up.
    pub late: u64,
    /// Packets that filled a hole: repaired, or merely out of order.
    pub filled: u64,
    /// Packets never seen when their frame was given up.
    pub lost: u64,
    /// Frames given out.
    pub frames: u64,
    /// Of those, key frames.
    pub keyframes: u64,
    /// Times a hole was given up after its deadline.
    pub given_up: u64,
    /// Times a key frame let frames before it be left out.
    pub skips: u64,
    /// Pictures whose payloads broke RFC 6184.
    pub malformed: u64,
    /// Key frames asked for.
    pub keyframe_requests: u64,
    /// Frames that had to wait for a hole to be filled.
    pub waits: u64,
    /// The longest of those waits.
    pub longest_wait: Duration,
}

/// Puts the packets of one stream together. See the module.
#[derive(Debug)]
pub struct FrameAssembler {
    config: AssemblerConfig,
    wait: Duration,
    unwrapper: SequenceUnwrapper,
    timestamps: TimestampUnwrapper<90_000>,
    buffer: PacketBuffer,
    /// The number the next frame begins with; `None` while waiting for a key frame.
    next: Option<u64>,
    /// Everything below was given out.
    floor: u64,
    /// Since when a key frame is waited for.
    keyframe_wanted_since: Option<Instant>,
    asked_at: Option<Instant>,
    /// Parts of a key frame that are here may yet become one.
    keyframe_under_way: bool,
    /// The hole at the head was there at this time.
    held_since: Option<Instant>,
    consecutive_late: u32,
    outputs: VecDeque<AssemblerOutput>,
    stats: AssemblerStats,
}

impl FrameAssembler {
    /// Waits for a first key frame.
    pub fn new(config: AssemblerConfig) -> Self {
        Self {
            config,
            wait: config.initial_wait,
            unwrapper: SequenceUnwrapper::new(),
            timestamps: TimestampUnwrapper::new(),
            buffer: PacketBuffer::default(),
            next: None,
            floor: 0,
            keyframe_wanted_since: None,
            asked_at: None,
            keyframe_under_way: true,
            held_since: None,
            consecutive_late: 0,
            outputs: VecDeque::new(),
            stats: AssemblerStats::default(),
        }
    }

    /// Tells the round trip to the sender of repairs; the wait becomes three of them and what asking takes: long enough
    /// for a repair that was lost itself. A key frame would not be here sooner.
    pub fn set_round_trip(&mut self, round_trip: Duration) {
        const ASKING: Duration = Duration::from_millis(150);
        self.wait = (round_trip * 3 + ASKING).clamp(self.config.shortest_wait, self.config.longest_wait);
    }

    /// How long a hole is waited for at present.
    pub fn repair_wait(&self) -> Duration {
        self.wait
    }

    /// Counts since the beginning.
    pub fn stats(&self) -> AssemblerStats {
        self.stats
    }

    /// Takes a packet that came at `now`.
    pub fn insert(&mut self, now: Instant, packet: RtpInput) {
        self.stats.packets += 1;
        let mut number = self.unwrapper.unwrap(packet.sequence);
        if number < self.next.unwrap_or(self.floor) {
            self.stats.late += 1;
            self.consecutive_late += 1;
            if self.consecutive_late < RESYNC_LATE {
                return;
            }
            number = self.resynchronise(packet.sequence);
        } else if self.buffer.highest().is_some_and(|highest| number > highest + RESYNC_JUMP) {
            number = self.resynchronise(packet.sequence);
        }
        self.consecutive_late = 0;
        let timestamp = self.timestamps.unwrap(packet.timestamp);
        let stored = Stored::new(timestamp, packet.marker, packet.payload, now);
        match self.buffer.insert(now, number, stored) {
            buffer::Insertion::Duplicate => self.stats.duplicates += 1,
            buffer::Insertion::FilledHole => self.stats.filled += 1,
            buffer::Insertion::New => {}
        }
        self.advance(now);
    }

    /// The next frame or request. To be called until it gives nothing, after every packet and at
    /// [`Self::next_deadline`].
    pub fn poll(&mut self, now: Instant) -> Option<AssemblerOutput> {
        if self.outputs.is_empty() {
            self.advance(now);
        }
        self.outputs.pop_front()
    }

    /// When [`Self::poll`] has something to decide even though no packet comes.
    pub fn next_deadline(&self) -> Option<Instant> {
        match self.next {
            Some(next) => self.buffer.first_hole(next).map(|(_, noticed)| {
                let skips = self.buffer.complete_keyframe_after(next).is_some();
                noticed + if skips { self.config.reorder } else { self.wait }
            }),
            None => self.next_request(),
        }
    }

    fn resynchronise(&mut self, sequence: u16) -> u64 {
        self.unwrapper = SequenceUnwrapper::new();
        self.timestamps = TimestampUnwrapper::new();
        self.buffer = PacketBuffer::default();
        self.next = None;
        self.floor = 0;
        self.keyframe_under_way = true;
        self.held_since = None;
        self.unwrapper.unwrap(sequence)
    }

    fn advance(&mut self, now: Instant) {
        loop {
            let progressed = match self.next {
                Some(next) => self.advance_frame(now, next),
                None => self.begin_at_keyframe(now),
            };
            if !progressed {
                return;
            }
        }
    }

    /// Gives out, skips or gives up at the head; `false` when there is nothing to do but wait.
    fn advance_frame(&mut self, now: Instant, next: u64) -> bool {
        match self.buffer.scan(next) {
            Scan::Complete { last } => {
                if let Some(since) = self.held_since.take() {
                    self.stats.waits += 1;
                    self.stats.longest_wait = self.stats.longest_wait.max(now.saturating_duration_since(since));
                }
                self.give_out(now, next, last);
                true
            }
            Scan::Missing => {
                let Some((_, noticed)) = self.buffer.first_hole(next) else { return false };
                self.held_since.get_or_insert(noticed);
                let age = now.saturating_duration_since(noticed);
                if age >= self.config.reorder
                    && let Some(start) = self.buffer.complete_keyframe_after(next)
                {
                    self.stats.skips += 1;
                    self.leave_out(start);
                    return true;
                }
                if age < self.wait && !self.buffer.is_overfull() {
                    return false;
                }
                self.stats.given_up += 1;
                self.held_since = None;
                if let Some(start) = self.buffer.keyframe_start_after(next) {
                    self.leave_out(start);
                } else {
                    // The head goes, so that what was given up cannot be begun with again.
                    self.stats.lost += self.buffer.drop_before(next + 1);
                    self.want_keyframe(now);
                }
                true
            }
        }
    }

    fn leave_out(&mut self, start: u64) {
        self.stats.lost += self.buffer.drop_before(start);
        self.held_since = None;
        self.next = Some(start);
    }

    fn begin_at_keyframe(&mut self, now: Instant) -> bool {
        if let Some(start) = self.buffer.keyframe_start_after(0) {
            self.stats.lost += self.buffer.drop_before(start);
            // There is nothing else to show, so what is missing of it gets its full time again.
            self.buffer.refresh_holes(now);
            self.next = Some(start);
            self.keyframe_wanted_since = None;
            return true;
        }
        if self.buffer.highest().is_none() {
            return false;
        }
        self.keyframe_wanted_since.get_or_insert(now);
        if self.next_request().is_some_and(|due| now >= due) {
            self.asked_at = Some(now);
            self.stats.keyframe_requests += 1;
            self.outputs.push_back(AssemblerOutput::NeedKeyframe);
        }
        self.stats.lost += self.buffer.shorten();
        false
    }

    /// When a key frame is to be asked for next: at once after a loss; at the beginning of a stream a moment later, when
    /// its first packets may have been overtaken, and later still when parts of a key frame are here and its beginning
    /// may yet be repaired; and again when asking did not help.
    fn next_request(&self) -> Option<Instant> {
        let since = self.keyframe_wanted_since?;
        let first = match self.keyframe_under_way {
            false => since,
            true if self.buffer.holds_keyframe_parts() => since + self.wait,
            true => since + self.config.reorder,
        };
        Some(self.asked_at.map_or(first, |asked| first.max(asked + self.config.keyframe_retry)))
    }

    fn want_keyframe(&mut self, now: Instant) {
        self.next = None;
        self.keyframe_wanted_since = Some(now);
        self.keyframe_under_way = false;
    }

    fn give_out(&mut self, now: Instant, first: u64, last: u64) {
        self.next = Some(last + 1);
        self.floor = last + 1;
        let mut frame = AssembledFrame {
            data: Vec::new(),
            keyframe: false,
            timestamp: VideoTimestamp::default(),
            packets: 0,
            first_arrival: now,
            last_arrival: now,
        };
        let mut malformed = false;
        for packet in self.buffer.take(first, last) {
            malformed |= append_payload(&packet.payload, &mut frame.data).is_err();
            frame.keyframe |= packet.info.has_idr;
            frame.first_arrival =
                if frame.packets == 0 { packet.arrived } else { frame.first_arrival.min(packet.arrived) };
            frame.last_arrival =
                if frame.packets == 0 { packet.arrived } else { frame.last_arrival.max(packet.arrived) };
            frame.timestamp = packet.timestamp;
            frame.packets += 1;
        }
        if malformed {
            self.stats.malformed += 1;
            self.want_keyframe(now);
        } else if !frame.data.is_empty() {
            self.stats.frames += 1;
            self.stats.keyframes += u64::from(frame.keyframe);
            if frame.keyframe {
                self.asked_at = None;
            }
            self.outputs.push_back(AssemblerOutput::Frame(frame));
        }
    }
}

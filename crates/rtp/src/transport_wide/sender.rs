//! Remembers what was sent until the feedback tells what became of it.

use std::time::{Duration, Instant};

use crate::congestion::PacketResult;
use crate::wire::TransportFeedback;

/// Why a packet was sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SentKind {
    /// Sound or picture.
    Media,
    /// Sent again because it was asked for.
    Repair,
    /// Sent to find out what the link takes; the number of the cluster it belongs to.
    Probe(u32),
}

/// What became of one sent packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SentResult {
    /// Its transport-wide number, extended.
    pub number: u64,
    /// When it left, on this machine's clock, to a microsecond.
    pub sent: Instant,
    /// Whether it arrived.
    pub received: bool,
    /// When it arrived, on the receiver's clock.
    pub arrived: Option<Duration>,
    /// Size as noted.
    pub bytes: usize,
    /// It was sent again because it was asked for.
    pub repair: bool,
    /// The probe cluster it belongs to.
    pub probe: Option<u32>,
}

impl From<SentResult> for PacketResult {
    fn from(result: SentResult) -> Self {
        let SentResult { sent, received, arrived, bytes, probe, .. } = result;
        Self { sent, received, arrived, bytes, probe }
    }
}

/// What feedback has told so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TwccSenderStats {
    /// Packets told received.
    pub received: u64,
    /// Packets told lost.
    pub lost: u64,
    /// Of these, so many were told received later.
    pub corrections: u64,
    /// Reports on packets never sent, or sent too long ago.
    pub unknown: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Fate {
    #[default]
    Pending,
    Received,
    Lost,
}

/// 12 bytes, since every receiver of a call has a ring of them.
#[derive(Clone, Copy, Debug, Default)]
struct Sent {
    /// Microseconds since the origin, wrapping after 71 minutes: feedback comes earlier.
    micros: u32,
    probe: u32,
    bytes: u16,
    fate: Fate,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Kind {
    #[default]
    Media,
    Repair,
    Probe,
}

/// The sender's half for one transport. It gives out the numbers.
///
/// Invariant: a packet is told lost at most once and received at most once, in this order. One that no feedback spoke of
/// (the feedback itself was lost) is told neither.
#[derive(Debug)]
pub struct TwccSender {
    ring: Box<[Sent]>,
    /// What the microseconds count from: the first packet.
    origin: Option<Instant>,
    /// The number of the packet sent next. Begins above 65536 so that every 16-bit number has a place before it.
    next: u64,
    /// The first number.
    first: u64,
    /// Everything before was spoken of by feedback, or passed over.
    settled: u64,
    in_flight: usize,
    reference: Option<i64>,
    stats: TwccSenderStats,
}

impl TwccSender {
    /// `capacity` packets are remembered (12 bytes each; rounded up to a power of two, 64 to 32768): those of the
    /// longest time until feedback comes. 2048 are two seconds at 10 Mbit/s.
    pub fn new(capacity: usize) -> Self {
        let capacity = capacity.clamp(64, 1 << 15).next_power_of_two();
        let first = 1 << 16;
        Self {
            ring: vec![Sent::default(); capacity].into_boxed_slice(),
            origin: None,
            next: first,
            first,
            settled: first,
            in_flight: 0,
            reference: None,
            stats: TwccSenderStats::default(),
        }
    }

    /// Notes a packet that leaves now and gives it its number. `bytes` is its size on the wire, however the caller
    /// counts that.
    pub fn send(&mut self, now: Instant, bytes: usize, kind: SentKind) -> u16 {
        if self.next - self.settled >= self.ring.len() as u64 {
            self.settle(self.next + 1 - self.ring.len() as u64);
        }
        let micros = self.micros(now);
        let bytes = bytes.min(usize::from(u16::MAX)) as u16;
        let (kind, probe) = match kind {
            SentKind::Media => (Kind::Media, 0),
            SentKind::Repair => (Kind::Repair, 0),
            SentKind::Probe(cluster) => (Kind::Probe, cluster),
        };
        let number = self.next;
        *self.slot(number) = Sent { micros, probe, bytes, fate: Fate::Pending, kind };
        self.in_flight += usize::from(bytes);
        self.next += 1;
        number as u16
    }

    /// The number the next packet will get.
    pub const fn next_number(&self) -> u16 {
        self.next as u16
    }

    /// Bytes sent after the last packet that feedback spoke of.
    pub const fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// What feedback has told so far.
    pub const fn stats(&self) -> TwccSenderStats {
        self.stats
    }

    /// Takes feedback; appends what it tells anew, in order of sending.
    pub fn on_feedback(&mut self, now: Instant, feedback: &TransportFeedback<'_>, results: &mut Vec<SentResult>) {
        let mut ticks = self.unwrap_reference(feedback.reference()) * 256;
        let Some(base) = self.number(feedback.base()) else {
            self.stats.unknown += 1;
            return;
        };
        let now_micros = self.micros(now);
        let oldest = self.next.saturating_sub(self.ring.len() as u64);
        for (number, (_, delta)) in (base..self.next).zip(feedback.packets()) {
            ticks += i64::from(delta.unwrap_or(0));
            if number < oldest {
                self.stats.unknown += 1;
                continue;
            }
            let sent = self.slot(number);
            let known = sent.fate;
            let fate = if delta.is_some() { Fate::Received } else { Fate::Lost };
            if known == Fate::Received || known == fate {
                continue;
            }
            sent.fate = fate;
            let Sent { micros, probe, bytes, kind, .. } = *sent;
            match (known, fate) {
                (_, Fate::Lost) => self.stats.lost += 1,
                (Fate::Lost, _) => {
                    self.stats.corrections += 1;
                    self.stats.received += 1;
                }
                _ => self.stats.received += 1,
            }
            let ago = Duration::from_micros(u64::from(now_micros.wrapping_sub(micros)));
            results.push(SentResult {
                number,
                sent: now.checked_sub(ago).unwrap_or(now),
                received: delta.is_some(),
                arrived: delta.map(|_| Duration::from_micros(ticks.max(0) as u64 * 250)),
                bytes: usize::from(bytes),
                repair: kind == Kind::Repair,
                probe: (kind == Kind::Probe).then_some(probe),
            });
            self.settle(number + 1);
        }
    }

    /// The extended number of a packet that was sent.
    fn number(&self, sequence: u16) -> Option<u64> {
        let back = u64::from((self.next as u16).wrapping_sub(sequence));
        let number = self.next - back;
        ((1..=0x8000).contains(&back) && number >= self.first).then_some(number)
    }

    /// Counts the reference on, past its 24 bits. Far above zero, so that an older feedback has a place too.
    fn unwrap_reference(&mut self, reference: u32) -> i64 {
        let reference = i64::from(reference);
        let extended = match self.reference {
            None => (1 << 24) + reference,
            Some(last) => {
                // The difference as 24 bits with a sign.
                let distance = ((reference - last) as i32) << 8 >> 8;
                last + i64::from(distance)
            }
        };
        self.reference = Some(self.reference.map_or(extended, |last| last.max(extended)));
        extended
    }

    fn settle(&mut self, until: u64) {
        while self.settled < until.min(self.next) {
            let bytes = usize::from(self.slot(self.settled).bytes);
            self.in_flight = self.in_flight.saturating_sub(bytes);
            self.settled += 1;
        }
    }

    fn micros(&mut self, moment: Instant) -> u32 {
        let origin = *self.origin.get_or_insert(moment);
        moment.saturating_duration_since(origin).as_micros() as u32
    }

    fn slot(&mut self, number: u64) -> &mut Sent {
        let mask = self.ring.len() as u64 - 1;
        &mut self.ring[(number & mask) as usize]
    }
}

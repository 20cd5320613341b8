//! Repairs: what a slot sent and from where, so that a packet can be found again in its source's history.

use std::time::{Duration, Instant};

use confab_rtp::codec::{Rewrite, VideoCodec};

use crate::arena::Key;

/// Packets remembered for each slot: over a second of the dearest layer we send at most, and in the beginning few, because
/// most slots carry small pictures.
const MOST_REMEMBERED: usize = 512;
const FIRST_REMEMBERED: usize = 32;

/// The memory grows until it is this long.
const REMEMBERED_FOR: Duration = Duration::from_secs(1);

/// Streams a slot may have carried within that time.
const ORIGINS: usize = 8;

/// A packet asked for again so soon is asked for by the same wish; its repair is on its way. Shorter than the time after
/// which clients say a wish a second time, because the second repair is meant to be sent.
const SAME_WISH: Duration = Duration::from_millis(8);

/// A stream that a slot carried.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Origin {
    pub(crate) publisher: Key,
    pub(crate) track: usize,
    pub(crate) layer: usize,
    pub(crate) epoch: u32,
}

/// One packet as it was sent.
#[derive(Clone, Copy)]
pub(crate) struct Sent {
    /// Its extended number on the slot.
    pub(crate) out: u64,
    /// Its extended number on the stream it came from.
    pub(crate) incoming: u64,
    pub(crate) timestamp: u32,
    pub(crate) repair_payload_type: u8,
    /// `None` for sound.
    pub(crate) codec: Option<VideoCodec>,
    marker: bool,
    picture_id: Option<u16>,
    tl0: Option<u8>,
    frame_number: Option<u16>,
    active_targets: Option<u32>,
    origin: u8,
    repeated: Option<Instant>,
}

impl Sent {
    /// A packet that leaves as `out` and came as `incoming`, changed by `changes`.
    pub(crate) fn new(
        (out, incoming): (u64, u64),
        timestamp: u32,
        repair_payload_type: u8,
        codec: Option<VideoCodec>,
        changes: Option<&Rewrite>,
    ) -> Self {
        Self {
            out,
            incoming,
            timestamp,
            repair_payload_type,
            codec: codec.filter(|_| changes.is_some()),
            marker: changes.is_some_and(|changes| changes.marker),
            picture_id: changes.and_then(|changes| changes.picture_id),
            tl0: changes.and_then(|changes| changes.tl0),
            frame_number: changes.and_then(|changes| changes.frame_number),
            active_targets: changes.and_then(|changes| changes.active_targets),
            origin: 0,
            repeated: None,
        }
    }

    /// What was changed in it; `None` for sound.
    pub(crate) fn rewrite(&self) -> Option<Rewrite> {
        self.codec?;
        Some(Rewrite {
            sequence: self.incoming,
            marker: self.marker,
            picture_id: self.picture_id,
            tl0: self.tl0,
            frame_number: self.frame_number,
            active_targets: self.active_targets,
        })
    }
}

/// What is known of a packet that a receiver misses.
#[derive(Clone, Copy)]
pub(crate) enum Wish {
    /// It may be sent again.
    Granted(Sent, Origin),
    /// It was sent again a moment ago.
    OnItsWay,
    /// It was never sent, or too long ago.
    Unknown,
}

/// What one slot sent lately.
#[derive(Default)]
pub(crate) struct SentLog {
    /// By number, modulo its length; empty until something was sent.
    packets: Vec<Option<Sent>>,
    /// When the numbers came round to its beginning last.
    came_round: Option<Instant>,
    origins: Vec<Origin>,
    newest_origin: usize,
    highest: u64,
    repeats: u64,
}

impl SentLog {
    /// Notes a packet.
    pub(crate) fn note(&mut self, now: Instant, sent: Sent, origin: Origin) {
        self.make_room(now, sent.out);
        let origin = self.place_of(origin);
        // What comes late was most likely asked for before it left, and that wish is granted.
        let repeated = (sent.out < self.highest).then_some(now);
        self.highest = self.highest.max(sent.out);
        let place = sent.out as usize % self.packets.len();
        self.packets[place] = Some(Sent { origin, repeated, ..sent });
    }

    /// Doubles the memory while what it holds is overwritten too soon.
    fn make_room(&mut self, now: Instant, out: u64) {
        let length = self.packets.len();
        if length == 0 {
            self.packets.resize(FIRST_REMEMBERED, None);
            self.came_round = Some(now);
        } else if out / length as u64 > self.highest / length as u64 {
            let since = self.came_round.replace(now);
            let too_soon = since.is_some_and(|since| now.saturating_duration_since(since) < REMEMBERED_FOR);
            if too_soon && length < MOST_REMEMBERED {
                let before = std::mem::take(&mut self.packets);
                self.packets.resize(length * 2, None);
                for sent in before.into_iter().flatten() {
                    self.packets[sent.out as usize % (length * 2)] = Some(sent);
                }
            }
        }
    }

    fn place_of(&mut self, origin: Origin) -> u8 {
        if self.origins.get(self.newest_origin) != Some(&origin) {
            if self.origins.len() < ORIGINS {
                self.newest_origin = self.origins.len();
                self.origins.push(origin);
            } else {
                self.newest_origin = (self.newest_origin + 1) % ORIGINS;
                self.origins[self.newest_origin] = origin;
                // What came from the stream that gave way cannot be found any more.
                let gone = self.newest_origin as u8;
                for packet in self.packets.iter_mut().filter(|packet| packet.is_some_and(|sent| sent.origin == gone)) {
                    *packet = None;
                }
            }
        }
        self.newest_origin as u8
    }

    /// The number of a packet to repeat where repeats are wanted for their size: the newest ones in turn.
    pub(crate) fn next_repeat(&mut self) -> Option<u16> {
        /// Repeats go round among so many.
        const ROUND: u64 = 16;
        if self.packets.is_empty() {
            return None;
        }
        self.repeats += 1;
        Some(self.highest.checked_sub(self.repeats % ROUND)? as u16)
    }

    fn place(&self, out: u64) -> Option<usize> {
        (out as usize).checked_rem(self.packets.len())
    }

    /// What was sent under this number and where it came from.
    pub(crate) fn sent(&self, sequence: u16) -> Option<(Sent, Origin)> {
        let behind = (self.highest as u16).wrapping_sub(sequence);
        let out = self.highest.checked_sub(u64::from(behind))?;
        let sent = self.packets.get(self.place(out)?)?.filter(|sent| sent.out == out)?;
        Some((sent, *self.origins.get(usize::from(sent.origin))?))
    }

    /// The same for a repair, when it may be sent again now. A wish that comes within a round trip of the last repair was
    /// said before that can have arrived.
    pub(crate) fn wanted(&self, now: Instant, round_trip: Option<Duration>, sequence: u16) -> Wish {
        let Some((sent, origin)) = self.sent(sequence) else { return Wish::Unknown };
        // Not quite all of it, since it is a mean.
        let same_wish = round_trip.map_or(SAME_WISH, |round_trip| SAME_WISH.max(round_trip * 3 / 4));
        match sent.repeated {
            Some(at) if now.saturating_duration_since(at) < same_wish => Wish::OnItsWay,
            _ => Wish::Granted(sent, origin),
        }
    }

    /// The same for one that was lost, having been sent again at this time.
    pub(crate) fn lost_again(&self, left: Instant, sequence: u16) -> Wish {
        match self.sent(sequence) {
            Some((sent, origin)) if sent.repeated == Some(left) => Wish::Granted(sent, origin),
            Some(_) => Wish::OnItsWay,
            None => Wish::Unknown,
        }
    }

    /// Notes when a packet was sent again last; `None` when that came to nothing.
    pub(crate) fn set_repeated(&mut self, out: u64, at: Option<Instant>) {
        let Some(place) = self.place(out) else { return };
        if let Some(sent) = self.packets[place].as_mut().filter(|sent| sent.out == out) {
            sent.repeated = at;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arena::Arena;

    fn granted(wish: Wish) -> Option<(Sent, Origin)> {
        match wish {
            Wish::Granted(sent, origin) => Some((sent, origin)),
            Wish::OnItsWay | Wish::Unknown => None,
        }
    }

    fn origins() -> [Origin; 2] {
        let mut arena = Arena::new();
        [(), ()].map(|()| Origin { publisher: arena.insert(()), track: 0, layer: 0, epoch: 1 })
    }

    #[test]
    fn what_was_sent_is_found_with_where_it_came_from() {
        let (mut log, now) = (SentLog::default(), Instant::now());
        let [ann, bob] = origins();
        assert!(granted(log.wanted(now, None, 5)).is_none());
        log.note(now, Sent::new((65_530, 1_000), 7, 103, None, None), ann);
        log.note(now, Sent::new((65_540, 3), 9, 103, None, None), bob);
        let (sent, origin) = granted(log.wanted(now, None, 65_530)).unwrap();
        assert_eq!((sent.incoming, sent.timestamp, origin), (1_000, 7, ann));
        let (sent, origin) = granted(log.wanted(now, None, 4)).expect("beyond the wrap");
        assert_eq!((sent.out, sent.incoming, origin), (65_540, 3, bob));
        assert!(granted(log.wanted(now, None, 3)).is_none(), "never sent");
    }

    #[test]
    fn a_wish_is_granted_until_a_repair_is_sent_and_again_when_that_must_have_come() {
        let (mut log, now) = (SentLog::default(), Instant::now());
        log.note(now, Sent::new((9, 9), 9, 103, None, None), origins()[0]);
        let after = |milliseconds| now + Duration::from_millis(milliseconds);
        assert!(granted(log.wanted(now, None, 9)).is_some());
        assert!(granted(log.wanted(now, None, 9)).is_some(), "nothing was sent so far");
        log.set_repeated(9, Some(now));
        assert!(matches!(log.wanted(after(2), None, 9), Wish::OnItsWay));
        assert!(granted(log.wanted(after(20), None, 9)).is_some());
        let round_trip = Some(Duration::from_millis(100));
        assert!(matches!(log.wanted(after(70), round_trip, 9), Wish::OnItsWay));
        assert!(granted(log.wanted(after(80), round_trip, 9)).is_some());
        log.set_repeated(9, None);
        assert!(granted(log.wanted(after(2), round_trip, 9)).is_some(), "its repair was dropped");
        log.note(now, Sent::new((8, 8), 9, 103, None, None), origins()[0]);
        assert!(matches!(log.wanted(now, None, 8), Wish::OnItsWay), "it came late, and is on the way by itself");
    }

    #[test]
    fn what_was_lost_again_is_granted_unless_it_was_sent_since() {
        let (mut log, now) = (SentLog::default(), Instant::now());
        log.note(now, Sent::new((9, 9), 9, 103, None, None), origins()[0]);
        log.set_repeated(9, Some(now));
        assert!(granted(log.lost_again(now, 9)).is_some());
        let later = now + Duration::from_millis(50);
        log.set_repeated(9, Some(later));
        assert!(matches!(log.lost_again(now, 9), Wish::OnItsWay));
        assert!(granted(log.lost_again(later, 9)).is_some());
        assert!(matches!(log.lost_again(later, 10), Wish::Unknown));
    }

    #[test]
    fn old_packets_and_those_of_long_gone_streams_are_forgotten() {
        let (mut log, now) = (SentLog::default(), Instant::now());
        let [ann, _] = origins();
        for out in 0..1_000_u64 {
            let now = now + Duration::from_millis(out);
            log.note(now, Sent::new((out, out), 0, 103, None, None), ann);
        }
        assert!(granted(log.wanted(now, None, 487)).is_none());
        assert!(granted(log.wanted(now, None, 488)).is_some());
        for layer in 1..=ORIGINS {
            log.note(now, Sent::new((999 + layer as u64, 0), 0, 103, None, None), Origin { layer, ..ann });
        }
        assert!(granted(log.wanted(now, None, 900)).is_none(), "its stream gave way to others");
        assert!(granted(log.wanted(now, None, 1_000)).is_some());
    }

    #[test]
    fn a_second_is_remembered_at_any_rate_up_to_the_dearest_layers() {
        let begin = Instant::now();
        for per_second in [10, 20, 50, 100, 250, 500] {
            let (mut log, [ann, _]) = (SentLog::default(), origins());
            let mut now = begin;
            for out in 0..per_second * 4 {
                now = begin + Duration::from_secs(1) * out as u32 / per_second as u32;
                log.note(now, Sent::new((out, out), 0, 103, None, None), ann);
                let second_ago = out.saturating_sub(per_second.min(out));
                let remembered = log.sent(second_ago as u16).is_some();
                assert!(remembered || out - second_ago >= 512, "{per_second} a second, number {second_ago} of {out}");
            }
            assert!(log.packets.len() as u64 <= (per_second * 4).clamp(32, 512), "{}", log.packets.len());
            assert!(granted(log.wanted(now, None, (per_second * 4 - 1) as u16)).is_some());
        }
    }
}

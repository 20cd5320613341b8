//! The last packets of one source, kept once for all who receive it.
//!
//! ```text
//!  slots by number   [ 7 ][ 8 ][   ][10 ][ 3 ][ 4 ]...      each points into the bytes
//!  bytes, a ring     [....payload 9|payload 10|    free    |payload 3|payload 4|payload 5....]
//!                                             ^ head                 ^ oldest
//! ```

use std::collections::VecDeque;
use std::time::{Duration, Instant};

const FIRST_SLOTS: usize = 64;
const FIRST_BYTES: usize = 16 << 10;

/// What a history keeps at most.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HistoryConfig {
    /// Packets; rounded up to a power of two, at least 64.
    pub packets: usize,
    /// Bytes of payload; at least 16 KiB.
    pub bytes: usize,
    /// What is older is of no use to anybody.
    pub age: Duration,
}

impl Default for HistoryConfig {
    /// Two seconds of 4 Mbit/s.
    fn default() -> Self {
        Self { packets: 1024, bytes: 2 << 20, age: Duration::from_secs(2) }
    }
}

#[derive(Clone, Copy, Debug)]
struct Slot<F> {
    number: u64,
    at: Instant,
    timestamp: u32,
    offset: u32,
    len: u32,
    marker: bool,
    facts: F,
}

/// A place in the ring of bytes, in the order of writing.
#[derive(Clone, Copy, Debug)]
struct Region {
    number: u64,
    offset: u32,
    len: u32,
}

/// A packet as it is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StoredPacket<'a, F> {
    /// Its number at the source, without the wrap.
    pub number: u64,
    /// When it was stored.
    pub at: Instant,
    /// Its RTP timestamp at the source.
    pub timestamp: u32,
    /// Its marker at the source.
    pub marker: bool,
    /// What the caller wanted to know of its header again.
    pub facts: F,
    /// Its payload, to be copied from here into a datagram.
    pub payload: &'a [u8],
}

/// The last packets of one source. `F` is what the caller picks from each header (layer, level, ...).
///
/// It grows to what the source needs within [`HistoryConfig`]; from then on nothing is allocated. What is younger than
/// the age is kept as long as the other two limits allow.
#[derive(Debug)]
pub struct PacketHistory<F> {
    config: HistoryConfig,
    /// By number; a power of two of them.
    slots: Vec<Option<Slot<F>>>,
    bytes: Vec<u8>,
    regions: VecDeque<Region>,
    head: usize,
}

impl<F: Copy> PacketHistory<F> {
    /// Empty, and without memory until the first packet.
    pub fn new(config: HistoryConfig) -> Self {
        let config = HistoryConfig {
            packets: config.packets.clamp(FIRST_SLOTS, 1 << 16).next_power_of_two(),
            bytes: config.bytes.clamp(FIRST_BYTES, 1 << 30),
            age: config.age,
        };
        Self { config, slots: Vec::new(), bytes: Vec::new(), regions: VecDeque::new(), head: 0 }
    }

    /// Keeps a packet. `false` when it is kept already, is older than what stands in its place, or is larger than all the
    /// room.
    pub fn insert(
        &mut self,
        now: Instant,
        number: u64,
        timestamp: u32,
        marker: bool,
        facts: F,
        payload: &[u8],
    ) -> bool {
        self.expire(now);
        if !self.make_slot(number) {
            return false;
        }
        // An empty payload takes a byte too, so that the head stands on the oldest only when the ring is empty.
        let taken = payload.len().max(1);
        let Some(start) = self.make_room(taken) else { return false };
        self.bytes[start..start + payload.len()].copy_from_slice(payload);
        self.head = start + taken;
        let (offset, len) = (start as u32, payload.len() as u32);
        self.regions.push_back(Region { number, offset, len: taken as u32 });
        let place = self.place(number);
        self.slots[place] = Some(Slot { number, at: now, timestamp, offset, len, marker, facts });
        true
    }

    /// The packet with this number, if it is still kept.
    pub fn get(&self, now: Instant, number: u64) -> Option<StoredPacket<'_, F>> {
        if self.slots.is_empty() {
            return None;
        }
        let slot = self.slots[self.place(number)].as_ref().filter(|slot| slot.number == number)?;
        if now.saturating_duration_since(slot.at) > self.config.age {
            return None;
        }
        let payload = self.bytes.get(slot.offset as usize..(slot.offset + slot.len) as usize)?;
        let Slot { number, at, timestamp, marker, facts, .. } = *slot;
        Some(StoredPacket { number, at, timestamp, marker, facts, payload })
    }

    /// Forgets everything and keeps the memory: the source began anew.
    pub fn clear(&mut self) {
        self.slots.fill_with(|| None);
        self.regions.clear();
        self.head = 0;
    }

    /// How many packets are kept.
    pub fn len(&self) -> usize {
        self.regions.len()
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.regions.is_empty()
    }

    /// Bytes of memory taken, the growth left.
    pub fn memory(&self) -> usize {
        self.bytes.capacity()
            + self.slots.capacity() * size_of::<Option<Slot<F>>>()
            + self.regions.capacity() * size_of::<Region>()
    }

    fn place(&self, number: u64) -> usize {
        (number & (self.slots.len() as u64 - 1)) as usize
    }

    fn expire(&mut self, now: Instant) {
        while let Some(oldest) = self.regions.front() {
            let place = self.place(oldest.number);
            let old = match &self.slots[place] {
                Some(slot) if slot.number == oldest.number => now.saturating_duration_since(slot.at) > self.config.age,
                _ => true,
            };
            if !old {
                return;
            }
            self.drop_oldest();
        }
        self.head = 0;
    }

    fn drop_oldest(&mut self) {
        if let Some(oldest) = self.regions.pop_front() {
            let place = self.place(oldest.number);
            if self.slots[place].as_ref().is_some_and(|slot| slot.number == oldest.number) {
                self.slots[place] = None;
            }
        }
    }

    /// Makes sure this number has a slot; `false` when it is not to be kept.
    fn make_slot(&mut self, number: u64) -> bool {
        if self.slots.is_empty() {
            self.slots.resize_with(FIRST_SLOTS, || None);
            self.regions.reserve(FIRST_SLOTS);
        }
        while let Some(other) = &self.slots[self.place(number)] {
            if other.number == number || (other.number > number && self.slots.len() == self.config.packets) {
                return false;
            }
            if self.slots.len() == self.config.packets {
                // The one before stays in the regions until its turn comes.
                break;
            }
            self.grow_slots();
        }
        while self.regions.len() >= self.config.packets {
            self.drop_oldest();
        }
        true
    }

    fn grow_slots(&mut self) {
        let doubled = self.slots.len() * 2;
        let old = std::mem::take(&mut self.slots);
        self.slots.resize_with(doubled, || None);
        for slot in old.into_iter().flatten() {
            let place = self.place(slot.number);
            self.slots[place] = Some(slot);
        }
    }

    /// A place for so many bytes, for which the oldest may have to go.
    fn make_room(&mut self, len: usize) -> Option<usize> {
        if len > self.config.bytes / 2 {
            return None;
        }
        loop {
            if let Some(offset) = self.free_place(len) {
                return Some(offset);
            }
            if self.bytes.len() < self.config.bytes {
                self.grow_bytes();
            } else {
                self.drop_oldest();
            }
        }
    }

    fn free_place(&self, len: usize) -> Option<usize> {
        let size = self.bytes.len();
        let Some(oldest) = self.regions.front().map(|region| region.offset as usize) else {
            return (len <= size).then_some(0);
        };
        if self.head > oldest {
            if self.head + len <= size {
                return Some(self.head);
            }
            // Behind the end is the front; it must not reach the oldest, or full would look like empty.
            return (len < oldest).then_some(0);
        }
        (self.head + len < oldest).then_some(self.head)
    }

    /// Doubles the ring and lays what is kept out from its front.
    fn grow_bytes(&mut self) {
        let size = (self.bytes.len() * 2).clamp(FIRST_BYTES, self.config.bytes);
        let old = std::mem::replace(&mut self.bytes, vec![0; size]);
        let mut head = 0;
        for index in 0..self.regions.len() {
            let Region { number, offset, len } = self.regions[index];
            let (from, length) = (offset as usize, len as usize);
            self.bytes[head..head + length].copy_from_slice(&old[from..from + length]);
            self.regions[index].offset = head as u32;
            let place = self.place(number);
            if let Some(slot) = self.slots[place].as_mut().filter(|slot| slot.number == number) {
                slot.offset = head as u32;
            }
            head += length;
        }
        self.head = head;
    }
}

#[cfg(test)]
mod tests;

//! From one packet to its audience. A few receivers get theirs at once. For many, packets are parked, and the audience is
//! gone through in parts, each getting all that is parked: the first receivers do not wait for the last one's copies, and
//! what is known of a receiver is fetched from memory once for a picture instead of once for a packet.

use std::collections::VecDeque;
use std::time::Instant;

use super::forward::{Head, Incoming};
use crate::arena::Key;
use crate::sfu::Sfu;

/// A larger audience is gone through in parts of so many.
const PART: usize = 32;
/// Packets parked at most. A picture has tens of them; what comes more at once does not wait for all of it.
const PARKED: usize = 64;

/// Packets that wait for their audience.
#[derive(Default)]
pub(crate) struct Parking {
    packets: VecDeque<Parked>,
    /// Memory for more.
    free: Vec<Vec<u8>>,
    /// How many of the audience of the first ones had theirs.
    served: usize,
}

struct Parked {
    head: Head,
    /// The descriptor, then the payload.
    bytes: Vec<u8>,
    descriptor: Option<usize>,
}

impl Parked {
    fn incoming(&self) -> Incoming<'_> {
        let (descriptor, payload) = self.bytes.split_at(self.descriptor.unwrap_or(0));
        Incoming { head: &self.head, descriptor: self.descriptor.map(|_| descriptor), payload }
    }

    /// The track whose subscribers it is for.
    fn of(&self) -> (Key, usize) {
        (self.head.origin.publisher, self.head.origin.track)
    }
}

impl Parking {
    fn park(&mut self, head: Head, descriptor: Option<&[u8]>, payload: &[u8]) {
        let mut bytes = self.free.pop().unwrap_or_default();
        bytes.clear();
        bytes.extend_from_slice(descriptor.unwrap_or_default());
        bytes.extend_from_slice(payload);
        self.packets.push_back(Parked { head, bytes, descriptor: descriptor.map(<[u8]>::len) });
    }
}

impl Sfu {
    /// Hands a packet to its audience, or parks it if that is large.
    pub(super) fn fan_out(&mut self, now: Instant, head: Head, descriptor: Option<&[u8]>, payload: &[u8]) {
        let (from, track) = (head.origin.publisher, head.origin.track);
        let audience = self.members.get(from).and_then(|member| member.tracks.get(track));
        if audience.is_some_and(|track| track.subscribers.len() > PART) {
            if self.parking.packets.len() >= PARKED {
                self.fan_out_all(now);
            }
            return self.parking.park(head, descriptor, payload);
        }
        let incoming = Incoming { head: &head, descriptor, payload };
        let subscribers = self.take_subscribers(from, track);
        let mut keyframe_needed = false;
        for subscriber in &subscribers {
            keyframe_needed |= self.hand_out(now, *subscriber, incoming);
        }
        self.give_subscribers_back(from, track, subscribers);
        if keyframe_needed {
            self.request_keyframe(now, from, track, head.origin.layer);
        }
    }

    /// Lets the next part of a large audience have what is parked for it. Call after each batch of input and send what
    /// [`Self::take_transmits`] gives after each call; [`Self::flush`] does what is left.
    ///
    /// # Returns
    /// Whether something was parked.
    pub fn fan_out_part(&mut self, now: Instant) -> bool {
        let mut parking = std::mem::take(&mut self.parking);
        let Some(of) = parking.packets.front().map(Parked::of) else {
            self.parking = parking;
            return false;
        };
        let (from, track) = of;
        let together = parking.packets.iter().take_while(|parked| parked.of() == of).count();
        let subscribers = self.take_subscribers(from, track);
        let end = subscribers.len().min(parking.served + PART);
        let mut stuck_layers = 0_u32;
        for subscriber in subscribers.get(parking.served..end).unwrap_or_default() {
            for parked in parking.packets.iter().take(together) {
                if self.hand_out(now, *subscriber, parked.incoming()) {
                    stuck_layers |= 1 << parked.head.origin.layer.min(31);
                }
            }
        }
        parking.served = end;
        if end == subscribers.len() {
            parking.served = 0;
            for parked in parking.packets.drain(..together) {
                parking.free.push(parked.bytes);
            }
        }
        self.give_subscribers_back(from, track, subscribers);
        self.parking = parking;
        for layer in 0..32 {
            if stuck_layers & (1 << layer) != 0 {
                self.request_keyframe(now, from, track, layer);
            }
        }
        true
    }

    /// Lets everybody have what is parked.
    pub(crate) fn fan_out_all(&mut self, now: Instant) {
        while self.fan_out_part(now) {}
    }

    pub(super) fn take_subscribers(&mut self, from: Key, track: usize) -> Vec<(Key, usize)> {
        let track = self.members.get_mut(from).and_then(|member| member.tracks.get_mut(track));
        track.map(|track| std::mem::take(&mut track.subscribers)).unwrap_or_default()
    }

    pub(super) fn give_subscribers_back(&mut self, from: Key, track: usize, subscribers: Vec<(Key, usize)>) {
        if let Some(track) = self.members.get_mut(from).and_then(|member| member.tracks.get_mut(track)) {
            track.subscribers = subscribers;
        }
    }
}

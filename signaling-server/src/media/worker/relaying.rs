//! Rooms that are on other workers too: links, and what goes over them.

use std::sync::atomic::Ordering;
use std::time::Instant;

use confab_sfu::Peer;

use super::Worker;
use crate::media::command::RoomId;

/// Batches taken in one turn, so that sockets and commands wait no longer than they have to; what is left is taken in the
/// next turn, which begins at once.
const BATCHES_A_TURN: usize = 64;

impl Worker {
    pub(super) fn link(&mut self, now: Instant, room: RoomId, peer: Peer) {
        let Some(outbox) = self.rooms.get_mut(&room) else { return };
        if outbox.peers.contains(&peer) {
            return;
        }
        match self.sfu.link_room(now, outbox.room, room.0, peer) {
            Ok(()) => outbox.peers.push(peer),
            Err(error) => tracing::error!(%error, "a room could not be linked with another worker's"),
        }
    }

    pub(super) fn unlink(&mut self, now: Instant, room: RoomId, peer: Peer) {
        if let Some(outbox) = self.rooms.get_mut(&room) {
            outbox.peers.retain(|known| *known != peer);
            self.sfu.unlink_room(now, outbox.room, peer);
        }
    }

    /// Parts from workers that have ended, and begins anew with those that did not keep up and do again.
    pub(super) fn mend_links(&mut self) {
        while let Some(peer) = self.crossing.next_ended() {
            for room in self.rooms_shared_with(peer) {
                self.unlink(Instant::now(), room, peer);
            }
        }
        while let Some(peer) = self.crossing.next_mendable() {
            for room in self.rooms_shared_with(peer) {
                self.unlink(Instant::now(), room, peer);
                self.link(Instant::now(), room, peer);
            }
        }
    }

    fn rooms_shared_with(&self, peer: Peer) -> Vec<RoomId> {
        let shared = self.rooms.iter().filter(|(_, outbox)| outbox.peers.contains(&peer));
        shared.map(|(room, _)| *room).collect()
    }

    /// Takes in what other workers relayed.
    pub(super) fn take_relayed(&mut self) {
        self.crossing.look();
        for _ in 0..BATCHES_A_TURN {
            let Some(batch) = self.crossing.take() else { break };
            self.sfu.handle_relayed(Instant::now(), batch.peer, &batch.contents);
            self.crossing.give_back(batch);
            self.fan_out();
        }
    }

    /// Hands over what the core relays.
    pub(super) fn hand_over(&mut self) {
        let mut batches = self.sfu.take_relayed();
        for batch in batches.drain(..) {
            if !self.crossing.send(batch) {
                self.counters.relay_batches_dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
        self.crossing.take_back(&mut batches);
        self.sfu.recycle_relayed(batches);
    }
}

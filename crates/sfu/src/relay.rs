//! The relay: a room on several cores. Each core has its own members and knows those of the others as mirrors.
//!
//! ```text
//!        core A                                   core B
//!  ann ──> tracks ──> slots of A's people
//!             │
//!             └─ [crossing] ──> batch ──> [frame] ──> [mirror] ──> ann's mirror: tracks ──> slots of B's people
//!                     <── batch <── wanted layers, keyframe requests
//! ```
//!
//! * Everybody whose media path is here is announced to every core the room is linked to; a mirror is never announced.
//! * A packet crosses in clear, once for each core that wants its layer, however many watch there. Sound always does: who
//!   is loudest is decided by each core for its own people, and must come out the same.
//! * A mirror's tracks are as those of a member: numbered, kept for repairs, read, measured. So slots, layers, speakers
//!   and repairs know nothing of cores.
//! * What a core learns of a mirror it learns in order: bytes of one peer are to be handed over in the order they were
//!   taken, none left out. If some were lost, unlink and link again.
//!
//! Invariant: bytes of a peer never panic and never touch who is not that peer's. What fits nothing is dropped and counted.

pub(crate) mod crossing;
mod frame;
mod links;
mod message;
mod mirror;

use std::collections::HashMap;
use std::time::Instant;

pub(crate) use links::Links;

use crate::arena::Key;
use crate::sfu::Sfu;
use message::Control;

/// Buffers kept for use again. There is one a turn for each peer, so this is several turns' worth.
const KEPT: usize = 64;

/// Larger buffers are not kept, bytes: one burst must not hold memory for ever.
const LARGEST_KEPT: usize = 1 << 20;

/// Another core, as whoever links cores numbers them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Peer(pub u32);

/// What goes to another core: whole messages, one after the other.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Relayed {
    /// To whom.
    pub peer: Peer,
    /// For [`Sfu::handle_relayed`] there.
    pub contents: Vec<u8>,
}

/// What goes to other cores this turn, and memory for the next.
#[derive(Default)]
pub(crate) struct Relay {
    /// Rooms that other cores have too, by the name all of them use.
    rooms: HashMap<u64, Key>,
    outgoing: Vec<Relayed>,
    free: Vec<Vec<u8>>,
    /// How many mirrors there are.
    pub(crate) mirrors: usize,
}

impl Relay {
    /// The batch for a peer, to write a message at the end of.
    fn batch(&mut self, peer: Peer) -> &mut Vec<u8> {
        let place = self.outgoing.iter().position(|batch| batch.peer == peer).unwrap_or_else(|| {
            let contents = self.free.pop().unwrap_or_default();
            self.outgoing.push(Relayed { peer, contents });
            self.outgoing.len() - 1
        });
        &mut self.outgoing[place].contents
    }

    fn send(&mut self, peer: Peer, room: u64, control: &Control) {
        frame::write_control(self.batch(peer), room, control);
    }

    /// How many batches were not taken.
    pub(crate) fn queued(&self) -> usize {
        self.outgoing.len()
    }
}

impl Sfu {
    /// What other cores are to be told, one batch for each. Call after each batch of input, hand the bytes to the other
    /// core in this order, and give them back by [`Self::recycle_relayed`].
    pub fn take_relayed(&mut self) -> Vec<Relayed> {
        std::mem::take(&mut self.relay.outgoing)
    }

    /// Takes back batches that were handed over, to use their memory again. Those of other cores are as welcome.
    pub fn recycle_relayed(&mut self, mut handed_over: Vec<Relayed>) {
        for batch in handed_over.drain(..) {
            let mut contents = batch.contents;
            if self.relay.free.len() < KEPT && contents.capacity() <= LARGEST_KEPT {
                contents.clear();
                self.relay.free.push(contents);
            }
        }
        if self.relay.outgoing.is_empty() && handed_over.capacity() > self.relay.outgoing.capacity() {
            self.relay.outgoing = handed_over;
        }
    }

    /// Takes in a batch that the core `peer` gave for this one. What cannot be read, or fits nothing here, is dropped and
    /// counted. Call [`Sfu::fan_out_part`] afterwards, and [`Sfu::flush`] after the last of several.
    pub fn handle_relayed(&mut self, now: Instant, peer: Peer, contents: &[u8]) {
        let mut rest = contents;
        while !rest.is_empty() {
            let Some(frame) = frame::next(&mut rest) else {
                // Where the next one begins is not known.
                self.counters.dropped_relayed += 1;
                break;
            };
            if self.take_frame(now, peer, &frame).is_none() {
                self.counters.dropped_relayed += 1;
            }
        }
    }
}

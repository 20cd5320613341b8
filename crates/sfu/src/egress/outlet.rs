//! Datagrams on their way out of the core. Their memory is used again, so that a packet costs no allocation.

use std::time::Instant;

use crate::control::path::Route;
use crate::event::Transmit;

/// Room for a datagram of any network's size, bytes.
const DATAGRAM: usize = 1_500;

/// Buffers kept for use again: three turns' worth of a large room.
const KEPT: usize = 16_384;

/// The datagrams of a turn, and memory for the next.
#[derive(Default)]
pub(crate) struct Outlet {
    transmits: Vec<Transmit>,
    free: Vec<Vec<u8>>,
}

impl Outlet {
    /// A buffer to write a datagram into; it is empty.
    pub(crate) fn buffer(&mut self) -> Vec<u8> {
        let mut buffer = self.free.pop().unwrap_or_else(|| Vec::with_capacity(DATAGRAM));
        buffer.clear();
        buffer
    }

    /// Queues a datagram written into [`Self::buffer`].
    pub(crate) fn send(&mut self, route: Route, contents: Vec<u8>) {
        self.pass_on(route, contents, None);
    }

    /// The same for a packet that came in.
    pub(crate) fn pass_on(&mut self, route: Route, contents: Vec<u8>, arrived: Option<Instant>) {
        let place = self.transmits.len() as u32;
        let Route { source, destination } = route;
        self.transmits.push(Transmit { source, destination, contents, arrived, place });
    }

    /// Gives a buffer back that was not sent.
    pub(crate) fn unused(&mut self, buffer: Vec<u8>) {
        self.free.push(buffer);
    }

    /// Queues a datagram that others wrote.
    pub(crate) fn push(&mut self, route: Route, contents: &[u8]) {
        let mut buffer = self.buffer();
        buffer.extend_from_slice(contents);
        self.send(route, buffer);
    }

    /// How many datagrams are queued.
    pub(crate) fn queued(&self) -> usize {
        self.transmits.len()
    }

    /// How many buffers are kept for use again.
    pub(crate) fn kept(&self) -> usize {
        self.free.len()
    }

    /// Those queued after the first so many.
    pub(crate) fn since(&self, already: usize) -> impl Iterator<Item = &Transmit> {
        self.transmits.iter().skip(already)
    }

    /// What is queued, to be sent by the caller. It must come back by [`Self::recycle`].
    pub(crate) fn take(&mut self) -> Vec<Transmit> {
        std::mem::take(&mut self.transmits)
    }

    /// Takes back what was sent.
    pub(crate) fn recycle(&mut self, mut sent: Vec<Transmit>) {
        let room = KEPT.saturating_sub(self.free.len());
        self.free.extend(sent.drain(..).take(room).map(|transmit| transmit.contents));
        if self.transmits.is_empty() && sent.capacity() > self.transmits.capacity() {
            self.transmits = sent;
        }
    }
}

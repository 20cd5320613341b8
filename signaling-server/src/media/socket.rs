//! One bound UDP socket of a worker: batched receive (recvmmsg and GRO where the system has them).

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, SystemTime};

use mio::net::UdpSocket;
use quinn_udp::{BATCH_SIZE, RecvMeta, UdpSockRef, UdpSocketState};

use super::MediaError;

/// Kernel buffers asked for, bytes; the system may give less. A keyframe to a hundred receivers fits.
const KERNEL_BUFFER: usize = 4 * 1024 * 1024;

/// Largest run of datagrams the kernel hands over as one.
const RUN: usize = 64 * 1024;

/// No datagram waits longer in a buffer of this size while its worker lives.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Batches read before others have their turn.
const BATCHES: usize = 16;

pub(super) struct MediaSocket {
    pub(super) socket: UdpSocket,
    pub(super) state: UdpSocketState,
    /// The address members know it by; also what their media paths send from.
    pub(super) told: SocketAddr,
    /// Not yet read until empty.
    pub(super) readable: bool,
    /// Reading it gave nothing but errors. It is tried again when there is something else to do, and not waited for.
    pub(super) failing: bool,
}

impl MediaSocket {
    pub(super) fn bind(address: SocketAddr, told: IpAddr) -> Result<Self, MediaError> {
        let failed = |error| MediaError::Bind { address, error };
        let socket = std::net::UdpSocket::bind(address).map_err(failed)?;
        socket.set_nonblocking(true).map_err(failed)?;
        let state = UdpSocketState::new(UdpSockRef::from(&socket)).map_err(failed)?;
        for result in [
            state.set_recv_buffer_size(UdpSockRef::from(&socket), KERNEL_BUFFER),
            state.set_send_buffer_size(UdpSockRef::from(&socket), KERNEL_BUFFER),
        ] {
            if let Err(error) = result {
                tracing::debug!(%error, "a UDP socket keeps its buffer size");
            }
        }
        let port = socket.local_addr().map_err(failed)?.port();
        let told = SocketAddr::new(told, port);
        Ok(Self { socket: UdpSocket::from_std(socket), state, told, readable: true, failing: false })
    }

    /// Reads what has come, a bounded number of batches; `take` gets each datagram with its source and how long the system
    /// had it already, as far as the system says so.
    pub(super) fn receive(
        &mut self,
        buffers: &mut ReceiveBuffers,
        mut take: impl FnMut(SocketAddr, Duration, &mut [u8]),
    ) {
        let mut failures = 0;
        self.failing = false;
        for _ in 0..BATCHES {
            let mut slices: [IoSliceMut<'_>; BATCH_SIZE] = buffers.slices();
            let mut meta = [RecvMeta::default(); BATCH_SIZE];
            let received = match self.state.recv(UdpSockRef::from(&self.socket), &mut slices, &mut meta) {
                Ok(received) => received,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.readable = false;
                    return;
                }
                // Errors here are about something sent earlier; the next datagram is as good as any.
                Err(_) => {
                    failures += 1;
                    continue;
                }
            };
            let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            for (slice, meta) in slices.iter_mut().zip(&meta).take(received) {
                let length = meta.len.min(slice.len());
                let bytes = &mut slice[..length];
                // A clock that was set in between says nothing of use.
                let waited = meta.timestamp.and_then(|came| unix.checked_sub(came)).unwrap_or_default();
                let waited = if waited < LONGEST_WAIT { waited } else { Duration::ZERO };
                if bytes.is_empty() {
                    take(meta.addr, waited, bytes);
                }
                for datagram in bytes.chunks_mut(meta.stride.max(1)) {
                    take(meta.addr, waited, datagram);
                }
            }
        }
        // An error that lasts would keep the worker awake for nothing.
        self.failing = failures == BATCHES;
        self.readable = !self.failing;
    }
}

/// Memory to receive into, used for all sockets of a worker in turn.
pub(super) struct ReceiveBuffers {
    memory: Vec<u8>,
}

impl ReceiveBuffers {
    pub(super) fn new() -> Self {
        Self { memory: vec![0; BATCH_SIZE * RUN] }
    }

    fn slices(&mut self) -> [IoSliceMut<'_>; BATCH_SIZE] {
        let mut chunks = self.memory.chunks_mut(RUN);
        std::array::from_fn(|_| IoSliceMut::new(chunks.next().unwrap_or_default()))
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::fd::OwnedFd;

    use super::*;

    #[test]
    fn a_socket_that_gives_only_errors_is_not_waited_for() {
        let loopback = IpAddr::from([127, 0, 0, 1]);
        let mut socket = MediaSocket::bind(SocketAddr::new(loopback, 0), loopback).unwrap();
        let good = socket.socket;
        // Receiving from a TCP listener fails each time.
        let listener = std::net::TcpListener::bind((loopback, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        socket.socket = UdpSocket::from_std(OwnedFd::from(listener).into());
        let mut buffers = ReceiveBuffers::new();
        socket.receive(&mut buffers, |_, _, _| panic!("nothing was sent"));
        assert!(socket.failing && !socket.readable);

        socket.socket = good;
        socket.receive(&mut buffers, |_, _, _| panic!("nothing was sent"));
        assert!(!socket.failing && !socket.readable);
    }
}

//! One bound UDP socket of a worker: batched receive (recvmmsg and GRO where the system has them).

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant, SystemTime};

use mio::net::UdpSocket;
use quinn_udp::{BATCH_SIZE, RecvMeta, UdpSockRef, UdpSocketState};

use super::MediaError;

/// Kernel buffers asked for, bytes; the system may give less. A keyframe to a hundred receivers fits.
const KERNEL_BUFFER: usize = 4 * 1024 * 1024;

/// Largest run of datagrams the kernel hands over as one.
const RUN: usize = 64 * 1024;

/// No datagram waits longer in a buffer of this size while its worker lives.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// A socket that fails so often in a row fails for good.
const MOST_FAILURES: usize = 16;

pub(super) struct MediaSocket {
    pub(super) socket: UdpSocket,
    pub(super) state: UdpSocketState,
    /// The address members know it by; also what their media paths send from.
    pub(super) told: SocketAddr,
    /// Not yet read until empty.
    pub(super) readable: bool,
    /// Errors in a row.
    failures: usize,
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
        Ok(Self { socket: UdpSocket::from_std(socket), state, told, readable: true, failures: 0 })
    }

    /// Reads a batch of what has come into `buffers`.
    pub(super) fn receive(&mut self, buffers: &mut ReceiveBuffers) -> Received {
        let ReceiveBuffers { memory, meta, filled, read_at } = buffers;
        *filled = 0;
        let mut chunks = memory.chunks_mut(RUN);
        let mut slices: [IoSliceMut<'_>; BATCH_SIZE] =
            std::array::from_fn(|_| IoSliceMut::new(chunks.next().unwrap_or_default()));
        match self.state.recv(UdpSockRef::from(&self.socket), &mut slices, meta) {
            Ok(received) => {
                (*filled, self.failures, self.readable) = (received, 0, true);
                *read_at =
                    (Instant::now(), SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default());
                Received::Batch
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                (self.readable, self.failures) = (false, 0);
                Received::Nothing
            }
            // Errors here are about something sent earlier; the next datagram is as good as any.
            Err(_) => {
                self.failures += 1;
                // One that lasts would keep the worker awake for nothing.
                self.readable = self.failures < MOST_FAILURES;
                Received::Nothing
            }
        }
    }

    /// Reading it gave nothing but errors. It is tried again when there is something else to do, and not waited for.
    pub(super) const fn is_failing(&self) -> bool {
        self.failures >= MOST_FAILURES
    }
}

/// What came of reading a socket once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Received {
    /// Datagrams, in the buffers.
    Batch,
    /// None, now.
    Nothing,
}

/// Memory to receive into, used for all sockets of a worker in turn.
pub(super) struct ReceiveBuffers {
    memory: Vec<u8>,
    meta: [RecvMeta; BATCH_SIZE],
    /// Runs of datagrams in it.
    filled: usize,
    /// When they were read, also since 1970.
    read_at: (Instant, Duration),
}

/// Datagrams of one source that came together.
pub(super) struct Run<'a> {
    pub(super) source: SocketAddr,
    /// When the system had them, as far as it says so; else when they were read.
    pub(super) arrival: Instant,
    bytes: &'a mut [u8],
    stride: usize,
}

impl<'a> Run<'a> {
    pub(super) fn datagrams(self) -> impl Iterator<Item = &'a mut [u8]> {
        // An empty datagram is one too.
        let (bytes, empty) =
            if self.bytes.is_empty() { (Default::default(), Some(self.bytes)) } else { (self.bytes, None) };
        bytes.chunks_mut(self.stride).chain(empty)
    }
}

impl ReceiveBuffers {
    pub(super) fn new() -> Self {
        Self {
            memory: vec![0; BATCH_SIZE * RUN],
            meta: [RecvMeta::default(); BATCH_SIZE],
            filled: 0,
            read_at: (Instant::now(), Duration::ZERO),
        }
    }

    /// What was read last.
    pub(super) fn runs(&mut self) -> impl Iterator<Item = Run<'_>> {
        let (read_at, unix) = self.read_at;
        self.memory.chunks_mut(RUN).zip(&self.meta).take(self.filled).map(move |(memory, meta)| {
            let length = meta.len.min(memory.len());
            // A clock that was set in between says nothing of use.
            let waited = meta.timestamp.and_then(|at| unix.checked_sub(at)).filter(|waited| *waited < LONGEST_WAIT);
            Run {
                source: meta.addr,
                arrival: waited.and_then(|waited| read_at.checked_sub(waited)).unwrap_or(read_at),
                bytes: &mut memory[..length],
                stride: meta.stride.max(1),
            }
        })
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
        for _ in 0..MOST_FAILURES {
            assert!(socket.readable && !socket.is_failing());
            assert_eq!(socket.receive(&mut buffers), Received::Nothing);
        }
        assert!(socket.is_failing() && !socket.readable);

        socket.socket = good;
        assert_eq!(socket.receive(&mut buffers), Received::Nothing);
        assert!(!socket.is_failing() && !socket.readable);
    }
}

//! `sendmmsg` with `UDP_SEGMENT`: a whole batch to many destinations in one system call, runs to one destination cut up
//! by the kernel. quinn-udp sends to one destination a call.
#![expect(unsafe_code, reason = "the one place of the server that calls the system's send functions directly")]

use std::net::SocketAddr;
use std::os::fd::AsRawFd;

use confab_sfu::Transmit;
use libc::{c_void, cmsghdr, iovec, mmsghdr, msghdr, sockaddr_in, sockaddr_in6, sockaddr_storage, socklen_t};

use super::sender::{RUN_DATAGRAMS, Sent, runs};

/// Messages the kernel takes in one call (`UIO_MAXIOV`).
const MESSAGES: usize = 1_024;

/// Room for one control message with a `u16`, aligned as the kernel wants it.
#[repr(C, align(8))]
#[derive(Clone, Copy)]
struct Control([u8; CONTROL_BYTES]);

/// `CMSG_SPACE(2)`: a header and a padded `u16`.
const CONTROL_BYTES: usize = size_of::<cmsghdr>() + 8;

struct Message {
    address: sockaddr_storage,
    address_bytes: socklen_t,
    control: Control,
    has_control: bool,
    first_part: usize,
    parts: usize,
    bytes: u64,
}

/// Sends batches to many destinations in few system calls; its memory is used again.
pub struct BatchSender {
    segments: bool,
    messages: Vec<Message>,
    pointers: Pointers,
}

/// Memory for what the kernel is shown. Empty between calls.
#[derive(Default)]
struct Pointers {
    parts: Vec<iovec>,
    headers: Vec<mmsghdr>,
}

// SAFETY: what it points to is of use only within the call that filled it, which empties it again.
unsafe impl Send for Pointers {}

impl Default for BatchSender {
    fn default() -> Self {
        Self { segments: true, messages: Vec::new(), pointers: Pointers::default() }
    }
}

impl BatchSender {
    /// Sends a batch that is sorted by destination.
    pub fn send(&mut self, socket: &impl AsRawFd, batch: &[Transmit]) -> Sent {
        let mut sent = Sent::default();
        let mut rest = batch;
        while !rest.is_empty() {
            let (part, after) = rest.split_at(rest.len().min(MESSAGES));
            rest = after;
            sent.add(self.send_part(socket, part));
        }
        sent
    }

    fn send_part(&mut self, socket: &impl AsRawFd, batch: &[Transmit]) -> Sent {
        let Pointers { mut parts, mut headers } = std::mem::take(&mut self.pointers);
        self.messages.clear();
        let longest = if self.segments { RUN_DATAGRAMS } else { 1 };
        for run in runs(batch, longest) {
            let Some(first) = run.first() else { continue };
            let first_part = parts.len();
            // The kernel only reads through these pointers, though the C type is not const.
            parts.extend(run.iter().map(|transmit| iovec {
                iov_base: transmit.contents.as_ptr().cast_mut().cast::<c_void>(),
                iov_len: transmit.contents.len(),
            }));
            let (address, address_bytes) = raw_address(first.destination);
            self.messages.push(Message {
                address,
                address_bytes,
                control: segment_size(first.contents.len() as u16),
                has_control: run.len() > 1,
                first_part,
                parts: run.len(),
                bytes: run.iter().map(|transmit| transmit.contents.len() as u64).sum(),
            });
        }
        headers.extend(self.messages.iter_mut().map(|message| header(message, &mut parts)));
        let sent = self.submit(socket.as_raw_fd(), &mut headers);
        parts.clear();
        headers.clear();
        self.pointers = Pointers { parts, headers };
        sent
    }

    fn submit(&mut self, socket: i32, headers: &mut [mmsghdr]) -> Sent {
        let mut sent = Sent::default();
        let mut at = 0;
        while at < headers.len() {
            let rest = &mut headers[at..];
            // SAFETY: every header points to an address, parts and a control message owned by `self.messages`, by the
            // caller's `parts` and by the batch, all of which outlive this call and do not move while it runs.
            let taken = unsafe { libc::sendmmsg(socket, rest.as_mut_ptr(), rest.len() as u32, 0) };
            if taken > 0 {
                for message in &self.messages[at..at + taken as usize] {
                    sent.datagrams += message.parts as u64;
                    sent.bytes += message.bytes;
                }
                at += taken as usize;
                continue;
            }
            let error = std::io::Error::last_os_error();
            let message = &self.messages[at];
            if error.kind() == std::io::ErrorKind::Interrupted {
                continue;
            }
            // A device without checksum offload refuses runs; from the next batch on they are sent one by one.
            if message.has_control && matches!(error.raw_os_error(), Some(libc::EIO | libc::EINVAL)) {
                self.segments = false;
                tracing::info!("this network sends UDP runs one by one");
            }
            sent.failures += message.parts as u64;
            at += 1;
        }
        sent
    }
}

fn header(message: &mut Message, parts: &mut [iovec]) -> mmsghdr {
    // SAFETY: all zeroes is a valid `msghdr`: null pointers and lengths of zero.
    let mut raw: msghdr = unsafe { std::mem::zeroed() };
    raw.msg_name = (&raw mut message.address).cast::<c_void>();
    raw.msg_namelen = message.address_bytes;
    raw.msg_iov = parts[message.first_part..].as_mut_ptr();
    raw.msg_iovlen = message.parts as _;
    if message.has_control {
        raw.msg_control = message.control.0.as_mut_ptr().cast::<c_void>();
        raw.msg_controllen = CONTROL_BYTES as _;
    }
    mmsghdr { msg_hdr: raw, msg_len: 0 }
}

/// The control message that has the kernel cut a run into datagrams of this size.
fn segment_size(size: u16) -> Control {
    let mut control = Control([0; CONTROL_BYTES]);
    let length = size_of::<cmsghdr>() + size_of::<u16>();
    let level = libc::SOL_UDP.to_ne_bytes();
    let kind = libc::UDP_SEGMENT.to_ne_bytes();
    let at = size_of::<usize>();
    // `cmsg_len` is a `size_t` on Linux, followed by the two integers and the value.
    control.0[..at].copy_from_slice(&length.to_ne_bytes());
    control.0[at..at + 4].copy_from_slice(&level);
    control.0[at + 4..at + 8].copy_from_slice(&kind);
    control.0[at + 8..at + 10].copy_from_slice(&size.to_ne_bytes());
    control
}

fn raw_address(address: SocketAddr) -> (sockaddr_storage, socklen_t) {
    // SAFETY: all zeroes is a valid `sockaddr_storage`.
    let mut storage: sockaddr_storage = unsafe { std::mem::zeroed() };
    match address {
        SocketAddr::V4(address) => {
            let raw = sockaddr_in {
                sin_family: libc::AF_INET as libc::sa_family_t,
                sin_port: address.port().to_be(),
                sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes(address.ip().octets()) },
                sin_zero: [0; 8],
            };
            // SAFETY: `sockaddr_storage` is made to hold, and aligned for, every kind of socket address.
            unsafe { (&raw mut storage).cast::<sockaddr_in>().write(raw) };
            (storage, size_of::<sockaddr_in>() as socklen_t)
        }
        SocketAddr::V6(address) => {
            let raw = sockaddr_in6 {
                sin6_family: libc::AF_INET6 as libc::sa_family_t,
                sin6_port: address.port().to_be(),
                sin6_flowinfo: address.flowinfo(),
                sin6_addr: libc::in6_addr { s6_addr: address.ip().octets() },
                sin6_scope_id: address.scope_id(),
            };
            // SAFETY: as above.
            unsafe { (&raw mut storage).cast::<sockaddr_in6>().write(raw) };
            (storage, size_of::<sockaddr_in6>() as socklen_t)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;
    use std::time::Duration;

    use super::*;

    #[test]
    fn runs_and_single_datagrams_arrive_whole_and_in_order_at_each_destination() {
        let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
        let receivers = [UdpSocket::bind("127.0.0.1:0").unwrap(), UdpSocket::bind("127.0.0.1:0").unwrap()];
        let mut batch = Vec::new();
        for receiver in &receivers {
            receiver.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
            for index in 0..10_u8 {
                let size = if index == 5 { 300 } else { 1_000 };
                let (source, destination) = (sender.local_addr().unwrap(), receiver.local_addr().unwrap());
                batch.push(Transmit::new(source, destination, vec![index; size]));
            }
        }
        let sent = BatchSender::default().send(&sender, &batch);
        assert_eq!(sent, Sent { datagrams: 20, bytes: 2 * (9 * 1_000 + 300), failures: 0 });
        for receiver in &receivers {
            for index in 0..10_u8 {
                let mut buffer = [0; 2_000];
                let length = receiver.recv(&mut buffer).unwrap();
                assert_eq!(length, if index == 5 { 300 } else { 1_000 });
                assert!(buffer[..length].iter().all(|byte| *byte == index));
            }
        }
    }

    #[test]
    fn a_datagram_the_system_refuses_does_not_hold_up_the_others() {
        let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
        let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
        receiver.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
        let source = sender.local_addr().unwrap();
        let too_large = Transmit::new(source, "127.0.0.1:9".parse().unwrap(), vec![0; 70_000]);
        let fine = Transmit::new(source, receiver.local_addr().unwrap(), vec![7; 10]);
        let sent = BatchSender::default().send(&sender, &[too_large, fine]);
        assert_eq!((sent.datagrams, sent.failures), (1, 1));
        assert_eq!(receiver.recv(&mut [0; 100]).unwrap(), 10);
    }
}

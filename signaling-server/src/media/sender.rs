//! Sends a loop turn's datagrams: sorted so that runs to one destination leave together.

use confab_sfu::Transmit;

use super::socket::MediaSocket;

/// Most datagrams the kernel takes as one run, and their bytes together.
pub(super) const RUN_DATAGRAMS: usize = 64;
pub(super) const RUN_BYTES: usize = 60_000;

/// What became of a batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Sent {
    /// Taken by the system.
    pub datagrams: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Not taken by the system. Media repairs itself; what matters is that it is seen.
    pub failures: u64,
}

impl Sent {
    pub(super) fn add(&mut self, other: Self) {
        self.datagrams += other.datagrams;
        self.bytes += other.bytes;
        self.failures += other.failures;
    }
}

#[cfg(target_os = "linux")]
use super::linux_send::BatchSender;

/// Sends batches over a worker's sockets.
#[derive(Default)]
pub(super) struct Sender {
    #[cfg(target_os = "linux")]
    batch: BatchSender,
    #[cfg(not(target_os = "linux"))]
    run: Vec<u8>,
}

impl Sender {
    /// Sends everything; order is kept for each destination.
    pub(super) fn send(&mut self, sockets: &[MediaSocket], transmits: &mut [Transmit]) -> Sent {
        // With their places a sort that needs no memory keeps the order of each destination.
        transmits.sort_unstable_by_key(|transmit| (transmit.source, transmit.destination, transmit.place));
        let mut sent = Sent::default();
        for group in transmits.chunk_by(|left, right| left.source == right.source) {
            let source = group.first().map(|transmit| transmit.source);
            match sockets.iter().find(|socket| Some(socket.told) == source) {
                Some(socket) => sent.add(self.send_from(socket, group)),
                None => sent.failures += group.len() as u64,
            }
        }
        sent
    }

    #[cfg(target_os = "linux")]
    fn send_from(&mut self, socket: &MediaSocket, group: &[Transmit]) -> Sent {
        self.batch.send(&socket.socket, group)
    }

    #[cfg(not(target_os = "linux"))]
    fn send_from(&mut self, socket: &MediaSocket, group: &[Transmit]) -> Sent {
        let mut sent = Sent::default();
        let longest = socket.state.max_gso_segments().min(RUN_DATAGRAMS);
        for run in runs(group, longest) {
            self.run.clear();
            for transmit in run {
                self.run.extend_from_slice(&transmit.contents);
            }
            let transmit = quinn_udp::Transmit {
                destination: run[0].destination,
                ecn: None,
                contents: &self.run,
                segment_size: (run.len() > 1).then(|| run[0].contents.len()),
                src_ip: None,
            };
            match socket.state.try_send(quinn_udp::UdpSockRef::from(&socket.socket), &transmit) {
                Ok(()) => {
                    sent.datagrams += run.len() as u64;
                    sent.bytes += self.run.len() as u64;
                }
                Err(_) => sent.failures += run.len() as u64,
            }
        }
        sent
    }
}

/// Splits a sorted batch into runs the kernel can cut up itself: one destination, equal sizes but for a shorter last.
pub(super) fn runs(batch: &[Transmit], longest: usize) -> impl Iterator<Item = &[Transmit]> {
    let mut rest = batch;
    std::iter::from_fn(move || {
        let first = rest.first()?;
        let size = first.contents.len();
        let mut length = 1;
        while length < longest.max(1) {
            let Some(next) = rest.get(length) else { break };
            let fits = next.destination == first.destination
                && next.contents.len() <= size
                && (length + 1) * size <= RUN_BYTES
                && size > 0;
            if !fits {
                break;
            }
            length += 1;
            if next.contents.len() < size {
                break;
            }
        }
        let (run, after) = rest.split_at(length);
        rest = after;
        Some(run)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(port: u16, size: usize) -> Transmit {
        Transmit::new("127.0.0.1:1".parse().unwrap(), ([127, 0, 0, 1], port).into(), vec![0; size])
    }

    #[test]
    fn a_run_has_one_destination_and_one_size_but_for_a_shorter_end() {
        let batch = [to(1, 100), to(1, 100), to(1, 40), to(1, 40), to(1, 100), to(2, 100), to(2, 100)];
        let lengths: Vec<usize> = runs(&batch, 64).map(<[Transmit]>::len).collect();
        assert_eq!(lengths, [3, 1, 1, 2], "a longer one cannot follow a shorter one");
    }

    #[test]
    fn a_run_is_no_longer_than_the_kernel_takes() {
        let batch: Vec<Transmit> = (0..130).map(|_| to(1, 1_200)).collect();
        let lengths: Vec<usize> = runs(&batch, 64).map(<[Transmit]>::len).collect();
        assert_eq!(lengths.iter().sum::<usize>(), 130);
        assert!(lengths.iter().all(|length| length * 1_200 <= RUN_BYTES && *length <= 64));
        assert_eq!(runs(&batch, 1).count(), 130);
    }
}

//! A way between client and server that loses, delays and narrows, seeded, and counts what it did. Like an address
//! translator it gives each client address a socket of its own.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

#[derive(Default)]
pub struct Counts {
    pub to_server_lost: AtomicU64,
    pub to_client_lost: AtomicU64,
    pub clients: AtomicU64,
}

/// What the way does to packets.
#[derive(Clone, Copy, Default)]
pub struct Impairment {
    /// Of media packets, in percent, both ways.
    pub loss: u64,
    /// Bits per second to the server, 0 for any.
    pub rate: u64,
    /// Milliseconds each way.
    pub delay: u64,
    /// Milliseconds more or less than that; packets overtake each other.
    pub jitter: u64,
    pub seed: u64,
}

pub struct Relay {
    pub address: SocketAddr,
    pub counts: Arc<Counts>,
    stop: Arc<AtomicBool>,
}

struct Path {
    impairment: Impairment,
    random: Mutex<u64>,
    free_at: Mutex<Instant>,
    counts: Arc<Counts>,
    stop: Arc<AtomicBool>,
    line: mpsc::Sender<Delayed>,
}

struct Delayed {
    due: Instant,
    number: u64,
    socket: Arc<UdpSocket>,
    to: SocketAddr,
    packet: Vec<u8>,
}

/// The longest queue before packets are dropped at the rate limit.
const QUEUE: Duration = Duration::from_millis(300);

impl Relay {
    pub fn start(server: SocketAddr, impairment: Impairment) -> Self {
        let front = Arc::new(UdpSocket::bind("127.0.0.1:0").expect("a socket"));
        front.set_read_timeout(Some(Duration::from_millis(20))).expect("a timeout");
        let address = front.local_addr().expect("an address");
        let (counts, stop) = (Arc::new(Counts::default()), Arc::new(AtomicBool::new(false)));
        let (line, delayed) = mpsc::channel();
        std::thread::spawn(move || deliver(&delayed));
        let path = Arc::new(Path {
            impairment,
            random: Mutex::new((impairment.seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)),
            free_at: Mutex::new(Instant::now()),
            counts: Arc::clone(&counts),
            stop: Arc::clone(&stop),
            line,
        });
        std::thread::spawn(move || forward(&front, server, &path));
        Self { address, counts, stop }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn forward(front: &Arc<UdpSocket>, server: SocketAddr, path: &Arc<Path>) {
    let mut backs: HashMap<SocketAddr, Arc<UdpSocket>> = HashMap::new();
    let mut buffer = vec![0; 2000];
    while !path.stop.load(Ordering::Relaxed) {
        let Ok((length, client)) = front.recv_from(&mut buffer) else { continue };
        let back = backs.entry(client).or_insert_with(|| {
            path.counts.clients.fetch_add(1, Ordering::Relaxed);
            let back = Arc::new(UdpSocket::bind("127.0.0.1:0").expect("a socket"));
            back.set_read_timeout(Some(Duration::from_millis(20))).expect("a timeout");
            let (receiving, front, path) = (Arc::clone(&back), Arc::clone(front), Arc::clone(path));
            std::thread::spawn(move || backward(&receiving, &front, client, &path));
            back
        });
        let packet = &buffer[..length];
        if is_media(packet) && (path.loses() || path.is_full(length)) {
            path.counts.to_server_lost.fetch_add(1, Ordering::Relaxed);
        } else {
            path.send(back, server, path.queue(), packet);
        }
    }
}

fn backward(back: &UdpSocket, front: &Arc<UdpSocket>, client: SocketAddr, path: &Path) {
    let mut buffer = vec![0; 2000];
    while !path.stop.load(Ordering::Relaxed) {
        let Ok(length) = back.recv(&mut buffer) else { continue };
        let packet = &buffer[..length];
        if is_media(packet) && path.loses() {
            path.counts.to_client_lost.fetch_add(1, Ordering::Relaxed);
        } else {
            path.send(front, client, Duration::ZERO, packet);
        }
    }
}

/// Sends each packet when it is due; ends with the last sender of packets.
fn deliver(delayed: &mpsc::Receiver<Delayed>) {
    let mut waiting: BinaryHeap<Reverse<(Instant, u64)>> = BinaryHeap::new();
    let mut packets: HashMap<u64, Delayed> = HashMap::new();
    loop {
        let wait = waiting
            .peek()
            .map_or(Duration::from_secs(1), |Reverse((due, _))| due.saturating_duration_since(Instant::now()));
        match delayed.recv_timeout(wait) {
            Ok(packet) => {
                waiting.push(Reverse((packet.due, packet.number)));
                packets.insert(packet.number, packet);
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => return,
        }
        while waiting.peek().is_some_and(|Reverse((due, _))| *due <= Instant::now()) {
            if let Some(Reverse((_, number))) = waiting.pop()
                && let Some(packet) = packets.remove(&number)
            {
                let _ = packet.socket.send_to(&packet.packet, packet.to);
            }
        }
    }
}

impl Path {
    fn random(&self) -> u64 {
        let mut random = self.random.lock().expect("random");
        *random ^= *random << 13;
        *random ^= *random >> 7;
        *random ^= *random << 17;
        *random >> 11
    }

    fn loses(&self) -> bool {
        self.random() % 100 < self.impairment.loss
    }

    fn send(&self, socket: &Arc<UdpSocket>, to: SocketAddr, queue: Duration, packet: &[u8]) {
        let Impairment { delay, jitter, .. } = self.impairment;
        if queue.is_zero() && delay == 0 {
            let _ = socket.send_to(packet, to);
            return;
        }
        let number = self.random();
        let jitter = Duration::from_micros(number % (2 * jitter * 1000 + 1));
        let delay = Duration::from_millis(delay - self.impairment.jitter) + jitter;
        let due = Instant::now() + queue + delay;
        let _ = self.line.send(Delayed { due, number, socket: Arc::clone(socket), to, packet: packet.to_vec() });
    }

    fn queue(&self) -> Duration {
        if self.impairment.rate == 0 {
            return Duration::ZERO;
        }
        self.free_at.lock().expect("queue").saturating_duration_since(Instant::now())
    }

    /// Takes a packet into the queue of the narrow link, unless that is full.
    fn is_full(&self, length: usize) -> bool {
        if self.impairment.rate == 0 {
            return false;
        }
        if self.queue() > QUEUE {
            return true;
        }
        let mut free_at = self.free_at.lock().expect("queue");
        let time = Duration::from_nanos(length as u64 * 8 * 1_000_000_000 / self.impairment.rate);
        *free_at = (*free_at).max(Instant::now()) + time;
        false
    }
}

/// RTP but not RTCP (RFC 5761), nor STUN or DTLS (RFC 7983).
fn is_media(packet: &[u8]) -> bool {
    matches!(packet, [first, second, ..] if (128..192).contains(first) && !(192..=223).contains(second))
}

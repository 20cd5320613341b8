//! A way between client and server that loses media packets, seeded, and counts what it lost. Like an address
//! translator it gives each client address a socket of its own.

use std::collections::HashMap;
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

#[derive(Default)]
pub struct Counts {
    pub to_server: AtomicU64,
    pub to_server_lost: AtomicU64,
    pub to_client: AtomicU64,
    pub to_client_lost: AtomicU64,
    pub clients: AtomicU64,
}

pub struct Relay {
    pub address: SocketAddr,
    pub counts: Arc<Counts>,
    stop: Arc<AtomicBool>,
}

struct Path {
    loss_percent: u64,
    /// Bits per second to the server, 0 for any.
    rate: u64,
    random: Mutex<u64>,
    free_at: Mutex<Instant>,
    counts: Arc<Counts>,
    stop: Arc<AtomicBool>,
}

/// The longest queue before packets are dropped at the rate limit.
const QUEUE: Duration = Duration::from_millis(300);

impl Relay {
    pub fn start(server: SocketAddr, loss_percent: u64, rate: u64, seed: u64) -> Self {
        let front = Arc::new(UdpSocket::bind("127.0.0.1:0").expect("a socket"));
        front.set_read_timeout(Some(Duration::from_millis(20))).expect("a timeout");
        let address = front.local_addr().expect("an address");
        let (counts, stop) = (Arc::new(Counts::default()), Arc::new(AtomicBool::new(false)));
        let path = Arc::new(Path {
            loss_percent,
            rate,
            random: Mutex::new(seed | 1),
            free_at: Mutex::new(Instant::now()),
            counts: Arc::clone(&counts),
            stop: Arc::clone(&stop),
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
    let mut backs: HashMap<SocketAddr, UdpSocket> = HashMap::new();
    let (queue, waiting) = mpsc::channel::<(Instant, UdpSocket, Vec<u8>)>();
    std::thread::spawn(move || {
        for (due, back, packet) in waiting {
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            let _ = back.send(&packet);
        }
    });
    let mut buffer = vec![0; 2000];
    while !path.stop.load(Ordering::Relaxed) {
        let Ok((length, client)) = front.recv_from(&mut buffer) else { continue };
        let back = backs.entry(client).or_insert_with(|| {
            path.counts.clients.fetch_add(1, Ordering::Relaxed);
            let back = UdpSocket::bind("127.0.0.1:0").expect("a socket");
            back.connect(server).expect("a destination");
            back.set_read_timeout(Some(Duration::from_millis(20))).expect("a timeout");
            let (receiving, front, path) = (back.try_clone().expect("a copy"), Arc::clone(front), Arc::clone(path));
            std::thread::spawn(move || backward(&receiving, &front, client, &path));
            back
        });
        let packet = &buffer[..length];
        if is_media(packet) {
            path.counts.to_server.fetch_add(1, Ordering::Relaxed);
            if path.loses() || path.is_full(length) {
                path.counts.to_server_lost.fetch_add(1, Ordering::Relaxed);
                continue;
            }
        }
        let delay = path.queue();
        if delay.is_zero() {
            let _ = back.send(packet);
        } else {
            let back = back.try_clone().expect("a copy");
            let _ = queue.send((Instant::now() + delay, back, packet.to_vec()));
        }
    }
}

fn backward(back: &UdpSocket, front: &UdpSocket, client: SocketAddr, path: &Path) {
    let mut buffer = vec![0; 2000];
    while !path.stop.load(Ordering::Relaxed) {
        let Ok(length) = back.recv(&mut buffer) else { continue };
        let packet = &buffer[..length];
        if is_media(packet) {
            path.counts.to_client.fetch_add(1, Ordering::Relaxed);
            if path.loses() {
                path.counts.to_client_lost.fetch_add(1, Ordering::Relaxed);
                continue;
            }
        }
        let _ = front.send_to(packet, client);
    }
}

impl Path {
    fn loses(&self) -> bool {
        let mut random = self.random.lock().expect("random");
        *random ^= *random << 13;
        *random ^= *random >> 7;
        *random ^= *random << 17;
        (*random >> 11) % 100 < self.loss_percent
    }

    fn queue(&self) -> Duration {
        if self.rate == 0 {
            return Duration::ZERO;
        }
        self.free_at.lock().expect("queue").saturating_duration_since(Instant::now())
    }

    /// Takes a packet into the queue of the narrow link, unless that is full.
    fn is_full(&self, length: usize) -> bool {
        if self.rate == 0 {
            return false;
        }
        if self.queue() > QUEUE {
            return true;
        }
        let mut free_at = self.free_at.lock().expect("queue");
        *free_at = (*free_at).max(Instant::now()) + Duration::from_nanos(length as u64 * 8 * 1_000_000_000 / self.rate);
        false
    }
}

/// RTP but not RTCP (RFC 5761), nor STUN or DTLS (RFC 7983).
fn is_media(packet: &[u8]) -> bool {
    matches!(packet, [first, second, ..] if (128..192).contains(first) && !(192..=223).contains(second))
}

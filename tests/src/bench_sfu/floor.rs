//! The floor: every packet is copied and encrypted once for each receiver, and all leave in the server's own batches.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use confab_rtp::srtp::{MasterKey, Outbound, Profile};
use confab_server::media::BatchSender;
use confab_sfu::Transmit;

use super::shape::{PACKET_BYTES, PACKETS_PER_FRAME, Shape};
use crate::lab::{LabError, Outcome};
use crate::usage;

const PROFILE: Profile = Profile::AeadAes256Gcm;
const HEADER_BYTES: usize = 12;

/// How often the receivers' sockets are emptied: well before a frame's packets fill them.
const EMPTYING: Duration = Duration::from_millis(5);

/// Microseconds of processor time for a packet to one of a shape's receivers.
pub(super) fn cost_us(shape: &Shape, length: Duration) -> Outcome<f64> {
    let receivers = shape.fan_out();
    let fail = |error| LabError::io("a UDP socket", error);
    let bind = || UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).map_err(fail);
    let socket = bind()?;
    let source = socket.local_addr().map_err(fail)?;
    let mut sinks = Vec::new();
    for _ in 0..receivers {
        let sink = bind()?;
        sink.set_nonblocking(true).map_err(fail)?;
        sinks.push(sink);
    }
    let mut destinations = sinks.iter().map(UdpSocket::local_addr).collect::<Result<Vec<_>, _>>().map_err(fail)?;
    destinations.sort_unstable();

    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| empty(&sinks, &stop));
        let cost = send(&socket, source, &destinations, shape.fps, length);
        stop.store(true, Ordering::Relaxed);
        cost
    })
}

fn empty(sinks: &[UdpSocket], stop: &AtomicBool) {
    let mut buffer = [0; 2_048];
    while !stop.load(Ordering::Relaxed) {
        for sink in sinks {
            while sink.recv(&mut buffer).is_ok() {}
        }
        std::thread::sleep(EMPTYING);
    }
}

fn send(
    socket: &UdpSocket,
    source: SocketAddr,
    destinations: &[SocketAddr],
    fps: u32,
    length: Duration,
) -> Outcome<f64> {
    let keys: Vec<Outbound> = (0..destinations.len()).map(key).collect();
    let payload = [0x5a; PACKET_BYTES as usize];
    let bytes = HEADER_BYTES + payload.len() + PROFILE.rtp_overhead();
    let mut batch: Vec<Transmit> = destinations
        .iter()
        .flat_map(|destination| std::iter::repeat_n(destination, PACKETS_PER_FRAME as usize))
        .map(|destination| Transmit::new(source, *destination, vec![0; bytes]))
        .collect();
    let mut sender = BatchSender::default();
    let frames = (length.as_secs_f64() * f64::from(fps)) as u32;
    let (begin, spent) = (Instant::now(), usage::of_this_thread()?);
    let mut taken = 0;
    for frame in 0..frames {
        let due = begin + Duration::from_secs(1) * frame / fps;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        for (key, packets) in keys.iter().zip(batch.chunks_mut(PACKETS_PER_FRAME as usize)) {
            for (packet, index) in packets.iter_mut().zip(u64::from(frame * PACKETS_PER_FRAME)..) {
                write(&mut packet.contents, index, frame, &payload);
                let protected = key.protect_rtp(index, &mut packet.contents);
                protected.map_err(|error| LabError::Unexpected(error.to_string()))?;
            }
        }
        taken += sender.send(socket, &batch).datagrams;
    }
    let spent = usage::of_this_thread()?.saturating_sub(spent);
    let wanted = u64::from(frames) * batch.len() as u64;
    if taken != wanted {
        return Err(LabError::Unexpected(format!("{taken} of {wanted} packets were taken")));
    }
    Ok(spent.as_secs_f64() * 1e6 / taken as f64)
}

fn key(number: usize) -> Outbound {
    let key: [u8; 32] = std::array::from_fn(|byte| (number.rotate_left(byte as u32) ^ byte) as u8);
    let master = MasterKey::new(PROFILE, &key, &[7; 12]).expect("a key and a salt of the profile's lengths");
    Outbound::new(&master)
}

/// A packet in clear, with room for its tag.
fn write(packet: &mut [u8], index: u64, frame: u32, payload: &[u8]) {
    packet[..2].copy_from_slice(&[0x80, 102]);
    packet[2..4].copy_from_slice(&(index as u16).to_be_bytes());
    packet[4..8].copy_from_slice(&(frame * 3_000).to_be_bytes());
    packet[8..12].copy_from_slice(&0x1234_5678_u32.to_be_bytes());
    packet[HEADER_BYTES..HEADER_BYTES + payload.len()].copy_from_slice(payload);
}

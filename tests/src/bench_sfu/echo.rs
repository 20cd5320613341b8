//! The floor of a delay: packets sent in the same bursts through a thread that only sends them back, on the same busy
//! computer at the same time.

use std::net::{Ipv4Addr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::shape::{PACKET_BYTES, PACKETS_PER_FRAME};
use crate::lab::{LabError, Outcome};

const FRAMES_PER_SECOND: u32 = 29;

/// Nothing coming for this long is a reason to look whether the end has come.
const LOOK: Duration = Duration::from_millis(50);

/// How long packets took there and back, milliseconds.
pub(super) fn delays(length: Duration) -> Outcome<Vec<f64>> {
    let fail = |error| LabError::io("a UDP socket", error);
    let bind = || {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).map_err(fail)?;
        socket.set_read_timeout(Some(LOOK)).map_err(fail)?;
        Ok::<_, LabError>(socket)
    };
    let (here, there) = (bind()?, bind()?);
    let target = there.local_addr().map_err(fail)?;
    let (stop, begin) = (AtomicBool::new(false), Instant::now());
    std::thread::scope(|scope| {
        scope.spawn(|| send_back(&there, &stop));
        let receiver = scope.spawn(|| receive(&here, &stop, begin));
        let mut packet = [0x5a; PACKET_BYTES as usize];
        let frames = (length.as_secs_f64() * f64::from(FRAMES_PER_SECOND)) as u32;
        for frame in 0..frames {
            let due = begin + Duration::from_secs(1) * frame / FRAMES_PER_SECOND;
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            packet[..8].copy_from_slice(&(begin.elapsed().as_nanos() as u64).to_be_bytes());
            for _ in 0..PACKETS_PER_FRAME {
                // One that the system does not take is one less.
                let _ = here.send_to(&packet, target);
            }
        }
        std::thread::sleep((begin + length).saturating_duration_since(Instant::now()));
        stop.store(true, Ordering::Relaxed);
        receiver.join().map_err(|_| LabError::Unexpected("the echo's receiver panicked".into()))
    })
}

fn send_back(socket: &UdpSocket, stop: &AtomicBool) {
    let mut buffer = [0; 2_048];
    while !stop.load(Ordering::Relaxed) {
        if let Ok((length, from)) = socket.recv_from(&mut buffer) {
            let _ = socket.send_to(&buffer[..length], from);
        }
    }
}

fn receive(socket: &UdpSocket, stop: &AtomicBool, begin: Instant) -> Vec<f64> {
    let (mut buffer, mut delays) = ([0; 2_048], Vec::new());
    while !stop.load(Ordering::Relaxed) {
        let Ok(8..) = socket.recv(&mut buffer) else { continue };
        let sent = buffer.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
        delays.push((begin.elapsed().as_nanos() as u64).saturating_sub(sent) as f64 / 1e6);
    }
    delays
}

//! ICE over TCP (RFC 6544): the media of a client without UDP, in frames on the main port, carried to the media worker by a
//! UDP socket of its own. The worker sees a client with another address and need not know.
//!
//! All workers share the one TCP port, so a connection does not say whose it is. Its first message is a connectivity check,
//! which only the worker answers that gave out its name and password: the check goes to all, and who answers has it.

use std::fmt::Write;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use rtc_stun::message::{CLASS_REQUEST, METHOD_BINDING, MessageType, is_stun_message};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::net::UdpSocket;
use tokio::time::{Instant, sleep_until};

use super::framing::{self, LARGEST};
use super::{Peers, Relay};

/// Bytes that may wait to be written; see `stream.rs`.
const WAITING: usize = 64 * 1024;

/// Nothing from either side for this long: the call is over. Consent (RFC 7675) is asked for every few seconds.
const IDLE: Duration = Duration::from_secs(30);

/// Datagrams that may come before a worker answers.
const CHECKS: u32 = 50;

/// Carries datagrams until one side ends it.
pub(super) async fn serve<S>(relay: Arc<Relay>, stream: S, patience: Duration)
where
    S: AsyncRead + AsyncWrite,
{
    let workers = workers(&relay.rules.peers);
    let Ok(socket) = open(&workers).await else { return };
    relay.rules.counters.bridges.add(1);
    let (mut reader, mut writer) = split(stream);
    let mut inbox = BytesMut::with_capacity(2 * LARGEST);
    let mut outbox = BytesMut::new();
    let mut datagram = vec![0; LARGEST];
    let mut owner: Option<SocketAddr> = None;
    let mut checks = 0;
    let mut deadline = Instant::now() + patience;
    let mut unflushed = false;
    loop {
        tokio::select! {
            read = reader.read_buf(&mut inbox) => match read {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            },
            heard = socket.recv_from(&mut datagram) => {
                // An error tells of an earlier packet that found nobody.
                let Ok((length, from)) = heard else { continue };
                if !workers.contains(&from) || owner.is_some_and(|owner| owner != from) {
                    continue;
                }
                owner = Some(from);
                deadline = Instant::now() + IDLE;
                let passes = outbox.len() < WAITING;
                relay.rules.counters.count(passes, length);
                if passes {
                    outbox.extend_from_slice(&(length as u16).to_be_bytes());
                    outbox.extend_from_slice(&datagram[..length]);
                }
            }
            pushed = push(&mut writer, &mut outbox), if unflushed || !outbox.is_empty() => match pushed {
                Ok(flushed) => unflushed = !flushed,
                Err(_) => return,
            },
            () = sleep_until(deadline) => return,
        }
        loop {
            let frame = match framing::framed_datagram(&inbox) {
                Ok(Some(frame)) => frame,
                Ok(None) => break,
                Err(framing::Broken) => return,
            };
            let sent = if let Some(owner) = owner {
                deadline = Instant::now() + IDLE;
                socket.try_send_to(frame, owner).is_ok()
            } else {
                checks += 1;
                if checks > CHECKS || !is_check(frame) {
                    return;
                }
                workers.iter().filter(|worker| socket.try_send_to(frame, **worker).is_ok()).count() > 0
            };
            relay.rules.counters.count(sent, frame.len());
            let whole = frame.len() + 2;
            inbox.advance(whole);
        }
    }
}

/// Writes what waits, then sees to it that it leaves: TLS keeps what it is given. Says whether all has left.
pub(super) async fn push(writer: &mut (impl AsyncWrite + Unpin), outbox: &mut BytesMut) -> io::Result<bool> {
    if outbox.is_empty() {
        writer.flush().await?;
        return Ok(true);
    }
    match writer.write_buf(outbox).await? {
        0 => Err(io::ErrorKind::WriteZero.into()),
        _ => Ok(false),
    }
}

fn is_check(frame: &[u8]) -> bool {
    let binding = MessageType::new(METHOD_BINDING, CLASS_REQUEST).value().to_be_bytes();
    is_stun_message(frame) && frame.starts_with(&binding)
}

/// One address of each worker: they have a port each, and loopback comes first.
fn workers(peers: &Peers) -> Vec<SocketAddr> {
    let mut workers: Vec<SocketAddr> = Vec::new();
    for bound in peers.all().iter().map(|known| known.bound) {
        let known = workers.iter().any(|worker| worker.port() == bound.port());
        let fits = workers.first().is_none_or(|first| first.is_ipv4() == bound.is_ipv4());
        if !known && fits {
            workers.push(bound);
        }
    }
    workers
}

async fn open(workers: &[SocketAddr]) -> io::Result<UdpSocket> {
    let first = workers.first().ok_or(io::ErrorKind::AddrNotAvailable)?;
    let any: IpAddr = if first.is_ipv4() { [0; 4].into() } else { [0; 16].into() };
    UdpSocket::bind((any, 0)).await
}

/// An SDP answer that also names the main port, for connections that the client opens. It is the last choice among the
/// direct ones: a stream delivers late what was lost.
pub(crate) fn with_tcp_candidates(answer: &str, addresses: &[IpAddr], port: u16) -> String {
    let mut lines = String::with_capacity(answer.len() + 512);
    let mut rest = answer.split_inclusive("\r\n").peekable();
    while let Some(line) = rest.next() {
        lines.push_str(line);
        let is_candidate = |line: &str| line.starts_with("a=candidate:");
        let last = is_candidate(line) && rest.peek().is_none_or(|next| !is_candidate(next));
        for (place, address) in addresses.iter().enumerate().filter(|_| last) {
            // RFC 6544, section 4.2: type preference 90, direction preference 4 (passive), then the order; component 1.
            let priority = (90_u32 << 24) | (((4 << 13) | (8_191 - place as u32)) << 8) | 255;
            let foundation = 900 + place;
            // Writing into a string cannot fail.
            let _ = write!(
                lines,
                "a=candidate:{foundation} 1 tcp {priority} {address} {port} typ host tcptype passive\r\n"
            );
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::relay::MediaAddress;

    #[test]
    fn each_worker_is_asked_once() {
        let same = |text: &str| MediaAddress { told: text.parse().unwrap(), bound: text.parse().unwrap() };
        let all = ["127.0.0.1:50000", "10.0.0.2:50000", "[2001:db8::7]:50000", "127.0.0.1:50001", "10.0.0.2:50001"];
        let peers = Peers::new(all.map(same).to_vec());
        assert_eq!(workers(&peers), ["127.0.0.1:50000", "127.0.0.1:50001"].map(|text| text.parse().unwrap()));
    }

    #[test]
    fn an_answer_names_the_tcp_port_behind_its_candidates() {
        let answer =
            "m=audio 9 x\r\na=candidate:1 1 udp 5 10.0.0.2 50000 typ host\r\na=mid:0\r\nm=video 9 x\r\na=mid:1\r\n";
        let named = with_tcp_candidates(answer, &["10.0.0.2".parse().unwrap()], 8003);
        let expected = "a=candidate:1 1 udp 5 10.0.0.2 50000 typ host\r\n\
            a=candidate:900 1 tcp 1520435199 10.0.0.2 8003 typ host tcptype passive\r\na=mid:0\r\n";
        assert!(named.contains(expected), "{named}");
        assert_eq!(named.matches("tcptype passive").count(), 1);
        assert!(named.ends_with("m=video 9 x\r\na=mid:1\r\n"));
        assert_eq!(with_tcp_candidates(answer, &[], 8003), answer);
    }
}

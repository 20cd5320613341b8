//! The way through networks that let no UDP pass: TURN (RFC 8656) over the TCP or TLS port that signaling came through.
//!
//! ```text
//! peer connection <-- UDP on loopback --> forwarder <== TURN in TCP or TLS ==> server <-- UDP --> its media
//! ```
//!
//! The peer connection knows nothing of it: the forwarder is one more candidate of the server, on this computer. (Of TURN,
//! `webrtc` 0.21.1 speaks only what goes over UDP.) It is made when the direct way has not connected after
//! [`DIRECT_FIRST`], and at once where it was needed before: most networks need none, and for them it would only be work,
//! while a second and a few round trips are far from what people wait for a call.

mod framing;
mod tunnel;

use std::net::SocketAddr;
use std::time::Duration;

use confab_protocol::RelayAccess;
use confab_protocol::link::ServerAddress;
use thiserror::Error;

pub(super) use tunnel::Tunnel;

/// How long the direct way may take alone. It needs two round trips.
pub(super) const DIRECT_FIRST: Duration = Duration::from_secs(1);

/// The server's relay, and how it is reached. No `Debug`: it holds a secret.
#[derive(Clone)]
pub struct RelayWay {
    /// The server, as signaling reaches it.
    pub server: ServerAddress,
    /// Credentials, from the join answer.
    pub access: RelayAccess,
}

/// Why the relay is of no help.
#[derive(Debug, Error)]
pub(super) enum RelayError {
    #[error("the server could not be reached: {0}")]
    Unreachable(#[from] std::io::Error),
    #[error(transparent)]
    Tls(#[from] crate::tls::TlsError),
    #[error("the relay did not do as asked: {0}")]
    Refused(String),
    #[error("the relay sent something that is no message")]
    Broken,
    #[error("the relay took too long")]
    Slow,
}

/// The server's media address to be reached through the relay: the first that a relayed IPv4 address reaches. The relay
/// stands beside it, so that the server's own loopback is as good as any.
pub(super) fn peer(answer: &str) -> Option<SocketAddr> {
    let candidates = answer.lines().filter_map(|line| line.strip_prefix("a=candidate:"));
    let mut addresses = candidates.filter_map(|candidate| {
        let fields: Vec<&str> = candidate.split_whitespace().collect();
        let [_, "1", transport, _, address, port, ..] = fields[..] else { return None };
        let address = SocketAddr::new(address.parse().ok()?, port.parse().ok()?);
        (transport.eq_ignore_ascii_case("udp") && address.is_ipv4()).then_some(address)
    });
    addresses.next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peer_is_the_first_udp_address_of_the_answer() {
        let answer = "m=audio 9 x\r\na=candidate:1 1 udp 5 2001:db8::7 50000 typ host\r\n\
            a=candidate:2 1 tcp 5 10.0.0.2 8003 typ host tcptype passive\r\n\
            a=candidate:3 1 UDP 5 10.0.0.2 50001 typ host\r\na=candidate:4 1 udp 5 10.0.0.3 50001 typ host\r\n";
        assert_eq!(peer(answer), Some("10.0.0.2:50001".parse().unwrap()));
        assert_eq!(peer("m=audio 9 x\r\na=candidate:1 2 udp 5 10.0.0.2 50000 typ host\r\na=candidate:"), None);
    }
}

//! The relay: TURN (RFC 8656) for clients whose network lets no UDP through to the media ports, or only to few ports. It
//! relays to this server's own media sockets and to nobody else.
//!
//! ```text
//! listener (TCP, TLS) -> stream     \
//! UDP port -----------> datagrams   -> talk: session (pure) + a UDP socket of its own -> media worker's socket
//! listener (frames) --> bridge      -> a UDP socket of its own --------------------->   (ICE over TCP, RFC 6544)
//! ```
//!
//! The message codec is `rtc-stun`'s and `rtc-turn`'s, kept with the client's media stack. The relay itself is ours: of the
//! kept servers, `turn` 0.6 binds its own sockets and knows no policy, and `turn-server-proto` 0.7 has no quota, no peers it
//! refuses, no credentials that end, searches a list for each packet and writes addresses into the log.

mod bridge;
mod credentials;
mod datagrams;
mod framing;
mod message;
mod peers;
mod quota;
mod session;
#[cfg(test)]
mod session_tests;
mod stream;
mod talk;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use confab_protocol::ParticipantId;
use tokio::net::UdpSocket;

use crate::config::Config;
use crate::gate::AddressLimiter;
use crate::media::reachable_addresses;
use crate::telemetry::Counter;

pub(crate) use credentials::Credential;
pub(crate) use peers::{MediaAddress, Peers};

use credentials::Credentials;
use quota::Quota;
use session::Now;

/// The media sockets as this server reaches them. Behind a one-to-one NAT the advertised address stands for the first of
/// its kind that is not loopback, with the same port.
pub(crate) fn media_peers(told: &[SocketAddr], advertised: Option<IpAddr>, config: &Config) -> Peers {
    let own = match config.media_addresses() {
        given if given.is_empty() => reachable_addresses(),
        given => given,
    };
    let bound = |told: SocketAddr| {
        let behind = || own.iter().find(|own| !own.is_loopback() && own.is_ipv4() == told.is_ipv4());
        match advertised {
            Some(advertised) if advertised == told.ip() && !own.contains(&advertised) => {
                behind().map_or(told, |ip| SocketAddr::new(*ip, told.port()))
            }
            _ => told,
        }
    };
    Peers::new(told.iter().map(|told| MediaAddress { told: *told, bound: bound(*told) }).collect())
}

/// Answers an address gets over UDP without credentials, at once and then a second; together at most ten in any second. A
/// client needs one, and asks again if it is lost; a sender's address may be a victim's.
const ANSWERS_TO_ANYBODY: f64 = 5.0;

/// Counts since the start.
#[derive(Default)]
pub(crate) struct RelayCounters {
    /// Relayed addresses given out.
    pub(crate) allocations: Counter,
    /// Requests for peers that are not ours.
    pub(crate) forbidden_peers: Counter,
    /// Requests beyond a quota.
    pub(crate) over_quota: Counter,
    /// Answers not given to somebody without credentials.
    pub(crate) unanswered: Counter,
    /// Datagrams relayed, both ways.
    pub(crate) relayed: Counter,
    /// Their bytes.
    pub(crate) relayed_bytes: Counter,
    /// Datagrams dropped: no permission, too fast, or no room.
    pub(crate) dropped: Counter,
    /// ICE connections over TCP.
    pub(crate) bridges: Counter,
}

impl RelayCounters {
    fn count(&self, passed: bool, bytes: usize) {
        if passed {
            self.relayed.add(1);
            self.relayed_bytes.add(bytes as u64);
        } else {
            self.dropped.add(1);
        }
    }
}

/// What sessions go by.
struct Rules {
    credentials: Credentials,
    peers: Peers,
    quota: Quota,
    counters: RelayCounters,
}

impl Now {
    /// By the system's clocks.
    fn present() -> Self {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        Self { instant: Instant::now(), unix }
    }
}

/// The relay of one server.
pub(crate) struct Relay {
    rules: Rules,
    strangers: AddressLimiter,
    kbit_per_second: u32,
    udp: bool,
    /// Of the main port, for connections that carry ICE.
    port: u16,
}

impl Relay {
    /// Opens the UDP port if it is wished, at the address of the TCP port, and gives what is to be run for it. A port that
    /// cannot be opened is no reason not to start: TCP and TLS are what is needed most.
    pub(crate) fn start(
        config: &Config,
        peers: Peers,
        address: SocketAddr,
    ) -> (Arc<Self>, Option<impl Future<Output = ()> + Send + use<>>) {
        let opened = config.turn_udp.then(|| datagrams::open(address)).transpose();
        let socket = opened.unwrap_or_else(|error| {
            tracing::warn!(%error, "the relay's UDP port could not be opened; it relays over TCP and TLS only");
            None
        });
        let relay = Arc::new(Self {
            rules: Rules {
                credentials: Credentials::new(u64::from(config.turn_hours) * 3_600),
                peers,
                quota: Quota::new(config.turn_allocations_per_person, config.turn_allocations),
                counters: RelayCounters::default(),
            },
            strangers: AddressLimiter::new(ANSWERS_TO_ANYBODY, ANSWERS_TO_ANYBODY),
            kbit_per_second: config.turn_kbit_per_second,
            udp: socket.is_some(),
            port: address.port(),
        });
        let serving = socket.map(|socket| datagrams::serve(Arc::clone(&relay), socket));
        (relay, serving)
    }

    /// Fresh credentials for somebody who joins.
    pub(crate) fn issue(&self, user: ParticipantId) -> Credential {
        self.rules.credentials.issue(user, Now::present().unix)
    }

    /// Seconds credentials are good for.
    pub(crate) fn credential_seconds(&self) -> u64 {
        self.rules.credentials.lifetime_seconds()
    }

    /// Whether the UDP port is open.
    pub(crate) fn speaks_udp(&self) -> bool {
        self.udp
    }

    /// An SDP answer that also names the main port, for browsers that carry ICE over TCP.
    pub(crate) fn name_tcp(&self, answer: &str) -> String {
        bridge::with_tcp_candidates(answer, &self.rules.peers.outer(), self.port)
    }

    /// Counts since the start.
    pub(crate) fn counters(&self) -> &RelayCounters {
        &self.rules.counters
    }

    /// Relayed addresses at present.
    pub(crate) fn allocations(&self) -> u64 {
        self.rules.quota.held().into()
    }

    /// Talks TURN on a stream until it ends.
    pub(crate) async fn turn<S>(self: Arc<Self>, stream: S, client: SocketAddr, patience: std::time::Duration)
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite,
    {
        stream::serve(self, stream, client, patience).await;
    }

    /// Carries ICE over TCP on a stream until it ends.
    pub(crate) async fn ice<S>(self: Arc<Self>, stream: S, patience: std::time::Duration)
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite,
    {
        bridge::serve(self, stream, patience).await;
    }

    fn bytes_per_second(&self) -> Option<f64> {
        (self.kbit_per_second > 0).then(|| f64::from(self.kbit_per_second) * 1_000.0 / 8.0)
    }

    fn answer_anybody(&self, socket: &UdpSocket, to: SocketAddr, answer: &[u8]) {
        if self.strangers.take(to.ip(), Instant::now()) {
            drop(socket.try_send_to(answer, to));
        } else {
            self.rules.counters.unanswered.add(1);
        }
    }
}

//! One client's relayed address: the session and its socket. Whoever owns it brings the messages and takes the answers.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use tokio::net::UdpSocket;

use super::Relay;
use super::message::Family;
use super::session::{Now, Session, Step};
use crate::gate::TokenBucket;

/// How many seconds' worth of the rate may go at once: a key frame must not be cut.
const BURST_SECONDS: f64 = 0.5;

/// What a client is to be told.
pub(super) enum Said {
    Nothing,
    Answer(Vec<u8>),
    /// To somebody who has shown no credentials.
    ToAnybody(Vec<u8>),
    /// Afterwards the relayed address is gone.
    Last(Vec<u8>),
}

/// See the module.
pub(super) struct Talk {
    relay: Arc<Relay>,
    session: Session,
    socket: Option<UdpSocket>,
    rate: Option<TokenBucket>,
}

impl Talk {
    pub(super) fn new(relay: Arc<Relay>, client: SocketAddr, stream: bool) -> Self {
        let rate = relay.bytes_per_second().map(|rate| TokenBucket::new(rate * BURST_SECONDS, rate, Instant::now()));
        Self { relay, session: Session::new(client, stream), socket: None, rate }
    }

    /// Whether there is a relayed address.
    pub(super) fn is_open(&self) -> bool {
        self.socket.is_some()
    }

    /// Until when there is.
    pub(super) fn expires(&self) -> Option<Instant> {
        self.session.expires()
    }

    /// Acts on a message of the client. What cannot be sent on at once is lost, like any datagram.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Said {
        let now = Now::present();
        match self.session.take(bytes, now, &self.relay.rules) {
            Step::Ignore => Said::Nothing,
            Step::Answer(answer) => Said::Answer(answer),
            Step::AnswerAnybody(answer) => Said::ToAnybody(answer),
            Step::Relay(to, data) => self.pass_on(to, data),
            Step::RelayOwned(to, data) => self.pass_on(to, &data),
            Step::Open(family) => {
                self.socket = open(family).ok();
                let address = self.socket.as_ref().and_then(|socket| socket.local_addr().ok());
                Said::Answer(self.session.opened(address.map(|address| address.port()), now, &self.relay.rules))
            }
            Step::Close(answer) => {
                self.socket = None;
                Said::Last(answer)
            }
        }
    }

    fn pass_on(&mut self, to: SocketAddr, data: &[u8]) -> Said {
        let sent = self.may_pass(data.len())
            && self.socket.as_ref().is_some_and(|socket| socket.try_send_to(data, to).is_ok());
        self.relay.rules.counters.count(sent, data.len());
        Said::Nothing
    }

    /// Waits for something from a media socket; for ever while there is no relayed address.
    pub(super) async fn hear(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        match &self.socket {
            Some(socket) => socket.recv_from(buffer).await,
            None => std::future::pending().await,
        }
    }

    /// What there is already from a media socket.
    pub(super) fn hear_now(&self, buffer: &mut [u8]) -> Option<(usize, SocketAddr)> {
        self.socket.as_ref()?.try_recv_from(buffer).ok()
    }

    /// Puts what a media socket sent behind what stands in `out`, as the client is to get it; or drops it.
    pub(super) fn wrap(&mut self, from: SocketAddr, data: &[u8], out: &mut Vec<u8>) -> bool {
        // Strangers who found the port must not use up the client's rate.
        let expected = self.relay.rules.peers.told(from).is_some();
        let passed = expected
            && self.may_pass(data.len())
            && self.session.wrap(from, data, Now::present(), &self.relay.rules, out);
        self.relay.rules.counters.count(passed, data.len());
        passed
    }

    fn may_pass(&mut self, bytes: usize) -> bool {
        self.rate.as_mut().is_none_or(|rate| rate.take_many(bytes as f64, Instant::now()))
    }
}

fn open(family: Family) -> io::Result<UdpSocket> {
    let socket = match family {
        Family::Four => std::net::UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)),
        Family::Six => std::net::UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0)),
    }?;
    socket.set_nonblocking(true)?;
    UdpSocket::from_std(socket)
}

//! One member's ICE and DTLS: datagrams and time in; datagrams, keys and the way they opened out.

use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use str0m::net::{DatagramRecv, Protocol, Receive};
use str0m::{Event, Input, Output, Rtc, RtcError};

use super::keys::{MediaKeys, take_exported};
use crate::egress::outlet::Outlet;

/// A path that wants to be called again at once is, this many times; then others have their turn.
const ROUNDS: usize = 256;

/// First bytes of a binding request and of its success response (RFC 8489, 5).
const BINDING_REQUEST: [u8; 2] = [0x00, 0x01];
const BINDING_SUCCESS: [u8; 2] = [0x01, 0x01];
const STUN_HEADER: usize = 20;

/// RFC 8445, 16.1.
const USE_CANDIDATE: u16 = 0x0025;

/// From where to where a member's packets go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Route {
    /// Our address.
    pub(crate) source: SocketAddr,
    /// Theirs.
    pub(crate) destination: SocketAddr,
}

/// What driving a path brought.
#[derive(Default)]
pub(crate) struct Progress {
    /// The handshake is done.
    pub(crate) keys: Option<MediaKeys>,
    /// The client chose this pair (RFC 8445, 7.3.1.5: an authenticated check with USE-CANDIDATE).
    pub(crate) nominated: Option<Route>,
    /// The other side closed the path.
    pub(crate) closed: bool,
}

/// A media path that returned an error or panicked; it is of no more use.
pub(crate) struct Failed;

/// ICE and DTLS of one member.
pub(crate) struct ControlPath {
    /// Large, so not in the member itself, which is gone through often.
    rtc: Box<Rtc>,
    deadline: Instant,
}

impl ControlPath {
    pub(crate) fn new(now: Instant, rtc: Rtc) -> Self {
        Self { rtc: Box::new(rtc), deadline: now }
    }

    /// For SDP.
    pub(crate) fn rtc(&mut self) -> &mut Rtc {
        &mut self.rtc
    }

    /// When [`Self::advance`] wants to be called.
    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Whether a STUN message is meant for this path and signed by its client.
    pub(crate) fn accepts(&self, now: Instant, route: Route, contents: &[u8]) -> bool {
        let Some(receive) = received(route, contents) else { return false };
        catch_unwind(AssertUnwindSafe(|| self.rtc.accepts(&Input::Receive(now, receive)))).unwrap_or(false)
    }

    /// Takes in a STUN or DTLS datagram.
    pub(crate) fn receive(
        &mut self,
        now: Instant,
        route: Route,
        contents: &[u8],
        outlet: &mut Outlet,
    ) -> Result<Progress, Failed> {
        let Some(receive) = received(route, contents) else { return Ok(Progress::default()) };
        // What another path left when it failed is not this one's.
        drop(take_exported());
        guarded(|| self.rtc.handle_input(Input::Receive(now, receive)))?;
        let already = outlet.queued();
        let mut progress = self.drain(now, outlet)?;
        let answered = outlet.since(already).any(|transmit| {
            transmit.destination == route.destination && transmit.contents.starts_with(&BINDING_SUCCESS)
        });
        if answered && nominates(contents) {
            progress.nominated = Some(route);
        }
        Ok(progress)
    }

    /// Lets time pass.
    pub(crate) fn advance(&mut self, now: Instant, outlet: &mut Outlet) -> Result<Progress, Failed> {
        drop(take_exported());
        guarded(|| self.rtc.handle_input(Input::Timeout(now)))?;
        self.drain(now, outlet)
    }

    /// Says goodbye. What fails here fails for somebody who is gone.
    pub(crate) fn close(&mut self, now: Instant, outlet: &mut Outlet) {
        if self.rtc.is_alive() && guarded(|| self.rtc.close()).is_ok() {
            let _gone_either_way = self.advance(now, outlet);
        }
    }

    fn drain(&mut self, now: Instant, outlet: &mut Outlet) -> Result<Progress, Failed> {
        let mut progress = Progress::default();
        let mut rounds = 0;
        loop {
            match guarded(|| self.rtc.poll_output())? {
                Output::Transmit(transmit) => outlet
                    .push(Route { source: transmit.source, destination: transmit.destination }, &transmit.contents),
                Output::Event(Event::Closed) => progress.closed = true,
                Output::Event(_) => {}
                Output::Timeout(at) if at > now => {
                    self.deadline = at;
                    break;
                }
                Output::Timeout(_) if rounds >= ROUNDS => {
                    self.deadline = now + Duration::from_millis(1);
                    break;
                }
                Output::Timeout(_) => {
                    rounds += 1;
                    guarded(|| self.rtc.handle_input(Input::Timeout(now)))?;
                }
            }
        }
        progress.keys = take_exported();
        progress.closed |= !self.rtc.is_alive();
        Ok(progress)
    }
}

fn received(route: Route, contents: &[u8]) -> Option<Receive<'_>> {
    let parsed = DatagramRecv::try_from(contents).ok()?;
    Some(Receive { proto: Protocol::Udp, source: route.destination, destination: route.source, contents: parsed })
}

/// Whether a binding request carries USE-CANDIDATE.
fn nominates(message: &[u8]) -> bool {
    if !message.starts_with(&BINDING_REQUEST) {
        return false;
    }
    let mut rest = message.get(STUN_HEADER..).unwrap_or_default();
    while let [kind_high, kind_low, high, low, after @ ..] = rest {
        if u16::from_be_bytes([*kind_high, *kind_low]) == USE_CANDIDATE {
            return true;
        }
        let length = usize::from(u16::from_be_bytes([*high, *low])).next_multiple_of(4);
        rest = after.get(length..).unwrap_or_default();
    }
    false
}

/// Calls into str0m. It parses what the network sends, so a panic in it must cost its own member only.
fn guarded<T>(call: impl FnOnce() -> Result<T, RtcError>) -> Result<T, Failed> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(_)) | Err(_) => Err(Failed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_nominates_when_it_says_so_behind_other_attributes() {
        let mut message = vec![0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42];
        message.resize(STUN_HEADER, 7);
        assert!(!nominates(&message));
        message.extend([0x00, 0x06, 0x00, 0x05, b'a', b':', b'b', b'c', b'd', 0, 0, 0]);
        assert!(!nominates(&message));
        message.extend([0x00, 0x25, 0x00, 0x00]);
        assert!(nominates(&message));
        message[1] = 2;
        assert!(!nominates(&message), "no request");
        assert!(!nominates(&[0, 1, 0, 0, 1]), "cut off");
    }
}

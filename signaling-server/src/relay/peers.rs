//! To whom the relay relays: this server's own media sockets, and nobody else.
//!
//! A relay that reaches other addresses is a way into the network it stands in, and with guests that need no account an
//! open proxy. Nothing of a call goes anywhere else, so there is no list of what is forbidden (private, loopback,
//! link-local, multicast, mapped and translated forms): whatever is not a media socket of ours is.

use std::net::{IpAddr, SocketAddr};

use super::message::Family;

/// A media socket of this server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct MediaAddress {
    /// As clients are told it.
    pub(crate) told: SocketAddr,
    /// As it is reached from here: another one behind a NAT, which seldom leads packets back to itself.
    pub(crate) bound: SocketAddr,
}

/// All media sockets of this server.
#[derive(Clone, Debug)]
pub(crate) struct Peers(Vec<MediaAddress>);

impl Peers {
    pub(crate) fn new(addresses: Vec<MediaAddress>) -> Self {
        Self(addresses)
    }

    pub(super) fn all(&self) -> &[MediaAddress] {
        &self.0
    }

    /// Where to send for a peer as a client names it; `None` when it is none of ours.
    pub(super) fn bound(&self, peer: SocketAddr) -> Option<SocketAddr> {
        self.0.iter().find(|known| known.told == peer).map(|known| known.bound)
    }

    /// How a client knows whoever sent from here.
    pub(super) fn told(&self, from: SocketAddr) -> Option<SocketAddr> {
        self.0.iter().find(|known| known.bound == from).map(|known| known.told)
    }

    /// Whether a permission may be given. It is for an address whatever the port (RFC 8656, section 9), and what is sent is
    /// looked at again with its port; but one that names a port names ours.
    pub(super) fn may_permit(&self, peer: SocketAddr) -> bool {
        let same = |known: &MediaAddress| known.told.ip() == peer.ip() && (peer.port() == 0 || known.told == peer);
        self.0.iter().any(same)
    }

    /// The addresses others reach this server under; loopback only when there is no other.
    pub(super) fn outer(&self) -> Vec<IpAddr> {
        let mut outer: Vec<IpAddr> = Vec::new();
        for ip in self.0.iter().map(|known| known.told.ip()) {
            if !outer.contains(&ip) {
                outer.push(ip);
            }
        }
        if outer.iter().any(|ip| !ip.is_loopback()) {
            outer.retain(|ip| !ip.is_loopback());
        }
        outer
    }

    /// An address to tell as the relayed one: where others would reach this server.
    pub(super) fn relayed(&self, family: Family) -> Option<IpAddr> {
        let told = self.0.iter().map(|known| known.told.ip()).filter(|ip| Family::of(*ip) == family);
        told.clone().find(|ip| !ip.is_loopback()).or_else(|| told.clone().next())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peers() -> Peers {
        let address =
            |told: &str, bound: &str| MediaAddress { told: told.parse().unwrap(), bound: bound.parse().unwrap() };
        Peers::new(vec![
            address("127.0.0.1:50000", "127.0.0.1:50000"),
            address("203.0.113.9:50000", "10.0.0.2:50000"),
            address("203.0.113.9:50001", "10.0.0.2:50001"),
        ])
    }

    #[test]
    fn only_our_own_media_sockets_are_peers() {
        let peers = peers();
        let of = |text: &str| peers.bound(text.parse().unwrap());
        assert_eq!(of("203.0.113.9:50001"), Some("10.0.0.2:50001".parse().unwrap()));
        assert_eq!(of("127.0.0.1:50000"), Some("127.0.0.1:50000".parse().unwrap()));
        for other in ["127.0.0.1:8003", "10.0.0.2:50000", "203.0.113.9:22", "[::ffff:127.0.0.1]:50000", "8.8.8.8:53"] {
            assert_eq!(of(other), None, "{other}");
        }
        assert_eq!(peers.told("10.0.0.2:50001".parse().unwrap()), Some("203.0.113.9:50001".parse().unwrap()));
        assert_eq!(peers.told("10.0.0.3:50001".parse().unwrap()), None);
    }

    #[test]
    fn a_permission_is_for_an_address_of_ours() {
        let peers = peers();
        let may = |text: &str| peers.may_permit(text.parse().unwrap());
        assert!(may("203.0.113.9:0") && may("203.0.113.9:50001"));
        assert!(!may("203.0.113.9:22") && !may("10.0.0.2:0") && !may("[::ffff:203.0.113.9]:0"));
    }

    #[test]
    fn the_relayed_address_is_one_others_reach() {
        assert_eq!(peers().relayed(Family::Four), Some("203.0.113.9".parse().unwrap()));
        assert_eq!(peers().relayed(Family::Six), None);
    }
}

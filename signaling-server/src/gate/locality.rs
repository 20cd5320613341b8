//! Where a caller is: on this computer or in its network, or anywhere.

use std::net::{IpAddr, Ipv6Addr};

/// Whoever makes a request.
#[derive(Clone)]
pub(crate) struct Caller {
    /// The other end of the TCP connection.
    pub(crate) address: IpAddr,
    /// The request says a proxy passed it on, so its address is the proxy's.
    pub(crate) forwarded: bool,
    /// A web page made it, so its address is that of the page's reader.
    pub(crate) page: bool,
}

impl Caller {
    /// Whether the caller is on this computer or in its network, and nothing says otherwise. `is_own` knows this
    /// computer's addresses, which may be public ones.
    pub(crate) fn is_near(&self, is_own: impl FnOnce(IpAddr) -> bool) -> bool {
        !self.forwarded && !self.page && (is_local(self.address) || is_own(self.address))
    }
}

/// Loopback, private (RFC 1918), link-local, or unique local (RFC 4193).
fn is_local(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

/// The address by which somebody is counted: all of one IPv6 /64 are one, because a person can take any of it.
pub(crate) fn address_group(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(address: &str) -> bool {
        Caller { address: address.parse().unwrap(), forwarded: false, page: false }.is_near(|_| false)
    }

    #[test]
    fn loopback_and_the_local_network_are_near() {
        for address in ["127.0.0.1", "127.8.8.8", "::1", "10.1.2.3", "192.168.1.9", "172.16.0.1", "169.254.3.4"] {
            assert!(near(address), "{address}");
        }
        for address in ["fe80::1", "fd00::1", "::ffff:192.168.1.9"] {
            assert!(near(address), "{address}");
        }
    }

    #[test]
    fn the_internet_is_not_near() {
        for address in ["8.8.8.8", "172.32.0.1", "100.64.0.1", "2001:db8::1", "::ffff:8.8.8.8", "0.0.0.0", "::"] {
            assert!(!near(address), "{address}");
        }
    }

    #[test]
    fn what_a_proxy_or_a_page_passes_on_is_not_near() {
        let address = "127.0.0.1".parse().unwrap();
        assert!(!Caller { address, forwarded: true, page: false }.is_near(|_| true));
        assert!(!Caller { address, forwarded: false, page: true }.is_near(|_| true));
    }

    #[test]
    fn a_public_address_of_this_computer_is_near() {
        let address = "198.51.100.7".parse().unwrap();
        let caller = Caller { address, forwarded: false, page: false };
        assert!(caller.is_near(|asked| asked == address));
        assert!(!caller.is_near(|asked| asked != address));
    }

    #[test]
    fn an_ipv6_network_is_one_address() {
        let group = |text: &str| address_group(text.parse().unwrap());
        assert_eq!(group("2001:db8:1:2:3:4:5:6"), group("2001:db8:1:2::9"));
        assert_ne!(group("2001:db8:1:2::1"), group("2001:db8:1:3::1"));
        assert_eq!(group("::ffff:10.0.0.1"), group("10.0.0.1"));
    }
}

//! Which addresses a worker listens on and which it tells clients.

use std::net::{IpAddr, Ipv4Addr};

use super::MediaConfig;

/// One address to listen on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct LocalAddress {
    /// To bind.
    pub(super) bind: IpAddr,
    /// Told to clients.
    pub(super) told: IpAddr,
    /// Failing to bind it is an error, and not only an interface less.
    pub(super) required: bool,
}

/// Loopback first (a server in the app is reached by it), then every other address, the ones told outside in the order
/// the system lists them.
pub(super) fn local_addresses(config: &MediaConfig) -> Vec<LocalAddress> {
    let mut found: Vec<IpAddr> = if config.bind.is_empty() { reachable_addresses() } else { config.bind.clone() };
    if config.bind.iter().any(IpAddr::is_unspecified) {
        found = reachable_addresses();
    }
    let required = !config.bind.is_empty();
    let mut advertise = config.advertise;
    let mut addresses: Vec<LocalAddress> = Vec::new();
    for bind in found {
        if addresses.iter().any(|known| known.bind == bind) {
            continue;
        }
        let stands_outside = advertise.filter(|told| told.is_ipv4() == bind.is_ipv4() && !bind.is_loopback());
        if stands_outside.is_some() {
            advertise = None;
        }
        addresses.push(LocalAddress { bind, told: stands_outside.unwrap_or(bind), required });
    }
    addresses
}

/// The addresses of this computer: loopback, by which it reaches itself, then those by which others do.
pub(crate) fn reachable_addresses() -> Vec<IpAddr> {
    let mut addresses = vec![IpAddr::V4(Ipv4Addr::LOCALHOST)];
    match if_addrs::get_if_addrs() {
        Ok(interfaces) => {
            addresses.extend(interfaces.iter().map(if_addrs::Interface::ip).filter(|address| is_usable(*address)));
        }
        Err(error) => tracing::warn!(%error, "the network interfaces could not be listed; media on loopback only"),
    }
    addresses
}

/// Link-local addresses need a scope that other computers do not know.
fn is_usable(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !address.is_loopback() && !address.is_link_local() && !address.is_unspecified(),
        IpAddr::V6(address) => !address.is_loopback() && !address.is_unicast_link_local() && !address.is_unspecified(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn loopback_is_always_among_the_addresses_of_this_computer() {
        let addresses = local_addresses(&MediaConfig::default());
        assert_eq!(addresses[0].bind, IpAddr::V4(Ipv4Addr::LOCALHOST));
        assert!(addresses.iter().all(|known| !known.required));
    }

    #[test]
    fn the_advertised_address_stands_for_the_first_outer_one_of_its_kind() {
        let bind = ["127.0.0.1", "::1", "10.0.0.2", "10.0.0.3"].map(address).to_vec();
        let config = MediaConfig { bind, advertise: Some(address("203.0.113.9")), ..MediaConfig::default() };
        let told: Vec<IpAddr> = local_addresses(&config).iter().map(|known| known.told).collect();
        assert_eq!(told, ["127.0.0.1", "::1", "203.0.113.9", "10.0.0.3"].map(address));
    }
}

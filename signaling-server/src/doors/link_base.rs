//! What meeting links begin with.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use confab_protocol::link::ServerAddress;
use confab_protocol::{LinkError, MeetingLink, RoomCode};

/// A server as people reach it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct LinkBase(ServerAddress);

impl LinkBase {
    /// From the configuration: `host`, `host:port`, or either with `http://` or `https://`. A bare host gets the port
    /// the server listens on.
    pub(crate) fn configured(name: &str, listening: SocketAddr) -> Result<Self, LinkError> {
        if name.contains("://") {
            return ServerAddress::parse(name).map(Self);
        }
        let address = ServerAddress::parse(&format!("http://{name}"))?;
        let names_port = name.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        Ok(Self(if names_port { address } else { ServerAddress { port: listening.port(), ..address } }))
    }

    /// From the `Host` header of a request, or the address the server listens on when there is none to use.
    pub(crate) fn of_request(host: Option<&str>, listening: SocketAddr) -> Self {
        let named = host.and_then(|host| ServerAddress::parse(&format!("http://{host}")).ok());
        Self(named.unwrap_or_else(|| {
            let host = match listening.ip() {
                ip if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
                ip => ip,
            };
            let host = SocketAddr::new(host, 0).to_string().trim_end_matches(":0").to_owned();
            ServerAddress { host, port: listening.port(), secure: false, fingerprint: None }
        }))
    }

    /// The link of a room.
    pub(crate) fn link(&self, code: &RoomCode) -> String {
        MeetingLink { server: Some(self.0.clone()), code: code.clone() }.to_string()
    }

    /// The same for the app's own scheme.
    pub(crate) fn app_link(&self, code: &RoomCode) -> String {
        let plain = if self.0.secure { "" } else { "#plain" };
        format!("confab://{}:{}/m/{code}{plain}", self.0.host, self.0.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(base: &LinkBase) -> String {
        base.link(&"kestrel-lane-27".parse().unwrap())
    }

    #[test]
    fn a_link_repeats_the_address_the_client_used() {
        let listening = "0.0.0.0:8003".parse().unwrap();
        let of = |host| link(&LinkBase::of_request(host, listening));
        assert_eq!(of(Some("meet.lan:9000")), "http://meet.lan:9000/m/kestrel-lane-27");
        assert_eq!(of(Some("192.168.1.9")), "http://192.168.1.9/m/kestrel-lane-27");
        assert_eq!(of(Some("[::1]:8003")), "http://[::1]:8003/m/kestrel-lane-27");
        assert_eq!(of(None), "http://127.0.0.1:8003/m/kestrel-lane-27");
        assert_eq!(of(Some("\" onload=")), "http://127.0.0.1:8003/m/kestrel-lane-27");
        let six = LinkBase::of_request(None, "[::1]:9".parse().unwrap());
        assert_eq!(link(&six), "http://[::1]:9/m/kestrel-lane-27");
    }

    #[test]
    fn a_configured_name_is_used_as_given() {
        let listening = "0.0.0.0:8003".parse().unwrap();
        let of = |name| link(&LinkBase::configured(name, listening).unwrap());
        assert_eq!(of("meet.example.org"), "http://meet.example.org:8003/m/kestrel-lane-27");
        assert_eq!(of("meet.example.org:80"), "http://meet.example.org/m/kestrel-lane-27");
        assert_eq!(of("https://meet.example.org"), "https://meet.example.org/m/kestrel-lane-27");
        assert!(LinkBase::configured("ftp://meet.example.org", listening).is_err());
    }
}

//! What meeting links begin with.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use confab_protocol::link::ServerAddress;
use confab_protocol::{LinkError, MeetingLink, RoomCode};

/// What links of an encrypted server say of its certificate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Security<'a> {
    /// Of a self-made one.
    pub(crate) fingerprint: Option<&'a str>,
}

/// A server as people reach it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct LinkBase(ServerAddress);

impl LinkBase {
    /// From the configuration: `host`, `host:port`, or either with `http://` or `https://`. A bare host gets the port
    /// the server listens on, and the encryption it has. A full `https` address may be a proxy's, with a certificate of
    /// its own, so only one with this server's port gets the fingerprint of a self-made one.
    pub(crate) fn configured(
        name: &str,
        listening: SocketAddr,
        security: Option<Security<'_>>,
    ) -> Result<Self, LinkError> {
        let fingerprint = security.and_then(|security| security.fingerprint).map(str::to_owned);
        if name.contains("://") {
            let address = ServerAddress::parse(name)?;
            let own = address.secure && address.port == listening.port() && address.fingerprint.is_none();
            return Ok(Self(if own { ServerAddress { fingerprint, ..address } } else { address }));
        }
        let address = ServerAddress::parse(&format!("http://{name}"))?;
        let address = ServerAddress { secure: security.is_some(), fingerprint, ..address };
        let names_port = name.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        Ok(Self(if names_port { address } else { ServerAddress { port: listening.port(), ..address } }))
    }

    /// From the `Host` header of a request, or the address the server listens on when there is none to use; encrypted if
    /// the request came so.
    pub(crate) fn of_request(host: Option<&str>, listening: SocketAddr, security: Option<Security<'_>>) -> Self {
        let scheme = if security.is_some() { "https" } else { "http" };
        let named = host.and_then(|host| ServerAddress::parse(&format!("{scheme}://{host}")).ok());
        let address = named.unwrap_or_else(|| {
            let host = match listening.ip() {
                ip if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
                ip => ip,
            };
            let host = SocketAddr::new(host, 0).to_string().trim_end_matches(":0").to_owned();
            ServerAddress { host, port: listening.port(), secure: security.is_some(), fingerprint: None }
        });
        let fingerprint = security.and_then(|security| security.fingerprint).map(str::to_owned);
        Self(ServerAddress { fingerprint, ..address })
    }

    /// The server.
    pub(crate) fn server(&self) -> &ServerAddress {
        &self.0
    }

    /// The server's own address, as people paste it.
    pub(crate) fn url(&self) -> String {
        let ServerAddress { host, port, secure, fingerprint } = &self.0;
        let (scheme, usual) = if *secure { ("https", 443) } else { ("http", 80) };
        let port = if *port == usual { String::new() } else { format!(":{port}") };
        let fingerprint = fingerprint.as_ref().map(|text| format!("#fp={text}")).unwrap_or_default();
        format!("{scheme}://{host}{port}{fingerprint}")
    }

    /// The link of a room.
    pub(crate) fn link(&self, code: &RoomCode) -> String {
        MeetingLink { server: Some(self.0.clone()), code: code.clone() }.to_string()
    }

    /// The same for the app's own scheme.
    pub(crate) fn app_link(&self, code: &RoomCode) -> String {
        let fragment = match &self.0.fingerprint {
            Some(fingerprint) => format!("#fp={fingerprint}"),
            // Without a fragment, clients take an address of a local network for a plain one.
            None if self.0.secure => "#tls".to_owned(),
            None => "#plain".to_owned(),
        };
        format!("confab://{}:{}/m/{code}{fragment}", self.0.host, self.0.port)
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
        let of = |host| link(&LinkBase::of_request(host, listening, None));
        assert_eq!(of(Some("meet.lan:9000")), "http://meet.lan:9000/m/kestrel-lane-27");
        assert_eq!(of(Some("192.168.1.9")), "http://192.168.1.9/m/kestrel-lane-27");
        assert_eq!(of(Some("[::1]:8003")), "http://[::1]:8003/m/kestrel-lane-27");
        assert_eq!(of(None), "http://127.0.0.1:8003/m/kestrel-lane-27");
        assert_eq!(of(Some("\" onload=")), "http://127.0.0.1:8003/m/kestrel-lane-27");
        let six = LinkBase::of_request(None, "[::1]:9".parse().unwrap(), None);
        assert_eq!(link(&six), "http://[::1]:9/m/kestrel-lane-27");
    }

    #[test]
    fn a_configured_name_is_used_as_given() {
        let listening = "0.0.0.0:8003".parse().unwrap();
        let of = |name| link(&LinkBase::configured(name, listening, None).unwrap());
        assert_eq!(of("meet.example.org"), "http://meet.example.org:8003/m/kestrel-lane-27");
        assert_eq!(of("meet.example.org:80"), "http://meet.example.org/m/kestrel-lane-27");
        assert_eq!(of("https://meet.example.org"), "https://meet.example.org/m/kestrel-lane-27");
        assert!(LinkBase::configured("ftp://meet.example.org", listening, None).is_err());
    }

    #[test]
    fn links_of_an_encrypted_server_say_so_and_name_a_self_made_certificate() {
        let listening = "0.0.0.0:8003".parse().unwrap();
        let fingerprint = "ab".repeat(32);
        let made = Some(Security { fingerprint: Some(&fingerprint) });
        let of = |host| link(&LinkBase::of_request(host, listening, made));
        assert_eq!(of(Some("192.0.2.7:9000")), format!("https://192.0.2.7:9000/m/kestrel-lane-27#fp={fingerprint}"));
        assert_eq!(of(Some("meet.lan")), format!("https://meet.lan/m/kestrel-lane-27#fp={fingerprint}"));
        assert_eq!(of(None), format!("https://127.0.0.1:8003/m/kestrel-lane-27#fp={fingerprint}"));
        let of = |name| link(&LinkBase::configured(name, listening, made).unwrap());
        assert_eq!(of("10.0.0.5"), format!("https://10.0.0.5:8003/m/kestrel-lane-27#fp={fingerprint}"));
        assert_eq!(of("https://meet.lan:8003"), format!("https://meet.lan:8003/m/kestrel-lane-27#fp={fingerprint}"));
        assert_eq!(of("https://meet.example.org"), "https://meet.example.org/m/kestrel-lane-27", "a proxy's own");
        let url = |name| LinkBase::configured(name, listening, made).unwrap().url();
        assert_eq!(url("10.0.0.5"), format!("https://10.0.0.5:8003#fp={fingerprint}"));
        assert_eq!(url("https://meet.example.org"), "https://meet.example.org");
        let given = LinkBase::of_request(Some("meet.lan"), listening, Some(Security { fingerprint: None }));
        assert_eq!(link(&given), "https://meet.lan/m/kestrel-lane-27");
        assert_eq!(given.app_link(&"kestrel-lane-27".parse().unwrap()), "confab://meet.lan:443/m/kestrel-lane-27#tls");
    }
}

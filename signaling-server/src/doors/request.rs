//! What the doors want to know of a request beside its path and body.

use std::net::IpAddr;

use axum::http::{HeaderMap, header};
use confab_protocol::link::ServerAddress;

use super::link_base::Security;
use super::{LinkBase, Shared};
use crate::gate::Caller;

/// The other end of the TCP connection, put into each request by the listener.
#[derive(Clone, Copy)]
pub(super) struct Peer(pub(super) IpAddr);

/// Whether the connection is encrypted, put into each request by the listener.
#[derive(Clone, Copy)]
pub(super) struct Encrypted(pub(super) bool);

/// Headers by which proxies say that they pass a request on.
const FORWARDING: [&str; 4] = ["forwarded", "x-forwarded-for", "x-real-ip", "via"];

/// Who makes a request. A browser sends `Origin` with what a page does. It is not compared with `Host`: a page whose
/// name was pointed at this server (DNS rebinding) sends two that agree, and no page of ours makes rooms.
pub(super) fn caller(peer: Peer, headers: &HeaderMap) -> Caller {
    Caller {
        address: peer.0,
        forwarded: FORWARDING.iter().any(|name| headers.contains_key(*name)),
        page: headers.contains_key(header::ORIGIN),
    }
}

/// What links begin with for this request's maker.
pub(super) fn link_base(shared: &Shared, encrypted: Encrypted, headers: &HeaderMap) -> LinkBase {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let fingerprint = shared.identity.as_ref().and_then(|identity| identity.fingerprint());
    let security = encrypted.0.then_some(Security { fingerprint });
    shared.public_base.clone().unwrap_or_else(|| LinkBase::of_request(host, shared.address, security))
}

/// The host and port of the `Host` header; no port where it names none. `None` when it is no host at all.
pub(super) fn host_and_port(headers: &HeaderMap) -> Option<(String, Option<u16>)> {
    let named = headers.get(header::HOST)?.to_str().ok()?;
    let address = ServerAddress::parse(&format!("http://{named}")).ok()?;
    let names_port = named.ends_with(&format!(":{}", address.port));
    Some((address.host, names_port.then_some(address.port)))
}

/// The token of an `Authorization: Bearer` header.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect::<HeaderMap>()
    }

    #[test]
    fn a_page_is_recognised_whatever_its_origin() {
        let peer = Peer("127.0.0.1".parse().unwrap());
        assert!(!caller(peer, &headers(&[("host", "localhost:8003")])).page);
        for origin in ["http://localhost:8003", "https://evil.example", "null", ""] {
            assert!(caller(peer, &headers(&[("host", "localhost:8003"), ("origin", origin)])).page, "{origin}");
        }
    }

    #[test]
    fn a_proxy_is_recognised_by_its_headers() {
        let peer = Peer("127.0.0.1".parse().unwrap());
        assert!(!caller(peer, &headers(&[])).forwarded);
        assert!(caller(peer, &headers(&[("x-forwarded-for", "8.8.8.8")])).forwarded);
        assert!(caller(peer, &headers(&[("forwarded", "for=8.8.8.8")])).forwarded);
    }

    #[test]
    fn a_bearer_token_is_found() {
        assert_eq!(bearer(&headers(&[("authorization", "Bearer abc")])), Some("abc"));
        assert_eq!(bearer(&headers(&[("authorization", "bearer  abc ")])), Some("abc"));
        assert_eq!(bearer(&headers(&[("authorization", "Basic abc")])), None);
        assert_eq!(bearer(&headers(&[])), None);
    }
}

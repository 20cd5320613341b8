//! What a plain request from elsewhere is answered by a server that encrypts: where to go instead. Nothing of the request
//! is acted upon, for anybody on the way may have read or written it.

use std::net::SocketAddr;

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use confab_protocol::ErrorCode;
use confab_rooms::Refusal;

use super::problem;
use super::request::host_and_port;

/// A redirect for what a browser opens, and a typed error for the rest: a WebSocket cannot be redirected, and a request
/// with a body has been said in clear already.
pub(super) fn answer(method: &Method, uri: &Uri, headers: &HeaderMap, listening: SocketAddr) -> Response {
    let opens = (method == Method::GET || method == Method::HEAD) && !headers.contains_key(header::UPGRADE);
    let elsewhere = host_and_port(headers).and_then(|(host, port)| {
        let port = port.unwrap_or(listening.port());
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        HeaderValue::try_from(format!("https://{host}:{port}{path}")).ok()
    });
    if let Some(elsewhere) = elsewhere.filter(|_| opens) {
        return (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, elsewhere)]).into_response();
    }
    let message = "This server takes encrypted connections only. Use the whole meeting link, which begins with https.";
    let mut response = problem::of(&Refusal::new(ErrorCode::EncryptionRequired, message));
    response.headers_mut().insert(header::UPGRADE, HeaderValue::from_static("TLS/1.2, HTTP/1.1"));
    response.headers_mut().insert(HeaderName::from_static("connection"), HeaderValue::from_static("upgrade, close"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(method: &str, uri: &'static str, headers: &[(&'static str, &str)]) -> (u16, String) {
        let headers: HeaderMap =
            headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        let listening = "0.0.0.0:8003".parse().unwrap();
        let response = answer(&method.parse().unwrap(), &Uri::from_static(uri), &headers, listening);
        let location = response.headers().get(header::LOCATION).map(|value| value.to_str().unwrap().to_owned());
        (response.status().as_u16(), location.unwrap_or_default())
    }

    #[test]
    fn what_a_browser_opens_is_sent_to_the_encrypted_page() {
        let page = asked("GET", "/m/kestrel-lane-27", &[("host", "meet.lan:8003")]);
        assert_eq!(page, (308, "https://meet.lan:8003/m/kestrel-lane-27".into()));
        let six = asked("GET", "/health?a=b", &[("host", "[2001:db8::7]:9")]);
        assert_eq!(six, (308, "https://[2001:db8::7]:9/health?a=b".into()));
        assert_eq!(asked("GET", "/", &[("host", "192.0.2.7")]), (308, "https://192.0.2.7:8003/".into()));
    }

    #[test]
    fn everything_else_is_refused_with_a_typed_error() {
        let host = ("host", "meet.lan:8003");
        assert_eq!(asked("POST", "/api/rooms", &[host]), (426, String::new()));
        assert_eq!(asked("GET", "/ws", &[host, ("upgrade", "websocket")]), (426, String::new()));
        assert_eq!(asked("GET", "/", &[]), (426, String::new()));
        assert_eq!(asked("GET", "/", &[("host", "\" onload=")]), (426, String::new()));
    }
}

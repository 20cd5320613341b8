//! The handshake of RFC 6455, section 4.2.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, header};
use axum::response::Response;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::doors::problem;

/// Checks a request to become a WebSocket. Gives the value of `Sec-WebSocket-Accept`, or the answer that refuses.
#[expect(clippy::result_large_err, reason = "the error is the response, made once a refused connection")]
pub(super) fn check(request: &Request<Body>) -> Result<HeaderValue, Response> {
    let headers = request.headers();
    let asks = request.method() == Method::GET
        && names(headers, &header::CONNECTION, "upgrade")
        && names(headers, &header::UPGRADE, "websocket");
    if !asks {
        return Err(problem::plain(StatusCode::UPGRADE_REQUIRED, "This address speaks WebSocket."));
    }
    if headers.get(header::SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        return Err(problem::plain(StatusCode::BAD_REQUEST, "This server speaks version 13 of WebSocket."));
    }
    let key = headers.get(header::SEC_WEBSOCKET_KEY).map(HeaderValue::as_bytes).unwrap_or_default();
    if key.len() != 24 {
        return Err(problem::plain(StatusCode::BAD_REQUEST, "The request has no valid Sec-WebSocket-Key."));
    }
    HeaderValue::from_str(&derive_accept_key(key))
        .map_err(|_| problem::plain(StatusCode::BAD_REQUEST, "The request has no valid Sec-WebSocket-Key."))
}

/// Whether a header's comma-separated list has a word, in any case.
fn names(headers: &HeaderMap, header: &header::HeaderName, word: &str) -> bool {
    let mut values = headers.get_all(header).iter().filter_map(|value| value.to_str().ok());
    values.any(|value| value.split(',').any(|one| one.trim().eq_ignore_ascii_case(word)))
}

/// The value of `token` in a query. A join token has only characters that need no escape.
pub(super) fn query_token(uri: &Uri) -> Option<String> {
    let pairs = uri.query()?.split('&').filter_map(|pair| pair.split_once('='));
    pairs.filter(|(name, value)| *name == "token" && !value.is_empty()).map(|(_, value)| value.to_owned()).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, headers: &[(&str, &str)]) -> Request<Body> {
        let mut request = Request::builder().method(method).uri("/ws");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(Body::empty()).unwrap()
    }

    const GOOD: [(&str, &str); 4] = [
        ("connection", "keep-alive, Upgrade"),
        ("upgrade", "WebSocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];

    #[test]
    fn the_example_of_the_rfc_is_accepted() {
        assert_eq!(check(&request("GET", &GOOD)).unwrap(), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn what_is_no_handshake_is_refused() {
        assert_eq!(check(&request("GET", &[])).unwrap_err().status(), StatusCode::UPGRADE_REQUIRED);
        assert_eq!(check(&request("POST", &GOOD)).unwrap_err().status(), StatusCode::UPGRADE_REQUIRED);
        for missing in 2..4 {
            let mut headers = GOOD.to_vec();
            headers.remove(missing);
            assert_eq!(check(&request("GET", &headers)).unwrap_err().status(), StatusCode::BAD_REQUEST);
        }
        let mut headers = GOOD;
        headers[2].1 = "8";
        assert_eq!(check(&request("GET", &headers)).unwrap_err().status(), StatusCode::BAD_REQUEST);
    }

    #[test]
    fn a_token_is_found_in_the_query() {
        let token = |uri: &'static str| query_token(&Uri::from_static(uri));
        assert_eq!(token("/ws?user_id=7&token=a.b.c"), Some("a.b.c".to_owned()));
        assert_eq!(token("/ws?token="), None);
        assert_eq!(token("/ws?atoken=a"), None);
        assert_eq!(token("/ws"), None);
    }
}

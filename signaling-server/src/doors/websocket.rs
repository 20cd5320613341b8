//! The WebSocket door: the handshake (RFC 6455), then one task a connection.
//!
//! The task reads, decides nothing, and posts to the room; the room puts answers into the connection's outbox. The
//! socket never takes a frame over the protocol's largest message, so nothing larger is ever buffered.

mod closing;
mod connection;
mod handshake;
mod inbound;
mod session;

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, Request, StatusCode, header};
use axum::response::Response;
use hyper_util::rt::TokioIo;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use super::listener::Place;
use super::request::{self, Encrypted, Peer};
use super::{LinkBase, Shared, problem};
use crate::gate::Caller;
use connection::Connection;

/// The socket below a connection.
type Socket = WebSocketStream<TokioIo<hyper::upgrade::Upgraded>>;

/// What the handshake said.
struct Opening {
    caller: Caller,
    links: LinkBase,
    /// From `?token=` or an `Authorization` header; stands in for a token that a join leaves out. Never logged.
    token: Option<String>,
    /// Keeps the connection counted.
    _place: Option<Arc<Place>>,
}

/// `GET /ws`. Takes `?token=`, and `?user_id=` without regard to its value: a person is who the token says.
pub(super) async fn upgrade(State(shared): State<Arc<Shared>>, mut request: Request<Body>) -> Response {
    let accept = match handshake::check(&request) {
        Ok(accept) => accept,
        Err(problem) => return problem,
    };
    if shared.is_stopping() {
        return problem::plain(StatusCode::SERVICE_UNAVAILABLE, "The server is about to stop.");
    }
    let peer = request.extensions().get::<Peer>().copied().unwrap_or(Peer(IpAddr::from([0, 0, 0, 0])));
    let encrypted = request.extensions().get::<Encrypted>().copied().unwrap_or(Encrypted(false));
    let headers = request.headers();
    let opening = Opening {
        caller: request::caller(peer, headers),
        links: request::link_base(&shared, encrypted, headers),
        token: handshake::query_token(request.uri()).or_else(|| request::bearer(headers).map(str::to_owned)),
        _place: request.extensions().get::<Arc<Place>>().cloned(),
    };
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let Ok(upgraded) = upgrade.await else { return };
        let config = socket_config(&shared);
        let socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(config)).await;
        Connection::new(shared, opening).run(socket).await;
    });
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    response
}

fn socket_config(shared: &Shared) -> WebSocketConfig {
    let largest = shared.limits.sdp_message_bytes as usize;
    WebSocketConfig::default()
        // Thousands of connections are mostly silent: small buffers, and each message leaves at once.
        .read_buffer_size(8 * 1024)
        .write_buffer_size(0)
        .max_write_buffer_size(4 * largest)
        .max_message_size(Some(largest))
        .max_frame_size(Some(largest))
}

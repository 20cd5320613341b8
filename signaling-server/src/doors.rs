//! The doors: bytes become commands, and nothing else happens here. One TCP port carries HTTP and WebSocket,
//! plain and in TLS; the first bytes of a connection tell what it is.

mod first_bytes;
mod health;
mod insecure;
mod link_base;
mod listener;
mod page;
mod problem;
mod request;
mod rest;
pub(crate) mod tls;
mod websocket;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::routing::{get, post};
use confab_protocol::{ErrorCode, Limits, WEBSOCKET_PATH};
use confab_rooms::{Refusal, SessionId};
use tokio::sync::watch;

pub(crate) use link_base::{LinkBase, Security};
pub(crate) use listener::{Admission, serve};

use crate::config::Config;
use crate::gate::Gate;
use crate::media::MediaHandle;
use crate::relay::Relay;
use crate::rooms::{self, Rooms};
use crate::store::Store;
use crate::telemetry::Counters;

/// What all doors share.
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) limits: Limits,
    pub(crate) store: Store,
    pub(crate) gate: Gate,
    pub(crate) rooms: Arc<Rooms>,
    pub(crate) media: MediaHandle,
    pub(crate) relay: Arc<Relay>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) started: Instant,
    pub(crate) address: SocketAddr,
    /// With what TLS is spoken; `None` for a plain server.
    pub(crate) identity: Option<tls::Identity>,
    /// From the configuration; else links repeat the address a client used.
    pub(crate) public_base: Option<LinkBase>,
    /// Becomes true when no room is to be opened any more.
    pub(crate) draining: Arc<AtomicBool>,
    /// Becomes true when the server is about to stop.
    pub(crate) stopping: watch::Receiver<bool>,
    pub(crate) next_session: AtomicU64,
}

impl Shared {
    /// Whether the server is about to stop.
    pub(crate) fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    /// Whether no room is opened any more.
    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed) || self.is_stopping()
    }

    /// Refuses newcomers of a server that is about to stop.
    pub(crate) fn takes_newcomers(&self) -> Result<(), Refusal> {
        if self.is_stopping() {
            return Err(Refusal::new(ErrorCode::Draining, "The server is about to stop. Try again in a moment."));
        }
        Ok(())
    }

    /// Refuses to make rooms that would not be opened.
    pub(crate) fn makes_rooms(&self) -> Result<(), Refusal> {
        if self.is_draining() { Err(rooms::draining()) } else { Ok(()) }
    }

    /// A session id that was never given before.
    pub(crate) fn fresh_session(&self) -> SessionId {
        SessionId(self.next_session.fetch_add(1, Ordering::Relaxed))
    }
}

/// Waits until the server is about to stop.
pub(crate) async fn stop_begins(stopping: &mut watch::Receiver<bool>) {
    // An error means that the server is gone, which is a stop as well.
    let _ = stopping.wait_for(|stopping| *stopping).await;
}

/// All paths.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    let body_limit = shared.limits.message_bytes as usize;
    Router::new()
        .route(WEBSOCKET_PATH, get(websocket::upgrade))
        .route("/health", get(health::health))
        .route("/metrics", get(health::metrics))
        .route("/api/rooms", post(rest::create_room))
        .route("/api/rooms/{code}/tokens", post(rest::issue_token))
        .route("/m/{code}", get(page::meeting))
        .route("/page.css", get(page::style))
        .fallback(async || problem::plain(StatusCode::NOT_FOUND, "There is nothing at this address."))
        .layer(DefaultBodyLimit::max(body_limit))
        .with_state(shared)
}

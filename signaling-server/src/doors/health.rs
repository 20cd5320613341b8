//! For load balancers and for graphs.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::Shared;
use crate::telemetry::{Admission, Media, exposition};

/// How long the database may take to answer a health check.
const PATIENCE: Duration = Duration::from_secs(2);

#[derive(Serialize)]
struct Health {
    /// `ok`, `draining`, or `failing`.
    status: &'static str,
    version: &'static str,
    uptime_seconds: u64,
    database: bool,
    rooms: u64,
    participants: u64,
    connections: u64,
    admission: Admission,
}

/// `GET /health`: 200 while the server is well, be it full or not; 503 when it is about to stop or its database does not
/// answer.
pub(super) async fn health(State(shared): State<Arc<Shared>>) -> Response {
    let database = matches!(tokio::time::timeout(PATIENCE, shared.store.check()).await, Ok(Ok(())));
    let status = match (shared.is_draining(), database) {
        (true, _) => "draining",
        (false, true) => "ok",
        (false, false) => "failing",
    };
    let counters = &shared.counters;
    let health = Health {
        status,
        version: env!("CARGO_PKG_VERSION"),
        uptime_seconds: shared.started.elapsed().as_secs(),
        database,
        rooms: counters.rooms_open.get(),
        participants: counters.participants.get(),
        connections: counters.connections.get(),
        admission: admission(&shared),
    };
    let code = if status == "ok" { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, [(header::CACHE_CONTROL, "no-store")], axum::Json(health)).into_response()
}

fn admission(shared: &Shared) -> Admission {
    let takes_people = shared.counters.participants.get() < u64::from(shared.config.max_participants);
    Admission::new(shared.is_draining(), takes_people, shared.media.workers())
}

/// `GET /metrics`: Prometheus text.
pub(super) async fn metrics(State(shared): State<Arc<Shared>>) -> Response {
    let uptime = shared.started.elapsed().as_secs();
    let media = Media { counters: &shared.media.counters(), delays: &shared.media.delays() };
    let text = exposition(&shared.counters, &media, &admission(&shared), &shared.relay, uptime);
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}

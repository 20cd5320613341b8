//! The TCP port: takes connections up to the limits, and gives each its HTTP with time limits.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::http::{Request, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::request::Peer;
use super::{Shared, problem, stop_begins};
use crate::config::Config;
use crate::gate::address_group;

/// Largest head of a request, bytes: a token in the query, and what browsers and proxies add.
const HEAD_BYTES: usize = 16 * 1024;

/// Said to a connection beyond the limit. It is not read from first: that would be work for a flood.
const FULL: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// How many TCP connections there may be.
pub(crate) struct Admission {
    all: Arc<Semaphore>,
    most: u32,
    per_address: u32,
    by_address: Arc<Mutex<HashMap<IpAddr, u32>>>,
}

/// One connection's place, given back when dropped. A WebSocket keeps its HTTP connection's.
pub(crate) struct Place {
    address: IpAddr,
    by_address: Arc<Mutex<HashMap<IpAddr, u32>>>,
    _permit: OwnedSemaphorePermit,
}

impl Admission {
    pub(crate) fn new(config: &Config) -> Self {
        let most = config.max_connections.max(1);
        Self {
            all: Arc::new(Semaphore::new(most as usize)),
            most,
            per_address: config.max_connections_per_address.max(1),
            by_address: Arc::default(),
        }
    }

    fn place(&self, address: IpAddr) -> Option<Place> {
        let address = address_group(address);
        let permit = Arc::clone(&self.all).try_acquire_owned().ok()?;
        let mut by_address = self.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        let count = by_address.entry(address).or_insert(0);
        if *count >= self.per_address {
            return None;
        }
        *count += 1;
        drop(by_address);
        Some(Place { address, by_address: Arc::clone(&self.by_address), _permit: permit })
    }

    /// Waits until no connection is left.
    pub(crate) async fn all_gone(&self) {
        // Fails only when the semaphore is closed, which nobody does.
        let _ = self.all.acquire_many(self.most).await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut by_address = self.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = by_address.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                by_address.remove(&self.address);
            }
        }
    }
}

/// Takes connections until the server stops.
pub(crate) async fn serve(listener: TcpListener, router: Router, shared: Arc<Shared>, admission: Arc<Admission>) {
    let service = TowerToHyperService::new(router);
    let mut stopping = shared.stopping.clone();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop_begins(&mut stopping) => return,
        };
        match accepted {
            Ok((stream, peer)) => {
                if let Some(place) = admission.place(peer.ip()) {
                    tokio::spawn(converse(stream, peer.ip(), service.clone(), Arc::clone(&shared), place));
                } else {
                    shared.counters.connections_refused.add(1);
                    let _ = stream.try_write(FULL);
                }
            }
            Err(error) => {
                // Out of file descriptors, or a connection that ended before it began. Both pass.
                tracing::warn!(%error, "a connection could not be taken");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// One HTTP connection, until it ends or becomes a WebSocket.
async fn converse(
    stream: TcpStream,
    address: IpAddr,
    service: TowerToHyperService<Router>,
    shared: Arc<Shared>,
    place: Place,
) {
    // Small messages must not wait for one another.
    let _ = stream.set_nodelay(true);
    let patience = shared.config.request_timeout();
    let mut stopping = shared.stopping.clone();
    let place = Arc::new(place);
    let answer = service_fn(move |mut request: Request<Incoming>| {
        shared.counters.requests.add(1);
        request.extensions_mut().insert(Peer(address));
        request.extensions_mut().insert(Arc::clone(&place));
        let answering = service.call(request);
        async move {
            match tokio::time::timeout(patience, answering).await {
                Ok(answer) => answer,
                Err(_) => Ok(problem::plain(StatusCode::REQUEST_TIMEOUT, "The request took too long.")),
            }
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience)
        .max_headers(64)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), answer)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop_begins(&mut stopping) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        // The other end's doing in nearly all cases: no more than a detail.
        tracing::debug!(%error, "an HTTP connection ended");
    }
}

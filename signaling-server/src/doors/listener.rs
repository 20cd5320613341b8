//! The TCP port: takes connections up to the limits, finds out what each speaks, and gives each its HTTP with time limits.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::http::{Request, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::first_bytes::{self, Speech};
use super::request::{Encrypted, Peer};
use super::{Shared, insecure, problem, stop_begins};
use crate::config::Config;
use crate::gate::address_group;
use crate::relay::Relay;

/// Largest head of a request, bytes: a token in the query, and what browsers and proxies add.
const HEAD_BYTES: usize = 16 * 1024;

/// What is left of the time limit for somebody who took long to say what is spoken, at the least.
const LEAST_PATIENCE: Duration = Duration::from_millis(200);

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
                    let guest = Guest { peer, place, service: service.clone(), shared: Arc::clone(&shared) };
                    tokio::spawn(guest.enter(stream));
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

/// A stream of bytes, in TLS or not.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Stream for S {}

/// A connection that was let in.
struct Guest {
    peer: SocketAddr,
    place: Place,
    service: TowerToHyperService<Router>,
    shared: Arc<Shared>,
}

impl Guest {
    /// One connection, until it ends or becomes a WebSocket.
    async fn enter(self, stream: TcpStream) {
        // Small messages must not wait for one another.
        let _ = stream.set_nodelay(true);
        // One limit for all that comes before the first request: what is spoken, the TLS handshake, the request's head.
        let deadline = Instant::now() + self.shared.config.request_timeout();
        let Some((speech, stream)) = self.in_time(deadline, first_bytes::listen(stream)).await else { return };
        let acceptor = self.shared.identity.as_ref().map(|identity| identity.acceptor().clone());
        match (speech, acceptor) {
            (Speech::Tls, Some(acceptor)) => {
                let Some(stream) = self.in_time(deadline, acceptor.accept(stream)).await else { return };
                let Some((speech, stream)) = self.in_time(deadline, first_bytes::listen(stream)).await else { return };
                self.speak(speech, true, stream, deadline).await;
            }
            (speech, _) => self.speak(speech, false, stream, deadline).await,
        }
    }

    /// A step of the opening; `None` when it fails, takes too long, or the server stops: whoever has not said anything yet
    /// has nothing to lose.
    async fn in_time<T>(&self, deadline: Instant, step: impl Future<Output = io::Result<T>>) -> Option<T> {
        let mut stopping = self.shared.stopping.clone();
        tokio::select! {
            done = timeout_at(deadline, step) => match done {
                Ok(Ok(done)) => Some(done),
                Ok(Err(error)) => {
                    // The other end's doing in nearly all cases: no more than a detail.
                    tracing::debug!(%error, "a connection ended before it asked for anything");
                    None
                }
                Err(_) => None,
            },
            () = stop_begins(&mut stopping) => None,
        }
    }

    async fn speak<S: Stream>(self, speech: Speech, encrypted: bool, stream: S, deadline: Instant) {
        match speech {
            // HTTP answers TLS that nobody here speaks, or TLS in TLS, with what is wrong.
            Speech::Http | Speech::Tls => self.converse(encrypted, stream, deadline).await,
            Speech::Turn => self.hand_over(Box::pin(self.relay().turn(stream, self.peer, self.patience()))).await,
            Speech::Framed => self.hand_over(Box::pin(self.relay().ice(stream, self.patience()))).await,
        }
    }

    fn relay(&self) -> Arc<Relay> {
        Arc::clone(&self.shared.relay)
    }

    fn patience(&self) -> Duration {
        self.shared.config.request_timeout()
    }

    /// Media of a call: there is no goodbye for it when the server stops.
    async fn hand_over(&self, talk: Pin<Box<dyn Future<Output = ()> + Send>>) {
        let mut stopping = self.shared.stopping.clone();
        tokio::select! {
            () = talk => {}
            () = stop_begins(&mut stopping) => {}
        }
    }

    /// HTTP. Encryption is only as good as it is kept to: what comes plainly from elsewhere is sent away unread.
    async fn converse<S: Stream>(self, encrypted: bool, stream: S, deadline: Instant) {
        let Self { peer, place, service, shared } = self;
        let patience = shared.config.request_timeout();
        let welcome = encrypted || shared.identity.is_none() || peer.ip().to_canonical().is_loopback();
        let mut stopping = shared.stopping.clone();
        let place = Arc::new(place);
        let answer = service_fn(move |mut request: Request<Incoming>| {
            shared.counters.requests.add(1);
            request.extensions_mut().insert(Peer(peer.ip()));
            request.extensions_mut().insert(Encrypted(encrypted));
            request.extensions_mut().insert(Arc::clone(&place));
            let refused = (!welcome)
                .then(|| insecure::answer(request.method(), request.uri(), request.headers(), shared.address));
            let answering = refused.is_none().then(|| service.call(request));
            async move {
                let Some(answering) = answering else { return Ok(refused.unwrap_or_default()) };
                match tokio::time::timeout(patience, answering).await {
                    Ok(answer) => answer,
                    Err(_) => Ok(problem::plain(StatusCode::REQUEST_TIMEOUT, "The request took too long.")),
                }
            }
        });
        let left = deadline.saturating_duration_since(Instant::now()).max(LEAST_PATIENCE);
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(left)
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
}

//! When the way by the relay is taken: after the direct one had its time, or at once where that was of no use before.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use webrtc::peer_connection::{PeerConnection, RTCIceCandidateInit};

use super::shared::Shared;
use crate::transport::relay::{self, DIRECT_FIRST, RelayError, RelayWay, Tunnel};

/// Below all candidates of the answer (RFC 8445, section 5.1.2: type preference 0 is a relayed one's).
const PRIORITY: u32 = 1;

/// See the module. One attempt belongs to one answer.
#[derive(Default)]
pub(super) struct Detour {
    way: Mutex<Option<RelayWay>>,
    attempt: Mutex<Option<JoinHandle<()>>>,
    needed: Arc<AtomicBool>,
}

impl Detour {
    pub(super) fn set(&self, way: RelayWay) {
        *self.way.lock().unwrap_or_else(PoisonError::into_inner) = Some(way);
    }

    /// An answer was accepted: looks after a while whether there is a connection.
    pub(super) fn begin(&self, connection: &Arc<dyn PeerConnection>, shared: &Arc<Shared>, answer: &str) {
        self.end();
        let way = self.way.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some((way, peer)) = way.zip(relay::peer(answer)) else { return };
        let attempt = Attempt {
            connection: Arc::clone(connection),
            shared: Arc::clone(shared),
            way,
            peer,
            needed: Arc::clone(&self.needed),
            connections: shared.connections.get(),
            since: Instant::now(),
        };
        *self.attempt.lock().unwrap_or_else(PoisonError::into_inner) = Some(tokio::spawn(attempt.run()));
    }

    pub(super) fn end(&self) {
        if let Some(attempt) = self.attempt.lock().unwrap_or_else(PoisonError::into_inner).take() {
            attempt.abort();
        }
    }
}

impl Drop for Detour {
    fn drop(&mut self) {
        self.end();
    }
}

struct Attempt {
    connection: Arc<dyn PeerConnection>,
    shared: Arc<Shared>,
    way: RelayWay,
    peer: SocketAddr,
    needed: Arc<AtomicBool>,
    connections: u64,
    since: Instant,
}

impl Attempt {
    async fn run(self) {
        let patience = if self.needed.load(Ordering::Relaxed) { Duration::ZERO } else { DIRECT_FIRST };
        tokio::time::sleep(patience).await;
        if self.is_connected() {
            return;
        }
        if let Err(error) = self.carry().await {
            tracing::info!(%error, "no way by the relay");
        }
    }

    /// The way has come up since the answer, or something came over it: after an ICE restart only that may be seen.
    fn is_connected(&self) -> bool {
        let heard = self.shared.stats().last_arrival.is_some_and(|at| at > self.since);
        heard || self.shared.connections.get() > self.connections
    }

    async fn carry(&self) -> Result<(), RelayError> {
        let tunnel = Tunnel::open(&self.way, self.peer).await?;
        let address = tunnel.address()?;
        // Offered only now: checks that nobody answers would be given up before the relay is ready.
        let candidate = RTCIceCandidateInit {
            candidate: format!("candidate:relay 1 udp {PRIORITY} {} {} typ host", address.ip(), address.port()),
            sdp_mline_index: Some(0),
            ..RTCIceCandidateInit::default()
        };
        let offered = self.connection.add_ice_candidate(candidate).await;
        offered.map_err(|error| RelayError::Refused(error.to_string()))?;
        tracing::info!("the direct way to the server's media is closed; the relay is offered");
        tunnel.run(|| self.needed.store(true, Ordering::Relaxed)).await
    }
}

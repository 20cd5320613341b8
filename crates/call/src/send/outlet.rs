//! The one door through which encoded media leaves, whichever transport is behind it at the moment.
//!
//! Invariant: while there is no connected transport nothing is encoded for it; every new connection has another epoch,
//! by which encode threads know that they must begin with keyframes.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use bytes::Bytes;
use confab_protocol::{Layer, SourceKind};
use confab_rtp::{MAX_PAYLOAD, h264};

use crate::transport::{OutgoingPacket, Transport};

/// Shared by the senders and the engine.
#[derive(Default)]
pub struct Outlet {
    inner: RwLock<Inner>,
}

#[derive(Default)]
struct Inner {
    transport: Option<Arc<dyn Transport>>,
    connected: bool,
    epoch: u64,
}

impl Outlet {
    /// Another transport takes over; it is not connected yet.
    pub fn replace(&self, transport: Option<Arc<dyn Transport>>) {
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        inner.transport = transport;
        inner.connected = false;
    }

    /// The transport is connected (again): from now on media leaves.
    pub fn connected(&self) {
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        inner.connected = true;
        inner.epoch += 1;
    }

    /// The present connection, `None` while there is none.
    pub fn epoch(&self) -> Option<u64> {
        let inner = self.read();
        (inner.connected && inner.transport.is_some()).then_some(inner.epoch)
    }

    /// Sends one encoded picture. Returns the bytes of its payloads.
    pub fn picture(&self, source: SourceKind, layer: Option<Layer>, timestamp: u32, annex_b: &[u8]) -> usize {
        let Some(transport) = self.transport() else { return 0 };
        let payloads = h264::packetize(annex_b, MAX_PAYLOAD);
        let last = payloads.len().saturating_sub(1);
        let mut bytes = 0;
        for (index, payload) in payloads.into_iter().enumerate() {
            bytes += payload.len();
            transport.send(OutgoingPacket {
                source,
                layer,
                timestamp,
                marker: index == last,
                payload,
                audio_level: None,
            });
        }
        bytes
    }

    /// Sends one packet of sound. `marker` at the begin of a talk (RFC 3551).
    pub fn sound(&self, source: SourceKind, timestamp: u32, marker: bool, payload: Bytes, audio_level: u8) -> bool {
        let Some(transport) = self.transport() else { return false };
        transport.send(OutgoingPacket {
            source,
            layer: None,
            timestamp,
            marker,
            payload,
            audio_level: Some(audio_level),
        });
        true
    }

    /// Asks the server for a keyframe on a receive slot.
    pub fn request_keyframe(&self, mid: &str) {
        if let Some(transport) = self.transport() {
            transport.request_keyframe(mid);
        }
    }

    fn transport(&self) -> Option<Arc<dyn Transport>> {
        let inner = self.read();
        inner.transport.clone().filter(|_| inner.connected)
    }

    fn read(&self) -> RwLockReadGuard<'_, Inner> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner)
    }
}

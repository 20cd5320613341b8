//! The newest picture of each tile, and who waits for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use confab_media::video_frame::I420Frame;
use tokio::sync::Notify;

/// A picture on its way to the window.
#[derive(Clone)]
pub struct Picture {
    /// The pixels.
    pub frame: Arc<I420Frame>,
    /// When it was handed over, milliseconds since 1970 UTC.
    pub presented_at_ms: f64,
}

/// Where decoders leave pictures. One per app; the newest socket reads it.
#[derive(Default)]
pub struct Board {
    pending: Mutex<HashMap<Arc<str>, Picture>>,
    wake: Notify,
}

impl Board {
    /// Leaves a picture, replacing one of the same tile that was not taken yet.
    pub fn put(&self, key: &Arc<str>, frame: Arc<I420Frame>, presented_at_ms: f64) {
        let picture = Picture { frame, presented_at_ms };
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).insert(Arc::clone(key), picture);
        self.wake.notify_one();
    }

    /// Forgets a tile, so that an old picture cannot come after it was closed.
    pub fn remove(&self, key: &str) {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    /// All pictures that wait; returns at once with an empty list when there are none.
    pub fn take(&self) -> Vec<(Arc<str>, Picture)> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).drain().collect()
    }

    /// Returns when there may be something to take.
    pub async fn changed(&self) {
        self.wake.notified().await;
    }
}

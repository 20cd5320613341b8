//! Decoded pictures on their way to the window.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use confab_call::{ReceivedFrame, TileKey, VideoSink};
use confab_protocol::SourceKind;

use crate::frames::Board;

/// Leaves every picture on the board, under the key the window knows it by: `participant/source`.
pub struct WindowSink {
    board: Arc<Board>,
    keys: Mutex<HashMap<TileKey, Arc<str>>>,
}

impl WindowSink {
    /// A sink for one call.
    pub fn new(board: Arc<Board>) -> Self {
        Self { board, keys: Mutex::default() }
    }

    fn key(&self, tile: TileKey) -> Arc<str> {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(keys.entry(tile).or_insert_with(|| tile_key(tile).into()))
    }
}

impl VideoSink for WindowSink {
    fn frame(&self, tile: TileKey, frame: ReceivedFrame) {
        self.board.put(&self.key(tile), frame.frame, unix_ms_now());
    }

    fn ended(&self, tile: TileKey) {
        self.board.remove(&self.key(tile));
    }
}

/// Milliseconds since 1970 UTC, with fractions.
pub fn unix_ms_now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64() * 1_000.0)
}

fn tile_key(tile: TileKey) -> String {
    let source = match tile.source {
        SourceKind::Microphone => "microphone",
        SourceKind::Camera => "camera",
        SourceKind::Screen => "screen",
        SourceKind::ScreenAudio => "screen_audio",
    };
    format!("{}/{source}", tile.participant)
}

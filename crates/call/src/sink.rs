//! Where decoded pictures go: the window, a file, a measuring instrument.

use std::sync::Arc;
use std::time::Instant;

use confab_media::video_frame::I420Frame;

use crate::engine::event::TileKey;

/// A picture and its times.
#[derive(Clone)]
pub struct ReceivedFrame {
    /// The picture.
    pub frame: Arc<I420Frame>,
    /// Counts the frames of this picture from 0.
    pub number: u64,
    /// Our own picture, straight from the camera.
    pub own: bool,
    /// When its first packet came; for our own, when it was captured.
    pub first_packet_at: Instant,
    /// When it was whole.
    pub complete_at: Instant,
    /// When it was decoded. What lies between this and the call of the sink is lip synchronisation.
    pub decoded_at: Instant,
}

/// Takes pictures. Called on decode threads (and on the capture thread for our own picture), so it must be quick:
/// copy or share the frame and return.
pub trait VideoSink: Send + Sync {
    /// A new picture of somebody (or of us).
    fn frame(&self, tile: TileKey, frame: ReceivedFrame);

    /// No more pictures of this kind come for now: what is shown is out of date.
    fn ended(&self, tile: TileKey) {
        let _ = tile;
    }
}

/// Shows nothing.
#[derive(Clone, Copy, Default, Debug)]
pub struct NoSink;

impl VideoSink for NoSink {
    fn frame(&self, _tile: TileKey, _frame: ReceivedFrame) {}
}

/// Takes what the speaker plays, for recording or measuring. Called on the speaker's thread: it must not wait.
pub trait AudioTap: Send + Sync {
    /// 10 ms exactly as handed to the speaker, at this moment.
    fn played(&self, samples: &[f32; confab_media::FRAME_SAMPLES], at: Instant);
}

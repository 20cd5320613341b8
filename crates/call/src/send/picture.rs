//! One picture of ours, from its source to the wire.
//!
//! ```text
//!  capture thread                      encode thread
//!  source.next_frame() --(newest)--> full -> encoder -> packets -> transport
//!        |                             +-> half -> encoder -> ...
//!        +--> self view                     +-> quarter -> encoder -> ...
//! ```
//! The full layer goes first: it is the one whose delay people see. A layer nobody watches is neither scaled nor
//! encoded.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use confab_media::h264::{ContentKind, Encoder, EncoderConfig};
use confab_media::scale::Scaler;
use confab_media::video_frame::I420Frame;
use confab_protocol::{Layer, SourceKind};
use confab_rtp::RtpClock;

use super::layer_control::{LayerControl, place};
use super::outlet::Outlet;
use crate::capture::{CaptureError, CapturedFrame, VideoSource};
use crate::mailbox::{Mailbox, Taken};
use crate::stats::meters::Meters;

/// How long the encode thread waits for a frame before it looks whether it should stop.
const PATIENCE: Duration = Duration::from_millis(200);

/// Keyframe requests of many viewers come together; one keyframe serves them all.
const KEYFRAME_SPACING: Duration = Duration::from_millis(200);

/// How long a camera may be busy before it counts as used by another program.
const BUSY_PATIENCE: Duration = Duration::from_millis(1_500);

/// How often a busy camera is tried.
const BUSY_RETRY: Duration = Duration::from_millis(100);

/// Where a captured frame is shown to the one who sends it.
pub type SelfView = Box<dyn FnMut(&CapturedFrame) + Send>;

/// Opens the source; runs on the capture thread because cameras take their time.
pub type OpenSource = Box<dyn FnOnce() -> Result<Box<dyn VideoSource>, CaptureError> + Send>;

/// What a picture reports.
#[derive(Debug)]
pub enum PictureNotice {
    /// The full layer has this size from now on.
    Size {
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
    },
    /// The source could not be opened, or broke; nothing more is sent.
    Failed(CaptureError),
}

/// What one picture needs to run.
pub struct PictureConfig {
    /// Camera or screen.
    pub source: SourceKind,
    /// Layers, lowest first; empty for a single stream.
    pub layers: Vec<Layer>,
    /// What is sent is given here.
    pub outlet: Arc<Outlet>,
    /// The figures.
    pub meters: Arc<Meters>,
    /// Common to all tracks, so that they stay in step.
    pub clock: RtpClock<90_000>,
    /// Shows the frames to the person.
    pub self_view: SelfView,
    /// Reports.
    pub notice: Box<dyn Fn(PictureNotice) + Send + Sync>,
}

/// A running picture. Dropping it stops its threads; the source is closed by its own thread soon after.
pub struct Picture {
    control: Arc<LayerControl>,
    stop: Arc<AtomicBool>,
    frames: Arc<Mailbox<CapturedFrame>>,
}

impl Picture {
    /// Starts the threads.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(open: OpenSource, config: PictureConfig) -> std::io::Result<Self> {
        let PictureConfig { source, layers, outlet, meters, clock, self_view, notice } = config;
        let notice: Arc<dyn Fn(PictureNotice) + Send + Sync> = notice.into();
        let control = Arc::new(LayerControl::default());
        let stop = Arc::new(AtomicBool::new(false));
        let frames = Arc::new(Mailbox::default());
        {
            let (stop, frames, notice) = (stop.clone(), frames.clone(), notice.clone());
            thread::Builder::new()
                .name(format!("capture-{source:?}").to_lowercase())
                .spawn(move || capture(open, &stop, &frames, self_view, &*notice))?;
        }
        let encoding = Encoding {
            source,
            outlet,
            meters,
            clock,
            control: control.clone(),
            size: (0, 0),
            streams: streams(&layers),
            keyframe_at: [None; 3],
            seen_epoch: 0,
        };
        let (stopped, mailbox) = (stop.clone(), frames.clone());
        thread::Builder::new()
            .name(format!("encode-{source:?}").to_lowercase())
            .spawn(move || encode(encoding, &stopped, &mailbox, &*notice))?;
        Ok(Self { control, stop, frames })
    }

    /// Frames that were captured and not encoded because newer ones came.
    pub fn skipped(&self) -> u64 {
        self.frames.replaced()
    }

    /// What the encode thread is told.
    pub fn control(&self) -> &LayerControl {
        &self.control
    }
}

impl Drop for Picture {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        self.frames.close();
    }
}

/// Opens a source that may still be in use by ourselves: the one before it, or a preview, lets go of its device a moment
/// after it was told to.
///
/// # Errors
/// What opening said last.
pub fn patiently(
    mut open: impl FnMut() -> Result<Box<dyn VideoSource>, CaptureError>,
) -> Result<Box<dyn VideoSource>, CaptureError> {
    let until = Instant::now() + BUSY_PATIENCE;
    loop {
        match open() {
            Err(CaptureError::Busy { .. }) if Instant::now() < until => thread::sleep(BUSY_RETRY),
            opened => return opened,
        }
    }
}

fn capture(
    open: OpenSource,
    stop: &AtomicBool,
    frames: &Mailbox<CapturedFrame>,
    mut self_view: SelfView,
    notice: &(dyn Fn(PictureNotice) + Send + Sync),
) {
    let mut source = match open() {
        Ok(source) => source,
        Err(error) => {
            if !stop.load(Ordering::Acquire) {
                notice(PictureNotice::Failed(error));
            }
            return;
        }
    };
    while !stop.load(Ordering::Acquire) {
        match source.next_frame() {
            Ok(frame) => {
                self_view(&frame);
                frames.put(frame);
            }
            Err(error) => {
                if !stop.load(Ordering::Acquire) {
                    notice(PictureNotice::Failed(error));
                }
                return;
            }
        }
    }
}

/// Encodes at most one layer.
struct Stream {
    /// `None` for a single stream.
    rid: Option<Layer>,
    /// Its size and its place in the control.
    layer: Layer,
    encoder: Option<Encoder>,
    scaler: Scaler,
}

struct Encoding {
    source: SourceKind,
    outlet: Arc<Outlet>,
    meters: Arc<Meters>,
    clock: RtpClock<90_000>,
    control: Arc<LayerControl>,
    size: (u32, u32),
    /// Largest first.
    streams: Vec<Stream>,
    keyframe_at: [Option<Instant>; 3],
    /// Which connection the last frame went to; a new one begins with keyframes.
    seen_epoch: u64,
}

fn streams(layers: &[Layer]) -> Vec<Stream> {
    let stream = |rid, layer| Stream { rid, layer, encoder: None, scaler: Scaler::new() };
    if layers.is_empty() {
        return vec![stream(None, Layer::Full)];
    }
    layers.iter().rev().map(|layer| stream(Some(*layer), *layer)).collect()
}

fn encode(
    mut encoding: Encoding,
    stop: &AtomicBool,
    frames: &Mailbox<CapturedFrame>,
    notice: &(dyn Fn(PictureNotice) + Send + Sync),
) {
    while !stop.load(Ordering::Acquire) {
        match frames.take(PATIENCE) {
            Taken::Item(frame) => {
                let size = (frame.frame.width(), frame.frame.height());
                if size != encoding.size {
                    encoding.resize(size);
                    notice(PictureNotice::Size { width: size.0, height: size.1 });
                }
                encoding.frame(&frame);
            }
            Taken::Nothing => {}
            Taken::Closed => break,
        }
    }
    encoding.meters.forget_source(encoding.source);
}

impl Encoding {
    fn resize(&mut self, size: (u32, u32)) {
        self.size = size;
        self.control.set_size(size.0, size.1);
        for stream in &mut self.streams {
            stream.encoder = None;
        }
    }

    fn frame(&mut self, captured: &CapturedFrame) {
        let Some(epoch) = self.outlet.epoch() else { return };
        if epoch != self.seen_epoch {
            self.seen_epoch = epoch;
            self.control.request_keyframe(None);
        }
        let mut picture = captured.frame.clone();
        for index in 0..self.streams.len() {
            let layer = self.streams[index].layer;
            let watched = self.control.is_watched(layer);
            let target = self.control.target(layer);
            self.meters.layer(self.source, self.streams[index].rid, |meter| {
                (meter.width, meter.height) = layer_size(self.size, layer);
                meter.watched = watched;
                meter.target_bps = if watched { target } else { 0 };
            });
            if !watched || target == 0 {
                continue;
            }
            let size = layer_size(self.size, layer);
            if (picture.width(), picture.height()) != size {
                picture = Arc::new(self.streams[index].scaler.scale(&picture, size.0, size.1));
            }
            self.layer(index, &picture, captured.captured_at, target);
        }
    }

    fn layer(&mut self, index: usize, picture: &I420Frame, captured_at: Instant, target: u64) {
        let began = Instant::now();
        let stream = &mut self.streams[index];
        if stream.encoder.is_none() {
            let config = EncoderConfig {
                width: picture.width(),
                height: picture.height(),
                bitrate_bps: target as u32,
                max_fps: 30,
                content: if self.source == SourceKind::Screen { ContentKind::Screen } else { ContentKind::Camera },
            };
            match Encoder::new(config) {
                Ok(encoder) => stream.encoder = Some(encoder),
                Err(error) => {
                    tracing::warn!(%error, "a layer is not sent");
                    self.control.set_target(stream.layer, 0);
                    return;
                }
            }
        }
        let Some(encoder) = stream.encoder.as_mut() else { return };
        let timestamp = self.clock.at(captured_at);
        let keyframe = wants_keyframe(&self.control, &mut self.keyframe_at, stream.layer, began);
        encoder.set_bitrate(target as u32);
        let since_start = Duration::from_secs_f64(timestamp.0 as f64 / 90_000.0);
        match encoder.encode(picture, since_start, keyframe) {
            Ok(Some(encoded)) => {
                if encoded.keyframe {
                    self.keyframe_at[place(stream.layer)] = Some(began);
                }
                let took = began.elapsed();
                let bytes = self.outlet.picture(self.source, stream.rid, timestamp.0 as u32, &encoded.data);
                self.meters.layer(self.source, stream.rid, |meter| {
                    meter.frame(Instant::now(), bytes, encoded.keyframe, took);
                });
            }
            Ok(None) => {}
            Err(error) => {
                // A fresh encoder starts with a keyframe, so nothing is lost but this frame.
                tracing::debug!(%error, "a frame was not encoded");
                stream.encoder = None;
            }
        }
    }
}

fn wants_keyframe(control: &LayerControl, made_at: &mut [Option<Instant>; 3], layer: Layer, now: Instant) -> bool {
    let recent = made_at[place(layer)].is_some_and(|at| now.saturating_duration_since(at) < KEYFRAME_SPACING);
    // A request that comes right after a keyframe stays open until the spacing is over: that keyframe may have left
    // before the one who asks could receive it.
    !recent && control.take_keyframe(layer)
}

/// The size of a layer: divided and rounded down to even, never below what an encoder takes.
pub fn layer_size(full: (u32, u32), layer: Layer) -> (u32, u32) {
    let divide = |side: u32| ((side / layer.divisor()) & !1).max(16);
    (divide(full.0), divide(full.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_have_even_sides_and_an_encodable_size() {
        assert_eq!(layer_size((1280, 720), Layer::Full), (1280, 720));
        assert_eq!(layer_size((1280, 720), Layer::Half), (640, 360));
        assert_eq!(layer_size((1280, 720), Layer::Quarter), (320, 180));
        assert_eq!(layer_size((854, 480), Layer::Quarter), (212, 120));
        assert_eq!(layer_size((40, 30), Layer::Quarter), (16, 16));
    }

    #[test]
    fn a_keyframe_asked_for_right_after_one_waits_and_is_not_forgotten() {
        let control = LayerControl::default();
        let now = Instant::now();
        let mut made_at = [None, None, Some(now)];
        control.request_keyframe(Some(Layer::Full));
        assert!(!wants_keyframe(&control, &mut made_at, Layer::Full, now + Duration::from_millis(33)));
        assert!(wants_keyframe(&control, &mut made_at, Layer::Full, now + KEYFRAME_SPACING));
    }
}

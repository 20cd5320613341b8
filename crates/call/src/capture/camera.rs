//! Cameras through nokhwa: raw buffers only, its own converters are ten times slower than ours.
//!
//! The camera runs in a thread of its own, because nokhwa blocks without a time-out when a camera stops delivering,
//! and because its V4L2 layer panics when a driver answers oddly: the thread ends, the call goes on. The thread hands
//! over the newest frame only.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded};
use nokhwa::Camera;
use nokhwa::utils::{CameraFormat, FrameFormat, RequestedFormat, RequestedFormatType, Resolution};

use super::camera_format::{Offer, PixelFormat, best_first};
use super::raw_frame::FrameConverter;
use super::{CaptureError, CapturedFrame, VideoFormat, VideoSource};
use crate::devices::cameras::{self, CameraNode};

/// A camera that opens takes at most this long until its first frame (auto exposure, USB wake-up).
const FIRST_FRAME: Duration = Duration::from_secs(8);

/// A running camera that gives nothing for this long has stalled, even at 1 frame a second in the dark.
const NEXT_FRAME: Duration = Duration::from_secs(3);

/// How long a closing camera is waited for, so that it can be opened again at once.
const CLOSE: Duration = Duration::from_secs(1);

/// How many of a camera's offers are tried when it refuses the best one.
const ATTEMPTS: usize = 6;

const PRIVACY_SETTINGS: &str = "Allow the camera for Confab in the system's privacy settings.";

type FrameResult = Result<CapturedFrame, CaptureError>;

/// A running camera.
pub(crate) struct CameraSource {
    node: CameraNode,
    format: VideoFormat,
    frames: Receiver<FrameResult>,
    stop: Arc<AtomicBool>,
    ended: Receiver<()>,
    started: bool,
}

impl CameraSource {
    /// Opens the camera with this id or name, or the first one.
    pub(crate) fn open(choice: Option<&str>, wanted: VideoFormat) -> Result<Self, CaptureError> {
        let node = cameras::find(choice).ok_or_else(|| match choice {
            Some(device) if !cameras::list().is_empty() => CaptureError::NotFound { device: device.to_owned() },
            _ => CaptureError::NoCamera,
        })?;
        let (opened_sender, opened) = bounded(1);
        let (frame_sender, frames) = bounded(1);
        let (ended_sender, ended) = bounded::<()>(0);
        let stop = Arc::new(AtomicBool::new(false));
        let worker = Worker {
            node: node.clone(),
            wanted,
            frames: frame_sender,
            newest: frames.clone(),
            stop: Arc::clone(&stop),
        };
        thread::Builder::new()
            .name("confab-camera".into())
            .spawn(move || {
                // Dropped last, whatever happens: tells that the camera is closed.
                let _ended = ended_sender;
                worker.run(&opened_sender);
            })
            .map_err(|error| failed(&node, &error))?;
        // An open that hangs in the driver is given up; its thread dies with the driver's answer.
        let format = match opened.recv_timeout(FIRST_FRAME) {
            Ok(result) => result?,
            Err(RecvTimeoutError::Timeout) => return Err(CaptureError::Stalled { device: node.name }),
            Err(RecvTimeoutError::Disconnected) => {
                return Err(failed(&node, &"its driver gave an answer it cannot mean"));
            }
        };
        Ok(Self { node, format, frames, stop, ended, started: false })
    }
}

impl VideoSource for CameraSource {
    fn format(&self) -> VideoFormat {
        self.format
    }

    fn next_frame(&mut self) -> FrameResult {
        let patience = if self.started { NEXT_FRAME } else { FIRST_FRAME };
        match self.frames.recv_timeout(patience) {
            Ok(result) => {
                self.started = true;
                result
            }
            Err(_) if !cameras::is_present(&self.node) => {
                Err(CaptureError::DeviceLost { device: self.node.name.clone() })
            }
            Err(_) => Err(CaptureError::Stalled { device: self.node.name.clone() }),
        }
    }
}

impl Drop for CameraSource {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Nothing is ever sent: this returns when the thread lets go of its end, or gives up on a hanging driver.
        let _ = self.ended.recv_timeout(CLOSE);
    }
}

/// What runs in the camera's thread.
struct Worker {
    node: CameraNode,
    wanted: VideoFormat,
    frames: Sender<FrameResult>,
    newest: Receiver<FrameResult>,
    stop: Arc<AtomicBool>,
}

impl Worker {
    fn run(self, opened: &Sender<Result<VideoFormat, CaptureError>>) {
        let (mut camera, offer) = match open(&self.node, self.wanted) {
            Ok(pair) => pair,
            Err(error) => {
                let _ = opened.send(Err(error));
                return;
            }
        };
        let row_bytes = cameras::row_bytes(&self.node);
        let mut converter = FrameConverter::new(offer, row_bytes, self.wanted);
        let (width, height) = converter.size();
        let _ = opened.send(Ok(VideoFormat { width, height, fps: offer.fps.max(1) }));
        let mut number = 0;
        while !self.stop.load(Ordering::Relaxed) {
            match camera.frame() {
                Ok(buffer) => {
                    let captured_at = capture_time(buffer.capture_timestamp());
                    // A frame cut short by the bus is dropped; its number shows the gap.
                    if let Some(frame) = converter.convert(buffer.buffer()) {
                        self.hand_over(Ok(CapturedFrame { frame: Arc::new(frame), captured_at, number }));
                    }
                    number += 1;
                }
                Err(error) => {
                    let error = self.read_error(&error);
                    self.hand_over(Err(error));
                    break;
                }
            }
        }
        let _ = camera.stop_stream();
    }

    /// Puts the newest result in the place of one that was not fetched in time.
    fn hand_over(&self, result: FrameResult) {
        if let Err(TrySendError::Full(result)) = self.frames.try_send(result) {
            let _ = self.newest.try_recv();
            let _ = self.frames.try_send(result);
        }
    }

    fn read_error(&self, error: &nokhwa::NokhwaError) -> CaptureError {
        // nokhwa gives sentences only; ENODEV is what every driver says after an unplug.
        if error.to_string().contains("(os error 19)") || !cameras::is_present(&self.node) {
            CaptureError::DeviceLost { device: self.node.name.clone() }
        } else {
            failed(&self.node, error)
        }
    }
}

fn open(node: &CameraNode, wanted: VideoFormat) -> Result<(Camera, Offer), CaptureError> {
    ask_permission(node)?;
    cameras::prepare(node);
    let every_format = [FrameFormat::NV12, FrameFormat::YUYV, FrameFormat::MJPEG];
    let request = RequestedFormat::with_formats(RequestedFormatType::None, &every_format);
    let mut camera = Camera::new(node.index.clone(), request).map_err(|error| open_error(node, &error))?;
    let formats = camera.compatible_camera_formats().map_err(|error| open_error(node, &error))?;
    let offers: Vec<Offer> = formats.iter().filter_map(offer).collect();
    let mut refused = String::from("it lists none");
    for offer in best_first(&offers, wanted).into_iter().take(ATTEMPTS) {
        let format = camera_format(offer);
        let pixels = [format.format()];
        let exactly = RequestedFormat::with_formats(RequestedFormatType::Exact(format), &pixels);
        match camera.set_camera_requset(exactly).and_then(|_| camera.open_stream()) {
            Ok(()) => return Ok((camera, offer)),
            Err(error) => refused = error.to_string(),
        }
    }
    // "Device or resource busy" comes only now: V4L2 lets anyone open, but one stream.
    if refused.contains("(os error 16)") {
        return Err(CaptureError::Busy { device: node.name.clone() });
    }
    Err(CaptureError::UnsupportedFormat { device: node.name.clone(), detail: refused })
}

/// macOS shows nothing before the person has agreed, and asks only when told to.
#[cfg(target_os = "macos")]
fn ask_permission(node: &CameraNode) -> Result<(), CaptureError> {
    let (sender, answer) = bounded(1);
    nokhwa::nokhwa_initialize(move |is_granted| {
        let _ = sender.try_send(is_granted);
    });
    match answer.recv_timeout(FIRST_FRAME) {
        Ok(false) => Err(CaptureError::NotAllowed { device: node.name.clone(), advice: PRIVACY_SETTINGS }),
        // No answer yet: opening says what is wrong.
        Ok(true) | Err(_) => Ok(()),
    }
}

#[cfg(not(target_os = "macos"))]
#[expect(clippy::unnecessary_wraps, reason = "it can fail on macOS")]
fn ask_permission(_: &CameraNode) -> Result<(), CaptureError> {
    Ok(())
}

fn offer(format: &CameraFormat) -> Option<Offer> {
    let pixels = match format.format() {
        FrameFormat::NV12 => PixelFormat::Nv12,
        FrameFormat::YUYV => PixelFormat::Yuyv,
        FrameFormat::MJPEG => PixelFormat::Mjpeg,
        FrameFormat::GRAY | FrameFormat::RAWRGB | FrameFormat::RAWBGR => return None,
    };
    Some(Offer { width: format.width(), height: format.height(), fps: format.frame_rate(), pixels })
}

fn camera_format(offer: Offer) -> CameraFormat {
    let pixels = match offer.pixels {
        PixelFormat::Nv12 => FrameFormat::NV12,
        PixelFormat::Yuyv => FrameFormat::YUYV,
        PixelFormat::Mjpeg => FrameFormat::MJPEG,
    };
    CameraFormat::new(Resolution::new(offer.width, offer.height), pixels, offer.fps)
}

fn open_error(node: &CameraNode, error: &nokhwa::NokhwaError) -> CaptureError {
    let device = node.name.clone();
    let text = error.to_string();
    if text.contains("(os error 13)") || text.contains("(os error 1)") {
        return CaptureError::NotAllowed {
            device,
            advice: if cfg!(target_os = "linux") {
                "Add your user to the group \"video\" and log in again."
            } else {
                PRIVACY_SETTINGS
            },
        };
    }
    if text.contains("(os error 16)") {
        return CaptureError::Busy { device };
    }
    if ["(os error 2)", "(os error 6)", "(os error 19)"].iter().any(|code| text.contains(code)) {
        return CaptureError::NotFound { device };
    }
    if text.contains("Failed to Fufill") {
        return CaptureError::UnsupportedFormat { device, detail: "none of NV12, YUYV, MJPEG".into() };
    }
    failed(node, error)
}

fn failed(node: &CameraNode, error: &dyn std::fmt::Display) -> CaptureError {
    CaptureError::Failed { device: node.name.clone(), detail: error.to_string() }
}

/// The driver's time stamp (since 1970) on our clock; now, where the driver tells nothing or nonsense.
fn capture_time(stamp: Option<Duration>) -> Instant {
    /// No camera is later than this; a larger age means another clock.
    const OLDEST: Duration = Duration::from_millis(500);
    let now = Instant::now();
    let age = stamp
        .and_then(|stamp| {
            let wall = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
            wall.checked_sub(stamp)
        })
        .filter(|age| *age <= OLDEST)
        .unwrap_or_default();
    now.checked_sub(age).unwrap_or(now)
}

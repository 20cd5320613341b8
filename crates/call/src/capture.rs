//! Where pictures and sound come from.
//!
//! A [`VideoSource`] is asked for the next frame and blocks until that frame is due; a microphone runs on its own
//! and sends 10 ms chunks into a channel. Cameras, screens, files and the test picture all look the same from here,
//! so nothing behind this door knows which one it is showing.
//!
//! ```text
//! camera.rs  --(raw buffer)--> raw_frame.rs --+
//! video_file.rs, test_picture.rs -------------+--> VideoSource::next_frame -> encode
//! screen.rs -> screen/x11* -------------------+
//! microphone.rs -> sound card / paced_sound.rs --> AudioChunk channel -> voice processing
//! ```

use std::sync::Arc;
use std::time::Instant;

use confab_media::video_frame::I420Frame;

mod camera;
mod camera_format;
mod choice;
mod clock;
mod error;
mod microphone;
mod pace;
mod paced_sound;
mod raw_frame;
mod screen;
mod test_picture;
mod video_file;

pub use choice::{CameraChoice, MicrophoneChoice, Region, ScreenChoice};
pub use error::CaptureError;
pub use microphone::{AudioChunk, CHUNK_SAMPLES, MicrophoneStream, SAMPLE_RATE, open_microphone};
pub use pace::{Pace, Tick};
pub use screen::{list_screens, list_screens_on, open_screen, open_screen_on};

/// Size and rate of a video source.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VideoFormat {
    /// Width in pixels, even.
    pub width: u32,
    /// Height in pixels, even.
    pub height: u32,
    /// Frames per second, rounded to a whole number; at least 1.
    pub fps: u32,
}

impl VideoFormat {
    /// 1280x720 at 30 frames a second, what a call sends unless told otherwise.
    pub const HD: Self = Self { width: 1280, height: 720, fps: 30 };
}

/// One picture and when it was taken.
#[derive(Clone)]
pub struct CapturedFrame {
    /// The picture. Its size may differ from the one before (a resized window).
    pub frame: Arc<I420Frame>,
    /// When the light fell in (camera, by the driver's clock where it tells one), when the screen was read, or when
    /// the frame was due (file, test picture). Never in the future.
    pub captured_at: Instant,
    /// Counts from 0 with gaps where the source dropped frames to keep up.
    pub number: u64,
}

/// A camera, screen, file or test picture. Dropping it stops it.
pub trait VideoSource: Send {
    /// What it delivers at present.
    fn format(&self) -> VideoFormat;

    /// Blocks until the next frame is due. Frames come at the source's own pace; a caller that is slow misses frames
    /// instead of falling behind.
    ///
    /// # Errors
    /// [`CaptureError::DeviceLost`] when the camera is gone, [`CaptureError::WindowClosed`] when the shared window is.
    /// After an error the source gives no more frames.
    fn next_frame(&mut self) -> Result<CapturedFrame, CaptureError>;
}

/// Opens a camera or what stands in for one.
///
/// `wanted` chooses among a camera's formats and sets the size and rate of the test picture; a file keeps its own.
///
/// # Errors
/// Sentences for people: no camera, in use elsewhere, not allowed, file unreadable; [`CaptureError::NothingChosen`]
/// for [`CameraChoice::None`].
pub fn open_camera(choice: &CameraChoice, wanted: VideoFormat) -> Result<Box<dyn VideoSource>, CaptureError> {
    match choice {
        CameraChoice::Default => Ok(Box::new(camera::CameraSource::open(None, wanted)?)),
        CameraChoice::Device(id) => Ok(Box::new(camera::CameraSource::open(Some(id), wanted)?)),
        CameraChoice::File(path) => Ok(Box::new(video_file::VideoFileSource::open(path)?)),
        CameraChoice::TestPattern => Ok(Box::new(test_picture::TestPictureSource::new(wanted))),
        CameraChoice::None => Err(CaptureError::NothingChosen),
    }
}

//! Screens and windows to share: the seam behind which every window system has its folder.
//!
//! X11 is here; Wayland (portal and `PipeWire`), Windows and macOS come with later versions and until then answer
//! with [`CaptureError::Unsupported`].

use super::{CaptureError, ScreenChoice, VideoFormat, VideoSource, test_picture, video_file};
use crate::devices::ScreenInfo;

#[cfg(target_os = "linux")]
mod x11;

/// Shared screens are shrunk to at most this size: more is neither read nor paid for at the other end.
pub(crate) const LARGEST: (u32, u32) = (1920, 1080);

#[cfg(not(target_os = "linux"))]
const NOT_HERE: CaptureError = CaptureError::Unsupported {
    what: "Sharing a screen on this system comes with a later version. A video file can be shared.",
};

/// Opens a screen, a window or what stands in for one, on the display that `DISPLAY` names.
///
/// Frames are at most as large as `wanted` and as 1920x1080, and come at most `wanted.fps` times a second. A picture
/// that does not change is sent on at full rate for half a second, so that the encoder can sharpen it, and then five
/// times a second, so that nobody who joins waits longer than that for a first picture. Sizes change when a window
/// does.
///
/// # Errors
/// [`CaptureError::NoDisplay`], [`CaptureError::NotFound`] for a window or monitor that is not there,
/// [`CaptureError::Unsupported`] where this version cannot share.
pub fn open_screen(choice: &ScreenChoice, wanted: VideoFormat) -> Result<Box<dyn VideoSource>, CaptureError> {
    match choice {
        ScreenChoice::TestPattern => Ok(Box::new(test_picture::TestPictureSource::new(wanted))),
        ScreenChoice::File(path) => Ok(Box::new(video_file::VideoFileSource::open(path)?)),
        shared => {
            refuse_wayland(shared)?;
            open(None, shared, wanted)
        }
    }
}

/// Like [`open_screen`], on a named X display (`:1`).
///
/// # Errors
/// As [`open_screen`].
pub fn open_screen_on(
    display: &str,
    choice: &ScreenChoice,
    wanted: VideoFormat,
) -> Result<Box<dyn VideoSource>, CaptureError> {
    match choice {
        ScreenChoice::TestPattern | ScreenChoice::File(_) => open_screen(choice, wanted),
        shared => open(Some(display), shared, wanted),
    }
}

/// What can be shared on the display that `DISPLAY` names: the whole screen, each monitor where there are several,
/// and the windows, topmost last.
///
/// # Errors
/// [`CaptureError::NoDisplay`] or [`CaptureError::Unsupported`].
pub fn list_screens() -> Result<Vec<ScreenInfo>, CaptureError> {
    list(None)
}

/// Like [`list_screens`], on a named X display.
///
/// # Errors
/// As [`list_screens`].
pub fn list_screens_on(display: &str) -> Result<Vec<ScreenInfo>, CaptureError> {
    list(Some(display))
}

/// Under Wayland the X screen is black but for the windows of X programs.
fn refuse_wayland(choice: &ScreenChoice) -> Result<(), CaptureError> {
    let is_wayland = std::env::var_os("WAYLAND_DISPLAY").is_some_and(|name| !name.is_empty());
    if is_wayland && !matches!(choice, ScreenChoice::Window(_)) {
        return Err(CaptureError::Unsupported {
            what: "Sharing a whole screen under Wayland comes with a later version. Share the window of an X11 \
                   program, or log in to an X11 session.",
        });
    }
    Ok(())
}

#[cfg(target_os = "linux")]
fn open(
    display: Option<&str>,
    choice: &ScreenChoice,
    wanted: VideoFormat,
) -> Result<Box<dyn VideoSource>, CaptureError> {
    Ok(Box::new(x11::X11Source::open(display, choice, wanted)?))
}

#[cfg(not(target_os = "linux"))]
fn open(_: Option<&str>, _: &ScreenChoice, _: VideoFormat) -> Result<Box<dyn VideoSource>, CaptureError> {
    Err(NOT_HERE)
}

#[cfg(target_os = "linux")]
fn list(display: Option<&str>) -> Result<Vec<ScreenInfo>, CaptureError> {
    x11::list(display)
}

#[cfg(not(target_os = "linux"))]
fn list(_: Option<&str>) -> Result<Vec<ScreenInfo>, CaptureError> {
    Err(NOT_HERE)
}

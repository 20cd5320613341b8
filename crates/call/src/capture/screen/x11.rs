//! An X11 screen, monitor, region or window as a video source.
//!
//! Nothing is read while nothing changes: the server tells of drawing (Damage) and the pointer is asked for. A window
//! is read from its own memory (Composite) and not from the screen, so that what covers it is not shown to the others.

use std::sync::Arc;
use std::time::{Duration, Instant};

use confab_media::convert;
use confab_media::video_frame::I420Frame;
use x11rb::connection::Connection;
use x11rb::protocol::Event;
use x11rb::protocol::damage::{self, ReportLevel};

use self::display::{Display, RequestError};
use self::grabber::{Area, Grabber};
use self::pointer::Pointer;
use self::target::{Target, View};
use super::LARGEST;
use crate::capture::pace::{Pace, sleep_until};
use crate::capture::raw_frame::Shrink;
use crate::capture::{CaptureError, CapturedFrame, ScreenChoice, VideoFormat, VideoSource};
use crate::devices::ScreenInfo;

mod display;
mod grabber;
mod pointer;
mod shared_memory;
mod target;
mod windows;

/// After a change the same picture is sent on at full rate for this long: encoders sharpen a still picture with every
/// frame.
const SETTLE: Duration = Duration::from_millis(500);

/// A still picture is sent this often, so that a keyframe for someone new is never further away.
const STILL: Duration = Duration::from_millis(200);

/// Encoders take nothing smaller; smaller windows get black edges.
const SMALLEST: u16 = 32;

/// What can be shared on a display.
pub(super) fn list(display: Option<&str>) -> Result<Vec<ScreenInfo>, CaptureError> {
    let display = Display::connect(display)?;
    windows::list(&display).map_err(|_| CaptureError::ScreenGone)
}

/// A running capture.
pub(super) struct X11Source {
    display: Display,
    target: Target,
    grabber: Grabber,
    pointer: Pointer,
    damage: Option<damage::Damage>,
    shrink: Shrink,
    pace: Pace,
    fps: u32,
    last: Option<Arc<I420Frame>>,
    last_change: Instant,
    last_sent: Instant,
}

impl X11Source {
    pub(super) fn open(
        display: Option<&str>,
        choice: &ScreenChoice,
        wanted: VideoFormat,
    ) -> Result<Self, CaptureError> {
        let display = Display::connect(display)?;
        let target = Target::new(&display, choice)?;
        let damage = watch_drawing(&display, &target);
        let pointer = Pointer::new(&display).map_err(|_| CaptureError::ScreenGone)?;
        let now = Instant::now();
        let fps = wanted.fps.max(1);
        Ok(Self {
            grabber: Grabber::new(&display),
            shrink: Shrink::into(wanted.width.min(LARGEST.0), wanted.height.min(LARGEST.1)),
            pace: Pace::new(now, fps.into(), Duration::from_secs(1)),
            display,
            target,
            pointer,
            damage,
            fps,
            last: None,
            last_change: now,
            last_sent: now,
        })
    }

    /// Takes in what the server told; answers whether anything to see may have changed.
    fn take_events(&mut self) -> Result<bool, CaptureError> {
        // Without Damage every tick may bring something new.
        let mut changed = self.damage.is_none();
        while let Some(event) = self.display.connection.poll_for_event().map_err(|_| CaptureError::ScreenGone)? {
            match event {
                Event::DamageNotify(_) => {
                    if let Some(id) = self.damage {
                        // Before the picture is taken: what is drawn from now on is told anew.
                        damage::subtract(&self.display.connection, id, x11rb::NONE, x11rb::NONE)
                            .map_err(|_| CaptureError::ScreenGone)?;
                    }
                    changed = true;
                }
                Event::XfixesCursorNotify(_) => self.pointer.changed(),
                other => changed |= self.target.take_event(&other)?,
            }
        }
        Ok(changed)
    }

    /// Reads the picture if anything changed; answers whether it did.
    fn refresh(&mut self) -> Result<bool, CaptureError> {
        let mut changed = self.take_events()?;
        let view = match self.target.view(&self.display) {
            Ok(view) => view,
            // It changed size in between, or is closing, of which an event tells: next time.
            Err(RequestError::Refused) => return self.target.check(&self.display).map(|()| false),
            Err(RequestError::Disconnected) => return Err(CaptureError::ScreenGone),
        };
        let Some(view) = view else {
            // Nothing to read: a window that is minimised keeps its last picture.
            if self.last.is_none() {
                self.last = Some(Arc::new(I420Frame::new(SMALLEST.into(), SMALLEST.into())));
                return Ok(true);
            }
            return Ok(false);
        };
        changed |= self.pointer.update(&self.display, view.window, view.pointer_area).or_else(|error| match error {
            RequestError::Refused => Ok(false),
            RequestError::Disconnected => Err(CaptureError::ScreenGone),
        })?;
        if !changed && self.last.is_some() {
            return Ok(false);
        }
        match self.read(view) {
            Ok(frame) => {
                self.last = Some(Arc::new(frame));
                Ok(true)
            }
            Err(RequestError::Refused) => self.target.check(&self.display).map(|()| false),
            Err(RequestError::Disconnected) => Err(CaptureError::ScreenGone),
        }
    }

    fn read(&mut self, view: View) -> Result<I420Frame, RequestError> {
        let Area { width, height, .. } = view.area;
        let pixels = self.grabber.grab(&self.display, view.drawable, view.area)?;
        self.pointer.draw(pixels, width.into(), height.into());
        let frame = if width < SMALLEST || height < SMALLEST {
            padded(pixels, width, height)
        } else {
            convert::bgra(pixels, usize::from(width) * 4, width.into(), height.into())
        };
        // Only a size that the converter does not take can get here: larger than any screen.
        Ok(self.shrink.apply(frame.map_err(|_| RequestError::Refused)?))
    }
}

impl VideoSource for X11Source {
    fn format(&self) -> VideoFormat {
        let (width, height) = if let Some(frame) = &self.last {
            (frame.width(), frame.height())
        } else {
            let (width, height) = self.target.size();
            self.shrink.size(width.max(SMALLEST).into(), height.max(SMALLEST).into())
        };
        VideoFormat { width, height, fps: self.fps }
    }

    fn next_frame(&mut self) -> Result<CapturedFrame, CaptureError> {
        loop {
            let tick = self.pace.next_tick(Instant::now());
            sleep_until(tick.due);
            let now = Instant::now();
            if self.refresh()? {
                self.last_change = now;
            }
            let is_settling = now.duration_since(self.last_change) <= SETTLE;
            let is_due = now.duration_since(self.last_sent) >= STILL;
            if let Some(frame) = &self.last
                && (is_settling || is_due)
            {
                self.last_sent = now;
                return Ok(CapturedFrame { frame: Arc::clone(frame), captured_at: now, number: tick.number });
            }
        }
    }
}

/// Has the server tell when anything is drawn into the target.
fn watch_drawing(display: &Display, target: &Target) -> Option<damage::Damage> {
    if !display.has_damage {
        return None;
    }
    let id = display.connection.generate_id().ok()?;
    let request = damage::create(&display.connection, id, target.window(), ReportLevel::NON_EMPTY).ok()?;
    request.check().ok()?;
    Some(id)
}

fn padded(pixels: &[u8], width: u16, height: u16) -> Result<I420Frame, convert::ConvertError> {
    let (wide, high) = (usize::from(width.max(SMALLEST)), usize::from(height.max(SMALLEST)));
    let mut larger = vec![0; wide * high * 4];
    for (to, from) in larger.chunks_exact_mut(wide * 4).zip(pixels.chunks_exact(usize::from(width) * 4)) {
        to[..from.len()].copy_from_slice(from);
    }
    convert::bgra(&larger, wide * 4, wide as u32, high as u32)
}

//! What is shared, and where its pixels are at present.

use x11rb::connection::Connection;
use x11rb::protocol::Event;
use x11rb::protocol::composite::{self, Redirect};
use x11rb::protocol::randr::{self, NotifyMask};
use x11rb::protocol::xproto::{
    self, ChangeWindowAttributesAux, Drawable, EventMask, MapState, Pixmap, Window, WindowClass,
};

use super::display::{Display, RequestError};
use super::grabber::Area;
use super::windows::monitors;
use crate::capture::{CaptureError, Region, ScreenChoice};

/// Where to read the next picture.
#[derive(Clone, Copy, Debug)]
pub(super) struct View {
    /// What to read from.
    pub drawable: Drawable,
    /// Which part of it.
    pub area: Area,
    /// Relative to which window the pointer is looked for,
    pub window: Window,
    /// and within which part of that.
    pub pointer_area: Area,
}

/// A part of the root window.
enum Part {
    Whole,
    Monitor(String),
    Region(Region),
}

/// A window and, with Composite, the pixmap that holds what it shows.
struct SharedWindow {
    window: Window,
    is_mapped: bool,
    width: u16,
    height: u16,
    border: u16,
    is_redirected: bool,
    pixmap: Option<Pixmap>,
}

enum Kind {
    Part { part: Part, area: Option<Area> },
    Window(SharedWindow),
}

/// What is shared.
pub(super) struct Target {
    root: Window,
    size: (u16, u16),
    kind: Kind,
}

impl Target {
    pub(super) fn new(display: &Display, choice: &ScreenChoice) -> Result<Self, CaptureError> {
        let not_found = |_| CaptureError::NotFound { device: choice.to_string() };
        let kind = match choice {
            ScreenChoice::Window(window) => Kind::Window(SharedWindow::open(display, *window).map_err(not_found)?),
            ScreenChoice::Monitor(name) => part(Part::Monitor(name.clone())),
            ScreenChoice::Region(region) => part(Part::Region(*region)),
            ScreenChoice::WholeScreen | ScreenChoice::TestPattern | ScreenChoice::File(_) => part(Part::Whole),
        };
        let mut target = Self { root: display.root, size: (0, 0), kind };
        if matches!(target.kind, Kind::Part { .. }) {
            select(display, display.root, EventMask::STRUCTURE_NOTIFY).map_err(|_| CaptureError::ScreenGone)?;
            if display.has_monitors {
                let _ = randr::select_input(
                    &display.connection,
                    display.root,
                    NotifyMask::SCREEN_CHANGE | NotifyMask::CRTC_CHANGE,
                );
            }
            target.view(display).map_err(not_found)?;
        }
        Ok(target)
    }

    /// The window whose drawing matters.
    pub(super) fn window(&self) -> Window {
        match &self.kind {
            Kind::Part { .. } => self.root,
            Kind::Window(shared) => shared.window,
        }
    }

    /// Size of the picture when it was last looked at, in pixels.
    pub(super) fn size(&self) -> (u16, u16) {
        match &self.kind {
            Kind::Part { .. } => self.size,
            Kind::Window(shared) => (shared.width, shared.height),
        }
    }

    /// Takes in an event; answers whether there may be something new to see.
    pub(super) fn take_event(&mut self, event: &Event) -> Result<bool, CaptureError> {
        match &mut self.kind {
            Kind::Part { area, .. } => match event {
                Event::ConfigureNotify(_) | Event::RandrScreenChangeNotify(_) | Event::RandrNotify(_) => {
                    *area = None;
                    Ok(true)
                }
                _ => Ok(false),
            },
            Kind::Window(shared) => shared.take_event(event),
        }
    }

    /// Where the pixels are; `None` for a window that shows nothing at present.
    pub(super) fn view(&mut self, display: &Display) -> Result<Option<View>, RequestError> {
        match &mut self.kind {
            Kind::Part { part, area } => {
                let area = match *area {
                    Some(area) => area,
                    None => *area.insert(part.area(display)?),
                };
                self.size = (area.width, area.height);
                Ok(Some(View { drawable: self.root, area, window: self.root, pointer_area: area }))
            }
            Kind::Window(shared) => shared.view(display),
        }
    }

    /// After a refusal: whether what is shared is still there.
    pub(super) fn check(&mut self, display: &Display) -> Result<(), CaptureError> {
        match &mut self.kind {
            Kind::Part { part, area } => {
                *area = None;
                part.area(display).map(|_| ()).map_err(|_| CaptureError::ScreenGone)
            }
            Kind::Window(shared) => shared.check(display),
        }
    }
}

fn part(part: Part) -> Kind {
    Kind::Part { part, area: None }
}

fn select(display: &Display, window: Window, events: EventMask) -> Result<(), RequestError> {
    let wanted = ChangeWindowAttributesAux::new().event_mask(events);
    xproto::change_window_attributes(&display.connection, window, &wanted)?.check()?;
    Ok(())
}

impl Part {
    fn area(&self, display: &Display) -> Result<Area, RequestError> {
        let root = xproto::get_geometry(&display.connection, display.root)?.reply()?;
        let whole = Area { x: 0, y: 0, width: root.width, height: root.height };
        let wanted = match self {
            Self::Whole => Some(whole),
            Self::Monitor(name) => {
                monitors(display)?.into_iter().find_map(|(other, area)| (other == *name).then_some(area))
            }
            Self::Region(region) => clip(*region, whole),
        };
        wanted.ok_or(RequestError::Refused)
    }
}

/// The part of a region that lies on the screen.
fn clip(region: Region, screen: Area) -> Option<Area> {
    let span = |start: i32, length: u32, limit: u16| {
        let end = i64::from(start) + i64::from(length);
        let start = i64::from(start).clamp(0, limit.into());
        let length = end.clamp(0, limit.into()) - start;
        Some((i16::try_from(start).ok()?, u16::try_from(length).ok().filter(|length| *length > 0)?))
    };
    let (x, width) = span(region.x, region.width, screen.width)?;
    let (y, height) = span(region.y, region.height, screen.height)?;
    Some(Area { x, y, width, height })
}

impl SharedWindow {
    fn open(display: &Display, window: Window) -> Result<Self, RequestError> {
        let connection = &display.connection;
        select(display, window, EventMask::STRUCTURE_NOTIFY)?;
        let attributes = xproto::get_window_attributes(connection, window)?.reply()?;
        if attributes.class != WindowClass::INPUT_OUTPUT {
            return Err(RequestError::Refused);
        }
        let geometry = xproto::get_geometry(connection, window)?.reply()?;
        let is_redirected = display.has_composite
            && composite::redirect_window(connection, window, Redirect::AUTOMATIC)?.check().is_ok();
        Ok(Self {
            window,
            is_mapped: attributes.map_state == MapState::VIEWABLE,
            width: geometry.width,
            height: geometry.height,
            border: geometry.border_width,
            is_redirected,
            pixmap: None,
        })
    }

    fn take_event(&mut self, event: &Event) -> Result<bool, CaptureError> {
        match event {
            Event::DestroyNotify(event) if event.window == self.window => Err(CaptureError::WindowClosed),
            Event::UnmapNotify(event) if event.window == self.window => {
                self.is_mapped = false;
                Ok(false)
            }
            Event::MapNotify(event) if event.window == self.window => {
                self.is_mapped = true;
                self.pixmap = None;
                Ok(true)
            }
            Event::ConfigureNotify(event) if event.window == self.window => {
                let size = (event.width, event.height, event.border_width);
                let is_new = size != (self.width, self.height, self.border);
                if is_new {
                    (self.width, self.height, self.border) = size;
                    self.pixmap = None;
                }
                Ok(is_new)
            }
            _ => Ok(false),
        }
    }

    fn view(&mut self, display: &Display) -> Result<Option<View>, RequestError> {
        if !self.is_mapped {
            return Ok(None);
        }
        let inside = Area { x: 0, y: 0, width: self.width, height: self.height };
        let (drawable, area) = if self.is_redirected {
            let border = i16::try_from(self.border).unwrap_or(0);
            (self.pixmap(display)?, Area { x: border, y: border, ..inside })
        } else {
            (self.window, inside)
        };
        Ok(Some(View { drawable, area, window: self.window, pointer_area: inside }))
    }

    /// The pixmap of the window at its present size; a new one after each change of size.
    fn pixmap(&mut self, display: &Display) -> Result<Pixmap, RequestError> {
        if let Some(pixmap) = self.pixmap {
            return Ok(pixmap);
        }
        let connection = &display.connection;
        let pixmap = connection.generate_id()?;
        composite::name_window_pixmap(connection, self.window, pixmap)?.check()?;
        self.pixmap = Some(pixmap);
        Ok(pixmap)
    }

    fn check(&mut self, display: &Display) -> Result<(), CaptureError> {
        self.pixmap = None;
        let connection = &display.connection;
        let geometry = xproto::get_geometry(connection, self.window).map_err(|_| CaptureError::ScreenGone)?.reply();
        match geometry.map_err(RequestError::from) {
            Ok(geometry) => {
                (self.width, self.height, self.border) = (geometry.width, geometry.height, geometry.border_width);
                Ok(())
            }
            Err(RequestError::Refused) => Err(CaptureError::WindowClosed),
            Err(RequestError::Disconnected) => Err(CaptureError::ScreenGone),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCREEN: Area = Area { x: 0, y: 0, width: 1280, height: 720 };

    fn clipped(x: i32, y: i32, width: u32, height: u32) -> Option<(i16, i16, u16, u16)> {
        let region = Region { x, y, width, height };
        clip(region, SCREEN).map(|area| (area.x, area.y, area.width, area.height))
    }

    #[test]
    fn a_region_is_cut_to_the_screen() {
        assert_eq!(clipped(100, 50, 640, 360), Some((100, 50, 640, 360)));
        assert_eq!(clipped(-100, -50, 640, 360), Some((0, 0, 540, 310)));
        assert_eq!(clipped(1200, 700, 640, 360), Some((1200, 700, 80, 20)));
        assert_eq!(clipped(i32::MIN, 0, u32::MAX, 10), Some((0, 0, 1280, 10)));
    }

    #[test]
    fn a_region_beside_the_screen_is_no_region() {
        assert_eq!(clipped(1280, 0, 10, 10), None);
        assert_eq!(clipped(0, -10, 10, 10), None);
    }
}

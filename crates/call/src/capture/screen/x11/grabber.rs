//! Reading pixels: through shared memory where the server is on this machine, through the socket elsewhere.

use x11rb::protocol::shm;
use x11rb::protocol::xproto::{self, Drawable, ImageFormat};

use super::display::{Display, RequestError};
use super::shared_memory::Segment;

/// A rectangle of a drawable in pixels.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Area {
    pub x: i16,
    pub y: i16,
    pub width: u16,
    pub height: u16,
}

impl Area {
    fn bytes(self) -> usize {
        usize::from(self.width) * usize::from(self.height) * 4
    }
}

/// Keeps the memory from one grab to the next.
pub(super) struct Grabber {
    segment: Option<Segment>,
    copy: Vec<u8>,
    use_shared_memory: bool,
}

impl Grabber {
    pub(super) fn new(display: &Display) -> Self {
        Self { segment: None, copy: Vec::new(), use_shared_memory: display.has_shared_memory }
    }

    /// The pixels of an area as BGRX, `width * 4` bytes a row, free to be drawn into.
    pub(super) fn grab(
        &mut self,
        display: &Display,
        drawable: Drawable,
        area: Area,
    ) -> Result<&mut [u8], RequestError> {
        if self.use_shared_memory {
            self.make_room(display, area.bytes())?;
        }
        let Some(segment) = &mut self.segment else {
            // Another machine's server, or no memory left: the slow way, 40 times the cost.
            return grab_by_copy(&mut self.copy, display, drawable, area);
        };
        let connection = &display.connection;
        let format = u8::from(ImageFormat::Z_PIXMAP);
        shm::get_image(connection, drawable, area.x, area.y, area.width, area.height, !0, format, segment.id(), 0)?
            .reply()?;
        Ok(&mut segment.bytes()[..area.bytes()])
    }

    fn make_room(&mut self, display: &Display, size: usize) -> Result<(), RequestError> {
        if self.segment.as_mut().is_some_and(|segment| segment.bytes().len() >= size) {
            return Ok(());
        }
        if let Some(old) = self.segment.take() {
            old.release(&display.connection);
        }
        match Segment::new(&display.connection, size) {
            Ok(segment) => self.segment = Some(segment),
            Err(RequestError::Refused) => self.use_shared_memory = false,
            Err(RequestError::Disconnected) => return Err(RequestError::Disconnected),
        }
        Ok(())
    }
}

fn grab_by_copy<'a>(
    copy: &'a mut Vec<u8>,
    display: &Display,
    drawable: Drawable,
    area: Area,
) -> Result<&'a mut [u8], RequestError> {
    let Area { x, y, width, height } = area;
    let reply =
        xproto::get_image(&display.connection, ImageFormat::Z_PIXMAP, drawable, x, y, width, height, !0)?.reply()?;
    if reply.data.len() < area.bytes() {
        return Err(RequestError::Refused);
    }
    *copy = reply.data;
    Ok(&mut copy[..area.bytes()])
}

//! The mouse pointer, which is not part of the pixels that X hands out.

use x11rb::protocol::xfixes::{self, CursorNotifyMask};
use x11rb::protocol::xproto::{self, Window};

use super::display::{Display, RequestError};
use super::grabber::Area;

/// The pointer's picture.
struct Image {
    width: i32,
    height: i32,
    hot_x: i32,
    hot_y: i32,
    /// ARGB, colours already multiplied by alpha.
    pixels: Vec<u32>,
}

/// Where the pointer is and what it looks like.
pub(super) struct Pointer {
    image: Option<Image>,
    /// The picture changed since it was fetched.
    is_stale: bool,
    position: Option<(i32, i32)>,
}

impl Pointer {
    pub(super) fn new(display: &Display) -> Result<Self, RequestError> {
        if display.has_cursor {
            xfixes::select_cursor_input(&display.connection, display.root, CursorNotifyMask::DISPLAY_CURSOR)?;
        }
        Ok(Self { image: None, is_stale: display.has_cursor, position: None })
    }

    /// The server says that the picture changed.
    pub(super) fn changed(&mut self) {
        self.is_stale = true;
    }

    /// Asks where the pointer is, relative to `window`; answers whether it must be drawn anew within `area` of it.
    pub(super) fn update(&mut self, display: &Display, window: Window, area: Area) -> Result<bool, RequestError> {
        if !display.has_cursor {
            return Ok(false);
        }
        let place = xproto::query_pointer(&display.connection, window)?.reply()?;
        let inside = |x: i32, y: i32| {
            x >= i32::from(area.x)
                && y >= i32::from(area.y)
                && x < i32::from(area.x) + i32::from(area.width)
                && y < i32::from(area.y) + i32::from(area.height)
        };
        let (x, y) = (i32::from(place.win_x), i32::from(place.win_y));
        let position = (place.same_screen && inside(x, y)).then(|| (x - i32::from(area.x), y - i32::from(area.y)));
        let mut is_new = position != self.position;
        self.position = position;
        if self.is_stale && position.is_some() {
            let reply = xfixes::get_cursor_image(&display.connection)?.reply()?;
            self.image = Some(Image {
                width: reply.width.into(),
                height: reply.height.into(),
                hot_x: reply.xhot.into(),
                hot_y: reply.yhot.into(),
                pixels: reply.cursor_image,
            });
            self.is_stale = false;
            is_new = true;
        }
        Ok(is_new)
    }

    /// Draws the pointer over BGRX pixels of the area it was last updated for.
    pub(super) fn draw(&self, pixels: &mut [u8], width: usize, height: usize) {
        let (Some(image), Some((x, y))) = (&self.image, self.position) else {
            return;
        };
        blend(image, (x - image.hot_x, y - image.hot_y), pixels, width, height);
    }
}

fn blend(image: &Image, corner: (i32, i32), pixels: &mut [u8], width: usize, height: usize) {
    for row in 0..image.height {
        let Some(y) = usize::try_from(corner.1 + row).ok().filter(|y| *y < height) else {
            continue;
        };
        for column in 0..image.width {
            let Some(x) = usize::try_from(corner.0 + column).ok().filter(|x| *x < width) else {
                continue;
            };
            let Some(source) = image.pixels.get((row * image.width + column) as usize) else {
                return;
            };
            let [blue, green, red, alpha] = source.to_le_bytes();
            let place = (y * width + x) * 4;
            for (below, above) in pixels[place..place + 3].iter_mut().zip([blue, green, red]) {
                let shown = u32::from(*below) * (255 - u32::from(alpha)) / 255;
                *below = above.saturating_add(shown as u8);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(pixels: Vec<u32>) -> Image {
        Image { width: 2, height: 1, hot_x: 0, hot_y: 0, pixels }
    }

    #[test]
    fn opaque_covers_transparent_leaves_and_half_mixes() {
        let mut pixels = vec![100_u8; 4 * 4];
        blend(&image(vec![0xff_20_40_60, 0x00_00_00_00]), (0, 0), &mut pixels, 4, 1);
        assert_eq!(pixels[..3], [0x60, 0x40, 0x20]);
        assert_eq!(pixels[4..7], [100, 100, 100]);
        blend(&image(vec![0x80_40_40_40, 0]), (2, 0), &mut pixels, 4, 1);
        assert_eq!(pixels[8], 0x40 + (100 * 127 / 255) as u8);
    }

    #[test]
    fn what_sticks_out_of_the_picture_is_cut_off() {
        let mut pixels = vec![0_u8; 2 * 2 * 4];
        for corner in [(-1, 0), (1, 1), (-5, -5), (9, 0), (0, 2)] {
            blend(&image(vec![0xff_ff_ff_ff; 2]), corner, &mut pixels, 2, 2);
        }
        let white: Vec<bool> = pixels.chunks(4).map(|pixel| pixel[0] == 255).collect();
        assert_eq!(white, [true, false, false, true]);
    }
}

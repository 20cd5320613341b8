//! A camera's bytes as a picture of the wanted size.

use std::borrow::Cow;

use confab_media::convert;
use confab_media::scale::{self, Scaler};
use confab_media::video_frame::I420Frame;

use super::VideoFormat;
use super::camera_format::{Offer, PixelFormat};

/// Shrinks what is larger than a bound, keeping proportions; leaves the rest alone.
pub(crate) struct Shrink {
    bounds: (u32, u32),
    scaler: Scaler,
}

impl Shrink {
    /// Into `width` x `height` pixels.
    pub(crate) fn into(width: u32, height: u32) -> Self {
        Self { bounds: (width, height), scaler: Scaler::new() }
    }

    /// The size a picture of `width` x `height` gets.
    pub(crate) fn size(&self, width: u32, height: u32) -> (u32, u32) {
        scale::fit((width, height), self.bounds)
    }

    /// The picture at that size.
    pub(crate) fn apply(&mut self, frame: I420Frame) -> I420Frame {
        let (width, height) = self.size(frame.width(), frame.height());
        if (width, height) == (frame.width(), frame.height()) {
            return frame;
        }
        self.scaler.scale(&frame, width, height)
    }
}

/// Turns the buffers of one camera format into pictures.
pub(crate) struct FrameConverter {
    offer: Offer,
    /// Bytes from one row to the next.
    row_bytes: usize,
    shrink: Shrink,
}

impl FrameConverter {
    /// `row_bytes` as the driver tells it; without it rows are taken to be unpadded.
    pub(crate) fn new(offer: Offer, row_bytes: Option<usize>, wanted: VideoFormat) -> Self {
        let plain = Self::plain_row(offer);
        Self {
            offer,
            row_bytes: row_bytes.map_or(plain, |bytes| bytes.max(plain)),
            shrink: Shrink::into(wanted.width, wanted.height),
        }
    }

    fn plain_row(offer: Offer) -> usize {
        let width = offer.width as usize;
        match offer.pixels {
            PixelFormat::Nv12 => width,
            PixelFormat::Yuyv => width.next_multiple_of(2) * 2,
            PixelFormat::Mjpeg => 0,
        }
    }

    /// Size of the pictures that come out.
    pub(crate) fn size(&self) -> (u32, u32) {
        self.shrink.size(self.offer.width, self.offer.height)
    }

    /// The picture in a buffer, which may be longer than the picture: nokhwa gives the whole mapped buffer and not
    /// only the bytes in use. `None` when it is too short or damaged, as USB errors leave it.
    pub(crate) fn convert(&mut self, buffer: &[u8]) -> Option<I420Frame> {
        let Offer { width, height, .. } = self.offer;
        let frame = match self.offer.pixels {
            PixelFormat::Nv12 => convert::nv12(&self.unpadded(buffer), width, height),
            PixelFormat::Yuyv => convert::yuyv(&self.unpadded(buffer), width, height),
            PixelFormat::Mjpeg => convert::mjpeg(buffer),
        };
        Some(self.shrink.apply(frame.ok()?))
    }

    /// The rows without the bytes a driver puts between them.
    fn unpadded<'a>(&self, buffer: &'a [u8]) -> Cow<'a, [u8]> {
        let plain = Self::plain_row(self.offer);
        if self.row_bytes == plain {
            return Cow::Borrowed(buffer);
        }
        let luma_rows = self.offer.height as usize;
        let rows = match self.offer.pixels {
            PixelFormat::Nv12 => luma_rows + luma_rows.div_ceil(2),
            PixelFormat::Yuyv | PixelFormat::Mjpeg => luma_rows,
        };
        let mut packed = Vec::with_capacity(plain * rows);
        for row in buffer.chunks(self.row_bytes).take(rows) {
            packed.extend_from_slice(&row[..plain.min(row.len())]);
        }
        Cow::Owned(packed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(pixels: PixelFormat, width: u32, height: u32) -> Offer {
        Offer { width, height, fps: 30, pixels }
    }

    #[test]
    fn a_buffer_longer_than_the_picture_is_trimmed() {
        let mut converter = FrameConverter::new(offer(PixelFormat::Nv12, 64, 48), None, VideoFormat::HD);
        let mut buffer = vec![100; 64 * 48];
        buffer.extend(vec![90; 64 * 24]);
        buffer.resize(8192, 0xee);
        let frame = converter.convert(&buffer).unwrap();
        assert!(frame.y().iter().all(|luma| *luma == 100));
        assert!(frame.u().iter().chain(frame.v()).all(|chroma| *chroma == 90));
    }

    #[test]
    fn padding_between_rows_is_left_out() {
        let (width, height, row_bytes) = (64, 48, 192);
        let mut buffer = Vec::new();
        for _ in 0..height {
            buffer.extend([50, 120].repeat(width));
            buffer.resize(buffer.len().next_multiple_of(row_bytes), 0xee);
        }
        let mut converter = FrameConverter::new(offer(PixelFormat::Yuyv, 64, 48), Some(row_bytes), VideoFormat::HD);
        let frame = converter.convert(&buffer).unwrap();
        assert!(frame.y().iter().all(|luma| *luma == 50));
        assert!(frame.v().iter().all(|chroma| *chroma == 120));
    }

    #[test]
    fn a_short_or_damaged_buffer_is_dropped() {
        for pixels in [PixelFormat::Nv12, PixelFormat::Yuyv, PixelFormat::Mjpeg] {
            let mut converter = FrameConverter::new(offer(pixels, 64, 48), None, VideoFormat::HD);
            assert!(converter.convert(&[0xff; 100]).is_none());
            assert!(converter.convert(&[]).is_none());
        }
    }

    #[test]
    fn a_camera_larger_than_wanted_is_shrunk_with_its_proportions() {
        let converter = FrameConverter::new(offer(PixelFormat::Yuyv, 1600, 1200), None, VideoFormat::HD);
        assert_eq!(converter.size(), (960, 720));
    }
}

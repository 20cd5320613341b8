//! [`I420Frame`]: the one picture format inside the program.

use std::fmt;

/// An uncompressed picture: a full-size luma plane and two half-size chroma planes, 8 bits, no padding.
///
/// Colours are BT.601, limited range (luma 16..=235). Both sides are even and at least 2. The planes lie one after the
/// other in one buffer, so the frame can be handed on as a single byte string ([`I420Frame::as_bytes`]). Share frames
/// as `Arc<I420Frame>`; `clone` copies the pixels.
#[derive(Clone, PartialEq, Eq)]
pub struct I420Frame {
    width: u32,
    height: u32,
    data: Vec<u8>,
}

impl I420Frame {
    /// A black picture. Odd sides are rounded down and sides under 2 become 2, so that chroma always fits.
    pub fn new(width: u32, height: u32) -> Self {
        let (width, height) = (even(width), even(height));
        let luma = luma_size(width, height);
        let mut data = vec![128_u8; luma + luma / 2];
        data[..luma].fill(16);
        Self { width, height, data }
    }

    /// Takes a buffer holding Y, U and V without padding. `None` unless both sides are even, at least 2 and the buffer
    /// has exactly `width * height * 3 / 2` bytes.
    pub fn from_bytes(width: u32, height: u32, data: Vec<u8>) -> Option<Self> {
        let fits = width == even(width) && height == even(height) && data.len() == luma_size(width, height) * 3 / 2;
        fits.then_some(Self { width, height, data })
    }

    /// Copies three planes with strides in bytes. Odd sides are rounded down. `None` when a plane is too short.
    pub fn from_planes(width: u32, height: u32, planes: [(&[u8], usize); 3]) -> Option<Self> {
        let (width, height) = (even(width), even(height));
        let mut data = Vec::with_capacity(luma_size(width, height) * 3 / 2);
        for (index, (plane, stride)) in planes.into_iter().enumerate() {
            let divisor = if index == 0 { 1 } else { 2 };
            let (columns, rows) = (width as usize / divisor, height as usize / divisor);
            if stride < columns || plane.len() < stride * (rows - 1) + columns {
                return None;
            }
            for row in plane.chunks(stride).take(rows) {
                data.extend_from_slice(&row[..columns]);
            }
        }
        Some(Self { width, height, data })
    }

    /// Width in pixels, even.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Height in pixels, even.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// The luma plane, `height` rows of [`y_stride`](Self::y_stride) bytes.
    pub fn y(&self) -> &[u8] {
        &self.data[..self.luma_size()]
    }

    /// The blue-difference plane, `height / 2` rows of [`u_stride`](Self::u_stride) bytes.
    pub fn u(&self) -> &[u8] {
        let luma = self.luma_size();
        &self.data[luma..luma + luma / 4]
    }

    /// The red-difference plane, `height / 2` rows of [`v_stride`](Self::v_stride) bytes.
    pub fn v(&self) -> &[u8] {
        let luma = self.luma_size();
        &self.data[luma + luma / 4..]
    }

    /// Bytes from one luma row to the next: the width.
    pub fn y_stride(&self) -> usize {
        self.width as usize
    }

    /// Bytes from one row of U to the next: half the width.
    pub fn u_stride(&self) -> usize {
        self.width as usize / 2
    }

    /// Bytes from one row of V to the next: half the width.
    pub fn v_stride(&self) -> usize {
        self.width as usize / 2
    }

    /// The three planes Y, U, V for writing.
    pub fn planes_mut(&mut self) -> [&mut [u8]; 3] {
        let luma = self.luma_size();
        let (y, chroma) = self.data.split_at_mut(luma);
        let (u, v) = chroma.split_at_mut(luma / 4);
        [y, u, v]
    }

    /// Y, U and V one after the other without padding.
    pub fn as_bytes(&self) -> &[u8] {
        &self.data
    }

    /// Gives up the buffer: Y, U and V one after the other.
    pub fn into_bytes(self) -> Vec<u8> {
        self.data
    }

    /// Paints the whole picture in one colour.
    pub fn fill(&mut self, y: u8, u: u8, v: u8) {
        let [luma, blue, red] = self.planes_mut();
        luma.fill(y);
        blue.fill(u);
        red.fill(v);
    }

    fn luma_size(&self) -> usize {
        luma_size(self.width, self.height)
    }
}

impl fmt::Debug for I420Frame {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A picture of somebody's room does not belong into a log.
        write!(formatter, "I420Frame({}x{})", self.width, self.height)
    }
}

fn even(side: u32) -> u32 {
    (side & !1).max(2)
}

fn luma_size(width: u32, height: u32) -> usize {
    width as usize * height as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_frame_is_black_and_even() {
        let frame = I420Frame::new(321, 181);
        assert_eq!((frame.width(), frame.height()), (320, 180));
        assert!(frame.y().iter().all(|&luma| luma == 16));
        assert!(frame.u().iter().chain(frame.v()).all(|&chroma| chroma == 128));
        assert_eq!(frame.as_bytes().len(), 320 * 180 * 3 / 2);
    }

    #[test]
    fn planes_with_padding_are_copied_row_by_row() {
        let y: Vec<u8> = (0..5 * 4).map(|index| index as u8).collect();
        let chroma: Vec<u8> = (100..106).collect();
        let frame = I420Frame::from_planes(4, 4, [(&y, 5), (&chroma, 3), (&chroma, 3)]).unwrap();
        assert_eq!(&frame.y()[4..8], &[5, 6, 7, 8]);
        assert_eq!(frame.u(), &[100, 101, 103, 104]);
    }

    #[test]
    fn buffers_that_do_not_fit_are_refused() {
        assert!(I420Frame::from_bytes(4, 4, vec![0; 23]).is_none());
        assert!(I420Frame::from_bytes(3, 4, vec![0; 18]).is_none());
        assert!(I420Frame::from_planes(4, 4, [(&[0; 15], 4), (&[0; 4], 2), (&[0; 4], 2)]).is_none());
        assert!(I420Frame::from_planes(4, 4, [(&[0; 16], 3), (&[0; 4], 2), (&[0; 4], 2)]).is_none());
    }

    #[test]
    fn debug_output_holds_no_pixels() {
        assert_eq!(format!("{:?}", I420Frame::new(4, 2)), "I420Frame(4x2)");
    }
}

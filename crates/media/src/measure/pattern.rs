//! A moving test picture that names itself: [`TestPattern`] draws it, [`read_mark`] reads it back.
//!
//! The picture is like a camera's (soft gradients and texture that pan, a face-like ellipse that wanders, a little
//! sensor noise) and a function of frame number and time alone. A receiver that reads the mark can draw the very same
//! source picture again and compare every pixel, and it knows how old the picture is.

mod mark;
mod texture;

pub use mark::{Mark, draw_mark, read_mark, read_mark_luma};

use crate::video_frame::I420Frame;
use texture::{Look, Texture, hash};

/// Noise values before they repeat; rows start at pseudo-random places, so no repetition shows.
const NOISE_LENGTH: usize = 1 << 16;

/// Standard deviation of the noise in luma steps: that of a webcam in daylight.
const NOISE_SIGMA: f64 = 1.5;

/// Draws the test picture at one size. Making one costs some tens of milliseconds, drawing a frame about one.
pub struct TestPattern {
    width: u32,
    height: u32,
    background: Texture,
    face: Texture,
    /// Half the width of the ellipse at each of its rows, in pixels, even.
    face_half_widths: Vec<usize>,
    noise: Vec<i8>,
}

impl TestPattern {
    /// A pattern of this size; odd sides are rounded down, small ones raised to 64x36.
    pub fn new(width: u32, height: u32) -> Self {
        let (width, height) = ((width & !1).max(64), (height & !1).max(36));
        let (columns, rows) = (width as usize, height as usize);
        // Room to pan by a quarter of the picture.
        let background = Texture::new(columns + columns / 4, rows + rows / 4, rows, Look::Room);
        let half_height = (rows * 11 / 50) & !1;
        let half_width = (rows * 8 / 50) & !1;
        let face = Texture::new(half_width * 2, half_height * 2, rows / 2, Look::Face);
        let face_half_widths = (0..half_height * 2)
            .map(|row| {
                let offset = (2 * row + 1).abs_diff(2 * half_height);
                let rest = (4 * half_height * half_height - offset * offset) as f64;
                (half_width as f64 * rest.sqrt() / (2 * half_height) as f64) as usize & !1
            })
            .collect();
        Self { width, height, background, face, face_half_widths, noise: noise(columns) }
    }

    /// Width in pixels.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Height in pixels.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// The picture with this number and time (milliseconds since 1970, the lower 48 bits), always the same for the same
    /// arguments, the mark included.
    pub fn render(&self, frame_number: u32, unix_ms: u64) -> I420Frame {
        let mut frame = I420Frame::new(self.width, self.height);
        self.draw_background(&mut frame, frame_number);
        self.draw_face(&mut frame, frame_number);
        self.add_noise(&mut frame, frame_number);
        draw_mark(&mut frame, Mark { frame: frame_number, unix_ms });
        frame
    }

    fn draw_background(&self, frame: &mut I420Frame, frame_number: u32) {
        let (columns, rows) = (self.width as usize, self.height as usize);
        // Two pixels a frame across, one down (in steps of two, because chroma has half the resolution).
        let left = bounce(frame_number as usize * 2, columns / 4);
        let top = bounce(frame_number as usize, rows / 4);
        for (index, target) in frame.planes_mut().into_iter().enumerate() {
            let divisor = if index == 0 { 1 } else { 2 };
            let (width, left, top) = (columns / divisor, left / divisor, top / divisor);
            for (row, line) in target.chunks_exact_mut(width).enumerate() {
                line.copy_from_slice(&self.background.row(index, top + row)[left..left + width]);
            }
        }
    }

    fn draw_face(&self, frame: &mut I420Frame, frame_number: u32) {
        let (columns, rows) = (self.width as usize, self.height as usize);
        let (face_columns, face_rows) = (self.face.width(), self.face_half_widths.len());
        let left = bounce(frame_number as usize * 3 + columns / 3, columns - face_columns);
        let top = bounce(frame_number as usize * 2 + rows / 5, rows - face_rows);
        for (index, target) in frame.planes_mut().into_iter().enumerate() {
            let divisor = if index == 0 { 1 } else { 2 };
            let width = columns / divisor;
            for row in 0..face_rows / divisor {
                let half = self.face_half_widths[row * divisor] / divisor;
                let inset = face_columns / 2 / divisor - half;
                let start = (top / divisor + row) * width + left / divisor + inset;
                target[start..start + 2 * half].copy_from_slice(&self.face.row(index, row)[inset..inset + 2 * half]);
            }
        }
    }

    fn add_noise(&self, frame: &mut I420Frame, frame_number: u32) {
        let columns = self.width as usize;
        let [luma, ..] = frame.planes_mut();
        for (row, line) in luma.chunks_exact_mut(columns).enumerate() {
            let offset = hash(frame_number, row as u32, 7) as usize % NOISE_LENGTH;
            for (pixel, &noise) in line.iter_mut().zip(&self.noise[offset..offset + columns]) {
                // Textures keep clear of both ends of the range, so this cannot wrap around.
                *pixel = pixel.wrapping_add_signed(noise);
            }
        }
    }
}

/// A position that runs to `range` and back again, one step for each step of `distance`, always even.
fn bounce(distance: usize, range: usize) -> usize {
    if range == 0 {
        return 0;
    }
    let phase = distance % (2 * range);
    (if phase < range { phase } else { 2 * range - phase }) & !1
}

fn noise(columns: usize) -> Vec<i8> {
    // The sum of four bytes is near enough to a normal distribution; its standard deviation is 147.8.
    let scale = NOISE_SIGMA / 147.8;
    let draw = |index: usize| {
        let bytes = hash(index as u32, 0, 99).to_le_bytes();
        let sum: i32 = bytes.into_iter().map(i32::from).sum();
        (f64::from(sum - 510) * scale).round() as i8
    };
    let mut values: Vec<i8> = (0..NOISE_LENGTH).map(draw).collect();
    values.extend_from_within(..columns.min(NOISE_LENGTH));
    while values.len() < NOISE_LENGTH + columns {
        values.push(0);
    }
    values
}

#[cfg(test)]
mod tests;

//! Grey pictures: photographs of a display, and what is put on one.

use std::path::Path;

use confab_media::pattern::{self, Mark};
use confab_media::video_frame::I420Frame;

use super::error::{LabError, Outcome};

/// Brightness, row by row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Picture {
    width: usize,
    height: usize,
    luma: Vec<u8>,
}

impl Picture {
    /// The brightness of a video frame.
    pub fn of_frame(frame: &I420Frame) -> Self {
        Self { width: frame.width() as usize, height: frame.height() as usize, luma: frame.y().to_vec() }
    }

    /// A picture of this size; `None` when there are not as many brightnesses as pixels, or none at all.
    pub fn new(width: usize, height: usize, luma: Vec<u8>) -> Option<Self> {
        (luma.len() == width * height && !luma.is_empty()).then_some(Self { width, height, luma })
    }

    /// Width in pixels.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Height in pixels.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Reads the test pattern's mark in the part of the picture that begins at `corner` (left, top) and has this size.
    /// The part may reach beyond the picture.
    pub fn read_mark_at(&self, corner: (i64, i64), width: usize, height: usize) -> Option<Mark> {
        let inside = |value: i64, size: usize| value.clamp(0, size as i64 - 1) as usize;
        let at = |x: usize, y: usize| {
            let (x, y) = (inside(corner.0 + x as i64, self.width), inside(corner.1 + y as i64, self.height));
            self.luma[y * self.width + x]
        };
        pattern::read_mark_luma(at, width, height)
    }

    /// How far the brightnesses of a part are from their mean, on average: 0 for one colour, about 40 for a camera's
    /// picture. The part may reach beyond the picture.
    pub fn unevenness_at(&self, corner: (i64, i64), width: usize, height: usize) -> f64 {
        let range = |from: i64, length: usize, size: usize| {
            let end = from.saturating_add(length as i64).clamp(0, size as i64) as usize;
            from.clamp(0, size as i64) as usize..end
        };
        let columns = range(corner.0, width, self.width);
        let rows = range(corner.1, height, self.height);
        let part = |row: usize| &self.luma[row * self.width..][columns.clone()];
        let values: Vec<f64> = rows.flat_map(|row| part(row).iter().map(|value| f64::from(*value))).collect();
        let count = values.len().max(1) as f64;
        let mean = values.iter().sum::<f64>() / count;
        values.iter().map(|value| (value - mean).abs()).sum::<f64>() / count
    }

    /// Writes a binary grey map (PGM).
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_pgm(&self, file: &Path) -> Outcome {
        let head = format!("P5\n{} {}\n255\n", self.width, self.height);
        let written = std::fs::write(file, [head.as_bytes(), &self.luma].concat());
        written.map_err(|error| LabError::io(file.display().to_string(), error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use confab_media::pattern::TestPattern;

    #[test]
    fn a_mark_is_found_in_a_part_of_a_larger_picture() {
        let mark = Mark { frame: 77, unix_ms: 123_456 };
        let frame = TestPattern::new(320, 180).render(mark.frame, mark.unix_ms);
        let small = Picture::of_frame(&frame);
        let mut large = Picture { width: 640, height: 400, luma: vec![90; 640 * 400] };
        for row in 0..180 {
            large.luma[(row + 50) * 640 + 100..][..320].copy_from_slice(&small.luma[row * 320..][..320]);
        }
        assert_eq!(large.read_mark_at((100, 50), 320, 180), Some(mark));
        assert_eq!(large.read_mark_at((0, 0), 320, 180), None);
        let uneven = |corner| large.unevenness_at(corner, 320, 180);
        assert!(uneven((100, 50)) > 10.0 && uneven((0, 250)) < 0.01 && uneven((700, 500)) < 0.01);
    }
}

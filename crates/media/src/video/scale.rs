//! Making pictures smaller or larger.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use crate::video_frame::I420Frame;

/// The largest even size with the proportions of `source` (width, height) that fits into `bounds` and is not larger
/// than `source` itself. Sides are at least 2.
pub fn fit(source: (u32, u32), bounds: (u32, u32)) -> (u32, u32) {
    let (width, height) = (u64::from(source.0.max(1)), u64::from(source.1.max(1)));
    let (bound_width, bound_height) = (u64::from(bounds.0).min(width), u64::from(bounds.1).min(height));
    let (fitted_width, fitted_height) = if width * bound_height > bound_width * height {
        (bound_width, (bound_width * height + width / 2) / width)
    } else {
        ((bound_height * width + height / 2) / height, bound_height)
    };
    (even(fitted_width), even(fitted_height))
}

fn even(side: u64) -> u32 {
    ((side as u32) & !1).max(2)
}

/// Scales pictures; keeps memory, so use one for each stream.
#[derive(Default)]
pub struct Scaler {
    resizer: Resizer,
}

/// The part of a picture that is scaled: shares of its sides, 0 to 1.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Part {
    /// Left edge.
    pub left: f64,
    /// Upper edge.
    pub top: f64,
    /// Right edge.
    pub right: f64,
    /// Lower edge.
    pub bottom: f64,
}

impl Part {
    /// All of it.
    pub const WHOLE: Self = Self { left: 0.0, top: 0.0, right: 1.0, bottom: 1.0 };
}

impl Scaler {
    /// A scaler without memory.
    pub fn new() -> Self {
        Self::default()
    }

    /// The picture at another size; odd sides are rounded down. Halving both sides is a plain average of 2x2 pixels,
    /// anything else an area-weighted bilinear filter. Proportions are the caller's business (see [`fit`]).
    pub fn scale(&mut self, source: &I420Frame, width: u32, height: u32) -> I420Frame {
        self.scale_part(source, Part::WHOLE, width, height)
    }

    /// The same of a part of the picture. What is outside of the picture is left out, and at least two pixels stay.
    pub fn scale_part(&mut self, source: &I420Frame, part: Part, width: u32, height: u32) -> I420Frame {
        let mut target = I420Frame::new(width, height);
        let (width, height) = (target.width(), target.height());
        let is_whole = part == Part::WHOLE;
        if is_whole && (width, height) == (source.width(), source.height()) {
            return source.clone();
        }
        let halves = is_whole && (source.width(), source.height()) == (width * 2, height * 2);
        for (index, (from, to)) in [source.y(), source.u(), source.v()].into_iter().zip(target.planes_mut()).enumerate()
        {
            let divisor = if index == 0 { 1 } else { 2 };
            let (from_width, from_height) = (source.width() / divisor, source.height() / divisor);
            let (width, height) = (width / divisor, height / divisor);
            if halves {
                halve(from, from_width as usize, to, width as usize);
                continue;
            }
            let (left, across) = span(part.left, part.right, from_width);
            let (top, down) = span(part.top, part.bottom, from_height);
            let options = ResizeOptions::new()
                .resize_alg(ResizeAlg::Convolution(FilterType::Bilinear))
                .crop(left, top, across, down);
            let images = ImageRef::new(from_width, from_height, from, PixelType::U8)
                .ok()
                .zip(Image::from_slice_u8(width, height, to, PixelType::U8).ok());
            let resized = images.map(|(from, mut to)| self.resizer.resize(&from, &mut to, &options));
            debug_assert!(matches!(resized, Some(Ok(()))), "planes are of their sizes, and the part is inside");
        }
        target
    }
}

/// Where a part begins, and how long it is.
fn span(from: f64, to: f64, side: u32) -> (f64, f64) {
    let side = f64::from(side);
    let begin = (from.clamp(0.0, 1.0) * side).min(side - 1.0);
    (begin, (to.clamp(0.0, 1.0) * side - begin).max(1.0))
}

fn halve(from: &[u8], from_width: usize, to: &mut [u8], width: usize) {
    for (pair, output) in from.chunks_exact(from_width * 2).zip(to.chunks_exact_mut(width)) {
        let (upper, lower) = pair.split_at(from_width);
        for (pixel, (above, below)) in output.iter_mut().zip(upper.chunks_exact(2).zip(lower.chunks_exact(2))) {
            let sum = u16::from(above[0]) + u16::from(above[1]) + u16::from(below[0]) + u16::from(below[1]);
            *pixel = ((sum + 2) >> 2) as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gradient(width: u32, height: u32) -> I420Frame {
        let mut frame = I420Frame::new(width, height);
        let stride = frame.y_stride();
        let [luma, ..] = frame.planes_mut();
        for (index, pixel) in luma.iter_mut().enumerate() {
            *pixel = (16 + (index % stride) * 200 / stride) as u8;
        }
        frame
    }

    #[test]
    fn fitting_keeps_proportions_and_never_enlarges() {
        assert_eq!(fit((1920, 1080), (1280, 1280)), (1280, 720));
        assert_eq!(fit((640, 480), (1280, 720)), (640, 480));
        assert_eq!(fit((1080, 1920), (1280, 720)), (404, 720));
        assert_eq!(fit((3, 3000), (100, 100)), (2, 100));
        assert_eq!(fit((0, 0), (0, 0)), (2, 2));
    }

    #[test]
    fn one_colour_stays_that_colour_at_any_size() {
        let mut source = I420Frame::new(322, 182);
        source.fill(235, 60, 200);
        let mut scaler = Scaler::new();
        for (width, height) in [(160, 90), (161, 91), (322, 90), (2, 2), (500, 400), (50, 180), (644, 364)] {
            let scaled = scaler.scale(&source, width, height);
            assert!(scaled.y().iter().all(|&luma| luma == 235), "{width}x{height}");
            assert!(scaled.u().iter().all(|&blue| blue == 60), "{width}x{height}");
            assert!(scaled.v().iter().all(|&red| red == 200), "{width}x{height}");
        }
    }

    #[test]
    fn a_gradient_stays_a_gradient() {
        let mut scaler = Scaler::new();
        for (width, height) in [(320, 180), (426, 240), (960, 540)] {
            let scaled = scaler.scale(&gradient(640, 360), width, height);
            let expected = gradient(width, height);
            for (got, want) in scaled.y().iter().zip(expected.y()) {
                assert!(got.abs_diff(*want) <= 1, "{got} instead of {want} at {width}x{height}");
            }
        }
    }

    #[test]
    fn halving_averages_four_pixels() {
        let mut source = I420Frame::new(4, 4);
        source.planes_mut()[0].copy_from_slice(&[10, 20, 0, 0, 30, 41, 0, 255, 0, 0, 9, 9, 0, 0, 9, 9]);
        assert_eq!(Scaler::new().scale(&source, 2, 2).y(), &[25, 64, 0, 9]);
    }

    #[test]
    fn a_part_of_a_picture_is_scaled_without_the_rest() {
        let mut source = I420Frame::new(64, 64);
        let stride = source.y_stride();
        for (index, pixel) in source.planes_mut()[0].iter_mut().enumerate() {
            *pixel = if index % stride < 32 { 20 } else { 200 };
        }
        let right = Part { left: 0.5, ..Part::WHOLE };
        let scaled = Scaler::new().scale_part(&source, right, 48, 96);
        assert_eq!((scaled.width(), scaled.height()), (48, 96));
        // The first column or two lie on the edge.
        assert!(scaled.y().iter().enumerate().all(|(index, &luma)| index % 48 < 2 || luma == 200));
        for odd in
            [Part { left: 2.0, top: -1.0, right: 3.0, bottom: 0.0 }, Part { left: 0.7, right: 0.2, ..Part::WHOLE }]
        {
            assert_eq!(Scaler::new().scale_part(&source, odd, 4, 4).width(), 4, "{odd:?}");
        }
    }
}

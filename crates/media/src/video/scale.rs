//! Making pictures smaller or larger.

use crate::video_frame::I420Frame;

/// Weights are fixed-point numbers with this many fractional bits.
const WEIGHT_BITS: u32 = 14;

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

/// Scales pictures; keeps the weights of the sizes it met last, so use one for each stream.
#[derive(Default)]
pub struct Scaler {
    axes: Vec<Axis>,
    rows: Vec<u16>,
}

impl Scaler {
    /// A scaler without remembered sizes.
    pub fn new() -> Self {
        Self::default()
    }

    /// The picture at another size; odd sides are rounded down. Halving both sides is a plain average of 2x2 pixels,
    /// anything else an area-weighted bilinear filter. Proportions are the caller's business (see [`fit`]).
    pub fn scale(&mut self, source: &I420Frame, width: u32, height: u32) -> I420Frame {
        let mut target = I420Frame::new(width, height);
        let (width, height) = (target.width() as usize, target.height() as usize);
        let (source_width, source_height) = (source.width() as usize, source.height() as usize);
        if (width, height) == (source_width, source_height) {
            return source.clone();
        }
        let halves = source_width == width * 2 && source_height == height * 2;
        for (index, (from, to)) in [source.y(), source.u(), source.v()].into_iter().zip(target.planes_mut()).enumerate()
        {
            let divisor = if index == 0 { 1 } else { 2 };
            let from = Plane { pixels: from, width: source_width / divisor, height: source_height / divisor };
            if halves {
                halve(&from, to, width / divisor);
            } else {
                self.resample(&from, to, width / divisor, height / divisor);
            }
        }
        target
    }

    fn resample(&mut self, from: &Plane<'_>, to: &mut [u8], width: usize, height: usize) {
        // Luma and chroma of both directions are four; more are leftovers of earlier sizes.
        if self.axes.len() >= 8 {
            self.axes.clear();
        }
        let vertical = self.axis(from.height, height);
        let horizontal = self.axis(from.width, width);
        self.rows.clear();
        self.rows.resize(from.width, 0);
        for (row, output) in to.chunks_exact_mut(width).enumerate() {
            self.axes[vertical].blend_rows(row, from, &mut self.rows);
            self.axes[horizontal].blend_columns(&self.rows, output);
        }
    }

    /// The index of the weights for one direction, made when they are not known yet.
    fn axis(&mut self, from: usize, to: usize) -> usize {
        if let Some(index) = self.axes.iter().position(|axis| (axis.from, axis.to) == (from, to)) {
            return index;
        }
        self.axes.push(Axis::new(from, to));
        self.axes.len() - 1
    }
}

struct Plane<'a> {
    pixels: &'a [u8],
    width: usize,
    height: usize,
}

fn halve(from: &Plane<'_>, to: &mut [u8], width: usize) {
    for (pair, output) in from.pixels.chunks_exact(from.width * 2).zip(to.chunks_exact_mut(width)) {
        let (upper, lower) = pair.split_at(from.width);
        for (pixel, (above, below)) in output.iter_mut().zip(upper.chunks_exact(2).zip(lower.chunks_exact(2))) {
            let sum = u16::from(above[0]) + u16::from(above[1]) + u16::from(below[0]) + u16::from(below[1]);
            *pixel = ((sum + 2) >> 2) as u8;
        }
    }
}

/// Which source samples make up each target sample along one direction.
struct Axis {
    from: usize,
    to: usize,
    taps: usize,
    /// First source sample of each target sample.
    starts: Vec<usize>,
    /// `taps` weights for each target sample, their sum being one.
    weights: Vec<u32>,
}

impl Axis {
    fn new(from: usize, to: usize) -> Self {
        let step = from as f64 / to as f64;
        // A triangle as wide as a target pixel when shrinking, as a source pixel when growing.
        let support = step.max(1.0);
        let taps = ((support * 2.0).ceil() as usize).min(from);
        let mut starts = Vec::with_capacity(to);
        let mut weights = Vec::with_capacity(to * taps);
        for index in 0..to {
            let centre = (index as f64 + 0.5) * step - 0.5;
            let first = ((centre - support).ceil().max(0.0) as usize).min(from - taps);
            let raw: Vec<f64> =
                (first..first + taps).map(|tap| (1.0 - (tap as f64 - centre).abs() / support).max(0.0)).collect();
            let sum: f64 = raw.iter().sum();
            let one = 1_u32 << WEIGHT_BITS;
            let mut fixed: Vec<u32> = raw.iter().map(|weight| (weight / sum * f64::from(one)).round() as u32).collect();
            // Rounding must not change the brightness: the largest weight takes the difference.
            let total: u32 = fixed.iter().sum();
            if let Some(largest) = fixed.iter_mut().max_by_key(|weight| **weight) {
                *largest = *largest + one - total;
            }
            starts.push(first);
            weights.extend(fixed);
        }
        Self { from, to, taps, starts, weights }
    }

    fn blend_rows(&self, row: usize, from: &Plane<'_>, output: &mut [u16]) {
        let weights = &self.weights[row * self.taps..(row + 1) * self.taps];
        output.fill(0);
        for (tap, &weight) in weights.iter().enumerate().filter(|(_, weight)| **weight > 0) {
            let start = (self.starts[row] + tap) * from.width;
            let source = &from.pixels[start..start + from.width];
            for (sum, &pixel) in output.iter_mut().zip(source) {
                // 8 bits of pixel and 8 of fraction: the sum of all taps is at most 255 * 256.
                *sum = sum.saturating_add(((u32::from(pixel) * weight + (1 << 5)) >> (WEIGHT_BITS - 8)) as u16);
            }
        }
    }

    fn blend_columns(&self, row: &[u16], output: &mut [u8]) {
        // Loops of known length are unrolled, which makes the usual sizes two to three times faster.
        match self.taps {
            2 => self.blend_fixed::<2>(row, output),
            3 => self.blend_fixed::<3>(row, output),
            4 => self.blend_fixed::<4>(row, output),
            5 => self.blend_fixed::<5>(row, output),
            6 => self.blend_fixed::<6>(row, output),
            _ => {
                let targets = output.iter_mut().zip(&self.starts).zip(self.weights.chunks_exact(self.taps));
                for ((pixel, &start), weights) in targets {
                    *pixel = weighted(&row[start..start + self.taps], weights);
                }
            }
        }
    }

    fn blend_fixed<const TAPS: usize>(&self, row: &[u16], output: &mut [u8]) {
        let (weights, _) = self.weights.as_chunks::<TAPS>();
        for ((pixel, &start), weights) in output.iter_mut().zip(&self.starts).zip(weights) {
            if let Some(values) = row[start..].first_chunk::<TAPS>() {
                *pixel = weighted(values, weights);
            }
        }
    }
}

#[inline]
fn weighted(values: &[u16], weights: &[u32]) -> u8 {
    let sum: u32 = values.iter().zip(weights).map(|(&value, &weight)| u32::from(value) * weight).sum();
    ((sum + (1 << (WEIGHT_BITS + 7))) >> (WEIGHT_BITS + 8)).min(255) as u8
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
}

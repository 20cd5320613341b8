//! Photo-like surfaces from layered value noise: the same on every machine (whole numbers, and only sums and products
//! of floats).

/// Luma stays this far from black and white, so that noise cannot wrap around.
const DARKEST: f32 = 30.0;
const BRIGHTEST: f32 = 220.0;

/// What a surface looks like.
#[derive(Clone, Copy)]
pub(super) enum Look {
    /// A dim room: large shapes, fine texture, cool colours.
    Room,
    /// Skin: brighter, softer, warm.
    Face,
}

struct Octave {
    /// Size of one cell as a fraction of the picture's height.
    cells_per_height: f32,
    /// Largest distance from the mean, in luma steps.
    amplitude: f32,
}

const ROOM: [Octave; 5] = [
    Octave { cells_per_height: 1.5, amplitude: 60.0 },
    Octave { cells_per_height: 4.0, amplitude: 36.0 },
    Octave { cells_per_height: 10.0, amplitude: 18.0 },
    Octave { cells_per_height: 24.0, amplitude: 8.0 },
    Octave { cells_per_height: 60.0, amplitude: 3.0 },
];

const FACE: [Octave; 3] = [
    Octave { cells_per_height: 2.0, amplitude: 40.0 },
    Octave { cells_per_height: 6.0, amplitude: 20.0 },
    Octave { cells_per_height: 16.0, amplitude: 5.0 },
];

const COLOUR: [Octave; 2] =
    [Octave { cells_per_height: 1.0, amplitude: 22.0 }, Octave { cells_per_height: 5.0, amplitude: 8.0 }];

/// A surface larger than the picture, as three planes.
pub(super) struct Texture {
    width: usize,
    planes: [Vec<u8>; 3],
}

impl Texture {
    /// A surface of the given size in pixels, with details in proportion to `scale` pixels.
    pub fn new(width: usize, height: usize, scale: usize, look: Look) -> Self {
        let (width, height) = (width.next_multiple_of(2), height.next_multiple_of(2));
        let (octaves, means, seed): (&[Octave], [f32; 3], u32) = match look {
            Look::Room => (&ROOM, [112.0, 136.0, 120.0], 11),
            Look::Face => (&FACE, [160.0, 112.0, 150.0], 23),
        };
        let scale = scale.max(8) as f32;
        let luma = layer(width, height, scale, octaves, means[0], seed);
        let [blue, red] =
            [1, 2].map(|plane| layer(width / 2, height / 2, scale / 2.0, &COLOUR, means[plane], seed + plane as u32));
        Self { width, planes: [luma, blue, red] }
    }

    /// Width of the luma plane in pixels.
    pub fn width(&self) -> usize {
        self.width
    }

    /// One row of plane 0 (Y), 1 (U) or 2 (V).
    pub fn row(&self, plane: usize, row: usize) -> &[u8] {
        let width = if plane == 0 { self.width } else { self.width / 2 };
        &self.planes[plane][row * width..(row + 1) * width]
    }
}

fn layer(width: usize, height: usize, scale: f32, octaves: &[Octave], mean: f32, seed: u32) -> Vec<u8> {
    let mut sums = vec![mean; width * height];
    for (index, octave) in octaves.iter().enumerate() {
        let cell = (scale / octave.cells_per_height).max(2.0);
        add_octave(&mut sums, width, cell, octave.amplitude, seed * 16 + index as u32);
    }
    sums.into_iter().map(|value| value.clamp(DARKEST, BRIGHTEST) as u8).collect()
}

fn add_octave(sums: &mut [f32], width: usize, cell: f32, amplitude: f32, seed: u32) {
    let columns: Vec<(usize, f32)> = (0..width).map(|x| position(x, cell)).collect();
    let corners = columns.last().map_or(0, |last| last.0) + 2;
    let corner_row = |row: usize| -> Vec<f32> {
        (0..corners).map(|corner| (hash(corner as u32, row as u32, seed) >> 16) as f32 / 32768.0 - 1.0).collect()
    };
    let (mut known, mut upper, mut lower) = (0, corner_row(0), corner_row(1));
    for (y, line) in sums.chunks_exact_mut(width).enumerate() {
        let (row, down) = position(y, cell);
        if row != known {
            (known, upper, lower) = (row, corner_row(row), corner_row(row + 1));
        }
        for (value, &(column, across)) in line.iter_mut().zip(&columns) {
            let top = upper[column] + (upper[column + 1] - upper[column]) * across;
            let bottom = lower[column] + (lower[column + 1] - lower[column]) * across;
            *value += (top + (bottom - top) * down) * amplitude;
        }
    }
}

/// The cell a pixel lies in, and how far across it (0..1, eased at both ends so that no grid shows).
fn position(pixel: usize, cell: f32) -> (usize, f32) {
    let place = pixel as f32 / cell;
    let index = place as usize;
    let fraction = place - index as f32;
    (index, fraction * fraction * (3.0 - 2.0 * fraction))
}

/// A well-mixed number from three others.
pub(super) fn hash(first: u32, second: u32, seed: u32) -> u32 {
    let mut value = first
        .wrapping_mul(0x9e37_79b1)
        .wrapping_add(second.wrapping_mul(0x85eb_ca77))
        .wrapping_add(seed.wrapping_mul(0xc2b2_ae3d));
    for _ in 0..2 {
        value = (value ^ (value >> 15)).wrapping_mul(0x2c1b_3c6d);
        value ^= value >> 12;
    }
    value ^ (value >> 16)
}

//! A frame number and a time drawn into a picture so that a program can read them after coding and scaling.
//!
//! The mark is a grid of squares, each a 45th of the picture's height (16 pixels at 720p, 4 at 180p), at the centre of
//! the picture, where cropping does not reach it:
//!
//! ```text
//!    W W W W W W W W W W W W W W     W  white, B  black: they tell the levels, and which way round the picture is
//!    W b b b b b b b b b b b b B     b  12 x 8 bits, row by row, most significant first, white is 1:
//!    W b b b b b b b b b b b b B        32 bits frame number, 48 bits milliseconds, 16 bits checksum
//!      ... six more rows ...
//!    W B B B B B B B B B B B B B
//! ```

use crate::video_frame::I420Frame;

const BIT_COLUMNS: usize = 12;
const BIT_ROWS: usize = 8;
const GRID_COLUMNS: usize = BIT_COLUMNS + 2;
const GRID_ROWS: usize = BIT_ROWS + 2;
/// Squares of the mark in the picture's height.
const SQUARES_PER_HEIGHT: f64 = 45.0;
/// Squares above the mark: whole macroblocks at 720p.
const SQUARES_ABOVE: f64 = 17.0;
const WHITE: u8 = 225;
const BLACK: u8 = 25;
/// Least difference between white and black squares for a mark to be believed.
const LEAST_CONTRAST: i32 = 60;
/// Where the mark is looked for: most pictures are as they should be, screenshots may be off by a border or by
/// rounding. Offsets are in squares, sizes relative.
const OFFSETS: [f64; 5] = [0.0, 0.25, -0.25, 0.5, -0.5];
const SIZES: [f64; 5] = [1.0, 1.01, 0.99, 1.02, 0.98];

/// What is written in a test picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Number of the frame, counted by the source.
    pub frame: u32,
    /// When the source drew it: milliseconds since 1970 (48 bits are kept).
    pub unix_ms: u64,
}

impl Mark {
    fn to_bits(self) -> u128 {
        let content = (u128::from(self.frame) << 48) | u128::from(self.unix_ms & 0xffff_ffff_ffff);
        (content << 16) | u128::from(checksum(content))
    }

    fn from_bits(bits: u128) -> Option<Self> {
        let content = bits >> 16;
        let valid = u128::from(checksum(content)) == bits & 0xffff;
        valid.then_some(Self { frame: (content >> 48) as u32, unix_ms: (content & 0xffff_ffff_ffff) as u64 })
    }
}

/// CRC-16 (CCITT) of the ten content bytes.
fn checksum(content: u128) -> u16 {
    content.to_be_bytes()[6..].iter().fold(0xffff_u16, |mut remainder, &byte| {
        remainder ^= u16::from(byte) << 8;
        for _ in 0..8 {
            remainder = if remainder & 0x8000 == 0 { remainder << 1 } else { (remainder << 1) ^ 0x1021 };
        }
        remainder
    })
}

/// Where the squares lie in a picture of some size.
struct Grid {
    left: f64,
    top: f64,
    square: f64,
}

impl Grid {
    fn new(width: usize, height: usize) -> Self {
        let square = height as f64 / SQUARES_PER_HEIGHT;
        Self { left: width as f64 / 2.0 - square * GRID_COLUMNS as f64 / 2.0, top: square * SQUARES_ABOVE, square }
    }

    /// Left and top edge of a square, rounded to whole pixels.
    fn corner(&self, column: usize, row: usize) -> (usize, usize) {
        let edge = |start: f64, index: usize| (start + self.square * index as f64).round().max(0.0) as usize;
        (edge(self.left, column), edge(self.top, row))
    }

    /// Mean luma of the inner part of a square.
    fn sample(&self, column: usize, row: usize, get: &impl Fn(usize, usize) -> u8) -> i32 {
        let inner = |start: f64, index: usize| {
            let middle = start + self.square * (index as f64 + 0.5);
            let reach = (self.square / 4.0).max(0.5);
            let first = (middle - reach).round().max(0.0) as usize;
            first..((middle + reach).round() as usize).max(first + 1)
        };
        let (columns, rows) = (inner(self.left, column), inner(self.top, row));
        let count = (columns.len() * rows.len()) as i32;
        let sum: i32 = rows.flat_map(|y| columns.clone().map(move |x| (x, y))).map(|(x, y)| i32::from(get(x, y))).sum();
        sum / count
    }
}

/// Draws the mark into the middle of a picture (at least 64x36 pixels; smaller ones are left alone).
pub fn draw_mark(frame: &mut I420Frame, mark: Mark) {
    let (width, height) = (frame.width() as usize, frame.height() as usize);
    let grid = Grid::new(width, height);
    if grid.left < 0.0 || height < 36 {
        return;
    }
    let bits = mark.to_bits();
    for row in 0..GRID_ROWS {
        for column in 0..GRID_COLUMNS {
            let luma = if square_is_white(column, row, bits) { WHITE } else { BLACK };
            let ((left, top), (right, bottom)) = (grid.corner(column, row), grid.corner(column + 1, row + 1));
            let [plane, ..] = frame.planes_mut();
            for line in plane.chunks_exact_mut(width).take(bottom).skip(top) {
                line[left..right.min(width)].fill(luma);
            }
        }
    }
    let ((left, top), (right, bottom)) = (grid.corner(0, 0), grid.corner(GRID_COLUMNS, GRID_ROWS));
    let [_, blue, red] = frame.planes_mut();
    for plane in [blue, red] {
        for line in plane.chunks_exact_mut(width / 2).take(bottom / 2).skip(top / 2) {
            line[left / 2..(right / 2).min(width / 2)].fill(128);
        }
    }
}

fn square_is_white(column: usize, row: usize, bits: u128) -> bool {
    if (1..=BIT_COLUMNS).contains(&column) && (1..=BIT_ROWS).contains(&row) {
        let index = (row - 1) * BIT_COLUMNS + column - 1;
        (bits >> (BIT_COLUMNS * BIT_ROWS - 1 - index)) & 1 == 1
    } else {
        column == 0 || row == 0
    }
}

/// Reads the mark of a picture at any size with the proportions of the original.
pub fn read_mark(frame: &I420Frame) -> Option<Mark> {
    let stride = frame.y_stride();
    let luma = frame.y();
    read_mark_luma(|x, y| luma[y * stride + x], frame.width() as usize, frame.height() as usize)
}

/// Reads the mark of a picture given as a function from column and row to brightness (0..=255), in a screenshot for
/// instance. `width` and `height` are those of the whole picture; when parts are cropped away, let the function add the
/// offset and answer anything outside. Small errors of position and size, and a mirrored picture, are put up with.
pub fn read_mark_luma(get: impl Fn(usize, usize) -> u8, width: usize, height: usize) -> Option<Mark> {
    if width < 48 || height < 36 {
        return None;
    }
    let get = |x: usize, y: usize| get(x.min(width - 1), y.min(height - 1));
    let exact = Grid::new(width, height);
    if exact.left < 0.0 {
        return None;
    }
    for size in SIZES {
        let square = exact.square * size;
        let centre = (width as f64 / 2.0, exact.top + exact.square * GRID_ROWS as f64 / 2.0);
        for down in OFFSETS {
            for across in OFFSETS {
                let grid = Grid {
                    left: centre.0 + square * (across - GRID_COLUMNS as f64 / 2.0),
                    top: centre.1 + square * (down - GRID_ROWS as f64 / 2.0),
                    square,
                };
                if let Some(mark) = read_grid(&grid, &get) {
                    return Some(mark);
                }
            }
        }
    }
    None
}

fn read_grid(grid: &Grid, get: &impl Fn(usize, usize) -> u8) -> Option<Mark> {
    let border = |column: usize| -> [i32; BIT_ROWS] { std::array::from_fn(|row| grid.sample(column, row + 1, get)) };
    let (left, right) = (border(0), border(GRID_COLUMNS - 1));
    let mean = |values: &[i32; BIT_ROWS]| values.iter().sum::<i32>() / BIT_ROWS as i32;
    let (left, right) = (mean(&left), mean(&right));
    if (left - right).abs() < LEAST_CONTRAST {
        return None;
    }
    let mirrored = left < right;
    let threshold = i32::midpoint(left, right);
    let mut bits = 0_u128;
    for row in 1..=BIT_ROWS {
        for column in 1..=BIT_COLUMNS {
            let column = if mirrored { GRID_COLUMNS - 1 - column } else { column };
            bits = (bits << 1) | u128::from(grid.sample(column, row, get) > threshold);
        }
    }
    Mark::from_bits(bits)
}

//! Pictures of cameras and screens to [`I420Frame`], and frames to RGBA for files and tests.
//!
//! Sources are taken to be BT.601, limited range, except JPEG, which is full range by definition (JFIF) and is brought
//! into limited range here.

mod motion_jpeg;

pub use motion_jpeg::mjpeg;
use yuv::{
    BufferStoreMut, YuvConversionMode, YuvPackedImage, YuvPlanarImage, YuvPlanarImageMut, YuvRange, YuvStandardMatrix,
};

use crate::video_frame::I420Frame;

/// Largest side of a picture that is converted, in pixels.
pub const MAX_SIDE: u32 = 8192;

/// Why a picture could not be converted.
#[derive(Debug, thiserror::Error)]
pub enum ConvertError {
    /// The buffer is shorter than the format and size ask for.
    #[error("The picture has {actual} bytes, {width}x{height} needs {needed}.")]
    TooShort {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// Bytes needed.
        needed: usize,
        /// Bytes there are.
        actual: usize,
    },
    /// A side is 0, 1 or over [`MAX_SIDE`].
    #[error("Pictures of {0}x{1} are not supported.")]
    BadSize(u32, u32),
    /// The JPEG is damaged or of an unusual kind.
    #[error("The JPEG picture could not be read: {0}")]
    Jpeg(String),
    /// The converter refused the picture.
    #[error("The picture could not be converted: {0}")]
    Failed(String),
}

/// Converts packed YUYV (YUY2), `width * 2` bytes a row; longer buffers are trimmed. Odd sides lose one pixel.
///
/// # Errors
/// [`ConvertError::TooShort`] or [`ConvertError::BadSize`].
pub fn yuyv(data: &[u8], width: u32, height: u32) -> Result<I420Frame, ConvertError> {
    packed(data, width, height, yuv::yuyv422_to_yuv420)
}

/// Converts packed UYVY, `width * 2` bytes a row; longer buffers are trimmed. Odd sides lose one pixel.
///
/// # Errors
/// [`ConvertError::TooShort`] or [`ConvertError::BadSize`].
pub fn uyvy(data: &[u8], width: u32, height: u32) -> Result<I420Frame, ConvertError> {
    packed(data, width, height, yuv::uyvy422_to_yuv420)
}

type PackedConversion = fn(&mut YuvPlanarImageMut<'_, u8>, &YuvPackedImage<'_, u8>) -> Result<(), yuv::YuvError>;

fn packed(data: &[u8], width: u32, height: u32, convert: PackedConversion) -> Result<I420Frame, ConvertError> {
    // The driver's rows are as wide as the size it named, rounded up to whole pairs of pixels.
    let stride = width.next_multiple_of(2) * 2;
    let data = checked(data, width, height, stride as usize * height as usize)?;
    let mut frame = I420Frame::new(width, height);
    let (even_width, even_height) = (frame.width(), frame.height());
    let rows = &data[..stride as usize * even_height as usize];
    let source = YuvPackedImage { yuy: rows, yuy_stride: stride, width: even_width, height: even_height };
    convert(&mut borrowed(&mut frame), &source).map_err(|error| ConvertError::Failed(error.to_string()))?;
    Ok(frame)
}

/// Converts NV12 without padding; longer buffers are trimmed. Odd sides lose one pixel.
///
/// # Errors
/// [`ConvertError::TooShort`] or [`ConvertError::BadSize`].
pub fn nv12(data: &[u8], width: u32, height: u32) -> Result<I420Frame, ConvertError> {
    let (columns, rows) = (width as usize, height as usize);
    let chroma_stride = columns.next_multiple_of(2);
    let data = checked(data, width, height, columns * rows + chroma_stride * rows.div_ceil(2))?;
    let mut frame = I420Frame::new(width, height);
    let (even_columns, half_columns) = (frame.y_stride(), frame.u_stride());
    let [y, u, v] = frame.planes_mut();
    for (target, source) in y.chunks_exact_mut(even_columns).zip(data.chunks_exact(columns)) {
        target.copy_from_slice(&source[..even_columns]);
    }
    let chroma_rows = data[columns * rows..].chunks_exact(chroma_stride);
    for ((blue, red), pairs) in u.chunks_exact_mut(half_columns).zip(v.chunks_exact_mut(half_columns)).zip(chroma_rows)
    {
        for ((blue, red), pair) in blue.iter_mut().zip(red).zip(pairs.chunks_exact(2)) {
            *blue = pair[0];
            *red = pair[1];
        }
    }
    Ok(frame)
}

/// Converts planar I420 without padding; longer buffers are trimmed. Odd sides lose one pixel.
///
/// # Errors
/// [`ConvertError::TooShort`] or [`ConvertError::BadSize`].
pub fn i420(data: &[u8], width: u32, height: u32) -> Result<I420Frame, ConvertError> {
    let (columns, rows) = (width as usize, height as usize);
    let (half_columns, half_rows) = (columns.div_ceil(2), rows.div_ceil(2));
    let (luma, chroma) = (columns * rows, half_columns * half_rows);
    let data = checked(data, width, height, luma + 2 * chroma)?;
    let (y, rest) = data.split_at(luma);
    let (u, v) = rest.split_at(chroma);
    I420Frame::from_planes(width, height, [(y, columns), (u, half_columns), (v, half_columns)])
        .ok_or(ConvertError::BadSize(width, height))
}

/// Converts BGRA or BGRX (what X11 and `PipeWire` give) with `stride` bytes a row. Odd sides lose one pixel.
///
/// # Errors
/// [`ConvertError::TooShort`] or [`ConvertError::BadSize`].
pub fn bgra(data: &[u8], stride: usize, width: u32, height: u32) -> Result<I420Frame, ConvertError> {
    rgb(data, stride, width, height, yuv::bgra_to_yuv420)
}

/// Converts RGBA or RGBX with `stride` bytes a row. Odd sides lose one pixel.
///
/// # Errors
/// [`ConvertError::TooShort`] or [`ConvertError::BadSize`].
pub fn rgba(data: &[u8], stride: usize, width: u32, height: u32) -> Result<I420Frame, ConvertError> {
    rgb(data, stride, width, height, yuv::rgba_to_yuv420)
}

type RgbConversion = fn(
    &mut YuvPlanarImageMut<'_, u8>,
    &[u8],
    u32,
    YuvRange,
    YuvStandardMatrix,
    YuvConversionMode,
) -> Result<(), yuv::YuvError>;

fn rgb(data: &[u8], stride: usize, width: u32, height: u32, convert: RgbConversion) -> Result<I420Frame, ConvertError> {
    let row = width as usize * 4;
    let needed = stride.max(row) * (height as usize).saturating_sub(1) + row;
    checked(data, width, height, needed)?;
    if stride < row {
        return Err(ConvertError::TooShort { width, height, needed: row, actual: stride });
    }
    let mut frame = I420Frame::new(width, height);
    // The converter wants whole rows, also for the last one, which grabbed windows do not always have.
    let rows = frame.height() as usize;
    let whole;
    let source = if data.len() >= stride * rows {
        &data[..stride * rows]
    } else {
        let mut copy = data.to_vec();
        copy.resize(stride * rows, 0);
        whole = copy;
        &whole
    };
    convert(
        &mut borrowed(&mut frame),
        source,
        stride as u32,
        YuvRange::Limited,
        YuvStandardMatrix::Bt601,
        YuvConversionMode::Balanced,
    )
    .map_err(|error| ConvertError::Failed(error.to_string()))?;
    Ok(frame)
}

/// The picture as RGBA bytes, opaque, without padding.
pub fn to_rgba(frame: &I420Frame) -> Vec<u8> {
    let mut pixels = vec![255; frame.width() as usize * frame.height() as usize * 4];
    let (range, matrix) = (YuvRange::Limited, YuvStandardMatrix::Bt601);
    let converted = yuv::yuv420_to_rgba(&planes(frame), &mut pixels, frame.width() * 4, range, matrix);
    debug_assert!(converted.is_ok(), "a frame's planes always fit its size");
    pixels
}

/// Writes the picture as BGRA bytes, opaque, in rows `stride` bytes apart.
///
/// # Errors
/// When the rows are shorter than the picture's, or there are too few.
pub fn write_bgra(frame: &I420Frame, pixels: &mut [u8], stride: usize) -> Result<(), ConvertError> {
    let (range, matrix) = (YuvRange::Limited, YuvStandardMatrix::Bt601);
    yuv::yuv420_to_bgra(&planes(frame), pixels, stride as u32, range, matrix)
        .map_err(|error| ConvertError::Failed(error.to_string()))
}

fn planes(frame: &I420Frame) -> YuvPlanarImage<'_, u8> {
    YuvPlanarImage {
        y_plane: frame.y(),
        y_stride: frame.y_stride() as u32,
        u_plane: frame.u(),
        u_stride: frame.u_stride() as u32,
        v_plane: frame.v(),
        v_stride: frame.v_stride() as u32,
        width: frame.width(),
        height: frame.height(),
    }
}

fn checked(data: &[u8], width: u32, height: u32, needed: usize) -> Result<&[u8], ConvertError> {
    if !(2..=MAX_SIDE).contains(&width) || !(2..=MAX_SIDE).contains(&height) {
        return Err(ConvertError::BadSize(width, height));
    }
    data.get(..needed).ok_or(ConvertError::TooShort { width, height, needed, actual: data.len() })
}

fn borrowed(frame: &mut I420Frame) -> YuvPlanarImageMut<'_, u8> {
    let (width, height) = (frame.width(), frame.height());
    let [y, u, v] = frame.planes_mut();
    YuvPlanarImageMut {
        y_plane: BufferStoreMut::Borrowed(y),
        y_stride: width,
        u_plane: BufferStoreMut::Borrowed(u),
        u_stride: width / 2,
        v_plane: BufferStoreMut::Borrowed(v),
        v_stride: width / 2,
        width,
        height,
    }
}

#[cfg(test)]
mod tests;

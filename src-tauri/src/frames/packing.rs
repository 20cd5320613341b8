//! The layout of one picture on the socket; `ui/src/call/frame_format.ts` reads it.
//!
//! Little endian: `u32` magic `CFV1`, `u8` kind (0 = I420), `u8` flags (bit 1: BT.601, limited range), `u16` length of the key,
//! `u32` width, `u32` height, `f64` milliseconds since 1970 UTC, the key in UTF-8 padded with zeros to a multiple of four;
//! then the planes Y, U, V without gaps.

use confab_media::scale::Scaler;
use confab_media::video_frame::I420Frame;

use super::board::Picture;

const MAGIC: u32 = u32::from_le_bytes(*b"CFV1");
const KIND_I420: u8 = 0;
const FLAG_BT601: u8 = 2;
const HEADER_LENGTH: usize = 24;

/// Makes messages; keeps what scaling remembers between pictures.
#[derive(Default)]
pub struct Packer {
    scaler: Option<Scaler>,
}

impl Packer {
    /// A picture for a tile of this size in device pixels. It is scaled down so that it still covers the tile, since the
    /// window crops; never up.
    pub fn pack(&mut self, key: &str, picture: &Picture, tile_width: u32, tile_height: u32) -> Vec<u8> {
        let frame = &*picture.frame;
        let (width, height) = cover((frame.width(), frame.height()), (tile_width, tile_height));
        if (width, height) == (frame.width(), frame.height()) {
            return pack(key, frame, picture.presented_at_ms);
        }
        let scaled = self.scaler.get_or_insert_with(Scaler::new).scale(frame, width, height);
        pack(key, &scaled, picture.presented_at_ms)
    }
}

/// The smallest even size with the proportions of `source` that covers `tile`, at most `source` itself. Sizes just under
/// the source's are not worth the work: half a picture less is.
fn cover(source: (u32, u32), tile: (u32, u32)) -> (u32, u32) {
    let ratio = (f64::from(tile.0) / f64::from(source.0)).max(f64::from(tile.1) / f64::from(source.1));
    if ratio >= 0.85 {
        return source;
    }
    let side = |length: u32| ((f64::from(length) * ratio / 2.0).ceil() as u32 * 2).clamp(2, length);
    (side(source.0), side(source.1))
}

/// Packs a picture of its own size.
fn pack(key: &str, frame: &I420Frame, presented_at_ms: f64) -> Vec<u8> {
    let (width, height) = (frame.width(), frame.height());
    let padded_key = key.len().div_ceil(4) * 4;
    let mut message = Vec::with_capacity(HEADER_LENGTH + padded_key + frame.as_bytes().len());
    message.extend_from_slice(&MAGIC.to_le_bytes());
    message.extend_from_slice(&[KIND_I420, FLAG_BT601]);
    message.extend_from_slice(&(key.len() as u16).to_le_bytes());
    message.extend_from_slice(&width.to_le_bytes());
    message.extend_from_slice(&height.to_le_bytes());
    message.extend_from_slice(&presented_at_ms.to_le_bytes());
    message.extend_from_slice(key.as_bytes());
    message.resize(HEADER_LENGTH + padded_key, 0);
    message.extend_from_slice(frame.as_bytes());
    message
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_picture_is_scaled_down_to_cover_its_tile_and_never_up() {
        assert_eq!(cover((1280, 720), (320, 180)), (320, 180));
        assert_eq!(cover((1280, 720), (320, 320)), (570, 320));
        assert_eq!(cover((640, 360), (1280, 720)), (640, 360));
        assert_eq!(cover((1280, 720), (1200, 600)), (1280, 720));
        assert_eq!(cover((4, 4), (0, 0)), (2, 2));
    }

    #[test]
    fn the_message_is_laid_out_as_the_window_reads_it() {
        let mut frame = I420Frame::new(4, 2);
        frame.fill(10, 20, 30);
        let picture = Picture { frame: Arc::new(frame), presented_at_ms: 1.5 };
        let message = Packer::default().pack("abcde/x", &picture, 4, 2);
        assert_eq!(&message[..8], b"CFV1\0\x02\x07\0");
        assert_eq!(&message[8..16], &[4, 0, 0, 0, 2, 0, 0, 0]);
        assert_eq!(message[16..24], 1.5_f64.to_le_bytes());
        assert_eq!(&message[24..32], b"abcde/x\0");
        assert_eq!(&message[32..], &[10, 10, 10, 10, 10, 10, 10, 10, 20, 20, 30, 30]);
    }
}

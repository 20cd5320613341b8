//! H.264 access units to pictures.

use openh264::OpenH264API;
use openh264::decoder::{DecodedYUV, Decoder as NativeDecoder, DecoderConfig, Flush};
use openh264::formats::YUVSource;

use super::annex_b;
use crate::video_frame::I420Frame;

/// Largest access unit that is tried, in bytes: an intra-coded 4K picture of the worst kind stays below it.
const MAX_ACCESS_UNIT_BYTES: usize = 16 << 20;

/// Why an access unit gave no picture. After any of these the decoder needs a keyframe.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Nothing can be decoded before a keyframe arrives.
    #[error("The video cannot be shown before a keyframe arrives.")]
    NeedsKeyframe,
    /// The access unit is damaged, or refers to pictures that never arrived.
    #[error("A damaged picture was received: {0}")]
    Damaged(String),
    /// The access unit is larger than any real picture.
    #[error("A picture of {0} bytes was received, which is too large.")]
    TooLarge(usize),
    /// `OpenH264` could not be started.
    #[error("The video decoder could not be started: {0}")]
    Setup(String),
}

/// Decodes one stream, starting at its first keyframe and again at the next keyframe after any damage. Output is
/// immediate: a picture comes out of the call that brought it in.
#[derive(Default)]
pub struct Decoder {
    /// `None` until a keyframe arrives. Damage discards the whole native decoder: its state is not to be trusted.
    native: Option<NativeDecoder>,
}

impl Decoder {
    /// A decoder waiting for a keyframe.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether only a keyframe can be decoded now.
    pub fn needs_keyframe(&self) -> bool {
        self.native.is_none()
    }

    /// Decodes one access unit. `None` when it held no picture (parameter sets alone, for instance).
    ///
    /// # Errors
    /// Any [`DecodeError`]; each means that the sender has to be asked for a keyframe.
    pub fn decode(&mut self, annex_b: &[u8]) -> Result<Option<I420Frame>, DecodeError> {
        if annex_b.len() > MAX_ACCESS_UNIT_BYTES {
            self.native = None;
            return Err(DecodeError::TooLarge(annex_b.len()));
        }
        let mut native = match self.native.take() {
            Some(native) => native,
            None if annex_b::is_keyframe(annex_b) => start()?,
            None => return Err(DecodeError::NeedsKeyframe),
        };
        let picture = match native.decode(annex_b) {
            Ok(Some(decoded)) => Some(copy(&decoded)?),
            Ok(None) => None,
            Err(error) => return Err(DecodeError::Damaged(error.to_string())),
        };
        self.native = Some(native);
        Ok(picture)
    }
}

fn start() -> Result<NativeDecoder, DecodeError> {
    // Flushing after each call would add nothing: baseline streams have no reordering, so each picture is final.
    let config = DecoderConfig::new().flush_after_decode(Flush::NoFlush);
    NativeDecoder::with_api_config(OpenH264API::from_source(), config)
        .map_err(|error| DecodeError::Setup(error.to_string()))
}

fn copy(decoded: &DecodedYUV<'_>) -> Result<I420Frame, DecodeError> {
    let (width, height) = decoded.dimensions();
    let strides = decoded.strides();
    let planes = [(decoded.y(), strides.0), (decoded.u(), strides.1), (decoded.v(), strides.2)];
    if width < 2 || height < 2 {
        return Err(DecodeError::Damaged(format!("its size is {width}x{height}")));
    }
    I420Frame::from_planes(width as u32, height as u32, planes)
        .ok_or_else(|| DecodeError::Damaged("its planes are too short".to_owned()))
}

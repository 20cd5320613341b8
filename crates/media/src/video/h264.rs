//! H.264 constrained baseline through `OpenH264`: what every WebRTC peer can decode.
//!
//! One encoder makes one layer (simulcast is several encoders: each has its own keyframes and can be stopped alone).
//! Access units travel as Annex B byte streams (ITU-T H.264, Annex B).

pub mod annex_b;
mod decoder;
mod encoder;
mod native_options;

pub use decoder::{DecodeError, Decoder};
pub use encoder::{ContentKind, EncodeError, EncodedFrame, Encoder, EncoderConfig};

/// Clock rate of H.264 RTP timestamps in Hz (RFC 6184, section 8.2.1).
pub const RTP_CLOCK_HZ: u32 = 90_000;

#[cfg(test)]
mod tests;

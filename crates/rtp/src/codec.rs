//! What an SFU reads and rewrites in video payloads without decoding them: pictures, layers, and their switching.
//!
//! ```text
//!  one stream of a sender                                      each receiver's slot
//!  payload, marker, extension ──> [StreamReader] ──PacketFacts──> [LayerFilter] ──Decision──> copy of the packet
//!                                  once a packet                  once a receiver             marker, [rewrite], descriptor
//! ```
//!
//! Nothing here allocates for a packet; a [`StreamReader`] allocates with the first two structures of a dependency
//! descriptor, and never again. Bytes from outside never panic: what cannot be read has no facts.
//!
//! Words: a *picture* is what is shown at one time. With spatial layers (SVC) it is made of one *frame* for each layer;
//! otherwise the two are the same.

pub mod av1;
pub mod dependency_descriptor;
mod facts;
pub mod fuzz;
pub mod h264;
mod layer_filter;
mod picture_id;
pub mod vp8;
pub mod vp9;

pub use dependency_descriptor::{DescriptorError, DescriptorReader, ParsedDescriptor};
pub use facts::{PacketFacts, StreamReader, facts};
pub use layer_filter::{Decision, Layer, LayerFilter, Rewrite};
pub use picture_id::{PictureId, References};

/// A video codec in RTP.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum VideoCodec {
    /// RFC 6184.
    H264,
    /// RFC 7741.
    Vp8,
    /// RFC 9628.
    Vp9,
    /// RTP Payload Format For AV1.
    Av1,
}

/// What a video payload begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum PictureStart {
    /// Something else, or cannot be told.
    #[default]
    Nothing,
    /// A keyframe with all a decoder needs. Of H.264 the parameter sets; the IDR slice follows.
    Complete,
    /// An H.264 IDR slice whose parameter sets are not in this packet.
    IdrOnly,
}

/// Puts a [`Rewrite`]'s picture numbers into a receiver's copy of a payload, in place and in the same width. `false`,
/// and nothing changed, when the payload cannot be read; codecs without numbers have nothing to change.
pub fn rewrite(codec: VideoCodec, payload: &mut [u8], numbers: &Rewrite) -> bool {
    match codec {
        VideoCodec::Vp8 => vp8::rewrite(payload, numbers.picture_id, numbers.tl0),
        VideoCodec::Vp9 => vp9::rewrite(payload, numbers.picture_id, numbers.tl0),
        VideoCodec::H264 | VideoCodec::Av1 => true,
    }
}

//! H.264 in RTP (RFC 6184): Annex B byte streams to packets and back.

mod depacketizer;
mod nal;
mod packetizer;

pub use depacketizer::{MalformedPayload, append_payload, inspect};
pub use nal::{NalKind, PayloadInfo, nal_units};
pub use packetizer::packetize;

//! What stands in RTP and RTCP packets in clear, after SRTP: read in place, written into the caller's buffer.
//!
//! The fixed header and the RTCP packet types are read by `rtp-types` and `rtcp-types`; what they do not know (the
//! elements of RFC 8285, header writing without allocation) is here. Nothing on the way of a media packet allocates.

pub mod extensions;
pub mod header_writer;
pub mod hostile;
pub mod ntp;
pub mod rtcp;
pub mod rtx;
pub mod view;

pub use extensions::{ExtensionIds, PacketExtensions};
pub use header_writer::{HeaderWriter, RtpHeader, WrittenHeader};
pub use ntp::NtpClock;
pub use rtcp::{ReceptionBlock, Report, RtcpWriter, SenderInfo, TransportFeedback, reports};
pub use view::RtpView;

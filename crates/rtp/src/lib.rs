//! RTP as both ends of a call need it: protection, numbering, clocks, H.264 payloads, layers, whole frames out of
//! packets, the bandwidth estimate and the pacing of what is sent.
//!
//! Everything here is pure. There is no socket and no clock: time is an argument ([`std::time::Instant`]), and every
//! state machine says by a `next_deadline` when it wants to be asked again. Bytes from the network never panic and
//! never stop anything; what cannot be used is dropped and counted.

pub mod audio_level;
pub mod codec;
pub mod congestion;
pub mod data_rate;
pub mod frame_assembler;
pub mod h264;
pub mod pacer;
pub mod sender_report;
pub mod sequence;
pub mod srtp;
pub mod stream;
pub mod timestamp;
pub mod transport_wide;
pub mod wire;

pub use audio_level::AudioLevel;
pub use congestion::{
    BurstPacer, BurstPacerConfig, CongestionController, EstimatorConfig, PacerDecision, PacketClass, PacketResult,
    ProbePlan,
};
pub use data_rate::DataRate;
pub use frame_assembler::{AssembledFrame, AssemblerConfig, AssemblerOutput, AssemblerStats, FrameAssembler, RtpInput};
pub use pacer::{Pacer, PacerConfig};
pub use sender_report::SenderReportClock;
pub use sequence::{SeenWindow, SequenceUnwrapper};
pub use timestamp::{RtpClock, Timestamp, TimestampUnwrapper, VideoTimestamp};

/// The largest RTP payload sent, in bytes. With RTP header, header extensions, SRTP tag, UDP and IPv6 headers it
/// stays under the 1280 bytes every IPv6 path carries.
pub const MAX_PAYLOAD: usize = 1160;

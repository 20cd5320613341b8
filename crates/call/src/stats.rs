//! Figures of a running call: what is sent, what comes, how long it takes.
//!
//! [`CallStats`] is plain data for the window, the command line and the tests. The counters behind it live in
//! [`meters`], written by the media threads without waiting for anybody.

use confab_protocol::{Layer, ParticipantId, SourceKind};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

pub mod meters;
pub mod rate;

/// A moment's figures. Rates are over about the last second.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, TS)]
pub struct CallStats {
    /// When they were taken, milliseconds since 1970 UTC.
    pub unix_ms: u64,
    /// Times from pressing join.
    pub join: JoinTimes,
    /// The connection's.
    pub connection: ConnectionStats,
    /// One for each layer that is sent.
    pub sending: Vec<SendingVideo>,
    /// Our voice.
    pub voice: SendingAudio,
    /// One for each picture that comes.
    pub pictures: Vec<ReceivingVideo>,
    /// One for each voice that comes.
    pub voices: Vec<ReceivingAudio>,
    /// The speaker's.
    pub speaker: SpeakerStats,
}

/// Milliseconds from pressing join; `None` when it has not happened yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, TS)]
pub struct JoinTimes {
    /// The server answered the join.
    pub joined_ms: Option<u32>,
    /// The media path was up.
    pub connected_ms: Option<u32>,
    /// The first sound of somebody else was handed to the speaker.
    pub audio_ms: Option<u32>,
    /// The first picture of somebody else was handed to the sink.
    pub video_ms: Option<u32>,
    /// The first picture with at least 720 lines was handed to the sink.
    pub video_720p_ms: Option<u32>,
}

/// The path to the server.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize, TS)]
pub struct ConnectionStats {
    /// Round trip of media packets, milliseconds.
    pub round_trip_ms: Option<f64>,
    /// Round trip of signaling messages, milliseconds.
    pub signal_round_trip_ms: Option<f64>,
    /// What the path to the server is thought to carry, bits per second.
    pub estimate_bps: u64,
    /// Media packets sent since the call began.
    pub packets_sent: u64,
    /// Media bytes sent.
    pub bytes_sent: u64,
    /// Media packets received.
    pub packets_received: u64,
    /// Media bytes received.
    pub bytes_received: u64,
    /// Received packets that are missing, whether they may still come or not.
    pub packets_missing: u64,
    /// Repairs we asked for, each asking counted.
    pub repairs_asked: u64,
    /// Packets that came by repair.
    pub packets_repaired: u64,
    /// Packets we were asked to repair.
    pub repairs_asked_of_us: u64,
    /// Repairs we sent.
    pub repairs_sent: u64,
    /// Packets that came and were dropped because this computer was too slow.
    pub events_dropped: u64,
    /// Packets of ours that were dropped before they left.
    pub outgoing_dropped: u64,
    /// Share of our packets lost in the last second, 0 to 1.
    pub outgoing_loss: f64,
    /// How long our packets wait to leave, milliseconds.
    pub queue_ms: f64,
    /// How often the network was away.
    pub reconnects: u32,
}

/// One layer of one picture of ours.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, TS)]
pub struct SendingVideo {
    /// Camera or screen.
    pub source: SourceKind,
    /// Which layer; `None` for a single stream.
    pub layer: Option<Layer>,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Frames encoded per second.
    pub fps: f64,
    /// Bits per second that left.
    pub bitrate_bps: f64,
    /// Bits per second the encoder was told to keep to.
    pub target_bps: u64,
    /// Mean time to encode one frame, milliseconds.
    pub encode_ms: f64,
    /// Keyframes since the call began.
    pub keyframes: u64,
    /// Frames since the call began.
    pub frames: u64,
    /// Somebody watches it.
    pub watched: bool,
}

/// Our voice.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, TS)]
pub struct SendingAudio {
    /// Packets since the call began.
    pub packets: u64,
    /// Bits per second that left.
    pub bitrate_bps: f64,
    /// Level of the microphone, 0 (loudest) to 127 (silence).
    pub level: u8,
    /// Nothing leaves.
    pub muted: bool,
    /// When the first sample was captured, milliseconds since 1970 UTC.
    pub started_unix_ms: Option<f64>,
    /// By how many dB the echo of the speaker is reduced, as far as the canceller knows.
    pub echo_reduction_db: Option<f64>,
    /// The way from speaker to microphone, milliseconds, as far as the canceller knows.
    pub echo_delay_ms: Option<i32>,
    /// Time from capture of the last sample to its packet leaving, milliseconds, mean.
    pub delay_ms: f64,
}

/// One picture that comes.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, TS)]
pub struct ReceivingVideo {
    /// Whose.
    pub participant: ParticipantId,
    /// Which of theirs.
    pub source: SourceKind,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Frames shown per second.
    pub fps: f64,
    /// Bits per second.
    pub bitrate_bps: f64,
    /// Frames shown.
    pub frames: u64,
    /// Frames that never became whole.
    pub frames_lost: u64,
    /// Frames that the decoder refused.
    pub frames_damaged: u64,
    /// Frames whole but left out because newer ones were waiting.
    pub frames_skipped: u64,
    /// Keyframes asked for.
    pub keyframes_asked: u64,
    /// Gaps longer than the mean gap plus 150 ms.
    pub freezes: u64,
    /// Milliseconds of such gaps, together.
    pub frozen_ms: u64,
    /// Mean time from the first packet of a frame to the frame being whole, milliseconds.
    pub assemble_ms: f64,
    /// Mean time to decode a frame, milliseconds.
    pub decode_ms: f64,
}

/// One voice that comes.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, TS)]
pub struct ReceivingAudio {
    /// Whose; `None` while the slot is idle.
    pub participant: Option<ParticipantId>,
    /// Packets that came.
    pub packets: u64,
    /// Packets that never came, or too late.
    pub packets_lost: u64,
    /// Packets that came too late.
    pub packets_late: u64,
    /// How long packets wait before they are played, milliseconds.
    pub delay_ms: u32,
    /// Sound played, milliseconds.
    pub played_ms: u64,
    /// Sound made up because nothing had come, milliseconds.
    pub concealed_ms: u64,
    /// Sound recovered from the packet after the lost one, milliseconds.
    pub recovered_ms: u64,
    /// Sound stretched or shortened to follow the network, milliseconds.
    pub stretched_ms: u64,
}

/// The speaker.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize, TS)]
pub struct SpeakerStats {
    /// From our handing over to the sound in the room, as the system says, milliseconds.
    pub latency_ms: f64,
    /// 10 ms pieces played.
    pub pulls: u64,
    /// Longest time one pull took us, milliseconds.
    pub longest_pull_ms: f64,
}

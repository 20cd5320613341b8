//! The way to the server: encrypted media over UDP, behind a narrow trait.
//!
//! ```text
//!  send/  ── OutgoingPacket ──> [ pacer ] ─> RTP, SRTP, UDP ══> server
//!  receive/ <─ TransportEvent ── [ repair, tap ] <─ RTP, SRTP, UDP <══ server
//! ```
//!
//! What is negotiated is negotiated once: the senders and the receive slots of [`TransportConfig`]; only picture slots
//! may become more ([`Transport::grow_offer`]). The transport owns
//! SSRCs, sequence numbers, header extensions, retransmission, feedback, pacing and the estimate of the way's capacity.
//! It does not own codecs, frames or the decision to restart; packets come out raw, repairs later than their
//! successors, but never twice.

pub mod relay;
pub mod webrtc_rs;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use confab_protocol::{Layer, SourceKind, TrackOffer};
use confab_rtp::{DataRate, EstimatorConfig};
use futures_util::future::BoxFuture;
use thiserror::Error;
use tokio::sync::mpsc;

pub use relay::RelayWay;
pub use webrtc_rs::WebrtcTransport;

/// Payload type of H.264, constrained baseline, packetization-mode 1.
pub const H264_PAYLOAD_TYPE: u8 = 102;
/// Payload type of H.264's retransmissions (RFC 4588).
pub const RTX_PAYLOAD_TYPE: u8 = 103;
/// Payload type of Opus.
pub const OPUS_PAYLOAD_TYPE: u8 = 111;

/// What one transport is for; fixed for its life.
#[derive(Clone, Debug)]
pub struct TransportConfig {
    /// What may be sent. Offered from the start, used when something is published.
    pub senders: Vec<SenderConfig>,
    /// Receive slots for sound.
    pub audio_slots: usize,
    /// Receive slots for pictures, to begin with.
    pub video_slots: usize,
    /// Also offer 127.0.0.1, for a server on this machine.
    pub loopback: bool,
    /// Limits of the estimate.
    pub estimate: EstimatorConfig,
}

impl Default for TransportConfig {
    fn default() -> Self {
        let sender = |source, layers: &[Layer]| SenderConfig { source, layers: layers.to_vec() };
        Self {
            senders: vec![
                sender(SourceKind::Microphone, &[]),
                sender(SourceKind::Camera, &Layer::ALL),
                sender(SourceKind::Screen, &[Layer::Quarter, Layer::Full]),
                sender(SourceKind::ScreenAudio, &[]),
            ],
            audio_slots: confab_protocol::media::AUDIO_SLOTS,
            video_slots: confab_protocol::media::VIDEO_SLOTS,
            loopback: true,
            estimate: EstimatorConfig::default(),
        }
    }
}

/// One sender.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SenderConfig {
    /// Where its media comes from.
    pub source: SourceKind,
    /// Simulcast layers, lowest first. Fewer than two are no simulcast: the one stream has no RTP stream id.
    pub layers: Vec<Layer>,
}

/// An offer, complete with candidates, and what its sending m-lines are for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Offer {
    /// SDP.
    pub sdp: String,
    /// One per sender, in the order of the configuration.
    pub tracks: Vec<TrackOffer>,
}

/// A packet of media to send.
#[derive(Clone, Debug)]
pub struct OutgoingPacket {
    /// Which sender.
    pub source: SourceKind,
    /// Which layer of it; ignored where there is no simulcast.
    pub layer: Option<Layer>,
    /// RTP timestamp.
    pub timestamp: u32,
    /// RTP marker: the last packet of a picture, the first of a talk.
    pub marker: bool,
    /// RTP payload, at most [`confab_rtp::MAX_PAYLOAD`] bytes.
    pub payload: Bytes,
    /// The level byte of RFC 6464, for sound.
    pub audio_level: Option<u8>,
}

/// A packet of media that came. Repairs are put back under the numbers of what they repair.
#[derive(Clone, Debug)]
pub struct IncomingPacket {
    /// The receive slot, by its m-line.
    pub mid: Arc<str>,
    /// RTP sequence number.
    pub sequence: u16,
    /// RTP timestamp.
    pub timestamp: u32,
    /// RTP marker.
    pub marker: bool,
    /// RTP payload type of the media.
    pub payload_type: u8,
    /// RTP payload.
    pub payload: Bytes,
    /// When it came.
    pub arrived: Instant,
    /// The level byte of RFC 6464, if the packet has one.
    pub audio_level: Option<u8>,
}

/// What a transport tells.
#[derive(Clone, Debug)]
pub enum TransportEvent {
    /// The way is open and secured.
    Connected,
    /// Nothing is heard from the other side at present; it may come back, or need a restart.
    Disconnected,
    /// Given up; only a restart helps.
    Failed,
    /// Closed, by us or by the other side. Nothing follows.
    Closed,
    /// Media came.
    Packet(IncomingPacket),
    /// The server asks for a key frame, or the pacer dropped a part of the stream. `layer` is `None` without simulcast.
    KeyframeRequest {
        /// Which sender.
        source: SourceKind,
        /// Which layer of it.
        layer: Option<Layer>,
    },
    /// The way takes about so much, sound and overhead included, repairs taken off. Comes when it has changed by a few percent.
    Estimate {
        /// Bits per second.
        bits_per_second: u64,
    },
    /// A sender report for a receive slot: [`confab_rtp::SenderReportClock`] makes lip sync of it.
    SenderReport {
        /// The receive slot.
        mid: Arc<str>,
        /// 64-bit NTP time.
        ntp: u64,
        /// RTP timestamp of the same moment.
        timestamp: u32,
    },
}

/// Counts since the beginning, and the present state of the way.
#[derive(Clone, Copy, Debug, Default)]
pub struct TransportStats {
    /// RTP and RTCP packets that left.
    pub packets_out: u64,
    /// Their bytes, without UDP and SRTP overhead.
    pub bytes_out: u64,
    /// RTP and RTCP packets that came.
    pub packets_in: u64,
    /// Their bytes, without UDP and SRTP overhead.
    pub bytes_in: u64,
    /// When the last RTP or RTCP packet came.
    pub last_arrival: Option<Instant>,
    /// Round trip to the server.
    pub round_trip: Option<Duration>,
    /// Packets the other side asked for again.
    pub repairs_asked_of_us: u64,
    /// Retransmissions sent.
    pub repairs_sent: u64,
    /// Retransmissions not sent, because they had taken their share of the way already.
    pub repairs_refused: u64,
    /// Packets we asked for again, each asking counted.
    pub repairs_asked: u64,
    /// Missing packets that came by retransmission.
    pub repaired: u64,
    /// Numbers in the received streams that have not come, whether they still may or not.
    pub missing: u64,
    /// Copies of packets that were there already; dropped.
    pub duplicates: u64,
    /// Packets for no known slot; dropped.
    pub unknown: u64,
    /// Packets dropped because nobody took the events.
    pub events_dropped: u64,
    /// Outgoing packets dropped: not connected, an unknown sender, a full queue, or too old.
    pub outgoing_dropped: u64,
    /// What the way takes, repairs taken off.
    pub estimate: DataRate,
    /// How long packets stand in queues on the way out.
    pub queue_delay: Duration,
    /// Share of outgoing packets lost in the last second, 0 to 1.
    pub outgoing_loss: f64,
}

/// Why something could not be done.
#[derive(Debug, Error)]
pub enum TransportError {
    /// No socket, no certificate, no memory: the connection could not be made.
    #[error("the media connection could not be set up: {0}")]
    Setup(String),
    /// The server's answer does not fit the offer.
    #[error("the server's media answer could not be used: {0}")]
    Answer(String),
    /// No address to offer.
    #[error("no network address was found to receive media on")]
    NoCandidates,
    /// It was closed before.
    #[error("the media connection is closed")]
    Closed,
}

/// A way to the server. Cheap to share; all methods may be called from any thread, those that return a future within a
/// tokio runtime.
pub trait Transport: Send + Sync {
    /// The first offer, with all candidates in it.
    fn offer(&self) -> BoxFuture<'_, Result<Offer, TransportError>>;

    /// The way to take where the direct one is closed. Say it before the answer is accepted.
    fn set_relay(&self, way: RelayWay);

    /// The answer to the last offer.
    fn accept_answer<'a>(&'a self, sdp: &'a str) -> BoxFuture<'a, Result<(), TransportError>>;

    /// An offer with new sockets and new ICE credentials; media goes on when its answer is accepted.
    fn restart_offer(&self) -> BoxFuture<'_, Result<String, TransportError>>;

    /// An offer with so many picture slots, if there are fewer, on the sockets and with the ICE credentials of the running
    /// way: what comes and goes is not interrupted. Later offers have these slots too, answered or not.
    fn grow_offer(&self, video_slots: usize) -> BoxFuture<'_, Result<String, TransportError>>;

    /// Sends a packet, or drops and counts it. Never blocks.
    fn send(&self, packet: OutgoingPacket);

    /// Asks for a key frame on a receive slot (PLI, RFC 4585). Asking again within 100 ms does nothing.
    fn request_keyframe(&self, mid: &str);

    /// Counts and state at present.
    fn stats(&self) -> TransportStats;

    /// Ends it; the event channel closes.
    fn close(&self) -> BoxFuture<'_, ()>;
}

/// A transport on the `webrtc` crate and its events.
///
/// # Errors
///
/// [`TransportError::Setup`] when there is no socket or certificate to be had.
pub async fn open(
    config: TransportConfig,
) -> Result<(Arc<dyn Transport>, mpsc::Receiver<TransportEvent>), TransportError> {
    let (transport, events) = WebrtcTransport::new(config).await?;
    Ok((Arc::new(transport), events))
}

//! What the peer connection is made of: codecs, extensions, the interceptor chain, timers.

use std::net::UdpSocket;
use std::sync::Arc;
use std::time::Duration;

use confab_rtp::EstimatorConfig;
use rtc::ice::mdns::MulticastDnsMode;
use rtc::interceptor::{
    CongestionControlBuilder, NackGeneratorBuilder, NackResponderBuilder, ReceiverReportBuilder, Registry,
    SenderReportBuilder, Slot, TwccReceiverBuilder, TwccSenderBuilder,
};
use rtc::peer_connection::configuration::media_engine::{MIME_TYPE_H264, MIME_TYPE_OPUS, MIME_TYPE_RTX, MediaEngine};
use rtc::rtp_transceiver::rtp_sender::{
    RTCPFeedback, RTCRtpCodec, RTCRtpCodecParameters, RTCRtpHeaderExtensionCapability, RtpCodecKind,
};
use rtc::sdp::extmap;
use rtc::shared::error::Result;
use webrtc::peer_connection::{SettingEngine, SettingEngineBuilder};

use super::estimate::Estimate;
use super::repair::Repair;
use super::shared::Shared;
use super::stage::{BoundOnce, Staged, WithRepairs};
use super::tap::Tap;
use super::wire::Wire;
use crate::transport::{H264_PAYLOAD_TYPE, OPUS_PAYLOAD_TYPE, RTX_PAYLOAD_TYPE};

/// How often missing packets are looked for; how often each is asked for is decided in [`Repair`].
const NACK_INTERVAL: Duration = Duration::from_millis(20);
/// Stock is 200 ms; two rounds of it are most of the time a connection takes to come up.
const ICE_CHECK_INTERVAL: Duration = Duration::from_millis(20);
/// Packets kept per stream to be sent again: over a second of the largest layer.
const SENT_PACKETS_KEPT: u16 = 1024;

pub(super) fn h264() -> RTCRtpCodec {
    RTCRtpCodec {
        mime_type: MIME_TYPE_H264.to_owned(),
        clock_rate: 90_000,
        channels: 0,
        sdp_fmtp_line: "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f".to_owned(),
        rtcp_feedback: [("transport-cc", ""), ("ccm", "fir"), ("nack", ""), ("nack", "pli")]
            .map(|(kind, parameter)| RTCPFeedback { typ: kind.to_owned(), parameter: parameter.to_owned() })
            .to_vec(),
    }
}

fn rtx() -> RTCRtpCodec {
    RTCRtpCodec {
        mime_type: MIME_TYPE_RTX.to_owned(),
        clock_rate: 90_000,
        channels: 0,
        sdp_fmtp_line: format!("apt={H264_PAYLOAD_TYPE}"),
        rtcp_feedback: Vec::new(),
    }
}

pub(super) fn opus() -> RTCRtpCodec {
    RTCRtpCodec {
        mime_type: MIME_TYPE_OPUS.to_owned(),
        clock_rate: 48_000,
        channels: 2,
        sdp_fmtp_line: "minptime=10;useinbandfec=1;stereo=0".to_owned(),
        rtcp_feedback: vec![RTCPFeedback { typ: "transport-cc".to_owned(), parameter: String::new() }],
    }
}

pub(super) fn media_engine() -> Result<MediaEngine> {
    let mut engine = MediaEngine::default();
    for (rtp_codec, payload_type, kind) in [
        (h264(), H264_PAYLOAD_TYPE, RtpCodecKind::Video),
        (rtx(), RTX_PAYLOAD_TYPE, RtpCodecKind::Video),
        (opus(), OPUS_PAYLOAD_TYPE, RtpCodecKind::Audio),
    ] {
        engine.register_codec(RTCRtpCodecParameters { rtp_codec, payload_type }, kind)?;
    }
    let video = [
        extmap::SDES_MID_URI,
        extmap::SDES_RTP_STREAM_ID_URI,
        extmap::SDES_REPAIR_RTP_STREAM_ID_URI,
        extmap::ABS_SEND_TIME_URI,
        extmap::TRANSPORT_CC_URI,
    ];
    let audio = [extmap::SDES_MID_URI, extmap::AUDIO_LEVEL_URI, extmap::ABS_SEND_TIME_URI, extmap::TRANSPORT_CC_URI];
    let video = video.into_iter().map(|uri| (uri, RtpCodecKind::Video));
    for (uri, kind) in video.chain(audio.into_iter().map(|uri| (uri, RtpCodecKind::Audio))) {
        engine.register_header_extension(RTCRtpHeaderExtensionCapability { uri: uri.to_owned() }, kind, None)?;
    }
    Ok(engine)
}

/// The chain, in the order of `stage.rs`'s picture. There is no pacer in it on purpose: the stock one is a single queue
/// for sound and pictures that nobody can look into, and stood for a minute when measured.
pub(super) fn interceptors(shared: &Arc<Shared>, estimate: EstimatorConfig) -> Registry {
    let estimator = Estimate::new(Arc::clone(shared), estimate);
    Registry::new()
        .with(Slot::from(500), Staged::new(Wire::new(Arc::clone(shared))))
        .with(Slot::CongestionControl, WithRepairs(CongestionControlBuilder::new(estimator).build()))
        .with(Slot::TwccSender, WithRepairs(TwccSenderBuilder::new().build()))
        .with(Slot::from(3_500), Staged::new(Repair::new(Arc::clone(shared))))
        .with(Slot::NackResponder, NackResponderBuilder::new().with_size(SENT_PACKETS_KEPT).build())
        .with(
            Slot::NackGenerator,
            BoundOnce::new(shared, NackGeneratorBuilder::new().with_interval(NACK_INTERVAL).build()),
        )
        .with(Slot::TwccReceiver, TwccReceiverBuilder::new().build())
        .with(Slot::ReceiverReport, BoundOnce::new(shared, ReceiverReportBuilder::new().build()))
        .with(Slot::SenderReport, SenderReportBuilder::new().build())
        .with(Slot::from(60_000), Staged::new(Tap::new(Arc::clone(shared))))
}

pub(super) fn settings() -> SettingEngine {
    SettingEngineBuilder::new()
        .with_ice_connection_attempts(Some(ICE_CHECK_INTERVAL), Some(50))
        .with_ice_timeouts(Some(Duration::from_secs(3)), Some(Duration::from_secs(8)), Some(Duration::from_secs(1)))
        .with_discard_local_candidates_during_ice_restart(true)
        .with_multicast_dns_mode(MulticastDnsMode::Disabled)
        .build()
}

/// Where to bind. The wildcard becomes one socket per interface, anew at each ICE restart; loopback is not among them
/// and has to be named.
pub(super) fn bind_addresses(loopback: bool) -> Vec<String> {
    let mut addresses = Vec::new();
    if has_route("0.0.0.0:0", "192.0.2.1:9") {
        addresses.push("0.0.0.0:0".to_owned());
    }
    if has_route("[::]:0", "[2001:db8::1]:9") {
        addresses.push("[::]:0".to_owned());
    }
    if loopback || addresses.is_empty() {
        addresses.push("127.0.0.1:0".to_owned());
    }
    addresses
}

/// Whether packets to a documentation address would find a way out of this machine. Nothing is sent.
fn has_route(from: &str, to: &str) -> bool {
    UdpSocket::bind(from).and_then(|socket| socket.connect(to)).is_ok()
}

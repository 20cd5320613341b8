//! Media of one light person: str0m over one UDP socket.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use confab_protocol::media::AUDIO_SLOTS;
use confab_protocol::{Layer, SourceKind, TrackOffer};
use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::config::CryptoProvider;
use str0m::format::Codec;
use str0m::media::{Direction, MediaKind, Mid, Pt, Rid, Simulcast, SimulcastLayer};
use str0m::net::{DatagramRecv, Protocol, Receive};
use str0m::rtp::{ExtensionValues, RtpPacket, RtpWrite};
use str0m::{Candidate, Event, Input, Output, Rtc, RtcConfig};
use tokio::net::UdpSocket;

use super::LoadError;

/// Largest datagram.
const DATAGRAM: usize = 2_000;

pub(super) struct Peer {
    rtc: Box<Rtc>,
    socket: UdpSocket,
    address: SocketAddr,
    pending: Option<SdpPendingOffer>,
    microphone: Mid,
    camera: Mid,
    opus: Option<Pt>,
    h264: Option<Pt>,
    pub(super) deadline: Instant,
    buffer: Vec<u8>,
}

/// What media brought.
pub(super) enum Happening {
    Connected,
    Closed,
    Packet(Mid, Box<RtpPacket>),
    KeyframeWanted(Option<Layer>),
}

/// One packet to send.
pub(super) struct Outgoing {
    /// A layer of the camera, or `None` for the voice.
    pub(super) layer: Option<Layer>,
    pub(super) sequence: u64,
    pub(super) timestamp: u32,
    pub(super) marker: bool,
    pub(super) level: Option<i8>,
    pub(super) payload: Vec<u8>,
}

impl Peer {
    /// A socket that can reach the server, a media path on it, and the offer to send.
    pub(super) async fn open(
        crypto: Arc<CryptoProvider>,
        host: &str,
        port: u16,
        video_slots: u32,
    ) -> Result<(Self, String, Vec<TrackOffer>), LoadError> {
        let local = local_address_towards(host, port).map_err(LoadError::Socket)?;
        let socket = UdpSocket::bind(SocketAddr::new(local, 0)).await.map_err(LoadError::Socket)?;
        let address = socket.local_addr().map_err(LoadError::Socket)?;
        let now = Instant::now();
        let mut config = RtcConfig::new()
            .set_crypto_provider(crypto)
            .set_rtp_mode(true)
            .clear_codecs()
            .enable_opus(true, false)
            .set_stats_interval(None)
            .set_send_buffer_video(512);
        config.codec_config().add_h264(102.into(), Some(103.into()), true, 0x42_e0_1f);
        let mut rtc = Box::new(config.build(now));
        let candidate = Candidate::host(address, "udp").map_err(|error| LoadError::Media(error.to_string()))?;
        rtc.add_local_candidate(candidate);

        let mut api = rtc.sdp_api();
        let microphone = api.add_media(MediaKind::Audio, Direction::SendOnly, None, None, None);
        let mut simulcast = Simulcast::new();
        for layer in Layer::ALL {
            simulcast.add_send_layer(SimulcastLayer::new(layer.rid()));
        }
        let camera = api.add_media(MediaKind::Video, Direction::SendOnly, None, None, Some(simulcast));
        for _ in 0..AUDIO_SLOTS {
            api.add_media(MediaKind::Audio, Direction::RecvOnly, None, None, None);
        }
        for _ in 0..video_slots {
            api.add_media(MediaKind::Video, Direction::RecvOnly, None, None, None);
        }
        let (offer, pending): (SdpOffer, SdpPendingOffer) =
            api.apply().ok_or_else(|| LoadError::Media("there was nothing to offer".into()))?;
        let tracks = vec![
            TrackOffer { mid: microphone.to_string(), source: SourceKind::Microphone, layers: Vec::new() },
            TrackOffer { mid: camera.to_string(), source: SourceKind::Camera, layers: Layer::ALL.to_vec() },
        ];
        let peer = Self {
            rtc,
            socket,
            address,
            pending: Some(pending),
            microphone,
            camera,
            opus: None,
            h264: None,
            deadline: now,
            buffer: vec![0; DATAGRAM],
        };
        Ok((peer, offer.to_sdp_string(), tracks))
    }

    pub(super) fn accept(&mut self, answer: &str) -> Result<(), LoadError> {
        let media = |error: &dyn std::fmt::Display| LoadError::Media(error.to_string());
        let answer = SdpAnswer::from_sdp_string(answer).map_err(|error| media(&error))?;
        if let Some(pending) = self.pending.take() {
            self.rtc.sdp_api().accept_answer(pending, answer).map_err(|error| media(&error))?;
        }
        let of = |codec: Codec| {
            self.rtc.codec_config().find(|params| params.spec().codec == codec).map(str0m::format::PayloadParams::pt)
        };
        (self.opus, self.h264) = (of(Codec::Opus), of(Codec::H264));
        Ok(())
    }

    /// Waits until something is there to be read.
    pub(super) async fn readable(&self) -> io::Result<()> {
        self.socket.readable().await
    }

    /// Reads everything that has come.
    pub(super) fn receive(&mut self, happenings: &mut Vec<Happening>) -> Result<(), LoadError> {
        loop {
            let (length, source) = match self.socket.try_recv_from(&mut self.buffer) {
                Ok(received) => received,
                // A refused datagram sent earlier shows here; the next one is as good as any.
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => continue,
                Err(_) => return Ok(()),
            };
            let now = Instant::now();
            let Ok(contents) = DatagramRecv::try_from(&self.buffer[..length]) else { continue };
            let receive = Receive { proto: Protocol::Udp, source, destination: self.address, contents };
            self.rtc.handle_input(Input::Receive(now, receive)).map_err(|error| LoadError::Media(error.to_string()))?;
            self.drain(now, happenings)?;
        }
    }

    /// Lets time pass, and sends what was queued.
    pub(super) fn advance(&mut self, happenings: &mut Vec<Happening>) -> Result<(), LoadError> {
        let now = Instant::now();
        self.rtc.handle_input(Input::Timeout(now)).map_err(|error| LoadError::Media(error.to_string()))?;
        self.drain(now, happenings)
    }

    fn drain(&mut self, now: Instant, happenings: &mut Vec<Happening>) -> Result<(), LoadError> {
        loop {
            match self.rtc.poll_output().map_err(|error| LoadError::Media(error.to_string()))? {
                Output::Timeout(at) => {
                    self.deadline = at.max(now);
                    if !self.rtc.is_alive() {
                        happenings.push(Happening::Closed);
                    }
                    return Ok(());
                }
                Output::Transmit(transmit) => {
                    // A full socket loses the packet, as a full network would.
                    let _lost_packets_are_counted = self.socket.try_send_to(&transmit.contents, transmit.destination);
                }
                Output::Event(Event::Connected) => happenings.push(Happening::Connected),
                Output::Event(Event::Closed) => happenings.push(Happening::Closed),
                Output::Event(Event::KeyframeRequest(request)) => {
                    let layer = request.rid.and_then(|rid| Layer::from_rid(&rid));
                    happenings.push(Happening::KeyframeWanted(layer));
                }
                Output::Event(Event::RtpPacket(packet)) => {
                    let mid = self.rtc.direct_api().stream_rx(&packet.header.ssrc).map(|stream| stream.mid());
                    if let Some(mid) = mid {
                        happenings.push(Happening::Packet(mid, Box::new(packet)));
                    }
                }
                Output::Event(_) => {}
            }
        }
    }

    /// Queues a packet; [`Peer::advance`] sends it.
    pub(super) fn send(&mut self, outgoing: Outgoing) {
        let (mid, payload_type) = match outgoing.layer {
            None => (self.microphone, self.opus),
            Some(_) => (self.camera, self.h264),
        };
        let Some(payload_type) = payload_type else { return };
        let rid = outgoing.layer.map(|layer| Rid::from(layer.rid()));
        let extensions = ExtensionValues {
            audio_level: outgoing.level,
            voice_activity: outgoing.level.map(|level| level > -50),
            ..ExtensionValues::default()
        };
        let mut direct = self.rtc.direct_api();
        let Some(stream) = direct.stream_tx_by_mid(mid, rid) else { return };
        let sequence = outgoing.sequence.into();
        let write = RtpWrite::new(payload_type, sequence, outgoing.timestamp, Instant::now(), outgoing.payload)
            .marker(outgoing.marker)
            .nackable(outgoing.layer.is_some())
            .ext_vals(extensions);
        stream.write_rtp(write);
    }

    /// Says goodbye.
    pub(super) fn close(&mut self) {
        let mut happenings = Vec::new();
        // The run is over, whether the goodbye is taken or not.
        let _gone_either_way = self.rtc.close();
        let _gone_either_way = self.drain(Instant::now(), &mut happenings);
    }
}

/// The address of this computer that the server's is reached from. Nothing is sent.
fn local_address_towards(host: &str, port: u16) -> io::Result<IpAddr> {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let probe = match host.parse::<IpAddr>() {
        Ok(IpAddr::V6(_)) => std::net::UdpSocket::bind("[::]:0")?,
        _ => std::net::UdpSocket::bind("0.0.0.0:0")?,
    };
    probe.connect((host, port))?;
    Ok(probe.local_addr()?.ip())
}

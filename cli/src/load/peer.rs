//! Media of one light person over one UDP socket: str0m does ICE, DTLS and SDP; RTP and RTCP are ours and never enter it.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use confab_protocol::media::AUDIO_SLOTS;
use confab_protocol::{Layer, SourceKind, TrackOffer};
use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::config::{CryptoProvider, DtlsCert};
use str0m::media::{Direction, MediaKind, Mid, Rid, Simulcast, SimulcastLayer};
use str0m::net::{DatagramRecv, Protocol, Receive};
use str0m::{Candidate, Event, Input, Output, Rtc, RtcConfig};
use tokio::net::UdpSocket;

use super::media::{Happening, Media};
use super::negotiated::Negotiated;
use super::streams::Stream;
use super::{LoadError, keys};

/// Largest datagram.
const DATAGRAM: usize = 2_000;

/// What all people of a run share.
#[derive(Clone)]
pub(super) struct Identity {
    pub(super) crypto: Arc<CryptoProvider>,
    /// Made once, because making one takes longer than a join.
    pub(super) certificate: DtlsCert,
}

impl Identity {
    pub(super) fn new() -> Result<Self, LoadError> {
        let crypto = keys::tapped();
        let certificate = crypto.dtls_provider.generate_certificate();
        let certificate = certificate.ok_or_else(|| LoadError::Media("no certificate could be made".into()))?;
        Ok(Self { crypto: Arc::new(crypto), certificate })
    }
}

pub(super) struct Peer {
    rtc: Box<Rtc>,
    socket: UdpSocket,
    address: SocketAddr,
    /// Where the other side's packets come from, and ours go.
    remote: Option<SocketAddr>,
    pending: Option<SdpPendingOffer>,
    sends: Vec<Line>,
    pub(super) media: Media,
    /// When str0m wants to be asked again.
    rtc_deadline: Instant,
    buffer: Vec<u8>,
}

/// An m-line that sends.
struct Line {
    mid: Mid,
    /// The camera's; empty for a voice.
    layers: Vec<Layer>,
    /// The layers are simulcast, told apart by their rid.
    has_rids: bool,
}

impl Peer {
    /// A socket that can reach the server, and a media path on it without any m-line.
    pub(super) async fn open(identity: &Identity, host: &str, port: u16, media: Media) -> Result<Self, LoadError> {
        let local = local_address_towards(host, port).map_err(LoadError::Socket)?;
        let socket = UdpSocket::bind(SocketAddr::new(local, 0)).await.map_err(LoadError::Socket)?;
        let address = socket.local_addr().map_err(LoadError::Socket)?;
        let now = Instant::now();
        let mut config = RtcConfig::new()
            .set_crypto_provider(identity.crypto.clone())
            .set_dtls_cert(identity.certificate.clone())
            .set_rtp_mode(true)
            .clear_codecs()
            .enable_opus(true, false)
            .set_stats_interval(None);
        config.codec_config().add_h264(102.into(), Some(103.into()), true, 0x42_e0_1f);
        let mut rtc = Box::new(config.build(now));
        let candidate = Candidate::host(address, "udp").map_err(|error| LoadError::Media(error.to_string()))?;
        rtc.add_local_candidate(candidate);
        let buffer = vec![0; DATAGRAM];
        let (remote, pending, sends) = (None, None, Vec::new());
        Ok(Self { rtc, socket, address, remote, pending, sends, media, rtc_deadline: now, buffer })
    }

    /// A voice, a camera in layers, and slots for those of others.
    pub(super) fn offer_call(&mut self, video_slots: u32) -> Result<(String, Vec<TrackOffer>), LoadError> {
        let mut api = self.rtc.sdp_api();
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
        let (offer, pending) = api.apply().ok_or_else(nothing_to_offer)?;
        self.pending = Some(pending);
        self.sends.push(Line { mid: microphone, layers: Vec::new(), has_rids: false });
        self.sends.push(Line { mid: camera, layers: Layer::ALL.to_vec(), has_rids: true });
        let tracks = vec![
            TrackOffer { mid: microphone.to_string(), source: SourceKind::Microphone, layers: Vec::new() },
            TrackOffer { mid: camera.to_string(), source: SourceKind::Camera, layers: Layer::ALL.to_vec() },
        ];
        Ok((offer.to_sdp_string(), tracks))
    }

    /// A camera in one layer and nothing else.
    pub(super) fn offer_camera(&mut self) -> Result<String, LoadError> {
        let mut api = self.rtc.sdp_api();
        let camera = api.add_media(MediaKind::Video, Direction::SendOnly, None, None, None);
        let (offer, pending) = api.apply().ok_or_else(nothing_to_offer)?;
        self.pending = Some(pending);
        self.sends.push(Line { mid: camera, layers: vec![Layer::Full], has_rids: false });
        Ok(offer.to_sdp_string())
    }

    /// Takes the answer to an offer.
    pub(super) fn accept(&mut self, answer: &str) -> Result<(), LoadError> {
        let parsed = SdpAnswer::from_sdp_string(answer).map_err(|error| LoadError::Media(error.to_string()))?;
        if let Some(pending) = self.pending.take() {
            let accepted = self.rtc.sdp_api().accept_answer(pending, parsed);
            accepted.map_err(|error| LoadError::Media(error.to_string()))?;
        }
        let streams = self.streams();
        self.media.agree(Negotiated::read(answer), streams);
        Ok(())
    }

    /// Answers an offer of streams to receive.
    pub(super) fn answer(&mut self, offer: &str) -> Result<String, LoadError> {
        let parsed = SdpOffer::from_sdp_string(offer).map_err(|error| LoadError::Media(error.to_string()))?;
        let answer = self.rtc.sdp_api().accept_offer(parsed);
        let answer = answer.map_err(|error| LoadError::Media(error.to_string()))?;
        self.media.agree(Negotiated::read(offer), Vec::new());
        Ok(answer.to_sdp_string())
    }

    fn streams(&mut self) -> Vec<Stream> {
        let mut streams = Vec::new();
        for line in &self.sends {
            let layers = line.layers.iter().map(|layer| Some(*layer));
            let voice = line.layers.is_empty().then_some(None);
            for layer in layers.chain(voice) {
                let rid = layer.filter(|_| line.has_rids).map(|layer| Rid::from(layer.rid()));
                let mut direct = self.rtc.direct_api();
                let Some(stream) = direct.stream_tx_by_mid(line.mid, rid) else { continue };
                let (ssrc, repairing) = (*stream.ssrc(), stream.rtx().map(|ssrc| *ssrc));
                streams.push(Stream::new(layer, &line.mid.to_string(), line.has_rids, ssrc, repairing));
            }
        }
        streams
    }

    /// When [`Peer::advance`] is due.
    pub(super) fn deadline(&self) -> Instant {
        self.media.deadline().map_or(self.rtc_deadline, |at| at.min(self.rtc_deadline))
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
                Err(_) => break,
            };
            let now = Instant::now();
            // RFC 7983: RTP and RTCP begin with 128 to 191.
            if matches!(self.buffer.first(), Some(128..=191)) {
                self.remote = Some(source);
                self.media.receive(now, &mut self.buffer[..length], happenings);
                continue;
            }
            let Ok(contents) = DatagramRecv::try_from(&self.buffer[..length]) else { continue };
            // RFC 7983: DTLS begins with 20 to 63.
            if matches!(self.buffer.first(), Some(20..=63)) {
                self.remote = Some(source);
            }
            let receive = Receive { proto: Protocol::Udp, source, destination: self.address, contents };
            self.rtc.handle_input(Input::Receive(now, receive)).map_err(|error| LoadError::Media(error.to_string()))?;
            self.drain(now, happenings)?;
        }
        self.flush();
        Ok(())
    }

    /// Lets time pass, and sends what was queued.
    pub(super) fn advance(&mut self, happenings: &mut Vec<Happening>) -> Result<(), LoadError> {
        let now = Instant::now();
        if self.rtc_deadline <= now {
            self.rtc.handle_input(Input::Timeout(now)).map_err(|error| LoadError::Media(error.to_string()))?;
            self.drain(now, happenings)?;
        }
        self.media.advance(now);
        self.flush();
        Ok(())
    }

    fn drain(&mut self, now: Instant, happenings: &mut Vec<Happening>) -> Result<(), LoadError> {
        loop {
            match self.rtc.poll_output().map_err(|error| LoadError::Media(error.to_string()))? {
                Output::Timeout(at) => {
                    self.rtc_deadline = at.max(now);
                    if !self.rtc.is_alive() {
                        happenings.push(Happening::Closed);
                    }
                    break;
                }
                // Its own reports would use the numbers of ours.
                Output::Transmit(transmit) if matches!(transmit.contents.first(), Some(128..=191)) => {}
                Output::Transmit(transmit) => {
                    // A full socket loses the packet, as a full network would.
                    let _lost_packets_are_counted = self.socket.try_send_to(&transmit.contents, transmit.destination);
                }
                Output::Event(Event::Connected) => happenings.push(Happening::Connected),
                Output::Event(Event::Closed) => happenings.push(Happening::Closed),
                Output::Event(_) => {}
            }
        }
        if let Some(keys) = keys::take() {
            self.media.unlock(now, keys);
        }
        Ok(())
    }

    /// Sends what media has queued.
    fn flush(&mut self) {
        let Some(remote) = self.remote else { return };
        for datagram in self.media.outgoing.drain(..) {
            // A full socket loses the packet, as a full network would.
            let _lost_packets_are_counted = self.socket.try_send_to(&datagram, remote);
        }
    }

    /// Says goodbye.
    pub(super) fn close(&mut self) {
        let mut happenings = Vec::new();
        // The run is over, whether the goodbye is taken or not.
        let _gone_either_way = self.rtc.close();
        let _gone_either_way = self.drain(Instant::now(), &mut happenings);
    }
}

fn nothing_to_offer() -> LoadError {
    LoadError::Media("there was nothing to offer".into())
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

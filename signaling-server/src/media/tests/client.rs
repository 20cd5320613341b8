//! A client over a real socket: a voice and a picture out, some slots in.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use confab_protocol::{ParticipantId, SourceKind, TrackOffer};
use str0m::change::{SdpAnswer, SdpPendingOffer};
use str0m::format::Codec;
use str0m::media::{Direction, MediaKind, Mid};
use str0m::net::{DatagramRecv, Protocol, Receive};
use str0m::rtp::{ExtensionValues, RtpWrite};
use str0m::{Candidate, Event, Input, Output, Rtc, RtcConfig};
use tokio::net::UdpSocket;

use super::MediaAnswer;

pub struct Client {
    pub id: ParticipantId,
    pub offer: String,
    pub tracks: Vec<TrackOffer>,
    /// Numbers of the voice packets heard.
    pub heard: Vec<u32>,
    /// Numbers of the pictures seen.
    pub seen: Vec<u32>,
    /// What the numbers of its own voice and pictures begin at.
    pub begin: u32,
    /// Port of the server's that it was told.
    pub port: u16,
    pub closed: bool,
    rtc: Rtc,
    socket: UdpSocket,
    /// The same socket without the runtime's readiness, which would refuse the first datagrams.
    sender: std::net::UdpSocket,
    address: SocketAddr,
    voice: Mid,
    camera: Mid,
    pending: Option<SdpPendingOffer>,
    spoken: u32,
    filmed: u32,
}

impl Client {
    pub fn new() -> Self {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_nonblocking(true).unwrap();
        let address = socket.local_addr().unwrap();
        let mut rtc = RtcConfig::new()
            .set_crypto_provider(Arc::new(str0m::crypto::from_feature_flags()))
            .set_rtp_mode(true)
            .clear_codecs()
            .enable_opus(true, false)
            .enable_h264(true)
            .build(Instant::now());
        rtc.add_local_candidate(Candidate::host(address, "udp").unwrap());
        let mut api = rtc.sdp_api();
        let voice = api.add_media(MediaKind::Audio, Direction::SendOnly, None, None, None);
        let camera = api.add_media(MediaKind::Video, Direction::SendOnly, None, None, None);
        for kind in [MediaKind::Audio, MediaKind::Audio, MediaKind::Video] {
            api.add_media(kind, Direction::RecvOnly, None, None, None);
        }
        let (offer, pending) = api.apply().unwrap();
        let track = |mid: Mid, source| TrackOffer { mid: mid.to_string(), source, layers: vec![] };
        let tracks = vec![track(voice, SourceKind::Microphone), track(camera, SourceKind::Camera)];
        Self {
            id: ParticipantId::new(),
            offer: offer.to_sdp_string(),
            tracks,
            heard: vec![],
            seen: vec![],
            begin: 0,
            port: 0,
            closed: false,
            rtc,
            sender: socket.try_clone().unwrap(),
            socket: UdpSocket::from_std(socket).unwrap(),
            address,
            voice,
            camera,
            pending: Some(pending),
            spoken: 0,
            filmed: 0,
        }
    }

    pub fn accept(&mut self, answer: &MediaAnswer) {
        assert_eq!(answer.slots.len(), 3);
        let candidate = answer.answer.lines().find(|line| line.starts_with("a=candidate:")).unwrap();
        self.port = candidate.split(' ').nth(5).unwrap().parse().unwrap();
        self.accept_restart(&answer.answer);
    }

    /// An offer with new ICE credentials.
    pub fn restart(&mut self) -> String {
        let mut api = self.rtc.sdp_api();
        api.ice_restart(true);
        let (offer, pending) = api.apply().unwrap();
        self.pending = Some(pending);
        offer.to_sdp_string()
    }

    pub fn accept_restart(&mut self, answer: &str) {
        let answer = SdpAnswer::from_sdp_string(answer).unwrap();
        self.rtc.sdp_api().accept_answer(self.pending.take().unwrap(), answer).unwrap();
    }

    pub fn speak(&mut self) {
        self.spoken += 1;
        let level = ExtensionValues { audio_level: Some(-30), voice_activity: Some(true), ..Default::default() };
        let payload = (self.begin + self.spoken).to_be_bytes().to_vec();
        self.write(self.voice, Codec::Opus, self.spoken, 960, payload, level);
    }

    /// Sends a picture of one packet that a decoder can begin with.
    pub fn film(&mut self) {
        self.filmed += 1;
        let mut payload = vec![0x67, 0, 0, 0];
        payload.extend((self.begin + self.filmed).to_be_bytes());
        self.write(self.camera, Codec::H264, self.filmed, 3_000, payload, ExtensionValues::default());
    }

    fn write(&mut self, mid: Mid, codec: Codec, number: u32, step: u32, payload: Vec<u8>, extensions: ExtensionValues) {
        let pt = self.rtc.codec_config().find(|params| params.spec().codec == codec).unwrap().pt();
        let write = RtpWrite::new(pt, u64::from(number).into(), number * step, Instant::now(), payload);
        let write = write.marker(codec == Codec::H264).ext_vals(extensions);
        self.rtc.direct_api().stream_tx_by_mid(mid, None).unwrap().write_rtp(write);
    }

    /// Sends and receives for a time.
    pub async fn run(&mut self, duration: Duration) {
        let end = Instant::now() + duration;
        let mut buffer = [0; 2_000];
        self.rtc.handle_input(Input::Timeout(Instant::now())).unwrap();
        loop {
            let deadline = self.drain().min(end);
            tokio::select! {
                biased;
                received = self.socket.recv_from(&mut buffer) => {
                    // After the server has gone, the system may report what was sent to it.
                    let Ok((length, source)) = received else { continue };
                    let contents = DatagramRecv::try_from(&buffer[..length]).unwrap();
                    let receive = Receive { proto: Protocol::Udp, source, destination: self.address, contents };
                    self.rtc.handle_input(Input::Receive(Instant::now(), receive)).unwrap();
                }
                () = tokio::time::sleep_until(deadline.into()) => {
                    let now = Instant::now();
                    self.rtc.handle_input(Input::Timeout(now)).unwrap();
                    if now >= end {
                        self.drain();
                        return;
                    }
                }
            }
        }
    }

    fn drain(&mut self) -> Instant {
        loop {
            match self.rtc.poll_output().unwrap() {
                Output::Timeout(at) => return at,
                Output::Transmit(transmit) => {
                    self.sender.send_to(&transmit.contents, transmit.destination).unwrap();
                }
                Output::Event(Event::Closed) => self.closed = true,
                Output::Event(Event::RtpPacket(packet)) => {
                    let number = |bytes: &[u8]| u32::from_be_bytes(bytes.try_into().unwrap());
                    match packet.payload.len() {
                        4 => self.heard.push(number(&packet.payload)),
                        8 => self.seen.push(number(&packet.payload[4..])),
                        // Padding of probes.
                        _ => {}
                    }
                }
                Output::Event(_) => {}
            }
        }
    }
}

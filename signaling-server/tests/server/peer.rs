//! A client's media: str0m in RTP mode over a real UDP socket. It offers a microphone, a camera and a few slots, and
//! once the answer is there it speaks fifty times a second.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use confab_protocol::{SourceKind, TrackOffer};
use str0m::change::{SdpAnswer, SdpPendingOffer};
use str0m::format::Codec;
use str0m::media::{Direction, MediaKind, Mid};
use str0m::net::{DatagramRecv, Protocol, Receive};
use str0m::rtp::RtpWrite;
use str0m::{Candidate, Input, Output, Rtc, RtcConfig};
use tokio::net::UdpSocket;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

pub struct Peer {
    rtc: Box<Rtc>,
    socket: UdpSocket,
    address: SocketAddr,
    voice: Mid,
    pending: Option<SdpPendingOffer>,
    pub offer: String,
    pub tracks: Vec<TrackOffer>,
}

/// A peer that sends and receives until dropped; then nothing comes from it any more, not even a goodbye.
pub struct Running {
    task: JoinHandle<()>,
    orders: mpsc::UnboundedSender<Order>,
}

enum Order {
    /// Neither send nor receive, or do again.
    Hole(bool),
    /// Make an offer with new ICE credentials.
    Restart(oneshot::Sender<String>),
    /// Take its answer.
    Answer(String),
}

impl Running {
    /// Between this peer and the server nothing passes, or everything again.
    pub fn hole(&self, open: bool) {
        self.orders.send(Order::Hole(open)).ok().unwrap();
    }

    /// An offer with new ICE credentials.
    pub async fn restart(&self) -> String {
        let (reply, offer) = oneshot::channel();
        self.orders.send(Order::Restart(reply)).ok().unwrap();
        offer.await.unwrap()
    }

    pub fn answer(&self, answer: String) {
        self.orders.send(Order::Answer(answer)).ok().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Peer {
    pub async fn new() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let mut config = RtcConfig::new()
            .set_crypto_provider(Arc::new(str0m::crypto::from_feature_flags()))
            .set_rtp_mode(true)
            .clear_codecs()
            .enable_opus(true, false);
        config.codec_config().add_h264(102.into(), Some(103.into()), true, 0x42_e0_1f);
        let mut rtc = Box::new(config.build(Instant::now()));
        rtc.add_local_candidate(Candidate::host(address, "udp").unwrap());
        let mut api = rtc.sdp_api();
        let voice = api.add_media(MediaKind::Audio, Direction::SendOnly, None, None, None);
        let camera = api.add_media(MediaKind::Video, Direction::SendOnly, None, None, None);
        api.add_media(MediaKind::Audio, Direction::RecvOnly, None, None, None);
        api.add_media(MediaKind::Video, Direction::RecvOnly, None, None, None);
        let (offer, pending) = api.apply().unwrap();
        let track = |mid: Mid, source| TrackOffer { mid: mid.to_string(), source, layers: vec![] };
        let tracks = vec![track(voice, SourceKind::Microphone), track(camera, SourceKind::Camera)];
        Self { rtc, socket, address, voice, pending: Some(pending), offer: offer.to_sdp_string(), tracks }
    }

    /// Takes the answer and runs.
    pub fn run(mut self, answer: &str) -> Running {
        self.accept(answer);
        let (orders, received) = mpsc::unbounded_channel();
        Running { task: tokio::spawn(self.drive(received)), orders }
    }

    fn accept(&mut self, answer: &str) {
        let answer = SdpAnswer::from_sdp_string(answer).unwrap();
        self.rtc.sdp_api().accept_answer(self.pending.take().unwrap(), answer).unwrap();
    }

    async fn drive(mut self, mut orders: mpsc::UnboundedReceiver<Order>) {
        let mut buffer = vec![0; 2_000];
        let mut ticks = tokio::time::interval(Duration::from_millis(20));
        let mut packets = 0_u32;
        let mut hole = false;
        loop {
            let deadline = loop {
                match self.rtc.poll_output().unwrap() {
                    Output::Timeout(at) => break at,
                    Output::Transmit(transmit) if !hole => {
                        let _ = self.socket.send_to(&transmit.contents, transmit.destination).await;
                    }
                    Output::Transmit(_) | Output::Event(_) => {}
                }
            };
            tokio::select! {
                () = tokio::time::sleep_until(deadline.into()) => {
                    self.rtc.handle_input(Input::Timeout(Instant::now())).unwrap();
                }
                received = self.socket.recv_from(&mut buffer) => {
                    let Ok((length, source)) = received else { continue };
                    let Ok(contents) = DatagramRecv::try_from(&buffer[..length]) else { continue };
                    let receive = Receive { proto: Protocol::Udp, source, destination: self.address, contents };
                    if !hole {
                        self.rtc.handle_input(Input::Receive(Instant::now(), receive)).unwrap();
                    }
                }
                _ = ticks.tick() => {
                    packets += 1;
                    self.speak(packets);
                    self.rtc.handle_input(Input::Timeout(Instant::now())).unwrap();
                }
                Some(order) = orders.recv() => match order {
                    Order::Hole(open) => hole = open,
                    Order::Answer(answer) => self.accept(&answer),
                    Order::Restart(reply) => {
                        let mut api = self.rtc.sdp_api();
                        api.ice_restart(true);
                        let (offer, pending) = api.apply().unwrap();
                        self.pending = Some(pending);
                        let _ = reply.send(offer.to_sdp_string());
                    }
                }
            }
        }
    }

    fn speak(&mut self, number: u32) {
        if !self.rtc.is_connected() {
            return;
        }
        let pt = self.rtc.codec_config().find(|params| params.spec().codec == Codec::Opus).unwrap().pt();
        let (sequence, timestamp) = (u64::from(number), number.wrapping_mul(960));
        let packet = RtpWrite::new(pt, sequence.into(), timestamp, Instant::now(), vec![0; 60]);
        self.rtc.direct_api().stream_tx_by_mid(self.voice, None).unwrap().write_rtp(packet);
    }
}

//! The transport on the `webrtc` crate (0.21.1), which is used as a peer connection and not as a media stack: ICE, DTLS,
//! SRTP, SDP and the stock feedback generators are its; repair, estimate, pacing and the way packets take out of it are
//! ours, in the folder beside this file. Why each is, is said there.

mod detour;
mod estimate;
mod growth;
mod negotiated;
mod pacing;
mod repair;
mod setup;
mod shared;
mod stage;
mod tap;
mod wire;

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use confab_protocol::{TrackKind, TrackOffer};
use futures_util::future::BoxFuture;
use rtc::media_stream::MediaStreamTrack;
use rtc::rtp_transceiver::rtp_sender::{
    RTCRtpCodingParameters, RTCRtpEncodingParameters, RTCRtpRtxParameters, RtpCodecKind,
};
use rtc::rtp_transceiver::{RTCRtpTransceiverDirection, RTCRtpTransceiverInit};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::media_stream::track_remote::TrackRemote;
use webrtc::peer_connection::{
    PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCIceGatheringState, RTCPeerConnectionState,
    RTCSessionDescription, StatsSelector,
};
use webrtc::rtp_transceiver::RtpTransceiver;

use super::{
    Offer, OutgoingPacket, RelayWay, SenderConfig, Transport, TransportConfig, TransportError, TransportEvent,
    TransportStats,
};
use detour::Detour;
use growth::{Exchange, add_slot};
use negotiated::{Negotiated, candidates, tidy_offer};
use pacing::{Command, RemoteTrack, Sending};
use shared::{LocalStream, Shared};

/// Events nobody has taken yet; at 2000 packets a second two seconds of them.
const EVENTS: usize = 4096;
/// Packets handed in and not yet queued by the pacing task.
const COMMANDS: usize = 2048;
/// How often the description is looked at meanwhile.
const LOOK_INTERVAL: Duration = Duration::from_millis(4);
/// Host candidates take milliseconds; more means that something is broken, and what is there has to do.
const GATHERING: Duration = Duration::from_secs(1);

/// See the module.
pub struct WebrtcTransport {
    connection: Arc<dyn PeerConnection>,
    shared: Arc<Shared>,
    senders: Vec<(SenderConfig, Arc<dyn RtpTransceiver>)>,
    gathered: watch::Receiver<u64>,
    /// Held while an offer is made or an answer taken: one after the other.
    exchange: tokio::sync::Mutex<Exchange>,
    /// The candidates of the last offer.
    offered: Mutex<HashSet<SocketAddr>>,
    commands: mpsc::Sender<Command>,
    sending: Mutex<Option<JoinHandle<()>>>,
    detour: Detour,
}

struct Handler {
    shared: Arc<Shared>,
    gathered: watch::Sender<u64>,
    remote: RemoteTrack,
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Handler {
    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            self.gathered.send_modify(|count| *count += 1);
        }
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        let event = match state {
            RTCPeerConnectionState::Connected => TransportEvent::Connected,
            RTCPeerConnectionState::Disconnected => TransportEvent::Disconnected,
            RTCPeerConnectionState::Failed => TransportEvent::Failed,
            RTCPeerConnectionState::Closed => TransportEvent::Closed,
            _ => return,
        };
        match event {
            TransportEvent::Connected => {
                self.shared.connected.store(true, Ordering::Relaxed);
                self.shared.connections.add(1);
            }
            // While disconnected, packets are still tried: the way may be open in one direction.
            TransportEvent::Disconnected => {}
            _ => self.shared.connected.store(false, Ordering::Relaxed),
        }
        self.shared.announce(event);
    }

    async fn on_track(&self, track: Arc<dyn TrackRemote>) {
        *self.remote.lock().unwrap_or_else(PoisonError::into_inner) = Some(track);
    }
}

impl WebrtcTransport {
    /// Binds sockets and prepares everything; nothing is sent before the answer is accepted.
    ///
    /// # Errors
    ///
    /// [`TransportError::Setup`] when there is no socket or certificate to be had.
    pub async fn new(config: TransportConfig) -> Result<(Self, mpsc::Receiver<TransportEvent>), TransportError> {
        let (events, receiver) = mpsc::channel(EVENTS);
        let local = local_streams(&config.senders);
        let shared = Arc::new(Shared::new(local, events, config.estimate.initial));
        let (gathered, gathered_receiver) = watch::channel(0);
        let remote = RemoteTrack::default();
        let handler = Handler { shared: Arc::clone(&shared), gathered, remote: Arc::clone(&remote) };
        let building = PeerConnectionBuilder::new()
            .with_media_engine(setup::media_engine().map_err(failed)?)
            .with_interceptor_registry(setup::interceptors(&shared, config.estimate))
            .with_setting_engine(setup::settings())
            .with_handler(Arc::new(handler))
            .with_udp_addrs(setup::bind_addresses(config.loopback))
            .build();
        let connection: Arc<dyn PeerConnection> = Arc::new(Box::pin(building).await.map_err(failed)?);
        let mut senders = Vec::new();
        let mut tracks = Vec::new();
        for (index, sender) in config.senders.into_iter().enumerate() {
            let (track, transceiver) = add_sender(connection.as_ref(), &shared, index, &sender).await?;
            tracks.push(track);
            senders.push((sender, transceiver));
        }
        for (kind, count) in [(RtpCodecKind::Audio, config.audio_slots), (RtpCodecKind::Video, config.video_slots)] {
            for _ in 0..count {
                add_slot(connection.as_ref(), kind).await?;
            }
        }
        let (commands, command_receiver) = mpsc::channel(COMMANDS);
        let sending = tokio::spawn(Sending::new(Arc::clone(&shared), tracks, remote).run(command_receiver));
        let transport = Self {
            connection,
            shared,
            senders,
            gathered: gathered_receiver,
            exchange: tokio::sync::Mutex::new(Exchange::new(config.video_slots)),
            offered: Mutex::default(),
            commands,
            sending: Mutex::new(Some(sending)),
            detour: Detour::default(),
        };
        Ok((transport, receiver))
    }

    /// What media is encrypted with, as `SRTP_AEAD_AES_128_GCM`; `None` before DTLS is done.
    pub async fn srtp_cipher(&self) -> Option<String> {
        let report = self.connection.get_stats(Instant::now(), StatsSelector::None).await;
        report.transport().map(|transport| transport.srtp_cipher.clone()).filter(|cipher| !cipher.is_empty())
    }

    async fn local_offer(&self, exchange: &mut Exchange) -> Result<String, TransportError> {
        exchange.grows = false;
        let offer = self.connection.create_offer(None).await.map_err(failed)?;
        let closed = std::mem::take(&mut *self.offered.lock().unwrap_or_else(PoisonError::into_inner));
        let mut gathered = self.gathered.clone();
        gathered.mark_unchanged();
        self.connection.set_local_description(offer).await.map_err(failed)?;
        let sdp = self.gathered_offer(&mut gathered, &closed).await?;
        *self.offered.lock().unwrap_or_else(PoisonError::into_inner) = candidates(&sdp);
        Ok(sdp)
    }

    /// Waits for the candidates of the present sockets. The notice of completeness may be that of an earlier gathering
    /// (a restart gathers twice), so it only shortens the wait: two looks that show the same candidates are what counts.
    async fn gathered_offer(
        &self,
        gathered: &mut watch::Receiver<u64>,
        closed: &HashSet<SocketAddr>,
    ) -> Result<String, TransportError> {
        let begun = Instant::now();
        let mut before = None;
        loop {
            let complete = tokio::time::timeout(LOOK_INTERVAL, gathered.changed()).await.is_ok();
            let description = self.connection.local_description().await.ok_or(TransportError::Closed)?;
            let offer = tidy_offer(&description.sdp, |address| !closed.contains(address));
            let sure = closed.is_empty() && complete || offer == before || begun.elapsed() > GATHERING;
            match offer {
                Some(offer) if sure => return Ok(offer),
                None if begun.elapsed() > GATHERING => return Err(TransportError::NoCandidates),
                offer => before = offer,
            }
        }
    }

    async fn first_offer(&self) -> Result<Offer, TransportError> {
        let sdp = self.local_offer(&mut *self.exchange.lock().await).await?;
        let mut tracks = Vec::new();
        for (config, transceiver) in &self.senders {
            let mid = transceiver.mid().await.map_err(failed)?;
            let mid = mid.ok_or_else(|| TransportError::Setup("a sender has no m-line".into()))?;
            let layers = if is_simulcast(config) { config.layers.clone() } else { Vec::new() };
            tracks.push(TrackOffer { mid, source: config.source, layers });
        }
        Ok(Offer { sdp, tracks })
    }

    async fn take_answer(&self, sdp: &str) -> Result<(), TransportError> {
        let exchange = self.exchange.lock().await;
        let mut senders = Vec::new();
        for (_, transceiver) in &self.senders {
            let mid = transceiver.mid().await.map_err(failed)?.unwrap_or_default();
            senders.push(Arc::from(mid));
        }
        let negotiated = Negotiated::from_answer(sdp, senders)?;
        let unusable = |error: webrtc::error::Error| TransportError::Answer(error.to_string());
        let answer = RTCSessionDescription::answer(sdp.to_owned()).map_err(unusable)?;
        self.shared.streams_go_on.store(exchange.grows, Ordering::Relaxed);
        self.connection.set_remote_description(answer).await.map_err(unusable)?;
        self.shared.set_negotiated(negotiated);
        if !exchange.grows {
            // More slots come on the way there is, which may be the relay's.
            self.detour.begin(&self.connection, &self.shared, sdp);
        }
        Ok(())
    }

    async fn restart(&self) -> Result<String, TransportError> {
        let mut exchange = self.exchange.lock().await;
        self.shared.forget_path();
        self.connection.restart_ice().await.map_err(failed)?;
        self.local_offer(&mut exchange).await
    }

    async fn end(&self) {
        self.shared.connected.store(false, Ordering::Relaxed);
        self.detour.end();
        let sending = self.sending.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(sending) = sending {
            sending.abort();
            // Closing twice, or after the driver has ended, is no error worth telling.
            let _ = self.connection.close().await;
            self.shared.announce(TransportEvent::Closed);
        }
    }
}

impl Transport for WebrtcTransport {
    fn offer(&self) -> BoxFuture<'_, Result<Offer, TransportError>> {
        Box::pin(self.first_offer())
    }

    fn set_relay(&self, way: RelayWay) {
        self.detour.set(way);
    }

    fn accept_answer<'a>(&'a self, sdp: &'a str) -> BoxFuture<'a, Result<(), TransportError>> {
        Box::pin(self.take_answer(sdp))
    }

    fn restart_offer(&self) -> BoxFuture<'_, Result<String, TransportError>> {
        Box::pin(self.restart())
    }

    fn grow_offer(&self, video_slots: usize) -> BoxFuture<'_, Result<String, TransportError>> {
        Box::pin(self.grow(video_slots))
    }

    fn send(&self, packet: OutgoingPacket) {
        if self.commands.try_send(Command::Packet(packet)).is_err() {
            self.shared.counters.outgoing_dropped.add(1);
        }
    }

    fn request_keyframe(&self, mid: &str) {
        // When the queue is full, the one who misses the key frame asks again.
        let _ = self.commands.try_send(Command::RequestKeyframe(Arc::from(mid)));
    }

    fn stats(&self) -> TransportStats {
        self.shared.stats()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.end())
    }
}

impl Drop for WebrtcTransport {
    fn drop(&mut self) {
        let sending = self.sending.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(sending) = sending {
            sending.abort();
            let connection = Arc::clone(&self.connection);
            if let Ok(runtime) = tokio::runtime::Handle::try_current() {
                runtime.spawn(async move { connection.close().await });
            }
        }
    }
}

fn failed(error: webrtc::error::Error) -> TransportError {
    match error {
        webrtc::error::Error::ErrConnectionClosed => TransportError::Closed,
        error => TransportError::Setup(error.to_string()),
    }
}

fn is_simulcast(config: &SenderConfig) -> bool {
    config.source.track_kind() == TrackKind::Video && config.layers.len() > 1
}

fn local_streams(senders: &[SenderConfig]) -> Vec<LocalStream> {
    let mut streams: Vec<LocalStream> = Vec::new();
    let mut new_ssrc = || loop {
        let ssrc = rand::random::<u32>();
        if ssrc != 0 {
            return ssrc;
        }
    };
    for (sender, config) in senders.iter().enumerate() {
        let layers: Vec<_> =
            if is_simulcast(config) { config.layers.iter().copied().map(Some).collect() } else { vec![None] };
        for layer in layers {
            let repair_ssrc = (config.source.track_kind() == TrackKind::Video).then(&mut new_ssrc);
            streams.push(LocalStream { source: config.source, layer, ssrc: new_ssrc(), repair_ssrc, sender });
        }
    }
    streams
}

async fn add_sender(
    connection: &dyn PeerConnection,
    shared: &Shared,
    index: usize,
    config: &SenderConfig,
) -> Result<(Arc<TrackLocalStaticRTP>, Arc<dyn RtpTransceiver>), TransportError> {
    let (kind, codec) = match config.source.track_kind() {
        TrackKind::Audio => (RtpCodecKind::Audio, setup::opus()),
        TrackKind::Video => (RtpCodecKind::Video, setup::h264()),
    };
    let encodings: Vec<_> = shared
        .local
        .iter()
        .filter(|stream| stream.sender == index)
        .map(|stream| RTCRtpEncodingParameters {
            rtp_coding_parameters: RTCRtpCodingParameters {
                rid: stream.layer.map(|layer| layer.rid().to_owned()).unwrap_or_default(),
                ssrc: Some(stream.ssrc),
                // Without an SSRC named here no retransmission is negotiated.
                rtx: stream.repair_ssrc.map(|ssrc| RTCRtpRtxParameters { ssrc }),
                fec: None,
            },
            active: true,
            codec: codec.clone(),
            ..RTCRtpEncodingParameters::default()
        })
        .collect();
    let name = format!("{:?}", config.source).to_lowercase();
    let track = MediaStreamTrack::new("confab".to_owned(), name.clone(), name, kind, encodings.clone());
    let track = Arc::new(TrackLocalStaticRTP::new(track));
    let init = RTCRtpTransceiverInit {
        direction: RTCRtpTransceiverDirection::Sendonly,
        streams: Vec::new(),
        send_encodings: encodings,
    };
    let transceiver = connection
        .add_transceiver_from_track(Arc::clone(&track) as Arc<dyn TrackLocal>, Some(init))
        .await
        .map_err(failed)?;
    Ok((track, transceiver))
}

//! A client: str0m in RTP mode, sending made-up media that can be checked packet by packet.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use confab_protocol::{Layer, ParticipantId, SourceKind, TrackKind, TrackOffer};
use confab_rtp::codec::dependency_descriptor;
use confab_rtp::wire::view::is_rtcp;
use confab_sfu::keys::{self, MediaKeys};
use str0m::change::{SdpAnswer, SdpPendingOffer};
use str0m::format::Codec;
use str0m::media::{Direction, MediaKind, Mid, Rid, Simulcast, SimulcastLayer};
use str0m::net::{DatagramRecv, Protocol, Receive};
use str0m::rtp::{Extension, ExtensionSerializer, ExtensionValues, RtpWrite};
use str0m::{Candidate, Event, Input, Output, Rtc, RtcConfig};

use crate::viewer::Viewer;

/// One that str0m leaves free.
const DESCRIPTOR_ID: u8 = 12;

/// An extension that the insider writes itself.
#[derive(Debug)]
struct NegotiatedOnly;

impl ExtensionSerializer for NegotiatedOnly {
    fn write_to(&self, _buffer: &mut [u8], _values: &ExtensionValues) -> usize {
        0
    }

    fn parse_value(&self, _buffer: &[u8], _values: &mut ExtensionValues) -> bool {
        false
    }

    fn is_video(&self) -> bool {
        true
    }

    fn is_audio(&self) -> bool {
        false
    }
}

/// What a client offers.
#[derive(Clone)]
pub struct Offered {
    pub tracks: Vec<(SourceKind, Vec<Layer>)>,
    pub audio_slots: usize,
    pub video_slots: usize,
}

impl Default for Offered {
    fn default() -> Self {
        Self {
            tracks: vec![
                (SourceKind::Microphone, vec![]),
                (SourceKind::Camera, Layer::ALL.to_vec()),
                (SourceKind::Screen, vec![]),
            ],
            audio_slots: 4,
            video_slots: 4,
        }
    }
}

/// One media packet as it arrived.
#[derive(Clone, Debug)]
pub struct Received {
    pub at: Instant,
    pub sequence: u64,
    pub timestamp: u32,
    pub marker: bool,
    pub audio_level: Option<i8>,
    pub descriptor: Option<Vec<u8>>,
    pub payload: Arc<[u8]>,
}

/// What a made-up video payload says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mark {
    pub keyframe_start: bool,
    pub layer: u8,
    pub frame: u32,
    pub packet: u8,
}

impl Received {
    pub fn mark(&self) -> Mark {
        let payload = &self.payload;
        Mark {
            keyframe_start: payload[0] == 0x67,
            layer: payload[1],
            frame: u32::from_be_bytes(payload[2..6].try_into().unwrap()),
            packet: payload[6],
        }
    }

    /// The number in a made-up voice payload.
    pub fn counter(&self) -> u32 {
        u32::from_be_bytes(self.payload[0..4].try_into().unwrap())
    }
}

/// One layer being sent.
pub struct Stream {
    pub rid: Option<Rid>,
    pub sequence: u64,
    pub frame: u32,
    pub keyframe_due: bool,
    pub keyframes: u32,
    /// Keyframes asked of it.
    pub asked: u32,
}

pub struct Track {
    pub mid: Mid,
    pub source: SourceKind,
    pub streams: Vec<Stream>,
    pub layers: Vec<Layer>,
}

pub struct Client {
    pub id: ParticipantId,
    pub rtc: Rtc,
    pub address: SocketAddr,
    pub tracks: Vec<Track>,
    pub slots: Vec<Mid>,
    /// The last one, as SDP.
    pub answer: String,
    pub received: Vec<(Mid, Received)>,
    pub outgoing: Vec<(SocketAddr, SocketAddr, Vec<u8>)>,
    pub deadline: Instant,
    /// When each picture was sent: layer, picture, packets.
    pub shown: Vec<(Instant, u8, u32, u8)>,
    /// When each voice packet was sent, and how many bytes each has.
    pub spoken: Vec<Instant>,
    pub voice_bytes: usize,
    pub connected: bool,
    pub closed: bool,
    /// Its media path ended by an error.
    pub failed: bool,
    /// Of an insider that is connected: it protects and opens media itself; see [`Self::insider`].
    pub keys: Option<MediaKeys>,
    /// Media and reports that an insider opened.
    pub opened: Vec<(Instant, Vec<u8>)>,
    /// Takes what an insider opened, asks for what is missing and reports, as our clients do; see [`Self::watch`].
    pub viewer: Option<Viewer>,
    server: Option<SocketAddr>,
    /// Media datagrams that came and did not open.
    pub unopened: u64,
    /// When anything came last, media or not.
    pub last_datagram: Instant,
    /// The longest time without anything coming, since the last reset.
    pub longest_silence: Duration,
}

impl Client {
    pub fn new(now: Instant, address: SocketAddr) -> Self {
        let mut config = RtcConfig::new()
            .set_crypto_provider(Arc::new(str0m::crypto::from_feature_flags()))
            .set_rtp_mode(true)
            .clear_codecs()
            .enable_opus(true, false)
            .set_send_buffer_video(1_000);
        config.codec_config().add_h264(102.into(), Some(103.into()), true, 0x42_e0_1f);
        Self::built(now, address, &config)
    }

    /// Its pictures, both ways, are of this codec.
    pub fn of(now: Instant, address: SocketAddr, codec: Codec) -> Self {
        let mut config = RtcConfig::new()
            .set_crypto_provider(Arc::new(str0m::crypto::from_feature_flags()))
            .set_rtp_mode(true)
            .clear_codecs()
            .enable_opus(true, false)
            .set_extension(11, Extension::with_serializer(dependency_descriptor::URI, DescriptorExtension))
            .set_send_buffer_video(1_000);
        match codec {
            Codec::Vp8 => config.codec_config().enable_vp8(true),
            Codec::Vp9 => config.codec_config().enable_vp9(true),
            Codec::Av1 => config.codec_config().enable_av1(true),
            _ => config.codec_config().add_h264(102.into(), Some(103.into()), true, 0x42_e0_1f),
        }
        Self::built(now, address, &config)
    }

    /// A member that means harm: it has the keys of its own path, and writes what it likes.
    pub fn insider(now: Instant, address: SocketAddr) -> Self {
        let config = RtcConfig::new().set_crypto_provider(keys::crypto_provider()).set_rtp_mode(true);
        // As browsers have it; str0m by itself does not.
        let descriptor = Extension::with_serializer(dependency_descriptor::URI, NegotiatedOnly);
        let config = config.set_extension(DESCRIPTOR_ID, descriptor);
        Self::built(now, address, &config)
    }

    fn built(now: Instant, address: SocketAddr, config: &RtcConfig) -> Self {
        let mut rtc = config.clone().build(now);
        rtc.add_local_candidate(Candidate::host(address, "udp").unwrap());
        Self {
            id: ParticipantId::new(),
            rtc,
            address,
            tracks: vec![],
            answer: String::new(),
            slots: vec![],
            received: vec![],
            outgoing: vec![],
            deadline: now,
            shown: vec![],
            spoken: vec![],
            voice_bytes: 80,
            connected: false,
            closed: false,
            failed: false,
            keys: None,
            opened: vec![],
            viewer: None,
            server: None,
            unopened: 0,
            last_datagram: now,
            longest_silence: Duration::ZERO,
        }
    }

    pub fn offer(&mut self, offered: &Offered) -> (String, Vec<TrackOffer>, SdpPendingOffer) {
        let mut api = self.rtc.sdp_api();
        let mut tracks = vec![];
        for (source, layers) in &offered.tracks {
            let kind = if source.track_kind() == TrackKind::Audio { MediaKind::Audio } else { MediaKind::Video };
            let simulcast = (!layers.is_empty()).then(|| {
                let mut simulcast = Simulcast::new();
                for layer in layers {
                    simulcast.add_send_layer(SimulcastLayer::new(layer.rid()));
                }
                simulcast
            });
            let mid = api.add_media(kind, Direction::SendOnly, None, None, simulcast);
            let rids: Vec<Option<Rid>> = match layers.len() {
                0 => vec![None],
                _ => layers.iter().map(|layer| Some(Rid::from(layer.rid()))).collect(),
            };
            let stream = |rid| Stream { rid, sequence: 60_000, frame: 0, keyframe_due: true, keyframes: 0, asked: 0 };
            tracks.push(Track {
                mid,
                source: *source,
                streams: rids.into_iter().map(stream).collect(),
                layers: layers.clone(),
            });
        }
        for _ in 0..offered.audio_slots {
            self.slots.push(api.add_media(MediaKind::Audio, Direction::RecvOnly, None, None, None));
        }
        for _ in 0..offered.video_slots {
            self.slots.push(api.add_media(MediaKind::Video, Direction::RecvOnly, None, None, None));
        }
        let (offer, pending) = api.apply().unwrap();
        let offers = tracks
            .iter()
            .map(|track| TrackOffer { mid: track.mid.to_string(), source: track.source, layers: track.layers.clone() })
            .collect();
        self.tracks = tracks;
        (offer.to_sdp_string(), offers, pending)
    }

    pub fn accept(&mut self, pending: SdpPendingOffer, answer: &str) {
        answer.clone_into(&mut self.answer);
        let answer = SdpAnswer::from_sdp_string(answer).unwrap();
        self.rtc.sdp_api().accept_answer(pending, answer).unwrap();
        for track in self.tracks.iter().filter(|track| track.source.track_kind() == TrackKind::Video) {
            for stream in &track.streams {
                // As our clients do: whatever is asked for is sent again, however much that is.
                let mut direct = self.rtc.direct_api();
                let sender = direct.stream_tx_by_mid(track.mid, stream.rid).unwrap();
                sender.set_rtx_cache(1_000, Duration::from_secs(2), None);
            }
        }
    }

    pub fn handle(&mut self, now: Instant, source: SocketAddr, contents: &[u8]) {
        self.longest_silence = self.longest_silence.max(now - self.last_datagram);
        self.last_datagram = now;
        if let (Some(keys), Some(128..=191)) = (&mut self.keys, contents.first()) {
            let mut packet = contents.to_vec();
            let opened = if is_rtcp(contents) {
                keys.inbound.open_rtcp(&mut packet).ok()
            } else {
                keys.inbound.open_rtp(&mut packet).ok().map(|opened| opened.payload.end)
            };
            match opened {
                Some(length) => {
                    packet.truncate(length);
                    match &mut self.viewer {
                        Some(viewer) if !is_rtcp(&packet) => self.received.extend(viewer.take(now, &packet)),
                        _ => self.opened.push((now, packet)),
                    }
                }
                None => self.unopened += 1,
            }
            self.say(now, source);
            return;
        }
        let Ok(parsed) = DatagramRecv::try_from(contents) else { return };
        let receive = Receive { proto: Protocol::Udp, source, destination: self.address, contents: parsed };
        // Somebody else answered to its handshake: this client is lost, the others are not.
        self.failed |= self.failed || self.rtc.handle_input(Input::Receive(now, receive)).is_err();
        self.drain(now);
    }

    /// An insider receives pictures from now on as our clients do.
    pub fn watch(&mut self) {
        self.viewer = Some(Viewer::of(&self.answer));
    }

    fn say(&mut self, now: Instant, server: SocketAddr) {
        let (Some(viewer), Some(keys)) = (&mut self.viewer, &mut self.keys) else { return };
        viewer.say(now, keys, |report| self.outgoing.push((self.address, server, report)));
        self.server = Some(server);
        self.deadline = viewer.due().map_or(self.deadline, |due| due.min(self.deadline));
    }

    pub fn advance(&mut self, now: Instant) {
        if self.failed {
            return;
        }
        self.rtc.handle_input(Input::Timeout(now)).unwrap();
        self.drain(now);
        if let Some(server) = self.server {
            self.say(now, server);
        }
    }

    fn drain(&mut self, now: Instant) {
        if self.failed {
            return;
        }
        self.drain_path(now);
        // Only an insider's handshake exports them.
        self.keys = keys::take_exported().or(self.keys.take());
    }

    fn drain_path(&mut self, now: Instant) {
        loop {
            match self.rtc.poll_output().unwrap() {
                Output::Timeout(at) if at > now => {
                    self.deadline = at;
                    return;
                }
                Output::Timeout(_) => self.rtc.handle_input(Input::Timeout(now)).unwrap(),
                Output::Transmit(transmit) => {
                    self.outgoing.push((transmit.source, transmit.destination, transmit.contents.into()));
                }
                Output::Event(event) => self.event(now, event),
            }
        }
    }

    fn event(&mut self, now: Instant, event: Event) {
        match event {
            Event::Connected => self.connected = true,
            Event::Closed => self.closed = true,
            Event::KeyframeRequest(request) => {
                for track in self.tracks.iter_mut().filter(|track| track.mid == request.mid) {
                    for stream in track.streams.iter_mut().filter(|stream| stream.rid == request.rid) {
                        stream.keyframe_due = true;
                        stream.asked += 1;
                    }
                }
            }
            Event::RtpPacket(packet) => {
                let mid = self.rtc.direct_api().stream_rx(&packet.header.ssrc).unwrap().mid();
                self.received.push((
                    mid,
                    Received {
                        at: now,
                        sequence: *packet.seq_no,
                        timestamp: packet.header.timestamp,
                        marker: packet.header.marker,
                        audio_level: packet.header.ext_vals.audio_level,
                        descriptor: packet.header.ext_vals.user_values.get::<Descriptor>().map(|one| one.0.clone()),
                        payload: packet.payload.clone(),
                    },
                ));
            }
            _ => {}
        }
    }

    pub fn track(&mut self, source: SourceKind) -> &mut Track {
        self.tracks.iter_mut().find(|track| track.source == source).unwrap()
    }

    /// Sends one voice packet of 20 ms.
    pub fn speak(&mut self, now: Instant, level: i8) {
        let pt = self.rtc.codec_config().find(|params| params.spec().codec == Codec::Opus).unwrap().pt();
        let track = self.track(SourceKind::Microphone);
        let (mid, stream) = (track.mid, &mut track.streams[0]);
        stream.sequence += 1;
        stream.frame += 1;
        let (sequence, frame) = (stream.sequence, stream.frame);
        let mut payload = frame.to_be_bytes().to_vec();
        payload.resize(self.voice_bytes, 0);
        self.spoken.push(now);
        self.deadline = now;
        let extensions = ExtensionValues {
            audio_level: Some(level),
            voice_activity: Some(level > -50),
            ..ExtensionValues::default()
        };
        let write = RtpWrite::new(pt, sequence.into(), frame.wrapping_mul(960), now, payload).ext_vals(extensions);
        self.rtc.direct_api().stream_tx_by_mid(mid, None).unwrap().write_rtp(write);
    }

    /// Sends one picture of each given layer, as so many packets of so many bytes.
    pub fn show(&mut self, now: Instant, source: SourceKind, layers: &[usize], packets: u8, bytes: usize) {
        let pt = self.rtc.codec_config().find(|params| params.spec().codec == Codec::H264).unwrap().pt();
        let index = self.tracks.iter().position(|track| track.source == source).unwrap();
        let mid = self.tracks[index].mid;
        self.deadline = now;
        for layer in layers {
            let stream = &mut self.tracks[index].streams[*layer];
            let keyframe = std::mem::take(&mut stream.keyframe_due);
            stream.keyframes += u32::from(keyframe);
            stream.frame += 1;
            self.shown.push((now, *layer as u8, stream.frame, packets));
            for packet in 0..packets {
                let stream = &mut self.tracks[index].streams[*layer];
                stream.sequence += 1;
                let kind = match (keyframe, packet) {
                    (true, 0) => 0x67,
                    (true, _) => 0x65,
                    (false, _) => 0x41,
                };
                let mut payload = vec![kind, *layer as u8];
                payload.extend(stream.frame.to_be_bytes());
                payload.push(packet);
                payload.resize(bytes, 0);
                // Layers of one picture carry the same time.
                let timestamp = stream.frame.wrapping_mul(3_000);
                let write = RtpWrite::new(pt, stream.sequence.into(), timestamp, now, payload)
                    .marker(packet + 1 == packets)
                    .nackable(true);
                let rid = stream.rid;
                self.rtc.direct_api().stream_tx_by_mid(mid, rid).unwrap().write_rtp(write);
            }
        }
    }

    /// Sends one packet of a picture as it is, on a track's only stream.
    pub fn write(&mut self, now: Instant, source: SourceKind, packet: Written) {
        let pt = self.rtc.codec_config().find(|params| params.spec().codec.is_video()).unwrap().pt();
        self.deadline = now;
        let mid = self.track(source).mid;
        let mut extensions = ExtensionValues::default();
        if let Some(descriptor) = packet.descriptor {
            extensions.user_values.set(Descriptor(descriptor));
        }
        let write = RtpWrite::new(pt, packet.sequence.into(), packet.timestamp, now, packet.payload)
            .marker(packet.marker)
            .nackable(true)
            .ext_vals(extensions);
        self.rtc.direct_api().stream_tx_by_mid(mid, None).unwrap().write_rtp(write);
    }

    pub fn ask_for_keyframe(&mut self, mid: Mid) {
        self.deadline = self.last_datagram;
        let ssrc = self.rtc.direct_api().stream_rx_by_mid(mid, None).unwrap().ssrc();
        let mut direct = self.rtc.direct_api();
        direct.stream_rx(&ssrc).unwrap().request_keyframe(str0m::media::KeyframeRequestKind::Pli);
    }

    /// What came on one slot, in order of arrival.
    pub fn on(&self, mid: &str) -> Vec<Received> {
        let mid = Mid::from(mid);
        self.received.iter().filter(|(on, _)| *on == mid).map(|(_, received)| received.clone()).collect()
    }
}

/// A packet to be sent as it is.
pub struct Written {
    pub sequence: u64,
    pub timestamp: u32,
    pub marker: bool,
    pub payload: Vec<u8>,
    pub descriptor: Option<Vec<u8>>,
}

/// A dependency descriptor, as str0m carries it.
#[derive(Debug)]
struct Descriptor(Vec<u8>);

#[derive(Debug)]
struct DescriptorExtension;

impl ExtensionSerializer for DescriptorExtension {
    fn write_to(&self, buffer: &mut [u8], values: &ExtensionValues) -> usize {
        let Some(Descriptor(bytes)) = values.user_values.get::<Descriptor>() else { return 0 };
        buffer[..bytes.len()].copy_from_slice(bytes);
        bytes.len()
    }

    fn parse_value(&self, buffer: &[u8], values: &mut ExtensionValues) -> bool {
        values.user_values.set(Descriptor(buffer.to_vec()));
        true
    }

    fn is_video(&self) -> bool {
        true
    }

    fn is_audio(&self) -> bool {
        false
    }

    fn requires_two_byte_form(&self, values: &ExtensionValues) -> bool {
        values.user_values.get::<Descriptor>().is_some_and(|Descriptor(bytes)| bytes.len() > 16)
    }
}

//! The task that sends: gives packets their numbers and extensions at the moment they leave, at the pace of the
//! estimate.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use confab_protocol::{Layer, SourceKind, TrackKind};
use confab_rtp::pacer::AUDIO_PRIORITY;
use confab_rtp::{Pacer, PacerConfig};
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtp;
use tokio::sync::mpsc;
use tokio::time::sleep_until;
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::media_stream::track_remote::TrackRemote;

use super::negotiated::{ExtensionIds, Negotiated};
use super::shared::Shared;
use crate::transport::{H264_PAYLOAD_TYPE, OPUS_PAYLOAD_TYPE, OutgoingPacket, TransportEvent};

/// RTP header, the usual extensions, SRTP tag, UDP and IP.
pub(super) const OVERHEAD: usize = 12 + 32 + 16 + 8 + 20;

/// A key frame of one slot is not asked for again sooner.
const KEYFRAME_INTERVAL: Duration = Duration::from_millis(100);

/// Seconds from 1900 to 1970.
const NTP_EPOCH: Duration = Duration::from_hours(613_608);

pub(super) enum Command {
    Packet(OutgoingPacket),
    RequestKeyframe(Arc<str>),
}

/// RTCP needs some track to leave by; which one does not matter.
pub(super) type RemoteTrack = Arc<Mutex<Option<Arc<dyn TrackRemote>>>>;

struct Stream {
    sequence: u16,
    priority: u8,
    payload_type: u8,
}

pub(super) struct Sending {
    shared: Arc<Shared>,
    /// By sender.
    tracks: Vec<Arc<TrackLocalStaticRTP>>,
    remote: RemoteTrack,
    by_name: HashMap<(SourceKind, Option<Layer>), usize>,
    streams: Vec<Stream>,
    pacer: Pacer<usize, (usize, OutgoingPacket)>,
    asked: HashMap<Arc<str>, Instant>,
    clock: (Instant, Duration),
}

impl Sending {
    pub fn new(shared: Arc<Shared>, tracks: Vec<Arc<TrackLocalStaticRTP>>, remote: RemoteTrack) -> Self {
        let by_name =
            shared.local.iter().enumerate().map(|(index, stream)| ((stream.source, stream.layer), index)).collect();
        let streams = shared
            .local
            .iter()
            .map(|stream| Stream {
                // The lower half leaves room for loss at the beginning without doubt about the wrap (RFC 3711, 3.3.1).
                sequence: rand::random::<u16>() >> 1,
                priority: priority(stream.source, stream.layer),
                payload_type: match stream.source.track_kind() {
                    TrackKind::Audio => OPUS_PAYLOAD_TYPE,
                    TrackKind::Video => H264_PAYLOAD_TYPE,
                },
            })
            .collect();
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let pacer = Pacer::new(PacerConfig::default(), shared.estimate());
        Self {
            shared,
            tracks,
            remote,
            by_name,
            streams,
            pacer,
            asked: HashMap::new(),
            clock: (Instant::now(), since_1970 + NTP_EPOCH),
        }
    }

    /// Runs until the transport's handle is gone.
    pub async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        loop {
            let deadline = self.pacer.next_deadline();
            let due = async {
                match deadline {
                    Some(deadline) => sleep_until(deadline.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                command = commands.recv() => {
                    let Some(command) = command else { return };
                    self.take(command).await;
                    while let Ok(command) = commands.try_recv() {
                        self.take(command).await;
                    }
                }
                () = due => {}
            }
            self.send_due().await;
        }
    }

    async fn take(&mut self, command: Command) {
        match command {
            Command::Packet(packet) => self.queue(packet),
            Command::RequestKeyframe(mid) => self.request_keyframe(mid).await,
        }
    }

    fn queue(&mut self, packet: OutgoingPacket) {
        let name = (packet.source, packet.layer);
        let index = self.by_name.get(&name).or_else(|| self.by_name.get(&(packet.source, None))).copied();
        let Some(index) = index.filter(|_| self.shared.connected.load(Ordering::Relaxed)) else {
            self.shared.counters.outgoing_dropped.add(1);
            return;
        };
        let bytes = packet.payload.len() + OVERHEAD;
        self.pacer.push(Instant::now(), index, self.streams[index].priority, bytes, (index, packet));
    }

    async fn send_due(&mut self) {
        self.pacer.set_estimate(self.shared.estimate());
        for index in self.pacer.expire(Instant::now()) {
            // The gap tells the receivers; the key frame lets them go on.
            self.streams[index].sequence = self.streams[index].sequence.wrapping_add(1);
            self.shared.counters.outgoing_dropped.add(1);
            let stream = &self.shared.local[index];
            self.shared.announce(TransportEvent::KeyframeRequest { source: stream.source, layer: stream.layer });
        }
        let negotiated = self.shared.negotiated();
        while let Some((index, packet)) = self.pacer.poll(Instant::now()) {
            let sender = self.shared.local[index].sender;
            let Some(packet) = self.packet(&negotiated, index, packet) else {
                self.shared.counters.outgoing_dropped.add(1);
                continue;
            };
            if self.tracks[sender].write_rtp(packet).await.is_err() {
                self.shared.counters.outgoing_dropped.add(1);
            }
        }
    }

    fn packet(&mut self, negotiated: &Negotiated, index: usize, packet: OutgoingPacket) -> Option<rtp::Packet> {
        let local = &self.shared.local[index];
        let (mid, ids) = negotiated.sender(local.sender)?;
        let stream = &mut self.streams[index];
        let mut header = rtp::Header {
            version: 2,
            marker: packet.marker,
            payload_type: stream.payload_type,
            sequence_number: stream.sequence,
            timestamp: packet.timestamp,
            ssrc: local.ssrc,
            ..rtp::Header::default()
        };
        let ExtensionIds { mid: mid_id, rid, abs_send_time, audio_level, .. } = ids;
        let values = [
            (mid_id, Some(Bytes::copy_from_slice(mid.as_bytes()))),
            (rid, local.layer.map(|layer| Bytes::from_static(layer.rid().as_bytes()))),
            (abs_send_time, Some(self.abs_send_time())),
            (audio_level, packet.audio_level.map(|level| Bytes::copy_from_slice(&[level]))),
        ];
        for (id, value) in values {
            if let (Some(id), Some(value)) = (id, value) {
                header.set_extension(id, value).ok()?;
            }
        }
        let stream = &mut self.streams[index];
        stream.sequence = stream.sequence.wrapping_add(1);
        Some(rtp::Packet { header, payload: packet.payload })
    }

    /// 24 bits: seconds with 18 bits after the point.
    fn abs_send_time(&self) -> Bytes {
        let (origin, since_1900) = self.clock;
        let now = since_1900 + origin.elapsed();
        let fraction = (u64::from(now.subsec_nanos()) << 18) / 1_000_000_000;
        let value = ((now.as_secs() << 18) | fraction) as u32;
        Bytes::copy_from_slice(&value.to_be_bytes()[1..])
    }

    async fn request_keyframe(&mut self, mid: Arc<str>) {
        let now = Instant::now();
        if self.asked.get(&mid).is_some_and(|last| now.saturating_duration_since(*last) < KEYFRAME_INTERVAL) {
            return;
        }
        let negotiated = self.shared.negotiated();
        let Some(media_ssrc) = negotiated.lines.get(&mid).and_then(|line| line.ssrc) else { return };
        self.asked.insert(mid, now);
        let sender_ssrc = self.shared.local.first().map_or(1, |stream| stream.ssrc);
        let request = PictureLossIndication { sender_ssrc, media_ssrc };
        // A request that is lost is made again by whoever misses the key frame.
        if let Some(track) = self.tracks.first() {
            let _ = track.write_rtcp(vec![Box::new(request)]).await;
        } else {
            let remote = self.remote.lock().unwrap_or_else(PoisonError::into_inner).clone();
            if let Some(track) = remote {
                let _ = track.write_rtcp(vec![Box::new(request)]).await;
            }
        }
    }
}

fn priority(source: SourceKind, layer: Option<Layer>) -> u8 {
    match (source, layer) {
        (SourceKind::Microphone | SourceKind::ScreenAudio, _) => AUDIO_PRIORITY,
        (_, Some(Layer::Quarter)) => 1,
        (SourceKind::Screen, _) => 2,
        (_, Some(Layer::Half)) => 3,
        _ => 4,
    }
}

//! The stage next to the application: hands media out by slot, and requests for key frames by source.
//!
//! The `webrtc` crate's own way out (a task and a queue of 256 packets per track, without arrival times) is not used:
//! packets end here.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use confab_rtp::SeenWindow;
use rtc::interceptor::{Packet, TaggedPacket};
use rtc::rtcp;
use rtc::rtcp::payload_feedbacks::full_intra_request::FullIntraRequest;
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtcp::sender_report::SenderReport;
use rtc::rtp;

use super::shared::Shared;
use super::stage::Stage;
use crate::transport::{IncomingPacket, RTX_PAYLOAD_TYPE, TransportEvent};

struct Stream {
    mid: Arc<str>,
    seen: SeenWindow,
    audio_level: Option<u8>,
    missing: u64,
}

pub(super) struct Tap {
    shared: Arc<Shared>,
    streams: HashMap<u32, Stream>,
}

/// More streams than any answer names are nonsense.
const MOST_STREAMS: usize = 512;

impl Tap {
    pub fn new(shared: Arc<Shared>) -> Self {
        Self { shared, streams: HashMap::new() }
    }

    fn media(&mut self, now: Instant, packet: rtp::Packet) {
        let header = &packet.header;
        if header.payload_type == RTX_PAYLOAD_TYPE {
            return;
        }
        if !self.streams.contains_key(&header.ssrc) && !self.begin(header) {
            self.shared.counters.unknown.add(1);
            return;
        }
        let Some(stream) = self.streams.get_mut(&header.ssrc) else { return };
        if !stream.seen.is_new(header.sequence_number) {
            self.shared.counters.duplicates.add(1);
            return;
        }
        let missing = stream.seen.missing();
        if missing != stream.missing {
            let total = self.shared.counters.missing.get() + missing;
            self.shared.counters.missing.set(total.saturating_sub(stream.missing));
            stream.missing = missing;
        }
        let audio_level = stream.audio_level.and_then(|id| header.get_extension(id)?.first().copied());
        self.shared.deliver(TransportEvent::Packet(IncomingPacket {
            mid: stream.mid.clone(),
            sequence: header.sequence_number,
            timestamp: header.timestamp,
            marker: header.marker,
            payload_type: header.payload_type,
            audio_level,
            arrived: now,
            payload: packet.payload,
        }));
    }

    /// Finds the slot of a new stream: by the answer's SSRCs, else by the mid in the packet (RFC 8843, 9.2).
    fn begin(&mut self, header: &rtp::Header) -> bool {
        let negotiated = self.shared.negotiated();
        let by_extension = || {
            let mid = header.get_extension(negotiated.mid_extension?)?;
            let (mid, _) = negotiated.lines.get_key_value(std::str::from_utf8(&mid).ok()?)?;
            Some(mid.clone())
        };
        let Some(mid) = negotiated.slots.get(&header.ssrc).cloned().or_else(by_extension) else { return false };
        if self.streams.len() >= MOST_STREAMS {
            return false;
        }
        let audio_level = negotiated.lines.get(&mid).and_then(|line| line.ids.audio_level);
        self.streams.insert(header.ssrc, Stream { mid, seen: SeenWindow::default(), audio_level, missing: 0 });
        true
    }

    fn control(&self, packet: &dyn rtcp::Packet) {
        let any = packet.as_any();
        if let Some(request) = any.downcast_ref::<PictureLossIndication>() {
            self.keyframe_wanted(request.media_ssrc);
        } else if let Some(request) = any.downcast_ref::<FullIntraRequest>() {
            for entry in &request.fir {
                self.keyframe_wanted(entry.ssrc);
            }
        } else if let Some(report) = any.downcast_ref::<SenderReport>()
            && let Some(stream) = self.streams.get(&report.ssrc)
        {
            self.shared.deliver(TransportEvent::SenderReport {
                mid: stream.mid.clone(),
                ntp: report.ntp_time,
                timestamp: report.rtp_time,
            });
        }
    }

    fn keyframe_wanted(&self, ssrc: u32) {
        if let Some(stream) = self.shared.by_ssrc.get(&ssrc).map(|&index| &self.shared.local[index]) {
            self.shared.announce(TransportEvent::KeyframeRequest { source: stream.source, layer: stream.layer });
        }
    }
}

impl Stage for Tap {
    fn read(&mut self, packet: TaggedPacket) -> Option<TaggedPacket> {
        let now = packet.now;
        match packet.message.packet {
            Packet::Rtp(rtp) => {
                self.media(now, rtp);
                None
            }
            Packet::Rtcp(ref reports) => {
                for report in reports {
                    self.control(report.as_ref());
                }
                Some(packet)
            }
            _ => Some(packet),
        }
    }
}

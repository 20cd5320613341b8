//! What members say in RTCP: how our streams reach them, what they miss, how theirs go.

use std::time::Instant;

use confab_rtp::transport_wide::SentKind;
use confab_rtp::wire::{HeaderWriter, Report, RtpHeader, SenderInfo, reports, rtx};

use crate::arena::Key;
use crate::ingress::stream::ReportedTime;
use crate::sfu::Sfu;

/// Numbers of one request that are looked at; more is a full link, or no honest client.
const MOST_WANTED: usize = 256;

impl Sfu {
    /// Takes in a compound RTCP packet, in clear.
    pub(crate) fn handle_reports(&mut self, now: Instant, from: Key, compound: &[u8]) {
        for report in reports(compound) {
            match report {
                Report::SenderReport { info, blocks } => {
                    self.note_sender_report(now, from, &info);
                    self.note_blocks(now, from, &blocks);
                }
                Report::ReceiverReport { blocks, .. } => self.note_blocks(now, from, &blocks),
                Report::Nack { media_ssrc, numbers, .. } => {
                    for number in numbers.into_iter().take(MOST_WANTED) {
                        self.repair(now, from, media_ssrc, number);
                    }
                }
                Report::Pli { media_ssrc, .. } => self.forward_keyframe_request(now, from, media_ssrc),
                Report::Fir { entries, .. } => {
                    for (media_ssrc, _) in entries {
                        self.forward_keyframe_request(now, from, media_ssrc);
                    }
                }
                Report::TransportFeedback(feedback) => {
                    if let Some(member) = self.members.get_mut(from) {
                        member.downlink.feedback(now, &feedback);
                    }
                }
                Report::Malformed => self.counters.dropped_malformed += 1,
                Report::Bye { .. } | Report::Other => {}
            }
        }
    }

    fn note_blocks(&mut self, now: Instant, from: Key, blocks: &[confab_rtp::wire::ReceptionBlock]) {
        let clock = self.clock(now);
        let Some(member) = self.members.get_mut(from) else { return };
        for block in blocks.iter().filter(|block| member.slots.iter().any(|slot| slot.ssrc == block.ssrc)) {
            member.downlink.reported(&clock, now, block);
        }
    }

    fn note_sender_report(&mut self, now: Instant, from: Key, info: &SenderInfo) {
        let ours = self.clock(now).at(now);
        let Some(member) = self.members.get_mut(from) else { return };
        let streams = member.tracks.iter_mut().flat_map(|track| &mut track.layers);
        if let Some(stream) = streams.into_iter().find(|stream| stream.ssrc == Some(info.ssrc)) {
            stream.log.on_sender_report(now, info.ntp);
            stream.report = Some(ReportedTime { ntp: info.ntp, timestamp: info.rtp_timestamp });
            member.sender_clock.note(info.ntp, ours);
        }
    }

    /// Sends a packet again that a receiver missed (RFC 4588), from the history of where it came from.
    fn repair(&mut self, now: Instant, receiver: Key, ssrc: u32, sequence: u16) {
        let Some(member) = self.members.get_mut(receiver) else { return };
        let Some(slot) = member.slots.iter_mut().find(|slot| slot.ssrc == ssrc) else { return };
        let Some(repair_ssrc) = slot.repair_ssrc else { return };
        let Some((sent, origin)) = slot.sent.wanted(now, sequence) else {
            self.counters.repairs_refused += 1;
            return;
        };
        let repair_sequence = slot.next_repair();
        let Some(publisher) = self.members.get(origin.publisher) else { return };
        let stream = publisher.tracks.get(origin.track).and_then(|track| track.layers.get(origin.layer));
        let Some(stream) = stream.filter(|stream| stream.epoch == origin.epoch) else { return };
        let Some(stored) = stream.history.get(now, sent.incoming) else {
            self.counters.repairs_refused += 1;
            return;
        };
        let header = RtpHeader {
            marker: stored.marker,
            payload_type: sent.repair_payload_type,
            sequence: repair_sequence as u16,
            timestamp: sent.timestamp,
            ssrc: repair_ssrc,
        };
        let transport_cc = self.members.get(receiver).and_then(|member| member.extensions.transport_cc);
        let mut buffer = self.outlet.buffer();
        let written = HeaderWriter::new(header).transport_cc(transport_cc).append(&mut buffer);
        rtx::append_original_sequence(&mut buffer, sequence);
        buffer.extend_from_slice(stored.payload);
        let Some(member) = self.members.get_mut(receiver) else { return };
        let (Some(route), Some(keys)) = (member.route, &member.keys) else { return };
        if !member.downlink.may_repair(now, buffer.len()) {
            self.counters.repairs_refused += 1;
            return self.outlet.unused(buffer);
        }
        let number = member.downlink.number(now, buffer.len(), SentKind::Repair);
        written.set_transport_cc(&mut buffer, number);
        let protected = buffer.len() + keys.outbound.profile().rtp_overhead();
        buffer.resize(protected, 0);
        if keys.outbound.protect_rtp(repair_sequence, &mut buffer).is_err() {
            return self.outlet.unused(buffer);
        }
        self.outlet.send(route, buffer);
        self.counters.packets_repaired += 1;
    }
}

//! What members say in RTCP: how our streams reach them, what they miss, how theirs go.

use std::time::{Duration, Instant};

use confab_rtp::wire::{Report, SenderInfo, reports};

use crate::arena::Key;
use crate::egress::again::{Reason, Repeated};
use crate::ingress::stream::{LayerStream, ReportedTime};
use crate::sfu::Sfu;

/// Numbers of one request that are looked at; more is a full link, or no honest client.
const MOST_WANTED: usize = 256;

/// Sender reports of a stream go to other cores no more often.
const REPORTS_APART: Duration = Duration::from_millis(200);

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
                        member.downlink.feedback(now, &feedback, &mut self.feedback);
                        self.repeat_lost(now, from);
                    }
                }
                Report::Malformed => self.counters.dropped_malformed += 1,
                Report::Bye { .. } | Report::Other => {}
            }
        }
        // Feedback may have begun a probe's time, repairs may have to wait.
        self.release(now, from);
        self.schedule(from, now);
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
        let reported = |stream: &LayerStream| stream.ssrc == Some(info.ssrc);
        let found = (member.tracks.iter().enumerate())
            .find_map(|(track, of)| Some((track, of.layers.iter().position(reported)?)));
        let Some((track, layer)) = found else { return };
        let crate::member::Member { tracks, sender_clock, .. } = member;
        let stream = &mut tracks[track].layers[layer];
        stream.log.on_sender_report(now, info.ntp);
        stream.report = Some(ReportedTime { ntp: info.ntp, timestamp: info.rtp_timestamp });
        sender_clock.note(info.ntp, ours);
        // Other cores need one now and then, however many come.
        let is_due = stream.report_relayed.is_none_or(|at| now.saturating_duration_since(at) >= REPORTS_APART);
        if is_due {
            stream.report_relayed = Some(now);
            self.relay_report(now, from, track, layer);
        }
    }

    /// Sends a packet again that a receiver missed.
    fn repair(&mut self, now: Instant, receiver: Key, ssrc: u32, sequence: u16) {
        match self.repeat(now, receiver, ssrc, sequence, Reason::Asked) {
            Repeated::Sent => self.counters.packets_repaired += 1,
            Repeated::OnItsWay => {}
            Repeated::Refused => self.counters.repairs_refused += 1,
        }
    }
}

//! What members are told in RTCP: how our streams go, how theirs came, what is missing of them.

use std::time::{Duration, Instant};

use confab_rtp::wire::{NtpClock, ReceptionBlock, RtcpWriter, SenderInfo};

use super::slot::Slot;
use crate::arena::{Arena, Key};
use crate::ingress::stream::ticks;
use crate::member::Member;
use crate::sfu::Sfu;

/// The name all our streams share (RFC 7022): clients see one sender, whoever they hear.
const CNAME: &str = "confab";

/// Sender reports in one datagram, 28 bytes each: beside them there is room for the blocks of what a member sends.
const SENDER_REPORTS: usize = 20;

/// Our name in reports to members that have no slots.
const NO_SLOT: u32 = 1;

impl Sfu {
    /// Sends one RTCP datagram to a member; `write` gets our own SSRC too.
    pub(crate) fn send_report(&mut self, now: Instant, key: Key, write: impl FnOnce(&mut RtcpWriter<'_>, u32)) {
        let Some(member) = self.members.get_mut(key) else { return };
        let (Some(route), Some(keys)) = (member.route, member.keys.as_mut()) else { return };
        let own = member.slots.first().map_or(NO_SLOT, |slot| slot.ssrc);
        let mut buffer = self.outlet.buffer();
        write(&mut RtcpWriter::new(&mut buffer), own);
        if buffer.is_empty() || keys.outbound.protect_rtcp(&mut buffer).is_err() {
            self.outlet.unused(buffer);
            return;
        }
        member.downlink.sent_at = now;
        self.outlet.send(route, buffer);
    }

    /// The regular reports of a member, when they are due; else a small one when nothing else was sent for a while.
    pub(crate) fn report(&mut self, now: Instant, key: Key) {
        let Some(member) = self.members.get_mut(key) else { return };
        if member.downlink.next_report <= now {
            member.downlink.next_report = now + self.config.report_interval;
            let clock = self.clock(now);
            let received = self.received(now, key);
            let mut sent: Vec<SenderInfo> = Vec::new();
            if let Some(member) = self.members.get(key) {
                sent.extend(member.slots.iter().filter_map(|slot| sender_info(&self.members, &clock, now, slot)));
            }
            let (first, rest) = sent.split_at(sent.len().min(SENDER_REPORTS));
            self.send_report(now, key, |report, own| {
                match first.split_first() {
                    None => {
                        report.receiver_report(own, &received);
                    }
                    Some((first, others)) => {
                        report.sender_report(*first, &received);
                        for info in others {
                            report.sender_report(*info, &[]);
                        }
                    }
                }
                report.cname(own, CNAME);
            });
            for some in rest.chunks(SENDER_REPORTS) {
                self.send_report(now, key, |report, _| {
                    for info in some {
                        report.sender_report(*info, &[]);
                    }
                });
            }
        } else if now.saturating_duration_since(member.downlink.sent_at) >= self.config.keepalive_interval {
            self.send_report(now, key, |report, own| {
                report.receiver_report(own, &[]);
            });
        }
    }

    fn received(&mut self, now: Instant, key: Key) -> Vec<ReceptionBlock> {
        let Some(member) = self.members.get_mut(key) else { return Vec::new() };
        let streams = member.tracks.iter_mut().flat_map(|track| &mut track.layers);
        let blocks: Vec<ReceptionBlock> =
            streams.filter_map(|stream| stream.log.reception_block(now, stream.ssrc?)).collect();
        if let Some(lost) = blocks.iter().map(|block| block.fraction_lost).max() {
            member.quality.note(now, f64::from(lost) / 256.0);
        }
        blocks
    }

    /// The clock of our reports.
    pub(crate) fn clock(&mut self, now: Instant) -> NtpClock {
        let since_epoch = self.config.unix_time;
        *self.clock.get_or_insert_with(|| NtpClock::new(now, since_epoch))
    }

    /// Tells a member when its packets came, for its own estimate of the way.
    pub(crate) fn tell_arrivals(&mut self, now: Instant, key: Key) {
        let Some(member) = self.members.get_mut(key) else { return };
        if member.arrivals.next_deadline().is_none_or(|due| due > now) {
            return;
        }
        let interval = feedback_interval(member.downlink.estimate());
        member.arrivals.set_interval(interval);
        let media = member.tracks.iter().flat_map(|track| &track.layers).find_map(|stream| stream.ssrc).unwrap_or(0);
        let own = member.slots.first().map_or(NO_SLOT, |slot| slot.ssrc);
        let mut scratch = std::mem::take(&mut self.scratch);
        while let Some(member) = self.members.get_mut(key)
            && member.arrivals.poll_feedback(now, own, media, {
                scratch.clear();
                &mut scratch
            })
        {
            self.send_written(now, key, &scratch);
        }
        self.scratch = scratch;
    }

    fn send_written(&mut self, now: Instant, key: Key, report: &[u8]) {
        let Some(member) = self.members.get_mut(key) else { return };
        let (Some(route), Some(keys)) = (member.route, member.keys.as_mut()) else { return };
        let mut buffer = self.outlet.buffer();
        buffer.extend_from_slice(report);
        if keys.outbound.protect_rtcp(&mut buffer).is_ok() {
            member.downlink.sent_at = now;
            self.outlet.send(route, buffer);
        } else {
            self.outlet.unused(buffer);
        }
    }

    /// Asks a member for what is missing of its streams.
    pub(crate) fn ask_for_missing(&mut self, now: Instant, key: Key) {
        let mut numbers = std::mem::take(&mut self.numbers);
        let mut track = 0;
        while let Some(layers) =
            self.members.get(key).and_then(|member| member.tracks.get(track)).map(|of| of.layers.len())
        {
            for layer in 0..layers {
                numbers.clear();
                let Some(member) = self.members.get_mut(key) else { break };
                let round_trip = member.downlink.round_trip().unwrap_or(self.config.unknown_round_trip);
                let stream = &mut member.tracks[track].layers[layer];
                let Some(ssrc) = stream.ssrc else { continue };
                if stream.log.next_deadline().is_none_or(|due| due > now) {
                    continue;
                }
                stream.log.poll_nacks(now, round_trip, &mut numbers);
                if !numbers.is_empty() {
                    self.send_report(now, key, |report, own| {
                        report.nack(own, ssrc, &numbers);
                    });
                }
            }
            track += 1;
        }
        self.numbers = numbers;
    }
}

/// How often a member is told what came: on a thin line feedback must leave room for voices.
fn feedback_interval(estimate: Option<u64>) -> Duration {
    /// A report with everything around it, bits.
    const REPORT: u64 = 720;
    /// The share of the estimate it may take: one in so many.
    const SHARE: u64 = 20;
    const SHORTEST: Duration = Duration::from_millis(50);
    const LONGEST: Duration = Duration::from_millis(250);
    let Some(estimate) = estimate else { return SHORTEST };
    Duration::from_millis(1_000 * REPORT * SHARE / estimate.max(1)).clamp(SHORTEST, LONGEST)
}

/// What we say of a slot's stream: the same moment by our clock and by its time, as its own sender told both, so that
/// sound and picture of one person can be shown together.
fn sender_info(members: &Arena<Member>, clock: &NtpClock, now: Instant, slot: &Slot) -> Option<SenderInfo> {
    if slot.packets == 0 {
        return None;
    }
    let feed = slot.feed.as_ref()?;
    let track = members.get(feed.publisher)?.tracks.get(feed.track)?;
    let stream = track.layers.get(feed.current?)?;
    let reported = stream.report?;
    let offset = slot.rewriter.timestamp_offset()?;
    let publisher = members.get(feed.publisher)?;
    let ntp = clock.at(now);
    let elapsed_us = publisher.sender_clock.since(reported.ntp, ntp)?;
    let ticks = ticks(elapsed_us, track.clock_rate());
    Some(SenderInfo {
        ssrc: slot.ssrc,
        ntp,
        rtp_timestamp: reported.timestamp.wrapping_add(ticks).wrapping_add(offset),
        packets: slot.packets,
        octets: slot.octets,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn feedback_takes_a_twentieth_of_a_thin_line_and_is_prompt_on_others() {
        let milliseconds = |estimate| feedback_interval(estimate).as_millis();
        assert_eq!(milliseconds(None), 50);
        assert_eq!(milliseconds(Some(3_000_000)), 50);
        assert_eq!(milliseconds(Some(100_000)), 144);
        assert_eq!(milliseconds(Some(50_000)), 250);
        assert_eq!(milliseconds(Some(0)), 250);
    }
}

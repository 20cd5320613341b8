//! The stage next to the wire: counts what goes by and measures the round trip.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rtc::interceptor::{Packet, TaggedPacket};
use rtc::rtcp;
use rtc::rtcp::receiver_report::ReceiverReport;
use rtc::rtcp::reception_report::ReceptionReport;
use rtc::rtcp::sender_report::SenderReport;
use rtc::rtcp::transport_feedbacks::transport_layer_nack::TransportLayerNack;
use rtc::shared::marshal::MarshalSize;

use super::shared::Shared;
use super::stage::Stage;

/// So many sender reports are remembered to be answered.
const REPORTS: usize = 128;

pub(super) struct Wire {
    shared: Arc<Shared>,
    /// The middle of each report's NTP time, and when it left.
    reports: VecDeque<(u32, Instant)>,
}

impl Wire {
    pub fn new(shared: Arc<Shared>) -> Self {
        Self { shared, reports: VecDeque::new() }
    }

    fn heard(&mut self, now: Instant, packet: &dyn rtcp::Packet) {
        let any = packet.as_any();
        if let Some(report) = any.downcast_ref::<ReceiverReport>() {
            self.answers(now, &report.reports);
        } else if let Some(report) = any.downcast_ref::<SenderReport>() {
            self.answers(now, &report.reports);
        } else if let Some(nack) = any.downcast_ref::<TransportLayerNack>() {
            let asked: usize = nack.nacks.iter().map(|pair| pair.packet_list().len()).sum();
            self.shared.counters.repairs_asked_of_us.add(asked as u64);
        }
    }

    /// RFC 3550, 6.4.1: now, less when we sent the report, less how long the other side kept it.
    fn answers(&mut self, now: Instant, reports: &[ReceptionReport]) {
        for report in reports.iter().filter(|report| report.last_sender_report != 0) {
            let sent = self.reports.iter().rev().find(|(middle, _)| *middle == report.last_sender_report);
            if let Some((_, sent)) = sent {
                let kept = Duration::from_secs_f64(f64::from(report.delay) / 65_536.0);
                if let Some(round_trip) = now.saturating_duration_since(*sent).checked_sub(kept) {
                    self.shared.round_trip_reported(round_trip);
                }
            }
        }
    }
}

impl Stage for Wire {
    fn read(&mut self, packet: TaggedPacket) -> Option<TaggedPacket> {
        self.shared.arrived(packet.now);
        self.shared.counters.packets_in.add(1);
        self.shared.counters.bytes_in.add(size(&packet.message.packet));
        if let Packet::Rtcp(reports) = &packet.message.packet {
            for report in reports {
                self.heard(packet.now, report.as_ref());
            }
        }
        Some(packet)
    }

    fn write(&mut self, packet: TaggedPacket) -> Option<TaggedPacket> {
        self.shared.counters.packets_out.add(1);
        self.shared.counters.bytes_out.add(size(&packet.message.packet));
        if let Packet::Rtcp(reports) = &packet.message.packet {
            for report in reports.iter().filter_map(|report| report.as_any().downcast_ref::<SenderReport>()) {
                if self.reports.len() == REPORTS {
                    self.reports.pop_front();
                }
                self.reports.push_back(((report.ntp_time >> 16) as u32, packet.now));
            }
        }
        Some(packet)
    }
}

fn size(packet: &Packet) -> u64 {
    match packet {
        Packet::Rtp(packet) => packet.marshal_size() as u64,
        Packet::Rtcp(packets) => packets.iter().map(|packet| packet.marshal_size() as u64).sum(),
        _ => 0,
    }
}

//! Compound packets, read.

use rtcp_types::{
    Bye, FciParser, Fir, Nack, PayloadFeedback, Pli, ReceiverReport, ReportBlock, RtcpPacket, RtcpPacketParser,
    RtcpPacketParserExt, SenderReport, Twcc, TwccPacketStatus,
};

use super::{ReceptionBlock, SenderInfo};

/// One packet out of a compound.
#[derive(Debug)]
pub enum Report<'a> {
    /// What a sender has sent (200), and what it received.
    SenderReport {
        /// The sender's part.
        info: SenderInfo,
        /// What it says about what it receives.
        blocks: Vec<ReceptionBlock>,
    },
    /// What one who sends nothing received (201).
    ReceiverReport {
        /// Who says so.
        ssrc: u32,
        /// What it says about what it receives.
        blocks: Vec<ReceptionBlock>,
    },
    /// These are missing (205, 1). A number may stand there twice.
    Nack {
        /// Who asks.
        sender_ssrc: u32,
        /// Of which stream.
        media_ssrc: u32,
        /// The sequence numbers.
        numbers: Vec<u16>,
    },
    /// A picture was lost (206, 1): a key frame is asked for.
    Pli {
        /// Who asks.
        sender_ssrc: u32,
        /// Of which stream.
        media_ssrc: u32,
    },
    /// A key frame is asked for (206, 4).
    Fir {
        /// Who asks.
        sender_ssrc: u32,
        /// Of which streams, and the number of each asking: one with the same number is the same asking.
        entries: Vec<(u32, u8)>,
    },
    /// When which packets of the transport arrived (205, 15).
    TransportFeedback(TransportFeedback<'a>),
    /// These streams end (203).
    Bye {
        /// The streams.
        ssrcs: Vec<u32>,
    },
    /// Well formed, and nothing we use.
    Other,
    /// Not to be read. Count it.
    Malformed,
}

/// Transport-wide feedback in place.
#[derive(Debug)]
pub struct TransportFeedback<'a> {
    twcc: Twcc<'a>,
    /// Who received.
    pub sender_ssrc: u32,
    /// Some stream of the transport.
    pub media_ssrc: u32,
}

impl TransportFeedback<'_> {
    /// The number of the first packet spoken of.
    pub fn base(&self) -> u16 {
        self.twcc.base_sequence_number()
    }

    /// What the first arrival counts from, in units of 64 ms on the receiver's clock. 24 bits.
    pub fn reference(&self) -> u32 {
        self.twcc.reference_time()
    }

    /// Counts the feedback packets.
    pub fn count(&self) -> u8 {
        self.twcc.feedback_packet_count()
    }

    /// The packets in order of their numbers: for each that arrived, the time since the one before it that did, in
    /// 250 us. Ends where the bytes do, or at what makes no sense.
    pub fn packets(&self) -> impl Iterator<Item = (u16, Option<i16>)> {
        self.twcc.packets().map_while(Result::ok).map(|(number, status)| match status {
            TwccPacketStatus::NotReceived => (number, None),
            TwccPacketStatus::Received { delta } => (number, Some(delta)),
        })
    }
}

/// The packets of a compound, in their order.
pub const fn reports(bytes: &[u8]) -> Reports<'_> {
    Reports { rest: bytes }
}

/// See [`reports`].
#[derive(Clone, Debug)]
pub struct Reports<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Reports<'a> {
    type Item = Report<'a>;

    fn next(&mut self) -> Option<Report<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        let Some((packet, rest)) = split(self.rest) else {
            self.rest = &[];
            return Some(Report::Malformed);
        };
        self.rest = rest;
        Some(read(packet).unwrap_or(Report::Malformed))
    }
}

/// The first packet by its length field, and the rest. `None` when it is cut.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let &[first, _, high, low] = bytes.first_chunk()?;
    if first >> 6 != 2 {
        return None;
    }
    bytes.split_at_checked((usize::from(u16::from_be_bytes([high, low])) + 1) * 4)
}

/// `None` when it is malformed.
fn read(packet: &[u8]) -> Option<Report<'_>> {
    match *packet.get(1)? {
        SenderReport::PACKET_TYPE => {
            let report = SenderReport::parse(packet).ok()?;
            let info = SenderInfo {
                ssrc: report.ssrc(),
                ntp: report.ntp_timestamp(),
                rtp_timestamp: report.rtp_timestamp(),
                packets: report.packet_count(),
                octets: report.octet_count(),
            };
            Some(Report::SenderReport { info, blocks: report.report_blocks().map(|block| reception(&block)).collect() })
        }
        ReceiverReport::PACKET_TYPE => {
            let report = ReceiverReport::parse(packet).ok()?;
            let blocks = report.report_blocks().map(|block| reception(&block)).collect();
            Some(Report::ReceiverReport { ssrc: report.ssrc(), blocks })
        }
        rtcp_types::TransportFeedback::PACKET_TYPE => transport_feedback(packet),
        PayloadFeedback::PACKET_TYPE => payload_feedback(packet),
        Bye::PACKET_TYPE => Some(Report::Bye { ssrcs: Bye::parse(packet).ok()?.ssrcs().collect() }),
        _ => Some(Report::Other),
    }
}

fn transport_feedback(packet: &[u8]) -> Option<Report<'_>> {
    let feedback = rtcp_types::TransportFeedback::parse(packet).ok()?;
    let information = information(packet, feedback.padding())?;
    let (sender_ssrc, media_ssrc) = (feedback.sender_ssrc(), feedback.media_ssrc());
    match feedback.subtype() {
        Nack::FCI_FORMAT => {
            let numbers = Nack::parse(information).ok()?.entries().collect();
            Some(Report::Nack { sender_ssrc, media_ssrc, numbers })
        }
        Twcc::FCI_FORMAT => {
            let twcc = Twcc::parse(information).ok()?;
            Some(Report::TransportFeedback(TransportFeedback { twcc, sender_ssrc, media_ssrc }))
        }
        _ => Some(Report::Other),
    }
}

fn payload_feedback(packet: &[u8]) -> Option<Report<'_>> {
    let feedback = PayloadFeedback::parse(packet).ok()?;
    let information = information(packet, feedback.padding())?;
    let (sender_ssrc, media_ssrc) = (feedback.sender_ssrc(), feedback.media_ssrc());
    match feedback.subtype() {
        Pli::FCI_FORMAT => Some(Report::Pli { sender_ssrc, media_ssrc }),
        Fir::FCI_FORMAT => {
            let fir = Fir::parse(information).ok()?;
            let entries = fir.entries().map(|entry| (entry.ssrc(), entry.sequence())).collect();
            Some(Report::Fir { sender_ssrc, entries })
        }
        _ => Some(Report::Other),
    }
}

/// What stands behind the two stream numbers of a feedback packet, without the padding.
fn information(packet: &[u8], padding: Option<u8>) -> Option<&[u8]> {
    let end = packet.len().checked_sub(usize::from(padding.unwrap_or(0)))?;
    packet.get(12..end)
}

fn reception(block: &ReportBlock<'_>) -> ReceptionBlock {
    ReceptionBlock {
        ssrc: block.ssrc(),
        fraction_lost: block.fraction_lost(),
        // 24 bits with a sign.
        lost: (block.cumulative_lost() << 8) as i32 >> 8,
        highest_sequence: block.extended_sequence_number(),
        jitter: block.interarrival_jitter(),
        last_sender_report: block.last_sender_report_timestamp(),
        delay_since_sender_report: block.delay_since_last_sender_report_timestamp(),
    }
}

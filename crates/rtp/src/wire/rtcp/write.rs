//! Compound packets, written.

use rtcp_types::{
    Bye, Fir, Nack, PayloadFeedback, Pli, ReceiverReport, ReportBlock, RtcpPacketWriter, RtcpPacketWriterExt, Sdes,
    SdesChunk, SdesItem, SenderReport, TransportFeedback,
};

use super::ReceptionBlock;

/// More do not fit into the count field.
const MAX_ENTRIES: usize = 31;

/// What a sender says about one of its streams (RFC 3550, 6.4.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SenderInfo {
    /// The stream.
    pub ssrc: u32,
    /// The wall clock, see [`NtpClock`](crate::wire::NtpClock).
    pub ntp: u64,
    /// The media time at that moment.
    pub rtp_timestamp: u32,
    /// Packets sent.
    pub packets: u32,
    /// Bytes of payload sent.
    pub octets: u32,
}

/// Appends RTCP packets to a buffer, one behind the other, which makes them a compound.
#[derive(Debug)]
pub struct RtcpWriter<'b> {
    out: &'b mut Vec<u8>,
}

impl<'b> RtcpWriter<'b> {
    /// Will append to `out`.
    pub const fn new(out: &'b mut Vec<u8>) -> Self {
        Self { out }
    }

    /// A sender report. Blocks that do not fit (over 31) go into receiver reports behind it.
    pub fn sender_report(&mut self, info: SenderInfo, blocks: &[ReceptionBlock]) -> &mut Self {
        let (first, rest) = blocks.split_at(blocks.len().min(MAX_ENTRIES));
        let mut builder = SenderReport::builder(info.ssrc)
            .ntp_timestamp(info.ntp)
            .rtp_timestamp(info.rtp_timestamp)
            .packet_count(info.packets)
            .octet_count(info.octets);
        for block in first {
            builder = builder.add_report_block(block_builder(block));
        }
        self.append(&builder);
        if rest.is_empty() { self } else { self.receiver_report(info.ssrc, rest) }
    }

    /// A receiver report, or as many as it takes; one without blocks where there are none.
    pub fn receiver_report(&mut self, ssrc: u32, blocks: &[ReceptionBlock]) -> &mut Self {
        let mut rest = blocks;
        loop {
            let (first, behind) = rest.split_at(rest.len().min(MAX_ENTRIES));
            let mut builder = ReceiverReport::builder(ssrc);
            for block in first {
                builder = builder.add_report_block(block_builder(block));
            }
            self.append(&builder);
            rest = behind;
            if rest.is_empty() {
                return self;
            }
        }
    }

    /// The name all streams of one sender share, see [`short_cname`].
    pub fn cname(&mut self, ssrc: u32, name: &str) -> &mut Self {
        let chunk = SdesChunk::builder(ssrc).add_item(SdesItem::builder(SdesItem::CNAME, name));
        self.append(&Sdes::builder().add_chunk(chunk))
    }

    /// Asks for these sequence numbers of a stream; for none, nothing is written.
    pub fn nack(&mut self, sender_ssrc: u32, media_ssrc: u32, numbers: &[u16]) -> &mut Self {
        if numbers.is_empty() {
            return self;
        }
        let nack = numbers.iter().fold(Nack::builder(), |nack, number| nack.add_rtp_sequence(*number));
        self.append(&TransportFeedback::builder(&nack).sender_ssrc(sender_ssrc).media_ssrc(media_ssrc))
    }

    /// Asks for a key frame: a picture was lost.
    pub fn pli(&mut self, sender_ssrc: u32, media_ssrc: u32) -> &mut Self {
        let pli = Pli::builder();
        self.append(&PayloadFeedback::builder(&pli).sender_ssrc(sender_ssrc).media_ssrc(media_ssrc))
    }

    /// Asks for a key frame. `number` is one higher at each new asking, the same when it is repeated.
    pub fn fir(&mut self, sender_ssrc: u32, media_ssrc: u32, number: u8) -> &mut Self {
        let fir = Fir::builder().add_ssrc(media_ssrc, number);
        self.append(&PayloadFeedback::builder(&fir).sender_ssrc(sender_ssrc).media_ssrc(0))
    }

    /// These streams end.
    pub fn bye(&mut self, ssrcs: &[u32]) -> &mut Self {
        for some in ssrcs.chunks(MAX_ENTRIES) {
            self.append(&some.iter().fold(Bye::builder(), |bye, ssrc| bye.add_source(*ssrc)));
        }
        self
    }

    /// Appends one packet; one that cannot be written leaves nothing behind.
    pub(crate) fn append(&mut self, packet: &impl RtcpPacketWriter) -> &mut Self {
        let start = self.out.len();
        if let Ok(size) = packet.calculate_size() {
            self.out.resize(start + size, 0);
            if packet.write_into(&mut self.out[start..]).is_err() {
                self.out.truncate(start);
            }
        }
        self
    }
}

fn block_builder(block: &ReceptionBlock) -> rtcp_types::ReportBlockBuilder {
    // 24 bits with a sign; more than that stays at the end of the range (RFC 3550, A.3).
    let lost = block.lost.clamp(-0x80_0000, 0x7f_ffff) as u32 & 0x00ff_ffff;
    ReportBlock::builder(block.ssrc)
        .fraction_lost(block.fraction_lost)
        .cumulative_lost(lost)
        .extended_sequence_number(block.highest_sequence)
        .interarrival_jitter(block.jitter)
        .last_sender_report_timestamp(block.last_sender_report)
        .delay_since_last_sender_report_timestamp(block.delay_since_sender_report)
}

/// The name of a sender for the time of one call (RFC 7022, 5): 96 random bits in 16 letters of Base64.
pub fn short_cname(random: [u8; 12]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let letter = |bits: u32| char::from(LETTERS[(bits & 63) as usize]);
    random
        .chunks_exact(3)
        .map(|three| three.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)))
        .flat_map(|bits| [letter(bits >> 18), letter(bits >> 12), letter(bits >> 6), letter(bits)])
        .collect()
}

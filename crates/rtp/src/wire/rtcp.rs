//! RTCP (RFC 3550, 4585, 5104): compound packets, read and written. The packet types themselves are known to
//! `rtcp-types`. The splitting of a compound is ours, so that one packet that is malformed costs only itself.

mod read;
mod write;

pub use read::{Report, Reports, TransportFeedback, reports};
pub use write::{RtcpWriter, SenderInfo, short_cname};

use std::time::Duration;

use super::ntp;

/// What a receiver says about one stream (RFC 3550, 6.4.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ReceptionBlock {
    /// The stream spoken of.
    pub ssrc: u32,
    /// Lost since the last report, in 1/256 of what was expected.
    pub fraction_lost: u8,
    /// Lost since the beginning; negative when more came than was expected. 24 bits on the wire.
    pub lost: i32,
    /// The highest sequence number with the count of its wraps above it.
    pub highest_sequence: u32,
    /// Interarrival jitter in ticks of the stream's clock.
    pub jitter: u32,
    /// The middle of the NTP time in the last sender report; zero before the first.
    pub last_sender_report: u32,
    /// Since then, in 1/65536 s.
    pub delay_since_sender_report: u32,
}

impl ReceptionBlock {
    /// The round trip this block shows, see [`ntp::round_trip`]; `now` is the NTP time on the clock the sender reports
    /// were written by.
    pub fn round_trip(&self, now: u64) -> Option<Duration> {
        ntp::round_trip(now, self.last_sender_report, self.delay_since_sender_report)
    }

    /// The share lost since the last report, 0 to 1.
    pub fn loss(&self) -> f64 {
        f64::from(self.fraction_lost) / 256.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCK: ReceptionBlock = ReceptionBlock {
        ssrc: 7,
        fraction_lost: 64,
        lost: -3,
        highest_sequence: 0x0001_fffe,
        jitter: 99,
        last_sender_report: 0x1234_5678,
        delay_since_sender_report: 65_536,
    };

    #[test]
    fn a_compound_packet_reads_back_in_its_order() {
        let mut bytes = b"datagram:".to_vec();
        let sender = SenderInfo { ssrc: 1, ntp: 0x0102_0304_0506_0708, rtp_timestamp: 9, packets: 10, octets: 11 };
        RtcpWriter::new(&mut bytes)
            .sender_report(sender, &[BLOCK])
            .cname(1, "abcdefghijklmnop")
            .nack(1, 7, &[65_534, 65_535, 3, 100, 116, 117])
            .pli(1, 7)
            .fir(1, 7, 42)
            .bye(&[1, 2]);
        let found: Vec<_> = reports(&bytes[9..]).collect();
        let Report::SenderReport { info, blocks } = &found[0] else { panic!("{:?}", found[0]) };
        assert_eq!((*info, blocks.as_slice()), (sender, &[BLOCK][..]));
        assert!(matches!(found[1], Report::Other));
        let Report::Nack { sender_ssrc: 1, media_ssrc: 7, numbers } = &found[2] else { panic!("{:?}", found[2]) };
        let mut numbers = numbers.clone();
        numbers.sort_unstable();
        assert_eq!(numbers, [3, 100, 116, 117, 65_534, 65_535]);
        assert!(matches!(found[3], Report::Pli { sender_ssrc: 1, media_ssrc: 7 }));
        assert!(matches!(&found[4], Report::Fir { sender_ssrc: 1, entries } if entries == &[(7, 42)]));
        assert!(matches!(&found[5], Report::Bye { ssrcs } if ssrcs == &[1, 2]));
        assert_eq!(found.len(), 6);
    }

    #[test]
    fn more_than_31_blocks_go_into_further_receiver_reports() {
        let blocks: Vec<_> = (0..70).map(|ssrc| ReceptionBlock { ssrc, ..BLOCK }).collect();
        let mut bytes = Vec::new();
        RtcpWriter::new(&mut bytes).receiver_report(5, &blocks);
        let mut read = Vec::new();
        for report in reports(&bytes) {
            let Report::ReceiverReport { ssrc: 5, blocks } = report else { panic!("{report:?}") };
            read.extend(blocks);
        }
        assert_eq!(read, blocks);
        bytes.clear();
        RtcpWriter::new(&mut bytes).sender_report(SenderInfo::default(), &blocks);
        let counts: Vec<_> = reports(&bytes)
            .map(|report| match report {
                Report::SenderReport { blocks, .. } | Report::ReceiverReport { blocks, .. } => blocks.len(),
                _ => 0,
            })
            .collect();
        assert_eq!(counts, [31, 31, 8]);
    }

    #[test]
    fn an_empty_receiver_report_is_eight_bytes() {
        let mut bytes = Vec::new();
        RtcpWriter::new(&mut bytes).receiver_report(5, &[]);
        assert_eq!(bytes, [0x80, 201, 0, 1, 0, 0, 0, 5]);
    }

    #[test]
    fn nothing_to_ask_for_writes_nothing() {
        let mut bytes = Vec::new();
        RtcpWriter::new(&mut bytes).nack(1, 2, &[]).bye(&[]);
        assert!(bytes.is_empty());
    }

    #[test]
    fn padding_behind_a_nack_is_no_number() {
        let mut bytes = vec![0xa1, 205, 0, 4, 0, 0, 0, 1, 0, 0, 0, 2, 0, 9, 0, 0, 0, 0, 0, 4];
        assert!(matches!(reports(&bytes).next(), Some(Report::Nack { numbers, .. }) if numbers == [9]));
        bytes[19] = 200;
        assert!(matches!(reports(&bytes).next(), Some(Report::Malformed)));
    }

    #[test]
    fn a_malformed_packet_costs_only_itself() {
        let mut bytes = Vec::new();
        RtcpWriter::new(&mut bytes).pli(1, 2);
        // A sender report of eight bytes.
        bytes.extend_from_slice(&[0x80, 200, 0, 1, 0, 0, 0, 1]);
        RtcpWriter::new(&mut bytes).pli(3, 4);
        // Cut.
        bytes.extend_from_slice(&[0x80, 201, 0, 1, 0, 0]);
        let found: Vec<_> = reports(&bytes).collect();
        assert!(matches!(
            found[..],
            [
                Report::Pli { media_ssrc: 2, .. },
                Report::Malformed,
                Report::Pli { media_ssrc: 4, .. },
                Report::Malformed
            ]
        ));
    }

    #[test]
    fn a_short_cname_is_96_bits_in_16_letters() {
        assert_eq!(short_cname([0; 12]), "AAAAAAAAAAAAAAAA");
        assert_eq!(short_cname([0xff; 12]), "////////////////");
        assert_eq!(short_cname(*b"Many hands m"), "TWFueSBoYW5kcyBt");
    }

    #[test]
    fn a_block_shows_loss_and_round_trip() {
        assert!((BLOCK.loss() - 0.25).abs() < 1e-9);
        let now = u64::from(0x1234_5678_u32 + 65_536 + 32_768) << 16;
        assert_eq!(BLOCK.round_trip(now), Some(Duration::from_millis(500)));
    }
}

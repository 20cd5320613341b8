//! What fuzz targets and tests do with bytes nobody vouches for. None of these may panic, whatever the bytes.

use std::time::{Duration, Instant};

use super::extensions::ExtensionIds;
use super::header_writer::{HeaderWriter, RtpHeader};
use super::rtcp::{Report, reports};
use super::rtx;
use super::view::{RtpView, is_rtcp};
use crate::stream::{HistoryConfig, PacketHistory, ReceiveLog, ReceiveLogConfig};
use crate::transport_wide::{SentKind, TwccReceiver, TwccReceiverConfig, TwccSender};

/// Every id that fits both forms, so that each value is read by some type.
const IDS: ExtensionIds = ExtensionIds {
    mid: Some(1),
    rid: Some(2),
    repaired_rid: Some(3),
    transport_cc: Some(4),
    abs_send_time: Some(5),
    audio_level: Some(6),
    dependency_descriptor: Some(7),
    video_orientation: Some(8),
    playout_delay: Some(9),
};

/// Reads an RTP packet; one that can be read is written again and must read the same.
///
/// # Panics
/// When what was written reads differently: that is what the fuzzer looks for.
pub fn rtp(bytes: &[u8]) {
    is_rtcp(bytes);
    let Some(view) = RtpView::parse(bytes) else { return };
    assert!(view.payload_range().end <= bytes.len());
    let found = IDS.read(&view);
    // An element may stand there twice; one pass finds the last, the single look the first.
    if view.extensions().filter(|(id, _)| *id == 4).count() <= 1 {
        assert_eq!(found.transport_cc, IDS.transport_cc(&view));
    }
    rtx::original(view.payload());
    let header = RtpHeader {
        marker: view.marker(),
        payload_type: view.payload_type(),
        sequence: view.sequence(),
        timestamp: view.timestamp(),
        ssrc: view.ssrc(),
    };
    let mut writer = HeaderWriter::new(header);
    for (id, value) in view.extensions().take(12) {
        writer.extension(Some(id), value);
    }
    let mut again = Vec::new();
    let written = writer.append(&mut again);
    again.extend_from_slice(view.payload());
    let same = RtpView::parse(&again).expect("what is written can be read");
    assert_eq!(same.header_len(), written.len);
    assert_eq!(same.payload(), view.payload());
    assert!(same.extensions().eq(view.extensions().take(12)));
}

/// Reads a compound RTCP packet, and gives a sender the feedback in it.
///
/// # Panics
/// When a packet is told more often than it may be.
pub fn rtcp(bytes: &[u8]) {
    let now = Instant::now();
    let mut sender = TwccSender::new(256);
    for index in 0..400_usize {
        sender.send(now, index, SentKind::Probe(index as u32));
    }
    let mut results = Vec::new();
    for report in reports(bytes) {
        if let Report::TransportFeedback(feedback) = report {
            sender.on_feedback(now + Duration::from_millis(100), &feedback, &mut results);
        }
    }
    assert!(results.len() <= 2 * 256, "each packet is told lost once and received once at most");
}

/// Reads session description lines.
pub fn sdp(bytes: &[u8]) {
    ExtensionIds::from_sdp(&String::from_utf8_lossy(bytes));
}

/// Plays arbitrary arrivals, six bytes each, to what keeps streams.
///
/// # Panics
/// When a bound or a promise of theirs does not hold.
pub fn streams(bytes: &[u8]) {
    let mut now = Instant::now();
    let mut log = ReceiveLog::new(ReceiveLogConfig { clock_rate: 90_000, asks: true });
    let mut receiver = TwccReceiver::new(TwccReceiverConfig::default());
    let mut history = PacketHistory::<()>::new(HistoryConfig { packets: 256, bytes: 32 << 10, ..Default::default() });
    let (mut numbers, mut out) = (Vec::new(), Vec::new());
    for &[high, low, time, kind, a, b] in bytes.as_chunks().0 {
        now += Duration::from_micros(u64::from(time).pow(2) * if kind & 1 == 0 { 1 } else { 50 });
        let sequence = u16::from_be_bytes([high, low]);
        let noted = log.on_packet(now, sequence, u32::from_be_bytes([a, b, high, low]), kind & 2 != 0);
        assert_eq!(noted.number as u16, sequence);
        receiver.on_packet(sequence, now);
        if noted.fate.is_fresh()
            && history.insert(now, noted.number, 0, false, (), &bytes[..usize::from(a) % 64 % bytes.len()])
        {
            assert!(history.get(now, noted.number).is_some());
        }
        numbers.clear();
        log.poll_nacks(now, Duration::from_millis(u64::from(b)), &mut numbers);
        assert!(numbers.len() <= 256 && log.missing() <= 512);
        log.reception_block(now, 1);
        out.clear();
        while receiver.poll_feedback(now, 1, 2, &mut out) {}
        assert!(out.len() <= 4096);
        assert!(reports(&out).all(|report| matches!(report, Report::TransportFeedback(_))));
    }
}

/// Seeded numbers, the same at each run (xorshift64*).
#[cfg(test)]
pub(crate) struct Arbitrary(u64);

#[cfg(test)]
impl Arbitrary {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// 0 to `bound` - 1.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        (self.next() >> 16) % bound
    }

    pub(crate) fn bytes(&mut self, most: u64) -> Vec<u8> {
        (0..self.below(most + 1)).map(|_| self.next() as u8).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::rtcp::{ReceptionBlock, RtcpWriter, SenderInfo};

    /// A valid beginning, some of it changed, cut or lengthened.
    fn mutated(random: &mut Arbitrary, valid: &[u8]) -> Vec<u8> {
        let mut bytes = valid.to_vec();
        for _ in 0..random.below(6) {
            let place = random.below(bytes.len().max(1) as u64) as usize;
            match random.below(4) {
                0 => bytes.truncate(place),
                1 => bytes.extend(random.bytes(40)),
                _ => {
                    if let Some(byte) = bytes.get_mut(place) {
                        *byte = if random.below(2) == 0 { random.next() as u8 } else { *byte ^ 1 << random.below(8) };
                    }
                }
            }
        }
        bytes
    }

    #[test]
    fn arbitrary_bytes_never_panic_as_rtp() {
        let mut random = Arbitrary::new(1);
        let mut valid = Vec::new();
        HeaderWriter::new(RtpHeader::default())
            .extension(Some(1), b"mid")
            .extension(Some(7), &[7; 20])
            .transport_cc(Some(4))
            .append(&mut valid);
        valid.extend_from_slice(&[5; 50]);
        let mut one_byte = Vec::new();
        HeaderWriter::new(RtpHeader::default()).extension(Some(6), &[1]).transport_cc(Some(4)).append(&mut one_byte);
        for _ in 0..100_000 {
            let bytes = match random.below(3) {
                0 => random.bytes(80),
                1 => mutated(&mut random, &one_byte),
                _ => mutated(&mut random, &valid),
            };
            rtp(&bytes);
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic_as_rtcp() {
        let mut random = Arbitrary::new(2);
        let mut compound = Vec::new();
        RtcpWriter::new(&mut compound)
            .sender_report(SenderInfo::default(), &[ReceptionBlock::default(); 3])
            .cname(1, "abcdefghijklmnop")
            .nack(1, 2, &[1, 5, 40])
            .pli(1, 2)
            .fir(1, 2, 3)
            .bye(&[1]);
        let mut feedback = Vec::new();
        let mut receiver = TwccReceiver::new(TwccReceiverConfig::default());
        let now = Instant::now();
        for sequence in 100..400 {
            if sequence % 7 != 0 {
                receiver.on_packet(sequence, now + Duration::from_millis(u64::from(sequence) * 3));
            }
        }
        while receiver.poll_feedback(now + Duration::from_secs(5), 1, 2, &mut feedback) {}
        assert!(reports(&feedback).all(|report| matches!(report, Report::TransportFeedback(_))));
        for _ in 0..50_000 {
            let bytes = match random.below(3) {
                0 => random.bytes(120),
                1 => mutated(&mut random, &compound),
                _ => mutated(&mut random, &feedback),
            };
            rtcp(&bytes);
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic_as_a_session_description() {
        let mut random = Arbitrary::new(3);
        for _ in 0..20_000 {
            sdp(&mutated(&mut random, b"v=0\r\na=extmap:3/sendonly urn:ietf:params:rtp-hdrext:sdes:mid x\r\n"));
        }
    }

    #[test]
    fn arbitrary_arrivals_never_panic_and_take_bounded_memory() {
        let mut random = Arbitrary::new(4);
        for _ in 0..300 {
            let mut bytes = random.bytes(3000);
            if random.below(2) == 0 {
                // Mostly in order, with jumps.
                for (index, arrival) in bytes.chunks_exact_mut(6).enumerate() {
                    if arrival[3] > 20 {
                        let [high, low] = (index as u16).wrapping_add(u16::from(arrival[3]) % 3).to_be_bytes();
                        arrival[..2].copy_from_slice(&[high, low]);
                    }
                }
            }
            streams(&bytes);
        }
    }
}

//! What the other side's description settles for packets: payload types, header extensions, which stream repairs which.

use std::collections::HashMap;

use confab_rtp::wire::ExtensionIds;

/// Of all m-lines at once: in a bundle (RFC 8843) a number means the same on each. 0 is what has not been agreed on.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Negotiated {
    pub(super) opus: u8,
    pub(super) h264: u8,
    /// H.264's retransmissions (RFC 4588).
    pub(super) repair: u8,
    pub(super) extensions: ExtensionIds,
    /// The other side's repairing streams, and what each repairs.
    pub(super) repairs: HashMap<u32, u32>,
}

impl Negotiated {
    /// From an SDP; what is not understood is passed over.
    pub(super) fn read(description: &str) -> Self {
        let mut read = Self { extensions: ExtensionIds::from_sdp(description), ..Self::default() };
        for line in description.lines().map(str::trim) {
            let Some((name, value)) = line.strip_prefix("a=").and_then(|line| line.split_once(':')) else { continue };
            match name {
                "rtpmap" => read.payload_type(value),
                "fmtp" => read.repair_type(value),
                "ssrc-group" => read.group(value),
                _ => {}
            }
        }
        read
    }

    fn payload_type(&mut self, value: &str) {
        let Some((number, codec)) = value.split_once(' ') else { return };
        let Ok(number) = number.parse() else { return };
        let codec = codec.to_ascii_lowercase();
        let place = match codec.split('/').next() {
            Some("opus") => &mut self.opus,
            Some("h264") => &mut self.h264,
            _ => return,
        };
        if *place == 0 {
            *place = number;
        }
    }

    fn repair_type(&mut self, value: &str) {
        let Some((number, parameters)) = value.split_once(' ') else { return };
        let repaired = parameters.split(';').find_map(|parameter| parameter.trim().strip_prefix("apt="));
        if let (Ok(number), Some(Ok(repaired))) = (number.parse(), repaired.map(str::parse::<u8>))
            && repaired == self.h264
            && repaired != 0
        {
            self.repair = number;
        }
    }

    fn group(&mut self, value: &str) {
        let mut words = value.split(' ');
        if words.next() != Some("FID") {
            return;
        }
        let mut numbers = words.map_while(|word| word.parse().ok());
        if let (Some(stream), Some(repairing)) = (numbers.next(), numbers.next()) {
            self.repairs.insert(repairing, stream);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_from_a_description() {
        let description = "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=rtpmap:111 opus/48000/2\r\n\
            a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n\
            a=extmap:4/recvonly urn:ietf:params:rtp-hdrext:sdes:mid\r\nm=video 9 UDP/TLS/RTP/SAVPF 102 103\r\n\
            a=rtpmap:102 H264/90000\r\na=rtpmap:103 rtx/90000\r\na=fmtp:103 apt=102\r\n\
            a=ssrc-group:FID 7 8\r\n";
        let read = Negotiated::read(description);
        assert_eq!((read.opus, read.h264, read.repair), (111, 102, 103));
        assert_eq!((read.extensions.transport_cc, read.extensions.mid), (Some(3), Some(4)));
        assert_eq!(read.repairs, HashMap::from([(8, 7)]));
        assert_eq!(Negotiated::read("nonsense\na=extmap:x\na=rtpmap:\na=fmtp:1 apt=0"), Negotiated::default());
    }
}

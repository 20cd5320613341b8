//! Which header extension has which number, and what is in them.

use super::view::RtpView;
use crate::audio_level::AudioLevel;

/// Names the m-line of a packet (RFC 9143).
pub const MID_URI: &str = "urn:ietf:params:rtp-hdrext:sdes:mid";
/// Names the simulcast layer of a packet (RFC 8852).
pub const RID_URI: &str = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id";
/// Names the simulcast layer a repair belongs to (RFC 8852).
pub const REPAIRED_RID_URI: &str = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id";
/// The transport-wide sequence number (draft-holmer-rmcat-transport-wide-cc-extensions-01).
pub const TRANSPORT_CC_URI: &str = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";
/// When the packet left, 24 bits.
pub const ABS_SEND_TIME_URI: &str = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time";
/// How loud the sound in it is (RFC 6464).
pub const AUDIO_LEVEL_URI: &str = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";
/// Which frames this one needs (AV1 RTP payload, appendix A).
pub const DEPENDENCY_DESCRIPTOR_URI: &str =
    "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension";
/// How the camera is held (3GPP TS 26.114, 7.4.5).
pub const VIDEO_ORIENTATION_URI: &str = "urn:3gpp:video-orientation";
/// How long the receiver may wait before it shows the picture.
pub const PLAYOUT_DELAY_URI: &str = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay";

/// The number each header extension was given for one transport (RFC 8285). All m-lines of a bundle share them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ExtensionIds {
    /// [`MID_URI`].
    pub mid: Option<u8>,
    /// [`RID_URI`].
    pub rid: Option<u8>,
    /// [`REPAIRED_RID_URI`].
    pub repaired_rid: Option<u8>,
    /// [`TRANSPORT_CC_URI`].
    pub transport_cc: Option<u8>,
    /// [`ABS_SEND_TIME_URI`].
    pub abs_send_time: Option<u8>,
    /// [`AUDIO_LEVEL_URI`].
    pub audio_level: Option<u8>,
    /// [`DEPENDENCY_DESCRIPTOR_URI`].
    pub dependency_descriptor: Option<u8>,
    /// [`VIDEO_ORIENTATION_URI`].
    pub video_orientation: Option<u8>,
    /// [`PLAYOUT_DELAY_URI`].
    pub playout_delay: Option<u8>,
}

/// The values of the known extensions of one packet; what is malformed counts as absent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PacketExtensions<'a> {
    /// The m-line.
    pub mid: Option<&'a str>,
    /// The simulcast layer.
    pub rid: Option<&'a str>,
    /// The simulcast layer that is repaired.
    pub repaired_rid: Option<&'a str>,
    /// The transport-wide sequence number.
    pub transport_cc: Option<u16>,
    /// When it left, 6.18 bits of seconds.
    pub abs_send_time: Option<u32>,
    /// How loud it is.
    pub audio_level: Option<AudioLevel>,
    /// The dependency descriptor as it came.
    pub dependency_descriptor: Option<&'a [u8]>,
    /// The orientation byte as it came.
    pub video_orientation: Option<u8>,
    /// Smallest and largest playout delay, in units of 10 ms.
    pub playout_delay: Option<(u16, u16)>,
}

impl ExtensionIds {
    /// None negotiated.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes what was negotiated.
    pub fn from_pairs<'u>(pairs: impl IntoIterator<Item = (u8, &'u str)>) -> Self {
        let mut ids = Self::default();
        for (id, uri) in pairs {
            ids.set(id, uri);
        }
        ids
    }

    /// Takes every `a=extmap:` line of a session description or of one m-line's part of it.
    pub fn from_sdp(sdp: &str) -> Self {
        Self::from_pairs(sdp.lines().filter_map(extmap))
    }

    /// Gives the extension its number; `false` when the URI is none of ours or the number none that can be used.
    pub fn set(&mut self, id: u8, uri: &str) -> bool {
        // 15 ends a list of one-byte elements, so nobody gives it; 0 is padding.
        if id == 0 || id == 15 {
            return false;
        }
        let place = match uri {
            MID_URI => &mut self.mid,
            RID_URI => &mut self.rid,
            REPAIRED_RID_URI => &mut self.repaired_rid,
            TRANSPORT_CC_URI => &mut self.transport_cc,
            ABS_SEND_TIME_URI => &mut self.abs_send_time,
            AUDIO_LEVEL_URI => &mut self.audio_level,
            DEPENDENCY_DESCRIPTOR_URI => &mut self.dependency_descriptor,
            VIDEO_ORIENTATION_URI => &mut self.video_orientation,
            PLAYOUT_DELAY_URI => &mut self.playout_delay,
            _ => return false,
        };
        *place = Some(id);
        true
    }

    /// Everything known in one pass over the elements.
    pub fn read<'a>(&self, packet: &RtpView<'a>) -> PacketExtensions<'a> {
        let mut found = PacketExtensions::default();
        for (id, value) in packet.extensions() {
            let id = Some(id);
            if id == self.transport_cc {
                found.transport_cc = number(value);
            } else if id == self.audio_level {
                found.audio_level = level(value);
            } else if id == self.mid {
                found.mid = name(value);
            } else if id == self.rid {
                found.rid = name(value);
            } else if id == self.repaired_rid {
                found.repaired_rid = name(value);
            } else if id == self.abs_send_time {
                found.abs_send_time = send_time(value);
            } else if id == self.dependency_descriptor {
                found.dependency_descriptor = Some(value);
            } else if id == self.video_orientation {
                found.video_orientation = value.first().copied();
            } else if id == self.playout_delay {
                found.playout_delay = playout_delay(value);
            }
        }
        found
    }

    /// The m-line of this packet.
    pub fn mid<'a>(&self, packet: &RtpView<'a>) -> Option<&'a str> {
        name(packet.extension(self.mid?)?)
    }

    /// The simulcast layer of this packet.
    pub fn rid<'a>(&self, packet: &RtpView<'a>) -> Option<&'a str> {
        name(packet.extension(self.rid?)?)
    }

    /// The transport-wide number of this packet.
    pub fn transport_cc(&self, packet: &RtpView<'_>) -> Option<u16> {
        number(packet.extension(self.transport_cc?)?)
    }

    /// How loud the sound in this packet is.
    pub fn audio_level(&self, packet: &RtpView<'_>) -> Option<AudioLevel> {
        level(packet.extension(self.audio_level?)?)
    }
}

/// Id and URI of an `a=extmap:<id>[/direction] <uri> [attributes]` line (RFC 8285, 8).
pub fn extmap(line: &str) -> Option<(u8, &str)> {
    let mut words = line.trim().strip_prefix("a=extmap:")?.split_ascii_whitespace();
    let id = words.next()?;
    let id = id.split_once('/').map_or(id, |(id, _)| id).parse().ok()?;
    Some((id, words.next()?))
}

fn name(value: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(value).ok()?;
    // A token is visible ASCII (RFC 8866); anything else could end up in a log or a map as it is.
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())).then_some(text)
}

fn number(value: &[u8]) -> Option<u16> {
    value.first_chunk().copied().map(u16::from_be_bytes)
}

fn level(value: &[u8]) -> Option<AudioLevel> {
    value.first().copied().map(AudioLevel::from_wire)
}

fn send_time(value: &[u8]) -> Option<u32> {
    value.first_chunk().map(|&[a, b, c]| u32::from_be_bytes([0, a, b, c]))
}

fn playout_delay(value: &[u8]) -> Option<(u16, u16)> {
    value
        .first_chunk()
        .map(|&[a, b, c]| (u16::from(a) << 4 | u16::from(b >> 4), u16::from(b & 0x0f) << 8 | u16::from(c)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::header_writer::{HeaderWriter, RtpHeader};

    #[test]
    fn ids_come_out_of_a_session_description() {
        let sdp = "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n\
            a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level vad=on\r\n\
            a=extmap:4/sendrecv urn:ietf:params:rtp-hdrext:sdes:mid\r\n\
            a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n\
            a=extmap:99999 urn:3gpp:video-orientation\r\n\
            a=extmap:0 urn:3gpp:video-orientation\r\n\
            a=extmap:9 urn:of:nobody\r\na=extmap:\r\na=extmap-allow-mixed\r\n";
        let ids = ExtensionIds::from_sdp(sdp);
        let wanted = ExtensionIds { audio_level: Some(1), mid: Some(4), transport_cc: Some(3), ..ExtensionIds::new() };
        assert_eq!(ids, wanted);
    }

    #[test]
    fn every_value_is_read_as_its_type() {
        let ids = ExtensionIds {
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
        let mut bytes = Vec::new();
        HeaderWriter::new(RtpHeader::default())
            .extension(ids.mid, b"0")
            .extension(ids.rid, b"hi")
            .extension(ids.repaired_rid, b"lo")
            .extension(ids.transport_cc, &[1, 2])
            .extension(ids.abs_send_time, &[1, 2, 3])
            .extension(ids.audio_level, &[0x80 | 20])
            .extension(ids.dependency_descriptor, &[9, 9, 9])
            .extension(ids.video_orientation, &[3])
            .extension(ids.playout_delay, &[0x12, 0x34, 0x56])
            .append(&mut bytes);
        let view = RtpView::parse(&bytes).expect("valid");
        let wanted = PacketExtensions {
            mid: Some("0"),
            rid: Some("hi"),
            repaired_rid: Some("lo"),
            transport_cc: Some(0x0102),
            abs_send_time: Some(0x01_0203),
            audio_level: Some(AudioLevel { below_overload: 20, voice: true }),
            dependency_descriptor: Some(&[9, 9, 9]),
            video_orientation: Some(3),
            playout_delay: Some((0x123, 0x456)),
        };
        assert_eq!(ids.read(&view), wanted);
        assert_eq!((ids.mid(&view), ids.rid(&view)), (wanted.mid, wanted.rid));
        assert_eq!((ids.transport_cc(&view), ids.audio_level(&view)), (wanted.transport_cc, wanted.audio_level));
    }

    #[test]
    fn a_malformed_value_counts_as_absent() {
        let ids = ExtensionIds { mid: Some(1), rid: Some(2), transport_cc: Some(3), ..ExtensionIds::new() };
        let mut bytes = Vec::new();
        HeaderWriter::new(RtpHeader::default())
            .extension(ids.mid, &[0xff, 0xfe])
            .extension(ids.rid, b"a\nb")
            .extension(ids.transport_cc, &[1])
            .append(&mut bytes);
        let view = RtpView::parse(&bytes).expect("valid");
        assert_eq!(ids.read(&view), PacketExtensions::default());
    }
}

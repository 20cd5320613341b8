//! An RTP packet, looked at in place.

use std::ops::Range;

use rtp_types::RtpPacket;

/// The profile of one-byte extension elements (RFC 8285, 4.2).
pub(super) const ONE_BYTE_PROFILE: u16 = 0xbede;
/// The profile of two-byte extension elements, without its application bits (RFC 8285, 4.3).
pub(super) const TWO_BYTE_PROFILE: u16 = 0x1000;

/// A view of one RTP packet in clear (RFC 3550, 5.1). Nothing is copied; the ranges are checked once, in
/// [`parse`](Self::parse).
#[derive(Clone, Copy, Debug)]
pub struct RtpView<'a> {
    bytes: &'a [u8],
    header_len: usize,
    payload_end: usize,
    element_bytes: &'a [u8],
    two_byte: bool,
    marker: bool,
    payload_type: u8,
    sequence: u16,
    timestamp: u32,
    ssrc: u32,
}

impl<'a> RtpView<'a> {
    /// Looks at a packet; `None` when it is none, or is cut.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let packet = RtpPacket::parse(bytes).ok()?;
        let header_len = packet.payload_offset();
        let (profile, element_bytes) = match packet.extension() {
            Some((profile, data)) => (profile, bytes.get(header_len - data.len()..header_len)?),
            None => (0, &[][..]),
        };
        let two_byte = profile & 0xfff0 == TWO_BYTE_PROFILE;
        Some(Self {
            bytes,
            header_len,
            payload_end: header_len + packet.payload_len(),
            element_bytes: if two_byte || profile == ONE_BYTE_PROFILE { element_bytes } else { &[] },
            two_byte,
            marker: packet.marker_bit(),
            payload_type: packet.payload_type(),
            sequence: packet.sequence_number(),
            timestamp: packet.timestamp(),
            ssrc: packet.ssrc(),
        })
    }

    /// The marker: the last packet of a picture, the first of a talk spurt.
    pub const fn marker(&self) -> bool {
        self.marker
    }

    /// What the payload is, 0 to 127, as negotiated.
    pub const fn payload_type(&self) -> u8 {
        self.payload_type
    }

    /// The 16-bit sequence number.
    pub const fn sequence(&self) -> u16 {
        self.sequence
    }

    /// The media time, in ticks of the payload's clock.
    pub const fn timestamp(&self) -> u32 {
        self.timestamp
    }

    /// The stream it belongs to.
    pub const fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// Bytes before the payload: fixed header, contributing sources and extension.
    pub const fn header_len(&self) -> usize {
        self.header_len
    }

    /// Where the payload stands in the packet, padding left off. Empty in a packet of nothing but padding.
    pub const fn payload_range(&self) -> Range<usize> {
        self.header_len..self.payload_end
    }

    /// The payload without padding.
    pub fn payload(&self) -> &'a [u8] {
        self.bytes.get(self.payload_range()).unwrap_or_default()
    }

    /// The whole packet.
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The elements of the header extension, in their order.
    pub const fn extensions(&self) -> ExtensionElements<'a> {
        ExtensionElements { rest: self.element_bytes, two_byte: self.two_byte }
    }

    /// The first element with this id.
    pub fn extension(&self, id: u8) -> Option<&'a [u8]> {
        self.extensions().find(|(found, _)| *found == id).map(|(_, value)| value)
    }
}

/// Whether this datagram is RTCP where RTP and RTCP share a port (RFC 5761, 4).
pub fn is_rtcp(bytes: &[u8]) -> bool {
    matches!(bytes, [first, 192..=223, ..] if first >> 6 == 2)
}

/// The elements of a header extension (RFC 8285), one-byte or two-byte form. A header extension of another profile has
/// none, and an element that reaches beyond the end is the end.
#[derive(Clone, Debug)]
pub struct ExtensionElements<'a> {
    rest: &'a [u8],
    two_byte: bool,
}

impl ExtensionElements<'_> {
    /// Id and length of the element at the front and the bytes they took; `None` at the end.
    fn element_header(&self) -> Option<(u8, usize, usize)> {
        let first = *self.rest.first()?;
        if self.two_byte {
            return Some((first, usize::from(*self.rest.get(1)?), 2));
        }
        let id = first >> 4;
        // 15 is reserved, and padding has no length; both end everything.
        (id != 0 && id != 15).then_some((id, usize::from(first & 0x0f) + 1, 1))
    }
}

impl<'a> Iterator for ExtensionElements<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        while let [0, rest @ ..] = self.rest {
            self.rest = rest;
        }
        let element = self.element_header().and_then(|(id, len, skip)| {
            let value = self.rest.get(skip..skip + len)?;
            self.rest = self.rest.get(skip + len..)?;
            Some((id, value))
        });
        if element.is_none() {
            self.rest = &[];
        }
        element
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(first: u8, extension: &[u8], payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![first, 0x80 | 102, 0xab, 0xcd, 0, 0, 1, 2, 0xde, 0xad, 0xbe, 0xef];
        bytes.extend_from_slice(extension);
        bytes.extend_from_slice(payload);
        bytes
    }

    #[test]
    fn the_fixed_header_is_read() {
        let bytes = packet(0x80, &[], b"payload");
        let view = RtpView::parse(&bytes).expect("valid");
        assert!(view.marker());
        assert_eq!((view.payload_type(), view.sequence(), view.timestamp()), (102, 0xabcd, 0x0102));
        assert_eq!((view.ssrc(), view.header_len()), (0xdead_beef, 12));
        assert_eq!(view.payload(), b"payload");
        assert_eq!(view.extensions().count(), 0);
    }

    #[test]
    fn contributing_sources_and_padding_are_no_payload() {
        let bytes = packet(0xb2, &[1; 8], &[0xbe, 0xde, 0, 1, 0x30, 7, 0, 0, b'x', b'y', 0, 0, 3]);
        let view = RtpView::parse(&bytes).expect("valid");
        assert_eq!(view.payload_range(), 28..30);
        assert_eq!(view.payload(), b"xy");
        assert_eq!(view.extension(3), Some(&[7][..]));
        let only_padding = packet(0xa0, &[], &[0, 0, 0, 4]);
        assert!(RtpView::parse(&only_padding).expect("valid").payload().is_empty());
        assert!(RtpView::parse(&packet(0xa0, &[], &[0, 0, 5])).is_none(), "padding reaches into the header");
    }

    #[test]
    fn one_byte_elements_are_told_with_padding_between_them() {
        let bytes = packet(0x90, &[0xbe, 0xde, 0, 3, 0x10, 1, 0, 0, 0x21, 2, 3, 0, 0x52, 4, 5, 6], b"p");
        let view = RtpView::parse(&bytes).expect("valid");
        let elements: Vec<_> = view.extensions().collect();
        assert_eq!(elements, [(1, &[1][..]), (2, &[2, 3][..]), (5, &[4, 5, 6][..])]);
        assert_eq!(view.payload(), b"p");
    }

    #[test]
    fn two_byte_elements_may_be_empty_and_long() {
        let mut extension = vec![0x10, 0x05, 0, 6, 200, 0, 0, 17, 18];
        extension.extend(1..=18);
        extension.push(0);
        let bytes = packet(0x90, &extension, b"p");
        let view = RtpView::parse(&bytes).expect("valid");
        assert_eq!(view.extension(200), Some(&[][..]));
        assert_eq!(view.extension(17).map(<[u8]>::len), Some(18));
        assert_eq!(view.extensions().count(), 2);
    }

    #[test]
    fn the_reserved_id_a_cut_element_and_another_profile_end_the_elements() {
        for (extension, count) in [
            ([0xbe, 0xde, 0, 1, 0x10, 1, 0xf0, 1], 1),
            ([0xbe, 0xde, 0, 1, 0x10, 1, 0x2f, 1], 1),
            ([0xbe, 0xde, 0, 1, 0x10, 1, 0x02, 0x20], 1),
            ([0x12, 0x34, 0, 1, 0x10, 1, 0x20, 1], 0),
            ([0xbe, 0xde, 0, 1, 0, 0, 0, 0], 0),
        ] {
            let bytes = packet(0x90, &extension, b"p");
            assert_eq!(RtpView::parse(&bytes).expect("valid").extensions().count(), count, "{extension:02x?}");
        }
    }

    #[test]
    fn rtcp_is_told_from_rtp_by_its_second_byte() {
        assert!(is_rtcp(&[0x80, 200, 0, 1]));
        assert!(is_rtcp(&[0x81, 205]));
        assert!(!is_rtcp(&packet(0x80, &[], &[])));
        assert!(!is_rtcp(&[0x00, 200]));
        assert!(!is_rtcp(&[0x80]));
    }
}

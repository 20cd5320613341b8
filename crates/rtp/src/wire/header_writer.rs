//! Writes RTP headers without allocating.

use super::view::{ONE_BYTE_PROFILE, TWO_BYTE_PROFILE};

/// More than there are extensions we know.
const MAX_ELEMENTS: usize = 12;
const FIXED_LEN: usize = 12;

/// The fixed header of an RTP packet (RFC 3550, 5.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RtpHeader {
    /// The last packet of a picture, the first of a talk spurt.
    pub marker: bool,
    /// 0 to 127.
    pub payload_type: u8,
    /// The sequence number.
    pub sequence: u16,
    /// The media time.
    pub timestamp: u32,
    /// The stream.
    pub ssrc: u32,
}

/// Where in a written packet stands what is known only when it leaves; offsets from the packet's first byte.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct WrittenHeader {
    /// The length of the header: the payload comes here.
    pub len: usize,
    /// The two bytes of the transport-wide number.
    pub transport_cc: Option<usize>,
    /// The three bytes of the sending time.
    pub abs_send_time: Option<usize>,
}

impl WrittenHeader {
    /// Puts the transport-wide number in; `false` when the packet has no place for it.
    pub fn set_transport_cc(&self, packet: &mut [u8], number: u16) -> bool {
        patch(packet, self.transport_cc, number.to_be_bytes())
    }

    /// Puts the sending time in, see [`abs_send_time`](super::ntp::abs_send_time); `false` when the packet has no place
    /// for it.
    pub fn set_abs_send_time(&self, packet: &mut [u8], time: u32) -> bool {
        let [_, a, b, c] = time.to_be_bytes();
        patch(packet, self.abs_send_time, [a, b, c])
    }
}

fn patch<const N: usize>(packet: &mut [u8], offset: Option<usize>, value: [u8; N]) -> bool {
    let place = offset.and_then(|offset| packet.get_mut(offset..)).and_then(<[u8]>::first_chunk_mut);
    place.map(|place| *place = value).is_some()
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Role {
    #[default]
    Plain,
    TransportCc,
    AbsSendTime,
}

#[derive(Clone, Copy, Debug, Default)]
struct Element<'e> {
    id: u8,
    value: &'e [u8],
    role: Role,
}

/// One header to write. Elements are put in one-byte form; in two-byte form (which the other side must have allowed by
/// `extmap-allow-mixed`) when one is empty, longer than 16 bytes or has an id above 14.
#[derive(Clone, Copy, Debug)]
pub struct HeaderWriter<'e> {
    header: RtpHeader,
    elements: [Element<'e>; MAX_ELEMENTS],
    count: usize,
    two_byte: bool,
    /// Bytes of all values.
    value_bytes: usize,
}

impl<'e> HeaderWriter<'e> {
    /// Starts with the fixed header alone.
    #[inline]
    pub fn new(header: RtpHeader) -> Self {
        Self { header, elements: [Element::default(); MAX_ELEMENTS], count: 0, two_byte: false, value_bytes: 0 }
    }

    /// Adds an element, unless it has no id: what was not negotiated is left out. So is a value over 255 bytes, which
    /// no form can carry, and the thirteenth element.
    #[inline]
    pub fn extension(&mut self, id: Option<u8>, value: &'e [u8]) -> &mut Self {
        self.add(id, value, Role::Plain)
    }

    /// Makes place for the transport-wide number, if negotiated.
    #[inline]
    pub fn transport_cc(&mut self, id: Option<u8>) -> &mut Self {
        self.add(id, &[0; 2], Role::TransportCc)
    }

    /// Makes place for the sending time, if negotiated.
    #[inline]
    pub fn abs_send_time(&mut self, id: Option<u8>) -> &mut Self {
        self.add(id, &[0; 3], Role::AbsSendTime)
    }

    #[inline]
    fn add(&mut self, id: Option<u8>, value: &'e [u8], role: Role) -> &mut Self {
        let Some(id @ 1..) = id else { return self };
        if value.len() > 255 || self.count == MAX_ELEMENTS {
            return self;
        }
        self.elements[self.count] = Element { id, value, role };
        self.count += 1;
        self.value_bytes += value.len();
        self.two_byte |= id > 14 || value.len() > 16 || value.is_empty();
        self
    }

    /// The length of the header.
    pub const fn len(&self) -> usize {
        if self.count == 0 {
            return FIXED_LEN;
        }
        let each = if self.two_byte { 2 } else { 1 };
        FIXED_LEN + 4 + (self.count * each + self.value_bytes).next_multiple_of(4)
    }

    /// Never: the fixed header is always there.
    pub const fn is_empty(&self) -> bool {
        false
    }

    /// Writes to the front of `out`; `None` when that is too short.
    pub fn write(&self, out: &mut [u8]) -> Option<WrittenHeader> {
        let out = out.get_mut(..self.len())?;
        let (fixed, extension) = out.split_at_mut_checked(FIXED_LEN)?;
        let RtpHeader { marker, payload_type, sequence, timestamp, ssrc } = self.header;
        fixed[0] = if self.count == 0 { 0x80 } else { 0x90 };
        fixed[1] = (payload_type & 0x7f) | if marker { 0x80 } else { 0 };
        fixed[2..4].copy_from_slice(&sequence.to_be_bytes());
        fixed[4..8].copy_from_slice(&timestamp.to_be_bytes());
        fixed[8..12].copy_from_slice(&ssrc.to_be_bytes());
        let mut written = WrittenHeader { len: self.len(), ..WrittenHeader::default() };
        if self.count > 0 {
            self.write_elements(extension, &mut written);
        }
        Some(written)
    }

    fn write_elements(&self, out: &mut [u8], written: &mut WrittenHeader) {
        let profile = if self.two_byte { TWO_BYTE_PROFILE } else { ONE_BYTE_PROFILE };
        let words = (out.len() / 4 - 1) as u16;
        out[0..2].copy_from_slice(&profile.to_be_bytes());
        out[2..4].copy_from_slice(&words.to_be_bytes());
        let mut at = 4;
        for element in &self.elements[..self.count] {
            let len = element.value.len();
            if self.two_byte {
                out[at] = element.id;
                out[at + 1] = len as u8;
                at += 2;
            } else {
                out[at] = element.id << 4 | (len as u8 - 1);
                at += 1;
            }
            match element.role {
                Role::Plain => {}
                Role::TransportCc => written.transport_cc = Some(FIXED_LEN + at),
                Role::AbsSendTime => written.abs_send_time = Some(FIXED_LEN + at),
            }
            out[at..at + len].copy_from_slice(element.value);
            at += len;
        }
        out[at..].fill(0);
    }

    /// Appends to `out`; allocates nothing when its capacity suffices. The offsets told count from where the header
    /// begins, not from the front of `out`.
    pub fn append(&self, out: &mut Vec<u8>) -> WrittenHeader {
        let start = out.len();
        out.resize(start + self.len(), 0);
        self.write(&mut out[start..]).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::view::RtpView;

    const HEADER: RtpHeader = RtpHeader { marker: true, payload_type: 96, sequence: 65_535, timestamp: 77, ssrc: 99 };

    #[test]
    fn a_written_header_reads_back() {
        let mut bytes = [0xff; 64];
        let written = HeaderWriter::new(HEADER)
            .extension(Some(3), b"mid")
            .extension(None, b"never negotiated")
            .transport_cc(Some(5))
            .abs_send_time(Some(2))
            .write(&mut bytes)
            .expect("there is room");
        assert_eq!(written.len, 12 + 4 + 12);
        assert!(written.set_transport_cc(&mut bytes, 0x1234));
        assert!(written.set_abs_send_time(&mut bytes, 0x0056_789a));
        let view = RtpView::parse(&bytes[..written.len]).expect("valid");
        let read = (view.marker(), view.payload_type(), view.sequence(), view.timestamp(), view.ssrc());
        assert_eq!(read, (true, 96, 65_535, 77, 99));
        let elements: Vec<_> = view.extensions().collect();
        assert_eq!(elements, [(3, &b"mid"[..]), (5, &[0x12, 0x34][..]), (2, &[0x56, 0x78, 0x9a][..])]);
    }

    #[test]
    fn without_extensions_the_header_is_twelve_bytes() {
        let mut bytes = Vec::with_capacity(12);
        let written = HeaderWriter::new(HEADER).extension(Some(0), b"padding is no id").append(&mut bytes);
        assert_eq!((written.len, bytes.len(), bytes[0]), (12, 12, 0x80));
        assert!(!written.set_transport_cc(&mut bytes, 1));
        assert!(HeaderWriter::new(HEADER).write(&mut [0; 11]).is_none());
    }

    #[test]
    fn the_two_byte_form_is_taken_when_needed_and_only_then() {
        let long = [7; 17];
        for (id, value, profile) in [
            (14, &long[..16], 0xbede_u16),
            (15, &long[..1], 0x1000),
            (1, &long[..], 0x1000),
            (1, &[][..], 0x1000),
            (255, &long[..], 0x1000),
        ] {
            let mut bytes = b"before".to_vec();
            let written = HeaderWriter::new(HEADER).extension(Some(id), value).transport_cc(Some(4)).append(&mut bytes);
            let packet = &mut bytes[6..];
            assert!(written.set_transport_cc(packet, 0xabcd));
            assert_eq!(packet[12..14], profile.to_be_bytes());
            let view = RtpView::parse(packet).expect("valid");
            assert_eq!(view.header_len(), written.len);
            assert_eq!(view.extension(id), Some(value));
            assert_eq!(view.extension(4), Some(&[0xab, 0xcd][..]));
        }
    }

    #[test]
    fn appending_within_the_capacity_moves_nothing() {
        let mut bytes = Vec::with_capacity(256);
        let place = bytes.as_ptr();
        for _ in 0..8 {
            HeaderWriter::new(HEADER).extension(Some(1), b"0").transport_cc(Some(2)).append(&mut bytes);
        }
        assert_eq!((bytes.as_ptr(), bytes.capacity(), bytes.len()), (place, 256, 8 * 24));
    }

    #[test]
    fn more_elements_than_fit_are_left_out() {
        let mut writer = HeaderWriter::new(HEADER);
        writer.extension(Some(1), &[0; 256]);
        for id in 1..=20 {
            writer.extension(Some(id), b"x");
        }
        let mut bytes = Vec::new();
        writer.append(&mut bytes);
        assert_eq!(RtpView::parse(&bytes).expect("valid").extensions().count(), MAX_ELEMENTS);
    }
}

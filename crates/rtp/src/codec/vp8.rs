//! VP8 in RTP (RFC 7741): the payload descriptor and its numbers.

use super::PictureId;

/// What stands before the VP8 data of a payload.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Vp8Descriptor {
    /// N: no other picture needs this one.
    pub non_reference: bool,
    /// S: a partition begins here.
    pub start_of_partition: bool,
    /// PID, 0 to 7. Partition 0 comes first in a picture.
    pub partition: u8,
    /// The picture's number.
    pub picture_id: Option<PictureId>,
    /// TL0PICIDX: counts the pictures of the base layer.
    pub tl0: Option<u8>,
    /// TID: the temporal layer, 0 to 3.
    pub temporal: Option<u8>,
    /// Y: needs nothing but the base layer's picture with the same TL0PICIDX.
    pub layer_sync: bool,
    /// KEYIDX, 0 to 31.
    pub key_index: Option<u8>,
    /// Where the VP8 data begins.
    pub length: usize,
    picture_id_at: usize,
    tl0_at: usize,
}

const EXTENDED: u8 = 0x80;
const NON_REFERENCE: u8 = 0x20;
const START: u8 = 0x10;
const HAS_PICTURE_ID: u8 = 0x80;
const HAS_TL0: u8 = 0x40;
const HAS_TEMPORAL: u8 = 0x20;
const HAS_KEY_INDEX: u8 = 0x10;

impl Vp8Descriptor {
    /// Reads a payload's descriptor; `None` when it is cut off.
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let first = *payload.first()?;
        let mut read = Self {
            non_reference: first & NON_REFERENCE != 0,
            start_of_partition: first & START != 0,
            partition: first & 0x07,
            length: 1,
            ..Self::default()
        };
        if first & EXTENDED == 0 {
            return Some(read);
        }
        let flags = *payload.get(1)?;
        read.length = 2;
        if flags & HAS_PICTURE_ID != 0 {
            let id = PictureId::parse(payload.get(read.length..)?)?;
            read.picture_id_at = read.length;
            read.length += id.bytes();
            read.picture_id = Some(id);
        }
        if flags & HAS_TL0 != 0 {
            read.tl0 = Some(*payload.get(read.length)?);
            read.tl0_at = read.length;
            read.length += 1;
        }
        if flags & (HAS_TEMPORAL | HAS_KEY_INDEX) != 0 {
            let byte = *payload.get(read.length)?;
            read.length += 1;
            if flags & HAS_TEMPORAL != 0 {
                read.temporal = Some(byte >> 6);
                read.layer_sync = byte & 0x20 != 0;
            }
            if flags & HAS_KEY_INDEX != 0 {
                read.key_index = Some(byte & 0x1f);
            }
        }
        Some(read)
    }

    /// Whether a picture begins with this payload.
    pub fn starts_picture(&self) -> bool {
        self.start_of_partition && self.partition == 0
    }

    /// Whether a keyframe begins with this payload (the inverse P bit of the frame tag, RFC 6386, 9.1).
    pub fn starts_keyframe(&self, payload: &[u8]) -> bool {
        self.starts_picture() && payload.get(self.length).is_some_and(|tag| tag & 1 == 0)
    }
}

/// Puts other numbers into a payload, in the width that is there: a 7-bit picture id stays one. Numbers that the
/// payload has no place for are left out. `false`, and nothing changed, when the descriptor is cut off.
pub fn rewrite(payload: &mut [u8], picture_id: Option<u16>, tl0: Option<u8>) -> bool {
    let Some(read) = Vp8Descriptor::parse(payload) else { return false };
    if let (Some(before), Some(id)) = (read.picture_id, picture_id) {
        before.with(id).write(&mut payload[read.picture_id_at..]);
    }
    if let (Some(_), Some(tl0)) = (read.tl0, tl0) {
        payload[read.tl0_at] = tl0;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_descriptor_is_read() {
        let payload = [0x90, 0xf0, 0x81, 0x02, 7, 0xb5, 0x00];
        let read = Vp8Descriptor::parse(&payload).unwrap();
        assert!(read.starts_picture() && read.starts_keyframe(&payload) && read.layer_sync && !read.non_reference);
        assert_eq!(read.picture_id.map(PictureId::value), Some(0x102));
        assert_eq!((read.tl0, read.temporal, read.key_index, read.length), (Some(7), Some(2), Some(0x15), 6));
    }

    #[test]
    fn descriptors_without_parts_are_read() {
        let read = Vp8Descriptor::parse(&[0x30, 1]).unwrap();
        assert!(read.non_reference && read.starts_picture() && !read.starts_keyframe(&[0x30, 1]));
        assert_eq!((read.picture_id, read.tl0, read.temporal, read.length), (None, None, None, 1));
        let read = Vp8Descriptor::parse(&[0x81, 0x10, 0x3f]).unwrap();
        assert_eq!((read.partition, read.temporal, read.key_index, read.layer_sync), (1, None, Some(31), false));
        let read = Vp8Descriptor::parse(&[0x80, 0x80, 0x7f]).unwrap();
        assert_eq!(read.picture_id, Some(PictureId::Short(127)));
    }

    #[test]
    fn every_cut_of_a_descriptor_is_refused() {
        let payload = [0x90, 0xf0, 0x81, 0x02, 7, 0xb5];
        for length in 0..payload.len() {
            assert_eq!(Vp8Descriptor::parse(&payload[..length]), None, "{length} bytes");
        }
    }

    #[test]
    fn numbers_are_put_in_place_in_the_width_that_is_there() {
        let mut long = [0x90, 0xe0, 0x81, 0x02, 7, 0x20, 0xaa];
        assert!(rewrite(&mut long, Some(0x7ffe), Some(200)));
        assert_eq!(long, [0x90, 0xe0, 0xff, 0xfe, 200, 0x20, 0xaa]);
        assert!(rewrite(&mut long, Some(3), None));
        assert_eq!(long, [0x90, 0xe0, 0x80, 3, 200, 0x20, 0xaa], "still two bytes");
        let mut short = [0x90, 0x80, 0x05, 0xaa];
        assert!(rewrite(&mut short, Some(0x1ff), Some(9)));
        assert_eq!(short, [0x90, 0x80, 0x7f, 0xaa], "seven bits, and no place for TL0PICIDX");
        let mut bare = [0x10, 0xaa];
        assert!(rewrite(&mut bare, Some(1), Some(1)));
        assert_eq!(bare, [0x10, 0xaa]);
        assert!(!rewrite(&mut [0x90, 0x80], Some(1), None));
    }
}

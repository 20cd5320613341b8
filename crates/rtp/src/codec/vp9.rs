//! VP9 in RTP (RFC 9628): the payload descriptor, in both its modes.

use super::{PictureId, References};

/// What stands before the VP9 data of a payload. A *picture* is made of one *frame* for each spatial layer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "they are the flags of the wire")]
pub struct Vp9Descriptor {
    /// P: needs earlier pictures.
    pub inter_picture: bool,
    /// F: references are told as distances in each packet.
    pub flexible: bool,
    /// B: the frame of a spatial layer begins here.
    pub start_of_frame: bool,
    /// E: the frame of a spatial layer ends here.
    pub end_of_frame: bool,
    /// Z: no higher spatial layer of this picture needs this frame.
    pub not_for_upper_layers: bool,
    /// The picture's number, the same in all its layers.
    pub picture_id: Option<PictureId>,
    /// Whether the layer's numbers are there at all.
    pub has_layers: bool,
    /// TID, 0 to 7.
    pub temporal: u8,
    /// SID, 0 to 7.
    pub spatial: u8,
    /// U: later pictures of higher temporal layers need no earlier picture of a layer above this one's.
    pub switching_up: bool,
    /// D: needs the next lower spatial layer of the same picture.
    pub inter_layer: bool,
    /// TL0PICIDX; only in non-flexible mode.
    pub tl0: Option<u8>,
    /// `P_DIFF`: distances to the pictures it needs; only in flexible mode.
    pub references: References,
    /// Spatial layers of the stream, when the payload carries a scalability structure.
    pub spatial_layers: Option<u8>,
    /// Where the VP9 data begins.
    pub length: usize,
    picture_id_at: usize,
    tl0_at: usize,
}

const HAS_PICTURE_ID: u8 = 0x80;
const INTER_PICTURE: u8 = 0x40;
const HAS_LAYERS: u8 = 0x20;
const FLEXIBLE: u8 = 0x10;
const BEGIN: u8 = 0x08;
const END: u8 = 0x04;
const HAS_STRUCTURE: u8 = 0x02;
const NOT_FOR_UPPER: u8 = 0x01;
/// RFC 9628: a frame has three references at most.
const MAX_DISTANCES: usize = 3;

impl Vp9Descriptor {
    /// Reads a payload's descriptor; `None` when it is cut off or has more references than are allowed.
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let first = *payload.first()?;
        let mut read = Self {
            inter_picture: first & INTER_PICTURE != 0,
            flexible: first & FLEXIBLE != 0,
            start_of_frame: first & BEGIN != 0,
            end_of_frame: first & END != 0,
            not_for_upper_layers: first & NOT_FOR_UPPER != 0,
            has_layers: first & HAS_LAYERS != 0,
            length: 1,
            ..Self::default()
        };
        if first & HAS_PICTURE_ID != 0 {
            let id = PictureId::parse(payload.get(1..)?)?;
            read.picture_id_at = 1;
            read.length += id.bytes();
            read.picture_id = Some(id);
        }
        if read.has_layers {
            read.take_layers(payload)?;
        }
        if read.flexible && read.inter_picture {
            read.take_distances(payload)?;
        }
        if first & HAS_STRUCTURE != 0 {
            read.skip_structure(payload)?;
        }
        Some(read)
    }

    /// Whether a keyframe begins with this payload: the lowest layer of a picture that needs no other.
    pub fn starts_keyframe(&self) -> bool {
        self.start_of_frame && !self.inter_picture && self.spatial == 0
    }

    fn take_layers(&mut self, payload: &[u8]) -> Option<()> {
        let byte = *payload.get(self.length)?;
        self.length += 1;
        self.temporal = byte >> 5;
        self.switching_up = byte & 0x10 != 0;
        self.spatial = byte >> 1 & 0x07;
        self.inter_layer = byte & 0x01 != 0;
        if !self.flexible {
            self.tl0 = Some(*payload.get(self.length)?);
            self.tl0_at = self.length;
            self.length += 1;
        }
        Some(())
    }

    fn take_distances(&mut self, payload: &[u8]) -> Option<()> {
        for _ in 0..MAX_DISTANCES {
            let byte = *payload.get(self.length)?;
            self.length += 1;
            self.references.push(u16::from(byte >> 1))?;
            if byte & 1 == 0 {
                return Some(());
            }
        }
        None
    }

    /// The scalability structure says sizes and a pattern of pictures; only its length and its layers matter here.
    fn skip_structure(&mut self, payload: &[u8]) -> Option<()> {
        let byte = *payload.get(self.length)?;
        self.length += 1;
        let layers = (byte >> 5) + 1;
        self.spatial_layers = Some(layers);
        if byte & 0x10 != 0 {
            self.length += usize::from(layers) * 4;
        }
        if byte & 0x08 != 0 {
            let pictures = *payload.get(self.length)?;
            self.length += 1;
            for _ in 0..pictures {
                let references = *payload.get(self.length)? >> 2 & 0x03;
                self.length += 1 + usize::from(references);
            }
        }
        (self.length <= payload.len()).then_some(())
    }
}

/// Puts other numbers into a payload, in the width that is there. `false`, and nothing changed, when the descriptor
/// is cut off.
pub fn rewrite(payload: &mut [u8], picture_id: Option<u16>, tl0: Option<u8>) -> bool {
    let Some(read) = Vp9Descriptor::parse(payload) else { return false };
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

    /// Two spatial layers with sizes and a pattern of two pictures.
    const STRUCTURE: [u8; 14] = [0x38, 1, 0x40, 0, 0xb4, 2, 0x80, 1, 0x68, 2, 0x00, 0x34, 1, 0xee];

    #[test]
    fn a_keyframe_with_its_structure_is_read() {
        let mut payload = vec![0xaa, 0x81, 0x23, 0x11, 9];
        payload.extend_from_slice(&STRUCTURE);
        let read = Vp9Descriptor::parse(&payload).unwrap();
        assert!(read.starts_keyframe() && !read.end_of_frame && read.switching_up && read.inter_layer);
        assert_eq!((read.tl0, read.spatial, read.temporal, read.spatial_layers), (Some(9), 0, 0, Some(2)));
        assert_eq!((read.length, payload[read.length]), (18, 0xee));
        for length in 0..18 {
            assert_eq!(Vp9Descriptor::parse(&payload[..length]), None, "{length} bytes");
        }
    }

    #[test]
    fn flexible_mode_tells_distances_and_has_no_tl0() {
        let read = Vp9Descriptor::parse(&[0xfd, 0x05, 0x44, 0x03, 0x05, 0x08, 0xee]).unwrap();
        assert!(read.flexible && read.inter_picture && read.not_for_upper_layers && !read.starts_keyframe());
        assert_eq!((read.temporal, read.spatial, read.tl0, read.length), (2, 2, None, 6));
        assert_eq!(read.references.distances(), [1, 2, 4]);
        assert_eq!(Vp9Descriptor::parse(&[0xfd, 5, 0x44, 3, 5, 9, 4]), None, "a fourth reference");
    }

    #[test]
    fn an_upper_layer_begins_no_keyframe_and_bare_payloads_have_no_layers() {
        let upper = Vp9Descriptor::parse(&[0xa8, 0x05, 0x03, 1]).unwrap();
        assert!(!upper.starts_keyframe() && upper.start_of_frame && upper.spatial == 1 && upper.inter_layer);
        let bare = Vp9Descriptor::parse(&[0x0c, 0xee]).unwrap();
        assert!(bare.starts_keyframe() && bare.end_of_frame && !bare.has_layers);
    }

    #[test]
    fn numbers_are_put_in_place() {
        let mut payload = [0xe8, 0x81, 0x23, 0x11, 9, 0xee];
        assert!(rewrite(&mut payload, Some(0x0102), Some(77)));
        assert_eq!(payload, [0xe8, 0x81, 0x02, 0x11, 77, 0xee]);
        let mut flexible = [0xb8, 0x05, 0x11, 0xee];
        assert!(rewrite(&mut flexible, Some(0x0182), Some(77)));
        assert_eq!(flexible, [0xb8, 0x02, 0x11, 0xee]);
    }
}

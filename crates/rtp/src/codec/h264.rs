//! What an SFU reads of H.264 in RTP (RFC 6184): where a keyframe begins, and pictures nobody refers to.
//!
//! Our own encoders make no temporal layers; a browser's may, and then without the dependency descriptor the only
//! sign is `nal_ref_idc` 0. Such a picture can be left out at any time, and come back at any time.

use super::PictureStart;
use crate::h264::NalKind;

/// What one payload tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct H264Facts {
    /// What a decoder can begin with.
    pub start: PictureStart,
    /// It holds slices, and no later picture refers to any of them.
    pub discardable: bool,
    /// It holds the first macroblock of a picture.
    pub first_slice: bool,
}

/// Looks into single NAL units, STAP-A and FU-A. Never fails: what cannot be read tells nothing.
pub fn read(payload: &[u8]) -> H264Facts {
    let mut units = Units::default();
    match payload {
        [header, rest @ ..] if NalKind::of(*header) == NalKind::StapA => aggregate(rest, &mut units),
        [indicator, fragment, rest @ ..] if NalKind::of(*indicator) == NalKind::FuA => {
            let begins = fragment & 0x80 != 0;
            units.note(*indicator, NalKind::of(*fragment), begins, rest.first());
        }
        [header, rest @ ..] => units.note(*header, NalKind::of(*header), true, rest.first()),
        [] => {}
    }
    H264Facts {
        start: units.start,
        discardable: units.unreferenced_slice && !units.referenced_slice,
        first_slice: units.first_slice,
    }
}

fn aggregate(mut rest: &[u8], units: &mut Units) {
    while let [high, low, unit @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let Some((unit, next)) = unit.split_at_checked(length) else { return };
        let Some(&header) = unit.first() else { return };
        units.note(header, NalKind::of(header), true, unit.get(1));
        rest = next;
    }
}

#[derive(Default)]
struct Units {
    start: PictureStart,
    referenced_slice: bool,
    unreferenced_slice: bool,
    first_slice: bool,
}

impl Units {
    /// `indicator` has the unit's `nal_ref_idc`; `data` is the first byte of its body.
    fn note(&mut self, indicator: u8, kind: NalKind, begins: bool, data: Option<&u8>) {
        match kind {
            NalKind::SequenceParameters if begins => self.start = PictureStart::Complete,
            NalKind::IdrSlice if begins && self.start == PictureStart::Nothing => self.start = PictureStart::IdrOnly,
            _ => {}
        }
        // Types 1 to 5 are slices and their partitions. `first_mb_in_slice` is the Exp-Golomb number at the beginning
        // of types 1, 2 and 5, and 0 is the single bit 1.
        match kind {
            NalKind::Slice | NalKind::IdrSlice | NalKind::Other(2) => {
                self.first_slice |= begins && data.is_some_and(|byte| byte & 0x80 != 0);
            }
            NalKind::Other(3 | 4) => {}
            _ => return,
        }
        if indicator & 0x60 == 0 {
            self.unreferenced_slice = true;
        } else {
            self.referenced_slice = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(payload: &[u8]) -> PictureStart {
        read(payload).start
    }

    #[test]
    fn keyframes_are_seen_in_single_units_aggregates_and_first_fragments() {
        assert_eq!(start(&[0x67, 1, 2]), PictureStart::Complete);
        assert_eq!(start(&[0x65, 1, 2]), PictureStart::IdrOnly);
        assert_eq!(start(&[0x41, 1, 2]), PictureStart::Nothing);
        assert_eq!(start(&[0x78, 0, 2, 0x67, 1, 0, 1, 0x68]), PictureStart::Complete);
        assert_eq!(start(&[0x78, 0, 1, 0x06, 0, 2, 0x65, 9]), PictureStart::IdrOnly);
        assert_eq!(start(&[0x7c, 0x85, 1]), PictureStart::IdrOnly);
        assert_eq!(start(&[0x7c, 0x05, 1]), PictureStart::Nothing, "a later fragment begins nothing");
    }

    #[test]
    fn cut_off_payloads_tell_nothing() {
        for payload in [&[][..], &[0x78], &[0x78, 0], &[0x78, 0, 9, 0x67], &[0x78, 0, 0], &[0x7c]] {
            assert_eq!(read(payload), H264Facts::default(), "{payload:?}");
        }
    }

    #[test]
    fn slices_nobody_refers_to_are_discardable_and_side_information_is_not() {
        assert!(read(&[0x01, 0x9a, 2]).discardable);
        assert!(read(&[0x1c, 0x41, 2]).discardable, "the end of a fragmented one");
        assert!(!read(&[0x41, 0x9a, 2]).discardable);
        assert!(!read(&[0x06, 5, 2]).discardable, "SEI may belong to any picture");
        assert!(!read(&[0x78, 0, 2, 0x01, 0x9a, 0, 2, 0x41, 0x9a]).discardable);
    }

    #[test]
    fn the_first_slice_of_a_picture_is_told_from_the_others() {
        assert!(read(&[0x41, 0x9a]).first_slice);
        assert!(!read(&[0x41, 0x40]).first_slice);
        assert!(read(&[0x7c, 0x81, 0x9a]).first_slice);
        assert!(!read(&[0x7c, 0x01, 0x9a]).first_slice);
    }
}

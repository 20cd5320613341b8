//! Tells from an RTP payload whether a decoder can begin with it.

use str0m::format::Codec;

/// What a video payload begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum PictureStart {
    /// Something else, or cannot be told.
    Nothing,
    /// A keyframe with all a decoder needs: an H.264 SPS (the IDR follows), or a VP8 keyframe.
    Complete,
    /// An H.264 IDR picture whose parameter sets are not in this packet.
    IdrOnly,
}

const H264_IDR: u8 = 5;
const H264_SPS: u8 = 7;
const H264_STAP_A: u8 = 24;
const H264_FU_A: u8 = 28;

/// Looks into one payload.
pub(crate) fn picture_start(codec: Codec, payload: &[u8]) -> PictureStart {
    match codec {
        Codec::H264 => h264(payload),
        Codec::Vp8 => vp8(payload),
        _ => PictureStart::Nothing,
    }
}

fn of_nal_type(nal_type: u8) -> PictureStart {
    match nal_type {
        H264_SPS => PictureStart::Complete,
        H264_IDR => PictureStart::IdrOnly,
        _ => PictureStart::Nothing,
    }
}

/// RFC 6184: single NAL units, STAP-A and the first fragment of an FU-A.
fn h264(payload: &[u8]) -> PictureStart {
    let Some(&first) = payload.first() else { return PictureStart::Nothing };
    match first & 0x1f {
        H264_STAP_A => {
            let mut rest = &payload[1..];
            let mut found = PictureStart::Nothing;
            while let [high, low, unit @ ..] = rest {
                let length = usize::from(u16::from_be_bytes([*high, *low]));
                if length == 0 || length > unit.len() {
                    break;
                }
                match of_nal_type(unit[0] & 0x1f) {
                    PictureStart::Complete => return PictureStart::Complete,
                    PictureStart::IdrOnly => found = PictureStart::IdrOnly,
                    PictureStart::Nothing => {}
                }
                rest = &unit[length..];
            }
            found
        }
        H264_FU_A => match payload.get(1) {
            Some(header) if header & 0x80 != 0 => of_nal_type(header & 0x1f),
            _ => PictureStart::Nothing,
        },
        nal_type => of_nal_type(nal_type),
    }
}

/// RFC 7741: the first packet of partition 0 whose frame tag says keyframe.
fn vp8(payload: &[u8]) -> PictureStart {
    let Some(&first) = payload.first() else { return PictureStart::Nothing };
    let (extended, start_of_partition, partition) = (first & 0x80 != 0, first & 0x10 != 0, first & 0x0f);
    if !start_of_partition || partition != 0 {
        return PictureStart::Nothing;
    }
    let mut at = 1;
    if extended {
        let Some(&flags) = payload.get(at) else { return PictureStart::Nothing };
        at += 1;
        if flags & 0x80 != 0 {
            let Some(&picture_id) = payload.get(at) else { return PictureStart::Nothing };
            at += if picture_id & 0x80 != 0 { 2 } else { 1 };
        }
        at += usize::from(flags & 0x40 != 0);
        at += usize::from(flags & 0x30 != 0);
    }
    match payload.get(at) {
        Some(tag) if tag & 1 == 0 => PictureStart::Complete,
        _ => PictureStart::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h264_keyframes_are_seen_in_single_units_aggregates_and_first_fragments() {
        let h264 = |payload: &[u8]| picture_start(Codec::H264, payload);
        assert_eq!(h264(&[0x67, 1, 2]), PictureStart::Complete);
        assert_eq!(h264(&[0x65, 1, 2]), PictureStart::IdrOnly);
        assert_eq!(h264(&[0x41, 1, 2]), PictureStart::Nothing);
        assert_eq!(h264(&[0x78, 0, 2, 0x67, 1, 0, 1, 0x68]), PictureStart::Complete);
        assert_eq!(h264(&[0x78, 0, 1, 0x06, 0, 2, 0x65, 9]), PictureStart::IdrOnly);
        assert_eq!(h264(&[0x7c, 0x85, 1]), PictureStart::IdrOnly);
        assert_eq!(h264(&[0x7c, 0x05, 1]), PictureStart::Nothing, "a later fragment begins nothing");
    }

    #[test]
    fn cut_off_payloads_begin_nothing() {
        for payload in [&[][..], &[0x78], &[0x78, 0], &[0x78, 0, 9, 0x67], &[0x78, 0, 0], &[0x7c]] {
            assert_eq!(picture_start(Codec::H264, payload), PictureStart::Nothing, "{payload:?}");
        }
        for payload in [&[][..], &[0x90], &[0x90, 0x80], &[0x90, 0x80, 0x80, 1]] {
            assert_eq!(picture_start(Codec::Vp8, payload), PictureStart::Nothing, "{payload:?}");
        }
    }

    #[test]
    fn vp8_keyframes_are_seen_behind_any_descriptor() {
        let vp8 = |payload: &[u8]| picture_start(Codec::Vp8, payload);
        assert_eq!(vp8(&[0x10, 0x00]), PictureStart::Complete);
        assert_eq!(vp8(&[0x10, 0x01]), PictureStart::Nothing);
        assert_eq!(vp8(&[0x00, 0x00]), PictureStart::Nothing, "not the start of a partition");
        assert_eq!(vp8(&[0x90, 0xf0, 0x81, 0x02, 7, 9, 0x00]), PictureStart::Complete);
    }
}

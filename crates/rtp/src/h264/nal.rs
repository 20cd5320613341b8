//! NAL units: the pieces an H.264 stream is made of.

/// What a NAL unit or an RTP payload is for, by its 5-bit type (ITU-T H.264 table 7-1, RFC 6184 table 1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NalKind {
    /// A slice that needs earlier pictures.
    Slice,
    /// A slice of a picture that needs no other: a key frame.
    IdrSlice,
    /// Supplemental information.
    Sei,
    /// Sequence parameter set; comes before a key frame.
    SequenceParameters,
    /// Picture parameter set; comes before a key frame.
    PictureParameters,
    /// Marks the start of a picture; carries nothing.
    AccessUnitDelimiter,
    /// Padding.
    Filler,
    /// RTP only: several units in one payload.
    StapA,
    /// RTP only: a part of a unit.
    FuA,
    /// Anything else.
    Other(u8),
}

impl NalKind {
    /// By the first byte of a unit or payload.
    pub const fn of(header: u8) -> Self {
        match header & 0x1f {
            1 => Self::Slice,
            5 => Self::IdrSlice,
            6 => Self::Sei,
            7 => Self::SequenceParameters,
            8 => Self::PictureParameters,
            9 => Self::AccessUnitDelimiter,
            12 => Self::Filler,
            24 => Self::StapA,
            28 => Self::FuA,
            other => Self::Other(other),
        }
    }
}

/// What can be told of one RTP payload without its neighbours.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PayloadInfo {
    /// A key frame can begin with this packet: it holds a sequence parameter set, or the beginning of an IDR slice.
    pub starts_keyframe: bool,
    /// It holds sequence parameters, so a decoder can begin here.
    pub has_parameters: bool,
    /// It holds some part of a key frame's picture.
    pub has_idr: bool,
}

/// The NAL units of an Annex B byte stream, without their start codes (three or four bytes), in order. Bytes before the
/// first start code are no unit; empty units are left out.
pub fn nal_units(annex_b: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = skip_to_unit(annex_b);
    std::iter::from_fn(move || {
        while let Some(current) = rest {
            let (unit, next) = match find_start_code(current) {
                Some(position) => (&current[..position], Some(&current[position + 3..])),
                None => (current, None),
            };
            rest = next;
            // Zero bytes between a unit and the next start code belong to neither (trailing_zero_8bits).
            let length = unit.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
            if length > 0 {
                return Some(&unit[..length]);
            }
        }
        None
    })
}

fn skip_to_unit(annex_b: &[u8]) -> Option<&[u8]> {
    find_start_code(annex_b).map(|position| &annex_b[position + 3..])
}

/// The position of the next `00 00 01`.
fn find_start_code(bytes: &[u8]) -> Option<usize> {
    let mut position = 0;
    while position + 3 <= bytes.len() {
        // The third byte decides how far one can leap.
        match bytes[position + 2] {
            0 => position += 1,
            1 if bytes[position] == 0 && bytes[position + 1] == 0 => return Some(position),
            _ => position += 3,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_found_behind_three_and_four_byte_start_codes() {
        let stream = [0, 0, 0, 1, 0x67, 1, 2, 0, 0, 1, 0x68, 3, 0, 0, 0, 1, 0x65, 0, 0, 3, 9];
        let units: Vec<&[u8]> = nal_units(&stream).collect();
        assert_eq!(units, [&[0x67, 1, 2][..], &[0x68, 3], &[0x65, 0, 0, 3, 9]]);
    }

    #[test]
    fn bytes_without_a_start_code_are_no_unit() {
        assert_eq!(nal_units(&[1, 2, 3, 4]).count(), 0);
        assert_eq!(nal_units(&[]).count(), 0);
        assert_eq!(nal_units(&[0, 0, 1]).count(), 0);
        assert_eq!(nal_units(&[0, 0, 0, 1, 0, 0, 1]).count(), 0);
    }

    #[test]
    fn a_start_code_is_found_at_every_alignment() {
        for padding in 0..8 {
            let mut stream = vec![0xff; padding];
            stream.extend_from_slice(&[0, 0, 1, 0x41, 7]);
            assert_eq!(nal_units(&stream).collect::<Vec<_>>(), [&[0x41, 7]], "padding {padding}");
        }
    }
}

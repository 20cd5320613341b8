//! Reading Annex B byte streams (ITU-T H.264, Annex B.1): start codes and NAL unit types.

/// NAL unit type of a slice of an IDR picture (H.264, table 7-1).
pub const NAL_IDR_SLICE: u8 = 5;
/// NAL unit type of a sequence parameter set.
pub const NAL_SEQUENCE_PARAMETERS: u8 = 7;
/// NAL unit type of a picture parameter set.
pub const NAL_PICTURE_PARAMETERS: u8 = 8;

/// The NAL units of a byte stream, without start codes and trailing zeros. Bytes before the first start code are
/// skipped; empty units are left out.
pub fn nal_units(stream: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = after_start_code(stream).unwrap_or(&[]);
    std::iter::from_fn(move || {
        while !rest.is_empty() {
            let end = find_start_code(rest).unwrap_or(rest.len());
            let unit = trim_zeros(&rest[..end]);
            rest = after_start_code(&rest[end..]).unwrap_or(&[]);
            if !unit.is_empty() {
                return Some(unit);
            }
        }
        None
    })
}

/// The type of a NAL unit (without start code): the low five bits of its first byte.
pub fn nal_type(unit: &[u8]) -> Option<u8> {
    unit.first().map(|byte| byte & 0x1f)
}

/// Whether decoding can start at this access unit: it holds an IDR slice.
pub fn is_keyframe(stream: &[u8]) -> bool {
    nal_units(stream).any(|unit| nal_type(unit) == Some(NAL_IDR_SLICE))
}

fn find_start_code(bytes: &[u8]) -> Option<usize> {
    bytes.windows(3).position(|window| window == [0, 0, 1])
}

fn after_start_code(bytes: &[u8]) -> Option<&[u8]> {
    find_start_code(bytes).map(|position| &bytes[position + 3..])
}

fn trim_zeros(unit: &[u8]) -> &[u8] {
    let end = unit.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    &unit[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_split_at_three_and_four_byte_start_codes() {
        let stream = [9, 0, 0, 0, 1, 0x67, 1, 2, 0, 0, 1, 0x68, 3, 0, 0, 0, 1, 0x65, 4];
        let units: Vec<&[u8]> = nal_units(&stream).collect();
        assert_eq!(units, [&[0x67, 1, 2][..], &[0x68, 3], &[0x65, 4]]);
        assert!(is_keyframe(&stream));
    }

    #[test]
    fn streams_without_units_yield_nothing() {
        assert_eq!(nal_units(&[]).count(), 0);
        assert_eq!(nal_units(&[0, 0, 1]).count(), 0);
        assert_eq!(nal_units(&[0, 0, 1, 0, 0, 1, 0, 0]).count(), 0);
        assert_eq!(nal_units(&[1, 2, 3]).count(), 0);
        assert!(!is_keyframe(&[0, 0, 1, 0x41, 5]));
    }
}

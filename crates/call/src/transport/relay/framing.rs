//! Where one TURN message ends and the next begins in a stream (RFC 8656, sections 3.1 and 12.5).

const STUN_HEADER: usize = 20;
const CHANNEL_HEADER: usize = 4;

/// Length of the first message with what fills it up, or `None` while not even that is known. An error when it is none.
pub(super) fn message_length(bytes: &[u8]) -> Result<Option<usize>, ()> {
    let [first, _, high, low, ..] = bytes else { return Ok(None) };
    let length = usize::from(u16::from_be_bytes([*high, *low]));
    match first >> 6 {
        0 => Ok(Some(STUN_HEADER + length)),
        1 => Ok(Some((CHANNEL_HEADER + length).next_multiple_of(4))),
        _ => Err(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_from_both_kinds_of_message() {
        assert_eq!(message_length(&[0, 1, 0]), Ok(None));
        assert_eq!(message_length(&[0, 1, 0, 8]), Ok(Some(28)));
        assert_eq!(message_length(&[0x40, 0, 0, 5, 1]), Ok(Some(12)));
        assert_eq!(message_length(&[0x80, 0, 0, 0]), Err(()));
    }
}

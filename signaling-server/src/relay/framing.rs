//! Where one message ends and the next begins in a stream (RFC 8656, sections 3.1 and 12.5; RFC 4571).

/// The largest message taken: far over a datagram of a call, and little to keep.
pub(super) const LARGEST: usize = 4_096;

const STUN_HEADER: usize = 20;
const STUN_COOKIE: [u8; 4] = [0x21, 0x12, 0xA4, 0x42];
const CHANNEL_HEADER: usize = 4;

/// The stream holds something that is no message. There is no finding a way back into it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Broken;

/// Lengths of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Extent {
    /// Without what fills it up.
    pub(super) message: usize,
    /// To the beginning of the next one.
    pub(super) whole: usize,
}

/// The first TURN message of a stream; `None` while it is not there as a whole.
pub(super) fn turn_message(bytes: &[u8]) -> Result<Option<Extent>, Broken> {
    let [first, _, high, low, rest @ ..] = bytes else { return Ok(None) };
    let length = usize::from(u16::from_be_bytes([*high, *low]));
    let message = match first >> 6 {
        0 => {
            // What is not there yet cannot be wrong.
            let wrong = rest.iter().zip(STUN_COOKIE).any(|(byte, cookie)| *byte != cookie);
            if wrong || !length.is_multiple_of(4) {
                return Err(Broken);
            }
            STUN_HEADER + length
        }
        1 => CHANNEL_HEADER + length,
        _ => return Err(Broken),
    };
    let whole = message.next_multiple_of(4);
    if whole > LARGEST {
        return Err(Broken);
    }
    Ok((bytes.len() >= whole).then_some(Extent { message, whole }))
}

/// The first datagram of a stream of frames, without its two bytes of length; `None` while it is not there as a whole.
pub(super) fn framed_datagram(bytes: &[u8]) -> Result<Option<&[u8]>, Broken> {
    let [high, low, rest @ ..] = bytes else { return Ok(None) };
    let length = usize::from(u16::from_be_bytes([*high, *low]));
    if length > LARGEST { Err(Broken) } else { Ok(rest.get(..length)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_told_apart_and_waited_for() {
        let mut stream = vec![0, 1, 0, 4, 0x21, 0x12, 0xA4, 0x42];
        stream.extend([7; 16]);
        stream.extend([0x40, 0, 0, 5, 1, 2, 3, 4, 5, 0, 0, 0]);
        for length in 0..24 {
            assert_eq!(turn_message(&stream[..length]), Ok(None), "{length} bytes");
        }
        assert_eq!(turn_message(&stream), Ok(Some(Extent { message: 24, whole: 24 })));
        assert_eq!(turn_message(&stream[24..35]), Ok(None), "what fills up belongs to it");
        assert_eq!(turn_message(&stream[24..]), Ok(Some(Extent { message: 9, whole: 12 })));
    }

    #[test]
    fn what_is_no_message_ends_a_stream() {
        assert_eq!(turn_message(&[0, 1, 0, 5, 0x21, 0x12, 0xA4, 0x42]), Err(Broken), "no multiple of four");
        assert_eq!(turn_message(&[0, 1, 0, 4, 0x21, 0x13]), Err(Broken), "another cookie");
        assert_eq!(turn_message(&[0x80, 0, 0, 0]), Err(Broken), "neither message nor channel");
        assert_eq!(turn_message(&[0x40, 0, 0xFF, 0xFF]), Err(Broken), "too large");
        assert_eq!(framed_datagram(&[0xFF, 0xFF]), Err(Broken), "too large");
    }

    #[test]
    fn frames_are_datagrams_with_a_length_before_them() {
        assert_eq!(framed_datagram(&[]), Ok(None));
        assert_eq!(framed_datagram(&[0, 2, 7]), Ok(None));
        assert_eq!(framed_datagram(&[0, 2, 7, 8, 9]), Ok(Some(&[7, 8][..])));
        assert_eq!(framed_datagram(&[0, 0, 9]), Ok(Some(&[][..])));
    }
}

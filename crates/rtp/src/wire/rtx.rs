//! Repairs on a stream of their own (RFC 4588): the payload of a repair is the original sequence number, then the
//! original payload.

/// Bytes in front of the original payload.
pub const PREFIX_LEN: usize = 2;

/// The original sequence number and the original payload. `None` for a packet of nothing but padding, by which senders
/// probe.
pub fn original(payload: &[u8]) -> Option<(u16, &[u8])> {
    payload.split_first_chunk().map(|(number, rest)| (u16::from_be_bytes(*number), rest))
}

/// Appends the prefix of a repair; the original payload comes behind it.
pub fn append_original_sequence(out: &mut Vec<u8>, sequence: u16) {
    out.extend_from_slice(&sequence.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repair_names_the_packet_it_repairs() {
        let mut payload = Vec::new();
        append_original_sequence(&mut payload, 0xfedc);
        payload.extend_from_slice(b"picture");
        assert_eq!(original(&payload), Some((0xfedc, &b"picture"[..])));
        assert_eq!(original(&payload[..2]), Some((0xfedc, &[][..])));
        assert_eq!(original(&[1]), None);
    }
}

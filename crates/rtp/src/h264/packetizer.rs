//! Annex B to RTP payloads, packetization-mode 1.

use bytes::{Bytes, BytesMut};

use super::nal::{NalKind, nal_units};

/// Type of a payload of several units.
const STAP_A: u8 = 24;
/// Type of a payload with a part of a unit.
const FU_A: u8 = 28;
/// Bytes a unit needs inside a STAP-A payload beside itself: its length.
const STAP_A_LENGTH: usize = 2;
/// Payload header of STAP-A.
const STAP_A_HEADER: usize = 1;
/// Payload headers of FU-A.
const FU_A_HEADER: usize = 2;

/// Splits one coded picture (Annex B) into RTP payloads of at most `max_payload` bytes, in sending order; the last one
/// is the packet that carries the marker bit.
///
/// Units that fit go alone or, when neighbours fit together, in a STAP-A (so the parameter sets of a key frame travel
/// with its first small slices); larger ones become FU-A parts of about equal size, which keeps the packets of one
/// frame alike. Delimiters and filler are left out: RTP has no use for them.
///
/// `max_payload` below 16 is taken as 16. Nothing comes out of a picture without units.
pub fn packetize(annex_b: &[u8], max_payload: usize) -> Vec<Bytes> {
    let max_payload = max_payload.max(16);
    let mut payloads = Vec::new();
    let mut together: Vec<&[u8]> = Vec::new();
    let mut together_size = STAP_A_HEADER;
    for unit in nal_units(annex_b) {
        if matches!(NalKind::of(unit[0]), NalKind::AccessUnitDelimiter | NalKind::Filler) {
            continue;
        }
        if together_size + STAP_A_LENGTH + unit.len() > max_payload {
            aggregate(&mut together, &mut payloads);
            together_size = STAP_A_HEADER;
        }
        if unit.len() > max_payload {
            fragment(unit, max_payload, &mut payloads);
        } else {
            together_size += STAP_A_LENGTH + unit.len();
            together.push(unit);
        }
    }
    aggregate(&mut together, &mut payloads);
    payloads
}

fn aggregate(units: &mut Vec<&[u8]>, payloads: &mut Vec<Bytes>) {
    match units.as_slice() {
        [] => {}
        [unit] => payloads.push(Bytes::copy_from_slice(unit)),
        units => {
            let size = units.iter().map(|unit| STAP_A_LENGTH + unit.len()).sum::<usize>();
            let mut payload = BytesMut::with_capacity(STAP_A_HEADER + size);
            // The header takes the highest importance of its units, and is forbidden when one of them is.
            let importance = units.iter().map(|unit| unit[0] & 0x60).max().unwrap_or(0);
            let forbidden = units.iter().fold(0, |bits, unit| bits | (unit[0] & 0x80));
            payload.extend_from_slice(&[forbidden | importance | STAP_A]);
            for unit in units {
                payload.extend_from_slice(&(unit.len() as u16).to_be_bytes());
                payload.extend_from_slice(unit);
            }
            payloads.push(payload.freeze());
        }
    }
    units.clear();
}

fn fragment(unit: &[u8], max_payload: usize, payloads: &mut Vec<Bytes>) {
    let (header, body) = (unit[0], &unit[1..]);
    let count = body.len().div_ceil(max_payload - FU_A_HEADER);
    let size = body.len().div_ceil(count);
    for (index, part) in body.chunks(size).enumerate() {
        let start = if index == 0 { 0x80 } else { 0 };
        let end = if (index + 1) * size >= body.len() { 0x40 } else { 0 };
        let mut payload = BytesMut::with_capacity(FU_A_HEADER + part.len());
        payload.extend_from_slice(&[(header & 0xe0) | FU_A, start | end | (header & 0x1f)]);
        payload.extend_from_slice(part);
        payloads.push(payload.freeze());
    }
}

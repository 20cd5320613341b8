//! RTP payloads back to Annex B.

use thiserror::Error;

use super::nal::{NalKind, PayloadInfo};

const START_CODE: [u8; 4] = [0, 0, 0, 1];

/// A payload that RFC 6184 does not allow, or a kind nobody negotiated.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("the H.264 payload is malformed")]
pub struct MalformedPayload;

/// Appends what one payload holds to a picture in Annex B. Payloads of a picture are to be given in order and without
/// gaps; `picture` is empty at first. An empty payload (padding) adds nothing.
///
/// # Errors
///
/// [`MalformedPayload`] when lengths do not add up, a unit is continued that never began, or the kind is unknown. The
/// picture is not usable then.
pub fn append_payload(payload: &[u8], picture: &mut Vec<u8>) -> Result<(), MalformedPayload> {
    let Some(&header) = payload.first() else { return Ok(()) };
    match NalKind::of(header) {
        NalKind::StapA => {
            let mut rest = &payload[1..];
            if rest.is_empty() {
                return Err(MalformedPayload);
            }
            while !rest.is_empty() {
                let (unit, next) = take_unit(rest)?;
                picture.extend_from_slice(&START_CODE);
                picture.extend_from_slice(unit);
                rest = next;
            }
            Ok(())
        }
        NalKind::FuA => {
            let [indicator, fragment, body @ ..] = payload else { return Err(MalformedPayload) };
            if body.is_empty() {
                return Err(MalformedPayload);
            }
            if fragment & 0x80 != 0 {
                picture.extend_from_slice(&START_CODE);
                picture.push((indicator & 0xe0) | (fragment & 0x1f));
            } else if picture.is_empty() {
                return Err(MalformedPayload);
            }
            picture.extend_from_slice(body);
            Ok(())
        }
        // Types 1 to 23 are units as they are; 0 and 25 to 31 (but FU-A) are not for packetization-mode 1.
        NalKind::Other(0 | 24..=31) => Err(MalformedPayload),
        _ => {
            picture.extend_from_slice(&START_CODE);
            picture.extend_from_slice(payload);
            Ok(())
        }
    }
}

/// What one payload holds. Never fails; a malformed payload holds nothing.
pub fn inspect(payload: &[u8]) -> PayloadInfo {
    let mut info = PayloadInfo::default();
    let Some(&header) = payload.first() else { return info };
    match NalKind::of(header) {
        NalKind::StapA => {
            let mut rest = &payload[1..];
            while let Ok((unit, next)) = take_unit(rest) {
                note(unit[0], true, &mut info);
                rest = next;
            }
        }
        NalKind::FuA => {
            if let Some(&fragment) = payload.get(1) {
                note(fragment, fragment & 0x80 != 0, &mut info);
            }
        }
        _ => note(header, true, &mut info),
    }
    info
}

fn note(header: u8, begins: bool, info: &mut PayloadInfo) {
    match NalKind::of(header) {
        NalKind::SequenceParameters => {
            info.has_parameters = true;
            info.starts_keyframe |= begins;
        }
        NalKind::IdrSlice => {
            info.has_idr = true;
            info.starts_keyframe |= begins;
        }
        _ => {}
    }
}

fn take_unit(bytes: &[u8]) -> Result<(&[u8], &[u8]), MalformedPayload> {
    let (length, rest) = bytes.split_first_chunk::<2>().ok_or(MalformedPayload)?;
    let length = usize::from(u16::from_be_bytes(*length));
    if length == 0 || length > rest.len() {
        return Err(MalformedPayload);
    }
    Ok(rest.split_at(length))
}

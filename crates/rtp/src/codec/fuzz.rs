//! Bodies for fuzz targets: each takes any bytes and panics only when a promise is broken. Ordinary functions, so that
//! they are compiled with everything else, and the tests run them with random bytes.

use super::{
    Decision, DescriptorReader, Layer, LayerFilter, ParsedDescriptor, Rewrite, StreamReader, VideoCodec, facts, rewrite,
};

const CODECS: [VideoCodec; 4] = [VideoCodec::H264, VideoCodec::Vp8, VideoCodec::Vp9, VideoCodec::Av1];

/// One payload of each codec: reading it, and that rewriting puts in the numbers asked for and nothing else.
///
/// # Panics
///
/// When a promise is broken.
pub fn fuzz_payload(bytes: &[u8]) {
    for codec in CODECS {
        let Some(before) = facts(codec, bytes, true, None) else { continue };
        let mut copy = bytes.to_vec();
        let numbers = Rewrite {
            sequence: 0,
            marker: true,
            picture_id: Some(0x2a55),
            tl0: Some(0x99),
            frame_number: None,
            active_targets: None,
        };
        assert!(rewrite(codec, &mut copy, &numbers), "a payload with facts can be rewritten");
        let Some(mut after) = facts(codec, &copy, true, None) else { panic!("rewriting made it unreadable") };
        if let Some(id) = before.picture_id {
            assert_eq!(after.picture_id, Some(id.with(0x2a55)));
        }
        assert_eq!(after.tl0, before.tl0.map(|_| 0x99));
        (after.picture_id, after.tl0) = (before.picture_id, before.tl0);
        assert_eq!(after, before, "rewriting changed something else");
        let changed = copy.iter().zip(bytes).filter(|(after, before)| after != before).count();
        assert!(changed <= 3, "{changed} bytes changed");
    }
}

/// A stream of descriptors, each preceded by its length: reading, and that writing keeps what it does not change.
///
/// # Panics
///
/// When a promise is broken.
pub fn fuzz_dependency_descriptor(bytes: &[u8]) {
    let mut reader = DescriptorReader::new();
    for extension in pieces(bytes) {
        let Ok(parsed) = reader.parse(extension) else { continue };
        let mut out = [0; 260];
        let written = parsed.write(extension, 7, Some(parsed.active_targets), &mut out);
        let Some(length) = written else { panic!("no room for {} bytes", extension.len()) };
        assert!(length <= extension.len().max(3) + 5);
        let mut again = DescriptorReader::new();
        if parsed.brings_structure {
            let Ok(read) = again.parse(&out[..length]) else { panic!("what was written cannot be read") };
            assert_eq!(same_but_for_its_place(read), same_but_for_its_place(parsed));
        }
    }
}

fn same_but_for_its_place(mut parsed: ParsedDescriptor) -> ParsedDescriptor {
    parsed.frame_number = 0;
    parsed.layout = super::dependency_descriptor::Layout::default();
    parsed
}

/// Packets of three simulcast streams through readers and a filter, with targets changing: numbers never repeat in one
/// stretch, and a stretch begins with a keyframe.
///
/// # Panics
///
/// When a promise is broken.
pub fn fuzz_layer_filter(bytes: &[u8]) {
    let [head, bytes @ ..] = bytes else { return };
    let codec = CODECS[usize::from(head & 3)];
    let mut readers = [StreamReader::new(), StreamReader::new(), StreamReader::new()];
    let mut filter = LayerFilter::new();
    let mut sequence = 1 << 16;
    let mut highest = None;
    for piece in pieces(bytes) {
        let [control, timing, packet @ ..] = piece else { continue };
        let stream = control % 3;
        if control & 0x80 != 0 {
            let layer = Layer { stream: timing % 3, spatial: timing >> 2 & 3, temporal: timing >> 4 & 3 };
            filter.set_target((timing & 0x80 == 0).then_some(layer));
        }
        // Forwards by a few, and now and then back.
        sequence = (sequence + u64::from(timing & 3)).saturating_sub(u64::from(timing >> 6 == 3) * 5);
        let timestamp = (sequence / 3) as u32;
        let split = packet.len().min(usize::from(control >> 2 & 0x0f));
        let (extension, payload) = packet.split_at(split);
        let extension = (!extension.is_empty()).then_some(extension);
        let reader = &mut readers[usize::from(stream)];
        let Some(facts) = reader.read(codec, sequence, control & 0x40 != 0, payload, extension) else { continue };
        match filter.filter(stream, sequence, timestamp, &facts) {
            Decision::ForwardAndSwitch(rewrite) => {
                assert!(facts.keyframe_start, "a stretch begins with a keyframe");
                highest = Some((sequence, rewrite.sequence));
            }
            Decision::Forward(rewrite) => {
                assert!(rewrite.sequence <= sequence);
                if let Some((seen, sent)) = highest {
                    assert!(sequence <= seen || rewrite.sequence > sent, "a number was given twice");
                    highest = Some((seen.max(sequence), sent.max(rewrite.sequence)));
                }
            }
            Decision::Drop { hole } => {
                assert!(hole.is_none_or(|hole| hole <= sequence));
            }
        }
    }
}

/// Splits bytes into pieces, each preceded by its length.
fn pieces(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let [length, tail @ ..] = rest else { return None };
        let (piece, next) = tail.split_at(tail.len().min(usize::from(*length)));
        rest = next;
        Some(piece)
    })
}

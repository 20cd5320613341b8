use super::*;

/// One row of the tables in A.10.2: spatial and temporal layer, distances, chain distances, indications.
type Row = (u8, u8, &'static [u32], &'static [u32], &'static str);

/// A.10.2.1: one spatial layer with three temporal ones.
const L1T3: [Row; 5] = [
    (0, 0, &[], &[0], "SSS"),
    (0, 0, &[4], &[4], "SSS"),
    (0, 1, &[2], &[2], "SD-"),
    (0, 2, &[1], &[1], "D--"),
    (0, 2, &[1], &[3], "D--"),
];

fn indication(letter: char) -> u32 {
    match letter {
        'D' => 1,
        'S' => 2,
        'R' => 3,
        _ => 0,
    }
}

fn structure(writer: &mut BitWriter<'_>, offset: u32, rows: &[Row], protected_by: &[u32], sizes: &[(u32, u32)]) {
    let targets = rows[0].4.len() as u32;
    writer.number(offset, 6).unwrap();
    writer.number(targets - 1, 5).unwrap();
    for (row, next) in rows.iter().zip(rows.iter().skip(1).map(Some).chain([None])) {
        let step = match next {
            None => 3,
            Some(next) if next.0 > row.0 => 2,
            Some(next) if next.1 > row.1 => 1,
            Some(_) => 0,
        };
        writer.number(step, 2).unwrap();
    }
    for letter in rows.iter().flat_map(|row| row.4.chars()) {
        writer.number(indication(letter), 2).unwrap();
    }
    for row in rows {
        for distance in row.2 {
            writer.number(1 << 4 | (distance - 1), 5).unwrap();
        }
        writer.number(0, 1).unwrap();
    }
    let chains = rows[0].3.len() as u32;
    // 1 of 4 values (three targets) takes two bits; with one chain nothing says which protects a target.
    assert_eq!((targets, chains, protected_by), (3, 1, &[0, 0, 0][..]));
    writer.number(chains, 2).unwrap();
    for distance in rows.iter().flat_map(|row| row.3) {
        writer.number(*distance, 4).unwrap();
    }
    writer.number(u32::from(!sizes.is_empty()), 1).unwrap();
    for (width, height) in sizes {
        writer.number(width - 1, 16).unwrap();
        writer.number(height - 1, 16).unwrap();
    }
}

/// A keyframe's descriptor: start and end of frame, the template at `offset`, and the structure.
fn keyframe(frame_number: u32, offset: u32) -> Vec<u8> {
    let mut bytes = [0; 64];
    let mut writer = BitWriter::new(&mut bytes);
    writer.number(0b11, 2).unwrap();
    writer.number(offset, 6).unwrap();
    writer.number(frame_number, 16).unwrap();
    writer.number(0b10000, 5).unwrap();
    structure(&mut writer, offset, &L1T3, &[0, 0, 0], &[(1280, 720)]);
    let length = writer.bytes_used();
    bytes[..length].to_vec()
}

fn short(template: u8, frame_number: u16) -> Vec<u8> {
    [&[0xc0 | template][..], &frame_number.to_be_bytes()].concat()
}

#[test]
fn a_structure_is_read_and_later_frames_name_its_templates() {
    let mut reader = DescriptorReader::new();
    let key = reader.parse(&keyframe(500, 60)).unwrap();
    assert!(key.brings_structure && key.start_of_frame && key.end_of_frame);
    assert_eq!((key.spatial, key.temporal, key.resolution), (0, 0, Some((1280, 720))));
    let layers: Vec<_> = key.targets().iter().map(|target| (target.temporal, target.chain)).collect();
    assert_eq!(layers, [(2, Some(0)), (1, Some(0)), (0, Some(0))]);
    assert_eq!((key.chain_distances(), key.active_targets), (&[0][..], 0b111));
    // Template ids wrap at 64: 60 + 4 is 0.
    let frame = reader.parse(&short(0, 503)).unwrap();
    assert_eq!((frame.temporal, frame.references.distances(), frame.chain_distances()), (2, &[1][..], &[3][..]));
    assert_eq!(frame.indications.of(0), Indication::Discardable);
    assert_eq!(frame.indications.of(2), Indication::NotPresent);
    let middle = reader.parse(&short(62, 502)).unwrap();
    assert_eq!((middle.temporal, middle.indications.of(0)), (1, Indication::Switch));
    assert_eq!((middle.targets_within(0, 1), middle.targets_within(0, 7)), (0b110, 0b111));
}

#[test]
fn frames_are_part_of_a_chain_as_the_specification_says() {
    let mut reader = DescriptorReader::new();
    assert!(reader.parse(&keyframe(1, 0)).unwrap().is_part_of_chain(0));
    assert!(reader.parse(&short(1, 5)).unwrap().is_part_of_chain(0));
    assert!(!reader.parse(&short(2, 3)).unwrap().is_part_of_chain(0), "discardable for a target it protects");
    assert!(!reader.parse(&short(1, 9)).unwrap().is_part_of_chain(1), "there is no such chain");
}

#[test]
fn a_template_nobody_told_is_an_error_and_the_next_structure_heals_it() {
    let mut reader = DescriptorReader::new();
    assert_eq!(reader.parse(&short(3, 1)), Err(DescriptorError::UnknownTemplate));
    reader.parse(&keyframe(2, 10)).unwrap();
    assert_eq!(reader.parse(&short(9, 3)), Err(DescriptorError::UnknownTemplate));
    assert_eq!(reader.parse(&short(15, 3)), Err(DescriptorError::UnknownTemplate));
    assert!(reader.parse(&short(14, 3)).is_ok());
    reader.parse(&keyframe(4, 20)).unwrap();
    assert_eq!(reader.parse(&short(14, 5)), Err(DescriptorError::UnknownTemplate), "of the structure before");
    assert_eq!(reader.parse(&keyframe(3, 10)), Err(DescriptorError::UnknownTemplate), "a late structure");
    assert!(reader.parse(&short(20, 6)).is_ok(), "changed nothing");
    assert!(reader.parse(&keyframe(60_000, 10)).is_ok(), "an encoder that begins anew");
}

#[test]
fn every_cut_of_a_structure_is_refused_and_leaves_the_one_before() {
    let mut reader = DescriptorReader::new();
    let bytes = keyframe(7, 0);
    reader.parse(&bytes).unwrap();
    let other = keyframe(8, 40);
    for length in 4..other.len() {
        assert_eq!(reader.parse(&other[..length]), Err(DescriptorError::CutOff), "{length} bytes");
        assert!(reader.parse(&short(1, 9)).is_ok(), "{length} bytes");
    }
    assert_eq!(reader.parse(&bytes[..2]), Err(DescriptorError::CutOff));
}

#[test]
fn too_many_templates_layers_or_references_are_refused() {
    let refused = |bits: &[(u32, u32)]| {
        let mut bytes = [0; 200];
        let mut writer = BitWriter::new(&mut bytes);
        writer.number(0xc0_0001, 24).unwrap();
        writer.number(0b10000, 5).unwrap();
        writer.number(0, 11).unwrap();
        for &(value, count) in bits {
            writer.number(value, count).unwrap();
        }
        assert_eq!(DescriptorReader::new().parse(&bytes), Err(DescriptorError::TooLarge));
    };
    refused(&[(0, 2); 64]);
    refused(&[(1, 2); 8]);
    refused(&[(2, 2); 8]);
    refused(&[&[(3, 2), (2, 2)][..], &[(0b1_0000, 5); 9]].concat());
}

#[test]
fn the_set_of_active_targets_is_kept_until_told_otherwise_and_late_packets_do_not_change_it() {
    let mut reader = DescriptorReader::new();
    reader.parse(&keyframe(1, 0)).unwrap();
    let telling = |frame: u16, mask: u8| [&short(1, frame)[..], &[0b0100_0000 | mask]].concat();
    assert_eq!(reader.parse(&telling(5, 0b110)).unwrap().active_targets, 0b110);
    assert_eq!(reader.parse(&short(1, 9)).unwrap().active_targets, 0b110);
    assert_eq!(reader.parse(&telling(3, 0b111)).unwrap().active_targets, 0b110);
    assert_eq!(reader.parse(&keyframe(11, 8)).unwrap().active_targets, 0b111);
}

#[test]
fn frames_may_differ_from_their_template() {
    let mut reader = DescriptorReader::new();
    reader.parse(&keyframe(1, 0)).unwrap();
    let mut bytes = [0; 12];
    let mut writer = BitWriter::new(&mut bytes);
    writer.number(0xc1_0009, 24).unwrap();
    writer.number(0b00111, 5).unwrap();
    writer.number(0b11_01_10, 6).unwrap();
    for (size, distance) in [(1, 3), (2, 200), (3, 4096)] {
        writer.number(size, 2).unwrap();
        writer.number(distance - 1, 4 * size).unwrap();
    }
    writer.number(0, 2).unwrap();
    writer.number(250, 8).unwrap();
    let frame = reader.parse(&bytes).unwrap();
    assert_eq!(frame.references.distances(), [3, 200, 4096]);
    assert_eq!(frame.chain_distances(), [250]);
    let indications: Vec<_> = (0..3).map(|target| frame.indications.of(target)).collect();
    assert_eq!(indications, [Indication::Required, Indication::Discardable, Indication::Switch]);
}

#[test]
fn a_descriptor_is_written_anew_with_other_numbers_and_fewer_targets() {
    let mut sender = DescriptorReader::new();
    let mut receiver = DescriptorReader::new();
    let mut out = [0; 80];
    for (bytes, active) in [(keyframe(1, 0), Some(0b100)), (short(2, 3), Some(0b110)), (short(1, 5), None)] {
        let parsed = sender.parse(&bytes).unwrap();
        let length = parsed.write(&bytes, parsed.frame_number + 1000, active, &mut out).unwrap();
        let read = receiver.parse(&out[..length]).unwrap();
        assert_eq!((read.frame_number, read.temporal), (parsed.frame_number + 1000, parsed.temporal));
        assert_eq!((read.indications, read.references), (parsed.indications, parsed.references));
        assert_eq!((read.chain_distances(), read.targets()), (parsed.chain_distances(), parsed.targets()));
        assert_eq!(read.active_targets, active.unwrap_or(0b110));
        assert!(length <= bytes.len() + 1);
    }
    let parsed = sender.parse(&short(1, 9)).unwrap();
    assert_eq!(parsed.write(&short(1, 9), 9, Some(1), &mut [0; 3]), None, "no room");
}

#[test]
fn a_loss_matters_only_where_a_chain_is_broken() {
    let mut reader = DescriptorReader::new();
    let mut watch = ChainWatch::new();
    let mut note = |bytes: &[u8]| watch.note(&reader.parse(bytes).unwrap());
    assert_eq!(note(&keyframe(65_530, 0)), 0b111);
    // T2, T1 and T2 of the first round are lost: the base layer goes on.
    assert_eq!(note(&short(1, 65_534)), 0b111);
    assert_eq!(note(&short(3, 65_535)), 0b111);
    // The next base picture is lost, and a picture that builds on it tells at once.
    assert_eq!(note(&short(3, 3)), 0);
    assert_eq!(note(&short(1, 2)), 0, "its repair alone is told by the chain of the next");
    assert_eq!(note(&keyframe(7, 5)), 0b111, "a keyframe heals");
}

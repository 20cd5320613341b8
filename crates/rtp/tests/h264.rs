//! H.264 pictures through RTP payloads and back.

use confab_rtp::h264::{append_payload, inspect, nal_units, packetize};

fn unit(header: u8, length: usize) -> Vec<u8> {
    let mut unit = vec![0, 0, 0, 1, header];
    // No zero bytes: nothing in here looks like a start code.
    unit.extend((0..length).map(|index| (index % 251 + 1) as u8));
    unit
}

fn keyframe(slice: usize) -> Vec<u8> {
    [unit(0x67, 12), unit(0x68, 4), unit(0x65, slice)].concat()
}

fn join(payloads: &[bytes::Bytes]) -> Vec<u8> {
    let mut picture = Vec::new();
    for payload in payloads {
        append_payload(payload, &mut picture).expect("well formed");
    }
    picture
}

#[test]
fn pictures_of_every_size_come_back_as_they_were() {
    for slice in (0..4000).step_by(7).chain(50_000..50_003) {
        let picture = keyframe(slice);
        let payloads = packetize(&picture, 1160);
        assert!(payloads.iter().all(|payload| payload.len() <= 1160), "slice {slice}");
        assert_eq!(join(&payloads), picture, "slice {slice}");
    }
}

#[test]
fn parameter_sets_travel_together_in_one_packet() {
    let payloads = packetize(&keyframe(5000), 1160);
    assert_eq!(payloads[0][0] & 0x1f, 24);
    assert!(inspect(&payloads[0]).starts_keyframe && inspect(&payloads[0]).has_parameters);
    assert!(payloads[1..].iter().all(|payload| payload[0] & 0x1f == 28));
    assert!(payloads[1..].iter().all(|payload| inspect(payload).has_idr && !inspect(payload).has_parameters));
}

#[test]
fn a_small_keyframe_is_one_packet() {
    let payloads = packetize(&keyframe(200), 1160);
    assert_eq!(payloads.len(), 1);
    let info = inspect(&payloads[0]);
    assert!(info.starts_keyframe && info.has_parameters && info.has_idr);
}

#[test]
fn the_parts_of_a_large_slice_are_of_about_equal_size() {
    let payloads = packetize(&unit(0x41, 3500), 1160);
    let sizes: Vec<usize> = payloads.iter().map(bytes::Bytes::len).collect();
    assert_eq!(sizes.len(), 4);
    assert!(sizes.iter().all(|size| sizes[0].abs_diff(*size) <= 4), "{sizes:?}");
    assert!(payloads.iter().all(|payload| !inspect(payload).starts_keyframe));
}

#[test]
fn several_slices_of_one_picture_keep_their_order() {
    let picture = [unit(0x41, 700), unit(0x41, 300), unit(0x41, 2500), unit(0x41, 10), unit(0x41, 20)].concat();
    assert_eq!(join(&packetize(&picture, 1160)), picture);
}

#[test]
fn delimiters_and_filler_are_left_out() {
    let picture = [vec![0, 0, 0, 1, 0x09, 0xf0], unit(0x41, 30), unit(0x0c, 500)].concat();
    assert_eq!(join(&packetize(&picture, 1160)), unit(0x41, 30));
}

#[test]
fn malformed_payloads_are_refused_and_hold_nothing() {
    let mut picture = Vec::new();
    for payload in
        [&[24][..], &[24, 0, 9, 1], &[24, 0, 0], &[24, 0], &[28], &[28, 0x85], &[28, 0x05, 1], &[0, 1], &[29, 1, 2]]
    {
        picture.clear();
        assert!(append_payload(payload, &mut picture).is_err(), "{payload:?}");
        assert!(!inspect(&[24, 0, 9, 1]).starts_keyframe);
    }
    picture.clear();
    assert!(append_payload(&[], &mut picture).is_ok() && picture.is_empty());
}

#[test]
fn any_bytes_at_all_are_taken_without_a_panic() {
    // A cheap generator with a fixed seed; the point is variety, not quality.
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    for _ in 0..20_000 {
        let mut bytes = Vec::new();
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        for index in 0..(state % 40) {
            bytes.push((state >> (index % 57)) as u8);
        }
        let _ = inspect(&bytes);
        let _ = append_payload(&bytes, &mut Vec::new());
        let payloads = packetize(&bytes, 20);
        assert!(!payloads.is_empty() || nal_units(&bytes).all(|unit| matches!(unit[0] & 0x1f, 9 | 12)));
    }
}

use super::*;
use crate::pattern::TestPattern;
use crate::quality::psnr_y;

/// Packs a frame as YUYV, repeating chroma for both rows.
fn pack(frame: &I420Frame, order: [usize; 4]) -> Vec<u8> {
    let (width, height) = (frame.y_stride(), frame.height() as usize);
    let mut packed = Vec::new();
    for row in 0..height {
        for pair in 0..width / 2 {
            let chroma = row / 2 * (width / 2) + pair;
            let luma = row * width + pair * 2;
            let sources = [frame.y()[luma], frame.u()[chroma], frame.y()[luma + 1], frame.v()[chroma]];
            packed.extend(order.map(|index| sources[index]));
        }
    }
    packed
}

#[test]
fn packed_camera_formats_are_taken_apart() {
    let frame = TestPattern::new(320, 180).render(3, 0);
    let mut padded = pack(&frame, [0, 1, 2, 3]);
    padded.extend([7; 100]);
    assert_eq!(yuyv(&padded, 320, 180).unwrap(), frame);
    assert_eq!(uyvy(&pack(&frame, [1, 0, 3, 2]), 320, 180).unwrap(), frame);
}

#[test]
fn planar_camera_formats_are_taken_apart() {
    let frame = TestPattern::new(320, 180).render(4, 0);
    let mut data = frame.y().to_vec();
    data.extend(frame.u().iter().zip(frame.v()).flat_map(|(&blue, &red)| [blue, red]));
    data.extend([0; 50]);
    assert_eq!(nv12(&data, 320, 180).unwrap(), frame);
    assert_eq!(i420(frame.as_bytes(), 320, 180).unwrap(), frame);
}

#[test]
fn odd_sizes_lose_a_pixel_in_every_format() {
    let data = vec![90; 1000];
    for frame in [
        yuyv(&data, 5, 7).unwrap(),
        uyvy(&data, 5, 7).unwrap(),
        nv12(&data, 5, 7).unwrap(),
        i420(&data, 5, 7).unwrap(),
        bgra(&data, 20, 5, 7).unwrap(),
        rgba(&data, 20, 5, 7).unwrap(),
    ] {
        assert_eq!((frame.width(), frame.height()), (4, 6));
    }
}

#[test]
fn colours_survive_the_way_through_rgb() {
    let mut frame = I420Frame::new(64, 32);
    for (y, u, v) in [(16, 128, 128), (235, 128, 128), (81, 90, 240), (145, 54, 34), (41, 240, 110), (120, 140, 118)] {
        frame.fill(y, u, v);
        let back = rgba(&to_rgba(&frame), 256, 64, 32).unwrap();
        for (got, want) in [(back.y()[70], y), (back.u()[20], u), (back.v()[20], v)] {
            assert!(got.abs_diff(want) <= 2, "{got} instead of {want} for ({y}, {u}, {v})");
        }
    }
}

#[test]
fn screens_with_padded_rows_and_a_short_last_row_are_converted() {
    // Pure red on the left half, pure blue on the right, in BGRX with 8 bytes of padding.
    let mut data = Vec::new();
    for _ in 0..4 {
        for column in 0..8 {
            data.extend(if column < 4 { [0, 0, 255, 9] } else { [255, 0, 0, 9] });
        }
        data.extend([1; 8]);
    }
    data.truncate(data.len() - 8);
    let frame = bgra(&data, 40, 8, 4).unwrap();
    assert!(frame.y()[0].abs_diff(81) <= 2 && frame.v()[0].abs_diff(240) <= 2, "red");
    assert!(frame.y()[7].abs_diff(41) <= 2 && frame.u()[3].abs_diff(240) <= 2, "blue");
}

#[test]
fn short_buffers_and_impossible_sizes_are_refused_in_words() {
    let error = yuyv(&[0; 10], 320, 180).unwrap_err().to_string();
    assert_eq!(error, "The picture has 10 bytes, 320x180 needs 115200.");
    assert!(nv12(&[0; 10], 320, 180).is_err());
    assert!(i420(&[], 2, 2).is_err());
    assert!(matches!(bgra(&[0; 1000], 4, 10, 10), Err(ConvertError::TooShort { .. })));
    assert!(matches!(yuyv(&[], 0, 5), Err(ConvertError::BadSize(0, 5))));
    assert!(matches!(bgra(&[], 1 << 20, 1 << 18, 5), Err(ConvertError::BadSize(_, 5))));
}

/// 32x16 pixels, red on the left and green on the right, 4:2:0, quality 95.
const JPEG: &[u8] = include_bytes!("red_green.jpg");

#[test]
fn motion_jpeg_becomes_limited_range_with_and_without_huffman_tables() {
    let without_tables = strip_huffman_tables(JPEG);
    assert!(without_tables.len() < JPEG.len());
    let mut with_garbage = JPEG.to_vec();
    with_garbage.extend([0; 500]);
    for data in [JPEG, &without_tables, &with_garbage] {
        let frame = mjpeg(data).unwrap();
        assert_eq!((frame.width(), frame.height()), (32, 16));
        let left = (frame.y()[4 * 32 + 4], frame.u()[2 * 16 + 2], frame.v()[2 * 16 + 2]);
        let right = (frame.y()[4 * 32 + 28], frame.u()[2 * 16 + 14], frame.v()[2 * 16 + 14]);
        for (got, want) in [(left, (81, 90, 240)), (right, (145, 54, 34))] {
            assert!(
                got.0.abs_diff(want.0) <= 3 && got.1.abs_diff(want.1) <= 3 && got.2.abs_diff(want.2) <= 3,
                "{got:?} instead of {want:?}"
            );
        }
    }
}

#[test]
fn damaged_jpegs_do_no_harm() {
    assert!(matches!(mjpeg(&[]), Err(ConvertError::Jpeg(_))));
    assert!(matches!(mjpeg(b"not a picture at all"), Err(ConvertError::Jpeg(_))));
    let mut random = 5_u32;
    for round in 0..400 {
        let mut data = JPEG.to_vec();
        for _ in 0..=round % 8 {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let place = (random >> 8) as usize % data.len();
            data[place] = (random >> 3) as u8;
        }
        data.truncate(data.len() - (round as usize * 3) % data.len());
        let _ = mjpeg(&data);
    }
}

#[test]
fn a_picture_through_rgba_keeps_its_luma() {
    let frame = TestPattern::new(320, 180).render(7, 0);
    let back = rgba(&to_rgba(&frame), 320 * 4, 320, 180).unwrap();
    assert!(psnr_y(&frame, &back).unwrap() > 45.0);
}

fn strip_huffman_tables(jpeg: &[u8]) -> Vec<u8> {
    let mut output = jpeg[..2].to_vec();
    let mut place = 2;
    while place + 4 <= jpeg.len() && jpeg[place] == 0xff && jpeg[place + 1] != 0xda {
        let end = place + 2 + usize::from(u16::from_be_bytes([jpeg[place + 2], jpeg[place + 3]]));
        if jpeg[place + 1] != 0xc4 {
            output.extend_from_slice(&jpeg[place..end]);
        }
        place = end;
    }
    output.extend_from_slice(&jpeg[place..]);
    output
}

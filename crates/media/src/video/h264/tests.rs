use std::time::Duration;

use super::annex_b::{NAL_PICTURE_PARAMETERS, NAL_SEQUENCE_PARAMETERS, nal_type, nal_units};
use super::*;
use crate::pattern::TestPattern;
use crate::quality::psnr_y;
use crate::video_frame::I420Frame;

fn config(width: u32, height: u32, bitrate_bps: u32) -> EncoderConfig {
    EncoderConfig { width, height, bitrate_bps, max_fps: 30, content: ContentKind::Camera }
}

fn at(number: u32) -> Duration {
    Duration::from_millis(u64::from(number) * 1000 / 30)
}

fn stream(pattern: &TestPattern, bitrate_bps: u32, count: u32) -> Vec<EncodedFrame> {
    let mut encoder = Encoder::new(config(pattern.width(), pattern.height(), bitrate_bps)).unwrap();
    (0..count).map(|number| encoder.encode(&pattern.render(number, 0), at(number), false).unwrap().unwrap()).collect()
}

#[test]
fn pictures_come_back_alike_and_at_once_also_where_macroblocks_are_cropped() {
    for (width, height) in [(320, 180), (640, 360), (358, 202)] {
        let pattern = TestPattern::new(width, height);
        let mut decoder = Decoder::new();
        for (number, coded) in stream(&pattern, 800_000, 10).iter().enumerate() {
            let received = decoder.decode(&coded.data).unwrap().expect("each access unit gives its picture");
            let ratio = psnr_y(&pattern.render(number as u32, 0), &received).unwrap();
            assert!(ratio > 33.0, "frame {number} at {width}x{height}: {ratio} dB");
        }
    }
}

#[test]
fn keyframes_come_first_and_when_forced_and_never_else() {
    let pattern = TestPattern::new(320, 180);
    let mut encoder = Encoder::new(config(320, 180, 300_000)).unwrap();
    let mut keyframes = Vec::new();
    for number in 0..60 {
        // A cut to a picture that has nothing in common with the last one.
        let picture = if number < 30 { pattern.render(number, 0) } else { I420Frame::new(320, 180) };
        let coded = encoder.encode(&picture, at(number), number == 10 || number == 11).unwrap().unwrap();
        assert_eq!(annex_b::is_keyframe(&coded.data), coded.keyframe);
        if coded.keyframe {
            keyframes.push(number);
            let types: Vec<u8> = nal_units(&coded.data).filter_map(nal_type).collect();
            assert_eq!(types[..2], [NAL_SEQUENCE_PARAMETERS, NAL_PICTURE_PARAMETERS]);
        }
    }
    assert_eq!(keyframes, [0, 10, 11]);
}

#[test]
fn the_stream_is_constrained_baseline() {
    let coded = stream(&TestPattern::new(320, 180), 300_000, 1).remove(0);
    let parameters = nal_units(&coded.data).find(|unit| nal_type(unit) == Some(NAL_SEQUENCE_PARAMETERS)).unwrap();
    assert_eq!(parameters[1], 66, "profile_idc");
    assert_eq!(parameters[2] & 0xc0, 0xc0, "constraint_set0_flag and constraint_set1_flag");
}

#[test]
fn the_bitrate_follows_while_running_down_and_up_without_keyframes() {
    let pattern = TestPattern::new(640, 360);
    let mut encoder = Encoder::new(config(640, 360, 500_000)).unwrap();
    let mut bits = [0; 3];
    for number in 0..180 {
        match number {
            60 => encoder.set_bitrate(150_000),
            120 => encoder.set_bitrate(1_000_000),
            _ => {}
        }
        let coded = encoder.encode(&pattern.render(number, 0), at(number), false).unwrap().unwrap();
        assert_eq!(coded.keyframe, number == 0);
        // The first half of each stretch is for the rate control to settle.
        if number % 60 >= 30 {
            bits[number as usize / 60] += coded.data.len() * 8;
        }
    }
    assert_eq!(encoder.config().bitrate_bps, 1_000_000);
    let [first, low, high] = bits;
    println!("{first} {low} {high} bit/s");
    assert!((350_000..650_000).contains(&first), "{first} bit/s instead of 500000");
    assert!((80_000..220_000).contains(&low), "{low} bit/s instead of 150000");
    assert!((600_000..1_300_000).contains(&high), "{high} bit/s instead of 1000000");
}

#[test]
fn screens_are_encoded_and_may_leave_out_frames() {
    let pattern = TestPattern::new(640, 360);
    let screen = EncoderConfig { content: ContentKind::Screen, ..config(640, 360, 60_000) };
    let mut encoder = Encoder::new(screen).unwrap();
    let mut decoder = Decoder::new();
    let mut shown = 0;
    for number in 0..60 {
        if let Some(coded) = encoder.encode(&pattern.render(number, 0), at(number), false).unwrap() {
            assert!(decoder.decode(&coded.data).unwrap().is_some());
            shown += 1;
        }
    }
    println!("{shown} of 60 shown");
    assert!((5..60).contains(&shown), "{shown} of 60 frames at a bitrate that is too low for all");
}

#[test]
fn sizes_that_cannot_be_are_refused_in_words() {
    for (width, height) in [(0, 0), (321, 180), (320, 8), (5000, 2000), (3000, 3000)] {
        let error = Encoder::new(config(width, height, 100_000)).err().unwrap();
        assert!(error.to_string().contains(&format!("{width}x{height}")), "{error}");
    }
    let mut encoder = Encoder::new(config(320, 180, 100_000)).unwrap();
    let error = encoder.encode(&I420Frame::new(640, 360), Duration::ZERO, false).err().unwrap();
    assert_eq!(error.to_string(), "The video encoder works at 320x180, the picture is 640x360.");
}

#[test]
fn decoding_starts_at_a_keyframe_only() {
    let frames = stream(&TestPattern::new(320, 180), 300_000, 3);
    let mut decoder = Decoder::new();
    assert_eq!(decoder.decode(&frames[1].data).unwrap_err(), DecodeError::NeedsKeyframe);
    assert_eq!(decoder.decode(&[]).unwrap_err(), DecodeError::NeedsKeyframe);
    assert!(decoder.decode(&frames[0].data).unwrap().is_some());
    assert!(!decoder.needs_keyframe());
    assert!(decoder.decode(&frames[1].data).unwrap().is_some());
}

#[test]
fn damaged_streams_are_errors_and_the_next_keyframe_heals() {
    let pattern = TestPattern::new(320, 180);
    let frames = stream(&pattern, 300_000, 12);
    let mut random = 12_345_u32;
    let mut next = || {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (random >> 8) as usize
    };
    let mut errors = 0;
    for round in 0..150 {
        let mut decoder = Decoder::new();
        for (index, frame) in frames.iter().enumerate() {
            let mut data = frame.data.clone();
            match round % 4 {
                // Flipped bits, a cut, garbage after the header, a frame left out.
                0 => (0..=next() % 20).for_each(|_| {
                    let place = next() % data.len();
                    data[place] ^= 1 << (next() % 8);
                }),
                1 => data.truncate(next() % data.len()),
                2 => data.iter_mut().skip(5).for_each(|byte| *byte = next() as u8),
                _ if index == 3 => continue,
                _ => {}
            }
            if decoder.decode(&data).is_err() {
                errors += 1;
                assert!(decoder.needs_keyframe());
            }
        }
        let healed = decoder.decode(&frames[0].data).expect("an undamaged keyframe heals");
        assert!(psnr_y(&pattern.render(0, 0), &healed.unwrap()).unwrap() > 33.0);
    }
    assert!(errors > 100, "only {errors} errors: the damage did not reach the decoder");
}

#[test]
fn random_bytes_after_a_start_code_do_no_harm() {
    let mut random = 99_u32;
    let mut decoder = Decoder::new();
    for round in 0..2_000_usize {
        let mut data = vec![0, 0, 0, 1, [0x67, 0x68, 0x65, 0x41, 0x06][round % 5]];
        data.extend((0..round % 300).map(|_| {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (random >> 24) as u8
        }));
        let _ = decoder.decode(&data);
    }
    let huge = vec![0; 17 << 20];
    assert_eq!(decoder.decode(&huge).unwrap_err(), DecodeError::TooLarge(17 << 20));
}

/// Without nasm, `OpenH264` builds silently into a version three times slower.
#[test]
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
fn openh264_was_built_with_its_assembly() {
    let program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    let symbol = b"WelsSampleSad16x16_sse2\0";
    assert!(
        program.windows(symbol.len()).any(|window| window == symbol),
        "OpenH264 was compiled without nasm: install nasm and build again"
    );
}

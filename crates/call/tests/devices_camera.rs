//! Real camera code (nokhwa, V4L2) against cameras that a preloaded library plays.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use confab_call::capture::{CameraChoice, CaptureError, VideoFormat, open_camera};
use confab_call::devices::{self, DeviceChangeKind, DeviceKind};

#[path = "rig/child.rs"]
mod child;

#[path = "rig/patience.rs"]
mod patience;

use child::{Scratch, in_child};
use patience::{check, measured};

/// Sets up a child with these cameras, each `NAME;FORMATS;PADDING` (see the library).
fn cameras(command: &mut Command, cameras: &[&str]) -> Scratch {
    let folder = Scratch::new("cameras");
    let library = folder.0.join("fake_v4l2.so");
    let source = Path::new("tests/fixtures/fake_v4l2.c");
    let compiled = Command::new("cc")
        .args(["-shared", "-fPIC", "-O2", "-o"])
        .arg(&library)
        .arg(source)
        .arg("-ldl")
        .status()
        .expect("a C compiler is needed for this test: apt-get install build-essential");
    assert!(compiled.success());
    for (number, camera) in cameras.iter().enumerate() {
        std::fs::write(folder.0.join(format!("video{number}")), camera).unwrap();
    }
    command.env("LD_PRELOAD", &library).env("FAKE_V4L2_FOLDER", &folder.0);
    folder
}

fn plug(number: u32) -> PathBuf {
    Path::new(&std::env::var("FAKE_V4L2_FOLDER").unwrap()).join(format!("video{number}"))
}

/// Watches two seconds of frames of one camera and checks every pixel.
fn delivers_30_frames_a_second(choice: &CameraChoice) {
    let mut source = open_camera(choice, VideoFormat::HD).unwrap();
    assert_eq!(source.format(), VideoFormat::HD);
    let mut last = source.next_frame().unwrap().number;
    measured(|| {
        let first = source.next_frame().unwrap();
        let start = Instant::now();
        let (mut count, mut captured_at) = (0, first.captured_at);
        last = first.number;
        while start.elapsed() < Duration::from_secs(2) {
            let captured = source.next_frame().unwrap();
            let frame = &captured.frame;
            assert_eq!((frame.width(), frame.height()), (1280, 720));
            let level = frame.y()[0];
            assert!(frame.y().iter().all(|pixel| *pixel == level), "padding or another frame shows through");
            assert!(frame.u().iter().all(|pixel| *pixel == 90) && frame.v().iter().all(|pixel| *pixel == 160));
            assert!(captured.number > last && captured.captured_at > captured_at);
            assert_eq!(u64::from(level), 16 + captured.number % 200, "a frame was taken for another");
            (last, captured_at) = (captured.number, captured.captured_at);
            count += 1;
        }
        let (numbers, time) = (last - first.number, start.elapsed().as_secs_f64());
        println!("{count} of {numbers} frames in {time:.2} s");
        check(count >= 50, format!("{count} frames in two seconds"))?;
        check(numbers >= 55, format!("the camera ran at {numbers} frames in two seconds"))?;
        // The driver's clock: evenly spaced however late the frames were fetched.
        let span = (captured_at - first.captured_at).as_secs_f64();
        check(
            (span * 30.0 - numbers as f64).abs() < 1.5,
            format!("{numbers} frames span {span} s by the driver's clock"),
        )
    });
    assert!(last > 0);
}

#[test]
fn yuyv_and_nv12_come_at_30_frames_a_second() {
    in_child(
        "yuyv_and_nv12_come_at_30_frames_a_second",
        |command| cameras(command, &["Packed;YUYV;0", "Planar;NV12;0"]),
        || {
            delivers_30_frames_a_second(&CameraChoice::Default);
            delivers_30_frames_a_second(&CameraChoice::Device("Planar".into()));
            // Closed and opened again at once.
            delivers_30_frames_a_second(&CameraChoice::Device("/dev/video1".into()));
        },
    );
}

#[test]
fn rows_padded_by_the_driver_are_read_right() {
    in_child(
        "rows_padded_by_the_driver_are_read_right",
        |command| cameras(command, &["Packed;YUYV;64", "Planar;NV12;32"]),
        || {
            delivers_30_frames_a_second(&CameraChoice::Default);
            delivers_30_frames_a_second(&CameraChoice::Device("Planar".into()));
        },
    );
}

#[test]
fn jpeg_is_used_where_raw_pictures_are_too_slow() {
    in_child(
        "jpeg_is_used_where_raw_pictures_are_too_slow",
        |command| {
            let folder = cameras(command, &["Webcam;YUYV@10,MJPG@30;0"]);
            let jpeg = Path::new("tests/fixtures/blue_720p.jpg");
            std::fs::copy(jpeg, folder.0.join("jpeg")).unwrap();
            folder
        },
        || {
            let mut source = open_camera(&CameraChoice::Default, VideoFormat::HD).unwrap();
            assert_eq!(source.format(), VideoFormat::HD);
            let frame = source.next_frame().unwrap().frame;
            // #3060a0, from JPEG's full range to ours.
            let planes = [(frame.y(), 92), (frame.u(), 163), (frame.v(), 102)];
            for (plane, expected) in planes {
                assert!(plane.iter().all(|pixel| pixel.abs_diff(expected) <= 2), "{} {expected}", plane[0]);
            }
            // Who wants no more than 10 a second gets them raw.
            drop(source);
            let slow = VideoFormat { fps: 10, ..VideoFormat::HD };
            let mut source = open_camera(&CameraChoice::Default, slow).unwrap();
            assert_eq!(source.format(), slow);
            assert_eq!(source.next_frame().unwrap().frame.u()[0], 90);
        },
    );
}

#[test]
fn an_unplugged_camera_is_a_lost_device() {
    in_child(
        "an_unplugged_camera_is_a_lost_device",
        |command| cameras(command, &["Webcam;YUYV,NV12;0"]),
        || {
            let mut source = open_camera(&CameraChoice::Default, VideoFormat::HD).unwrap();
            for _ in 0..5 {
                source.next_frame().unwrap();
            }
            let changes = devices::watch();
            std::fs::remove_file(plug(0)).unwrap();
            let unplugged = Instant::now();
            let error = std::iter::repeat_with(|| source.next_frame()).find_map(Result::err).unwrap();
            assert_eq!(error, CaptureError::DeviceLost { device: "Webcam".into() });
            assert!(error.is_lost());
            assert_eq!(error.to_string(), "\"Webcam\" was disconnected.");
            assert!(unplugged.elapsed() < Duration::from_secs(3), "{:?}", unplugged.elapsed());
            let change = changes.recv_timeout(Duration::from_secs(3)).unwrap();
            assert_eq!((change.change, change.kind), (DeviceChangeKind::Removed, DeviceKind::Camera));
            drop(source);

            // Plugged in again, it is listed and opens.
            std::fs::write(plug(0), "Webcam;YUYV,NV12;0").unwrap();
            let change = changes.recv_timeout(Duration::from_secs(3)).unwrap();
            assert_eq!((change.change, change.device.name.as_str()), (DeviceChangeKind::Added, "Webcam"));
            open_camera(&CameraChoice::Default, VideoFormat::HD).unwrap().next_frame().unwrap();
        },
    );
}

#[test]
fn without_a_camera_the_error_says_what_to_do() {
    in_child(
        "without_a_camera_the_error_says_what_to_do",
        |command| cameras(command, &[]),
        || {
            for choice in [CameraChoice::Default, CameraChoice::Device("Webcam".into())] {
                let error = open_camera(&choice, VideoFormat::HD).err().unwrap();
                assert_eq!(error, CaptureError::NoCamera);
                assert!(error.to_string().contains("Connect one"), "{error}");
            }
            assert!(devices::list().cameras.is_empty());
        },
    );
}

#[test]
fn cameras_are_listed_by_name_without_their_metadata_nodes() {
    in_child(
        "cameras_are_listed_by_name_without_their_metadata_nodes",
        |command| cameras(command, &["Webcam;YUYV;0", "Webcam;;0", "Webcam;NV12;0"]),
        || {
            let listed: Vec<_> =
                devices::list().cameras.into_iter().map(|camera| (camera.id, camera.name, camera.is_default)).collect();
            assert_eq!(
                listed,
                [
                    ("/dev/video0".to_owned(), "Webcam".to_owned(), true),
                    ("/dev/video2".to_owned(), "Webcam (2)".to_owned(), false),
                ]
            );
            let error = open_camera(&CameraChoice::Device("Other".into()), VideoFormat::HD).err().unwrap();
            assert_eq!(error, CaptureError::NotFound { device: "Other".into() });
        },
    );
}

#[test]
fn a_camera_that_another_stream_has_is_busy() {
    in_child(
        "a_camera_that_another_stream_has_is_busy",
        |command| cameras(command, &["Webcam;YUYV;0"]),
        || {
            let mut first = open_camera(&CameraChoice::Default, VideoFormat::HD).unwrap();
            first.next_frame().unwrap();
            let error = open_camera(&CameraChoice::Default, VideoFormat::HD).err().unwrap();
            assert_eq!(error, CaptureError::Busy { device: "Webcam".into() });
            first.next_frame().unwrap();
        },
    );
}

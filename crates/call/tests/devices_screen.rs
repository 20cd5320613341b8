//! Real screen capture against a real X server.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::{Duration, Instant};

use confab_call::capture::{
    CaptureError, Region, ScreenChoice, VideoFormat, VideoSource, list_screens_on, open_screen_on,
};
use confab_call::devices::ScreenKind;
use confab_media::pattern::{TestPattern, read_mark};
use confab_media::quality;
use confab_media::video_frame::I420Frame;
use x11rb::protocol::xproto;

#[path = "rig/xserver.rs"]
mod xserver;

#[path = "rig/patience.rs"]
mod patience;

use patience::{check, measured};
use xserver::XServer;

const FULL_HD: VideoFormat = VideoFormat { width: 1920, height: 1080, fps: 30 };

fn open(server: &XServer, choice: &ScreenChoice) -> Box<dyn VideoSource> {
    open_screen_on(&server.display, choice, FULL_HD).unwrap()
}

/// Frames until one fulfils `wanted`, within two seconds.
fn wait_for(source: &mut dyn VideoSource, wanted: impl Fn(&I420Frame) -> bool) -> std::sync::Arc<I420Frame> {
    let patience = Instant::now() + Duration::from_secs(2);
    loop {
        let captured = source.next_frame().unwrap();
        assert!(captured.captured_at <= Instant::now());
        if wanted(&captured.frame) {
            return captured.frame;
        }
        assert!(Instant::now() < patience, "what was drawn did not come in two seconds");
    }
}

fn has_number(number: u32) -> impl Fn(&I420Frame) -> bool {
    move |frame| read_mark(frame).is_some_and(|mark| mark.frame == number)
}

fn error(source: &mut dyn VideoSource) -> CaptureError {
    let patience = Instant::now() + Duration::from_secs(2);
    loop {
        match source.next_frame() {
            Err(error) => return error,
            Ok(_) => assert!(Instant::now() < patience, "no error came in two seconds"),
        }
    }
}

#[test]
fn what_is_drawn_on_the_screen_is_captured_within_a_moment() {
    let server = XServer::start(1280, 720);
    let client = server.client();
    let window = client.window("Slides", (0, 0), (1280, 720), 0);
    let pattern = TestPattern::new(1280, 720);
    let mut source = open(&server, &ScreenChoice::WholeScreen);
    assert_eq!(source.format(), VideoFormat { width: 1280, height: 720, fps: 30 });
    let mut quickest = Duration::MAX;
    for number in 1..=10 {
        let drawn = pattern.render(number, 1_700_000_000_000);
        client.paint(window, &drawn);
        let painted = Instant::now();
        let frame = wait_for(&mut *source, has_number(number));
        quickest = quickest.min(painted.elapsed());
        // Only the colours' way to RGB and back, and the pointer, lie between the two.
        let psnr = quality::psnr_y(&drawn, &frame).unwrap();
        assert!(psnr > 35.0, "{psnr} dB");
    }
    assert!(quickest < Duration::from_millis(60), "{quickest:?}");
}

#[test]
fn a_window_is_captured_without_what_covers_it() {
    let server = XServer::start(1280, 720);
    let client = server.client();
    let window = client.window("Talk", (101, 53), (640, 360), 0);
    let mut source = open(&server, &ScreenChoice::Window(window));
    client.window("Private", (50, 0), (900, 600), 0x00ff_0000);
    client.paint(window, &TestPattern::new(640, 360).render(7, 0));
    let frame = wait_for(&mut *source, has_number(7));
    assert_eq!((frame.width(), frame.height()), (640, 360));
}

#[test]
fn a_region_of_the_screen_is_captured() {
    let server = XServer::start(1280, 720);
    let client = server.client();
    let window = client.window("Talk", (200, 100), (640, 360), 0);
    client.paint(window, &TestPattern::new(640, 360).render(8, 0));
    let region = Region { x: 200, y: 100, width: 640, height: 360 };
    let mut source = open(&server, &ScreenChoice::Region(region));
    let frame = wait_for(&mut *source, has_number(8));
    assert_eq!((frame.width(), frame.height()), (640, 360));
    let beside = ScreenChoice::Region(Region { x: 2000, ..region });
    let error = open_screen_on(&server.display, &beside, FULL_HD).err().unwrap();
    assert!(matches!(error, CaptureError::NotFound { .. }), "{error}");
}

#[test]
fn a_closed_window_ends_the_share_and_says_so() {
    let server = XServer::start(640, 480);
    let client = server.client();
    let window = client.window("Talk", (0, 0), (320, 240), 0x0012_3456);
    let mut source = open(&server, &ScreenChoice::Window(window));
    source.next_frame().unwrap();
    xproto::destroy_window(&client.connection, window).unwrap();
    client.sync();
    let error = error(&mut *source);
    assert_eq!(error, CaptureError::WindowClosed);
    assert_eq!(error.to_string(), "The shared window was closed.");
    let gone = open_screen_on(&server.display, &ScreenChoice::Window(window), FULL_HD).err().unwrap();
    assert!(matches!(gone, CaptureError::NotFound { .. }), "{gone}");
}

#[test]
fn a_resized_window_changes_the_size_of_the_picture() {
    let server = XServer::start(1280, 720);
    let client = server.client();
    let window = client.window("Talk", (0, 0), (320, 240), 0x0012_3456);
    let mut source = open(&server, &ScreenChoice::Window(window));
    wait_for(&mut *source, |frame| (frame.width(), frame.height()) == (320, 240));
    // Odd sizes lose a pixel, tiny ones get edges.
    for (size, expected) in [((641, 363), (640, 362)), ((7, 5), (32, 32)), ((1000, 700), (1000, 700))] {
        let wanted = xproto::ConfigureWindowAux::new().width(size.0).height(size.1);
        xproto::configure_window(&client.connection, window, &wanted).unwrap();
        client.sync();
        wait_for(&mut *source, |frame| (frame.width(), frame.height()) == expected);
        assert_eq!((source.format().width, source.format().height), expected);
    }
}

#[test]
fn a_minimised_window_keeps_its_last_picture() {
    let server = XServer::start(640, 480);
    let client = server.client();
    let window = client.window("Talk", (0, 0), (640, 360), 0);
    client.paint(window, &TestPattern::new(640, 360).render(3, 0));
    let mut source = open(&server, &ScreenChoice::Window(window));
    wait_for(&mut *source, has_number(3));
    xproto::unmap_window(&client.connection, window).unwrap();
    client.sync();
    for _ in 0..5 {
        assert!(has_number(3)(&source.next_frame().unwrap().frame));
    }
    xproto::map_window(&client.connection, window).unwrap();
    client.paint(window, &TestPattern::new(640, 360).render(4, 0));
    wait_for(&mut *source, has_number(4));
}

#[test]
fn a_large_screen_is_shrunk_and_a_still_one_is_sent_seldom() {
    let server = XServer::start(2560, 1440);
    let mut source = open(&server, &ScreenChoice::WholeScreen);
    let first = source.next_frame().unwrap();
    assert_eq!((first.frame.width(), first.frame.height()), (1920, 1080));
    let count = |source: &mut dyn VideoSource, time: Duration| {
        let end = Instant::now() + time;
        std::iter::repeat_with(|| source.next_frame().unwrap()).take_while(|_| Instant::now() < end).count()
    };
    count(&mut *source, Duration::from_secs(1));
    let still = count(&mut *source, Duration::from_secs(2));
    assert!((5..=12).contains(&still), "{still} frames of a still screen in two seconds");
}

#[test]
fn a_moving_screen_comes_at_its_full_rate() {
    let server = XServer::start(1280, 720);
    let mut source = open(&server, &ScreenChoice::WholeScreen);
    let client = server.client();
    let window = client.window("Film", (0, 0), (640, 360), 0);
    let films: Vec<I420Frame> = (0..10).map(|number| TestPattern::new(640, 360).render(number, 0)).collect();
    measured(|| {
        let (start, mut moving) = (Instant::now(), 0);
        while start.elapsed() < Duration::from_secs(2) {
            client.paint(window, &films[moving % films.len()]);
            source.next_frame().unwrap();
            moving += 1;
        }
        println!("{moving} frames of a moving screen in two seconds");
        check(moving >= 50, format!("{moving} frames of a moving screen in two seconds"))
    });
}

#[test]
fn the_pointer_is_drawn_into_the_picture() {
    let server = XServer::start(640, 480);
    let client = server.client();
    let window = client.window("White", (0, 0), (640, 480), 0x00ff_ffff);
    let connection = &client.connection;
    let font = x11rb::connection::Connection::generate_id(connection).unwrap();
    xproto::open_font(connection, font, b"cursor").unwrap();
    let cursor = x11rb::connection::Connection::generate_id(connection).unwrap();
    // The solid arrow of the cursor font, black on white.
    let (black, white) = (0, u16::MAX);
    xproto::create_glyph_cursor(connection, cursor, font, font, 132, 133, black, black, black, white, white, white)
        .unwrap();
    let look = xproto::ChangeWindowAttributesAux::new().cursor(cursor);
    xproto::change_window_attributes(connection, window, &look).unwrap();
    let dark_at = |frame: &I420Frame, x: usize, y: usize| {
        let near = |row: usize| &frame.y()[row * frame.y_stride()..][x.saturating_sub(16)..x + 16];
        (y.saturating_sub(16)..y + 16).flat_map(near).any(|luma| *luma < 60)
    };
    let mut source = open(&server, &ScreenChoice::WholeScreen);
    for (x, y) in [(100, 100), (400, 300)] {
        xproto::warp_pointer(connection, x11rb::NONE, client.root, 0, 0, 0, 0, x, y).unwrap();
        client.sync();
        let (x, y) = (x as usize, y as usize);
        let frame = wait_for(&mut *source, |frame| dark_at(frame, x, y));
        // It is in one place only.
        assert!(!dark_at(&frame, 500 - x, 400 - y));
    }
}

#[test]
fn screens_and_windows_are_listed_with_their_titles() {
    let server = XServer::start(1280, 720);
    let client = server.client();
    let window = client.window("Budget 2026", (10, 20), (300, 200), 0);
    client.window("icon", (0, 0), (16, 16), 0);
    let listed: Vec<_> = list_screens_on(&server.display)
        .unwrap()
        .into_iter()
        .map(|screen| (screen.id, screen.title, screen.kind, screen.width, screen.height))
        .collect();
    assert_eq!(
        listed,
        [
            ("x11".to_owned(), "Whole screen".to_owned(), ScreenKind::Screen, 1280, 720),
            (format!("x11:{window:#x}"), "Budget 2026".to_owned(), ScreenKind::Window, 300, 200),
        ]
    );
    // Each id can be chosen.
    for (id, ..) in listed {
        open(&server, &id.parse().unwrap()).next_frame().unwrap();
    }
}

#[test]
fn without_an_x_server_the_error_says_what_to_do() {
    let error = open_screen_on(":59000", &ScreenChoice::WholeScreen, FULL_HD).err().unwrap();
    assert!(matches!(error, CaptureError::NoDisplay { .. }));
    assert!(error.to_string().contains("DISPLAY"), "{error}");
    assert!(matches!(list_screens_on(":59000"), Err(CaptureError::NoDisplay { .. })));
}

#[test]
fn an_x_server_that_ends_is_a_screen_that_is_gone() {
    let mut server = XServer::start(640, 480);
    let mut source = open(&server, &ScreenChoice::WholeScreen);
    source.next_frame().unwrap();
    server.kill();
    let error = error(&mut *source);
    assert_eq!(error, CaptureError::ScreenGone);
    assert!(error.is_lost());
}

//! A tile that grows and shrinks: the picture follows layer by layer and never stands still.

use std::time::{Duration, Instant};

use confab_protocol::{ParticipantId, SourceKind};
use confab_tests::lab::{Browser, BrowserJoin, BrowserReport, Lab, Outcome, RoomView, ShownFrame};

use super::{PATIENCE, forgiven};

/// Heights of the tile, one after the other. The layers of a picture of 720 lines have 180, 360 and 720.
const TILES: [u32; 5] = [180, 360, 720, 360, 180];

/// From asking to the first picture of the new size, at most. The browser may have to start encoding that layer first.
const SWITCHED_WITHIN: Duration = Duration::from_secs(3);

/// How long each size is kept.
const KEPT: Duration = Duration::from_millis(1_500);

/// A change of layers may not be seen as a freeze: the mean gap of 20 frames a second and 150 ms.
const LONGEST_GAP_MS: f64 = 200.0;

/// In the quick tier the machine itself may stop for this much longer.
const STALL_MS: f64 = 150.0;

#[test]
fn a_browser_gets_the_layer_of_a_native_client_that_its_tile_needs() -> Outcome {
    let lab = Lab::open("browser-layers")?;
    let server = lab.server()?;
    let room = server.create_room()?;
    let mut chloe = lab.browser("Chloe").camera(320, 180, 10).start()?;
    let mut ada = lab.person("Ada").args(["--camera-format", "1280x720@20"]).join(server.address(), &room)?;
    chloe.join(server.address(), &room, &BrowserJoin::simulcast("H264"))?;
    follow_tiles(&mut chloe, "Ada")?;
    ada.leave()
}

#[test]
fn a_browser_gets_the_layer_of_another_that_its_tile_needs_with_vp8() -> Outcome {
    between_browsers("browser-layers-vp8", "VP8")
}

#[test]
fn a_browser_gets_the_layer_of_another_that_its_tile_needs_with_h264() -> Outcome {
    between_browsers("browser-layers-h264", "H264")
}

fn between_browsers(name: &str, codec: &'static str) -> Outcome {
    let lab = Lab::open(name)?;
    let server = lab.server()?;
    let room = server.create_room()?;
    let mut chloe = lab.browser("Chloe").camera(320, 180, 10).start()?;
    let mut dana = lab.browser("Dana").camera(1280, 720, 20).start()?;
    dana.join(server.address(), &room, &BrowserJoin::simulcast(codec))?;
    chloe.join(server.address(), &room, &BrowserJoin::simulcast(codec))?;
    let received = follow_tiles(&mut chloe, "Dana")?;
    assert_eq!(received.as_deref(), Some(format!("video/{codec}").as_str()), "what was watched");
    Ok(())
}

/// Makes the tile small and large; gives the codec of what came.
fn follow_tiles(chloe: &mut Browser, whose: &str) -> Outcome<Option<String>> {
    let has =
        |lines: u32| move |report: &BrowserReport| report.frames.last().is_some_and(|frame| frame.height == lines);
    let full = chloe.wait_until("the full picture", PATIENCE, has(720))?;
    let from = full.id_of(whose).expect("whose picture is seen is in the room");
    // A layer above the first may have come in the beginning; how that looked is another promise.
    let began = full.frames.len() - 1;
    let froze = |report: &BrowserReport| report.last().map_or(0.0, |sample| sample.received("video", "freezeCount"));
    for tile in TILES {
        let asked = Instant::now();
        chloe.show(tile)?;
        chloe.wait_until(&format!("a picture of {tile} lines"), SWITCHED_WITHIN, has(tile))?;
        println!("the browser has {tile} lines after {} ms", asked.elapsed().as_millis());
        std::thread::sleep(KEPT);
    }
    let report = chloe.report()?;
    expect_steady(&report.frames[began..], from);
    let asked = report.last().map_or(0.0, |sample| sample.received("video", "pliCount"));
    println!("the browser asked for {asked} keyframes");
    let freezes = froze(&report) - froze(&full);
    assert!(freezes <= forgiven(), "the browser says that the picture froze {freezes} times");
    Ok(report.last().and_then(|sample| sample.received_codec()).map(str::to_owned))
}

#[test]
fn a_native_client_gets_the_layer_of_a_browser_that_its_tile_needs() -> Outcome {
    let lab = Lab::open("native-layers")?;
    let server = lab.server()?;
    let room = server.create_room()?;
    let mut chloe = lab.browser("Chloe").camera(1280, 720, 20).start()?;
    chloe.join(server.address(), &room, &BrowserJoin::simulcast("H264"))?;
    let mut ben = lab.person("Ben").args(["--camera-format", "320x180@10"]).join(server.address(), &room)?;
    let has = |lines: u32| {
        move |view: &RoomView| {
            view.picture("Chloe", SourceKind::Camera).is_some_and(|picture| picture["height"] == lines)
        }
    };
    ben.wait_until("the full picture", PATIENCE, has(720))?;
    for tile in TILES {
        ben.command(&format!("view {}x{tile}", tile * 16 / 9))?;
        ben.wait_until(&format!("a picture of {tile} lines"), SWITCHED_WITHIN + Duration::from_secs(1), has(tile))?;
        std::thread::sleep(KEPT);
    }
    // What nobody watches any more is not encoded either.
    let report = chloe.wait_until("only the smallest layer being encoded", PATIENCE, |report| {
        let active = |rid| report.last()?.sent_layer(rid)?["active"].as_bool();
        [active("q"), active("h"), active("f")] == [Some(true), Some(false), Some(false)]
    })?;
    let sent = &report.last().expect("a sample of getStats()").outbound;
    for layer in sent.iter().filter(|row| row["kind"] == "video") {
        println!(
            "layer {}: {} keyframes of {} frames",
            layer["rid"], layer["keyFramesEncoded"], layer["framesEncoded"]
        );
    }
    ben.leave()?;
    let file = ben.stats()?;
    let chloes = report.me.expect("joined");
    let full = file.frames.iter().position(|frame| frame.height == 720).expect("the full picture");
    expect_steady(&file.frames[full..], chloes);
    Ok(())
}

/// Every size came, in the order asked, and between no two frames of it all is a gap that a person sees.
fn expect_steady(frames: &[ShownFrame], whose: ParticipantId) {
    let frames: Vec<&ShownFrame> = frames.iter().filter(|frame| frame.participant == whose).collect();
    let mut heights: Vec<u32> = frames.iter().map(|frame| frame.height).collect();
    heights.dedup();
    assert_eq!(heights.strip_prefix(&[720]), Some(&TILES[..]), "sizes in their order: {heights:?}");
    let gap = |pair: &[&ShownFrame]| pair[1].at_unix_ms - pair[0].at_unix_ms;
    let longest = frames.windows(2).map(gap).fold(0.0, f64::max);
    let at_switch = frames.windows(2).filter(|pair| pair[0].height != pair[1].height).map(gap);
    println!("longest gap {longest:.0} ms, at the switches {:.0?} ms", at_switch.collect::<Vec<_>>());
    let marks: Vec<u32> = frames.iter().filter_map(|frame| Some(frame.mark?.frame)).collect();
    assert!(marks.len() * 2 > frames.len(), "{} of {} frames could be read", marks.len(), frames.len());
    let allowed = LONGEST_GAP_MS + forgiven() * STALL_MS;
    assert!(longest <= allowed, "the picture stood still for {longest:.0} ms");
}

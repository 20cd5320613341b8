//! How soon somebody who joins hears and sees: a browser that joins a native client, and the reverse.

use std::time::Duration;

use confab_tests::call_figures::median;
use confab_tests::lab::{BrowserJoin, Lab, Outcome};

use super::PATIENCE;

/// From pressing join to a path that works, at most, milliseconds. A browser's is a pair of addresses; the native client
/// tells only of the finished handshake, so its bound is the stricter one.
const PATH_MS: f64 = 500.0;
/// From then to the first sound of somebody else.
const AUDIO_MS: f64 = 200.0;
/// From then to the first picture of somebody else.
const VIDEO_MS: f64 = 550.0;

/// Milliseconds from pressing join to the path, and what came how long after it.
#[derive(Clone, Copy, Debug)]
struct Stages {
    path: f64,
    audio_after: f64,
    video_after: f64,
}

impl Stages {
    fn new(path: Option<f64>, audio: Option<f64>, video: Option<f64>) -> Self {
        let path = path.unwrap_or(f64::MAX);
        let after = |stage: Option<f64>| stage.map_or(f64::MAX, |stage| stage - path);
        Self { path, audio_after: after(audio), video_after: after(video) }
    }
}

#[test]
fn whoever_joins_with_a_browser_or_joins_one_hears_and_sees_soon() -> Outcome {
    let lab = Lab::open("browser-joins")?;
    let server = lab.server()?;
    let room = server.create_room()?;
    let joins = if Lab::is_full() { 15 } else { 5 };

    let mut chloe = lab.browser("Chloe").camera(640, 360, 20).start()?;
    let mut ada = lab.person("Ada").args(["--camera-format", "640x360@20"]).join(server.address(), &room)?;
    let mut of_browser = Vec::new();
    for round in 1..=joins {
        chloe.join(server.address(), &room, &BrowserJoin::simulcast("H264"))?;
        let report = chloe.wait_until("the first sound and the first picture", PATIENCE, |report| {
            report.stages.audio_ms.is_some() && report.stages.video_ms.is_some()
        })?;
        let stages = report.stages;
        of_browser.push(Stages::new(stages.ice_ms, stages.audio_ms, stages.video_ms));
        if round < joins {
            chloe.leave()?;
        }
    }
    ada.leave()?;
    expect_soon("the browser", &of_browser);

    let mut of_native = Vec::new();
    for _ in 0..joins {
        let mut ben =
            lab.person("Ben").args(["--camera-format", "640x360@20", "--for", "2s"]).start(server.address(), &room)?;
        ben.finish(Duration::from_secs(2) + PATIENCE)?;
        let stats = ben.stats()?;
        let join = |stage: &str| stats.stats["join"][stage].as_f64();
        of_native.push(Stages::new(join("connected_ms"), join("audio_ms"), join("video_ms")));
    }
    expect_soon("the native client", &of_native);
    Ok(())
}

fn expect_soon(who: &str, joins: &[Stages]) {
    println!("{who}: {joins:.0?}");
    let of = |figure: fn(&Stages) -> f64| median(joins.iter().map(figure).collect()).expect("joins");
    let (path, audio, video) = (of(|join| join.path), of(|join| join.audio_after), of(|join| join.video_after));
    println!("{who}, median: path {path:.0} ms, first sound {audio:.0} ms and first picture {video:.0} ms after it");
    assert!(path <= PATH_MS, "{who}: the path takes {path:.0} ms");
    assert!(audio <= AUDIO_MS, "{who}: the first sound comes {audio:.0} ms later");
    assert!(video <= VIDEO_MS, "{who}: the first picture comes {video:.0} ms later");
}

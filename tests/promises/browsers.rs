//! Chromium in a call: with native clients and with itself. What it sends and shows, and how long it takes, is written
//! down in `docs/sfu.md`, Browsers.
//!
//! Its camera is a film of the test picture, so its pictures tell their number but not when they were taken; how long
//! they are on their way is measured in the other direction.

mod codecs;
mod joining;
mod layers;
mod talking;

use std::path::PathBuf;
use std::time::Duration;

use confab_tests::call_figures::{self, AudioFigures, VideoFigures};
use confab_tests::lab::{Browser, BrowserReport, Lab, LabError, Outcome, StatsFile};

/// What has not happened by then never comes. The bounds themselves are tighter.
const PATIENCE: Duration = Duration::from_secs(20);

/// What comes before is not judged as a picture's rate and size: a browser begins with an estimate of 300 kbit/s, and
/// its layers follow as it grows.
const SETTLED: Duration = Duration::from_secs(4);

/// Freezes that are the machine's own: in the quick tier other work stops it for a fifth of a second now and then.
fn forgiven() -> f64 {
    if Lab::is_full() { 0.0 } else { 1.0 }
}

/// One side of a call, afterwards.
struct Side {
    name: String,
    /// What it saw and heard.
    file: StatsFile,
    /// What its microphone heard.
    speech: PathBuf,
}

impl Side {
    fn of_browser(browser: &mut Browser) -> Outcome<Self> {
        let file = browser.stats_file()?;
        Ok(Self { name: browser.name().to_owned(), file, speech: browser.speech().to_owned() })
    }

    /// The other's camera.
    fn sees(&self, other: &Self, height: u32) -> Outcome<VideoFigures> {
        let figures = call_figures::video(&self.file, other.id()?, SETTLED, height)?;
        let VideoFigures { fps, full_size, frozen_s, psnr_db_p50: psnr, .. } = figures;
        println!(
            "{} sees {}: {fps:.1} frames a second, {:.0} % of them full size, frozen for {frozen_s:.2} s, {psnr:.1?} dB",
            self.name,
            other.name,
            full_size * 100.0
        );
        Ok(figures)
    }

    /// The other's voice.
    fn hears(&self, other: &Self) -> Outcome<AudioFigures> {
        let figures = call_figures::audio(&self.file, &other.file, &other.speech, SETTLED)?;
        println!("{} hears {}: correlation {:.2}", self.name, other.name, figures.correlation);
        Ok(figures)
    }

    /// Sees the other's moving picture at this rate and hears the other's voice.
    fn expect_other(&self, other: &Self, height: u32, fps: f64) -> Outcome {
        let picture = self.sees(other, height)?;
        let name = &self.name;
        assert!(picture.fps >= fps * 0.9, "{name} sees {:.1} of {fps} frames a second", picture.fps);
        assert!(picture.full_size >= 0.95, "{name} sees {:.0} % in full size", picture.full_size * 100.0);
        // Drawing is held up now and then by what else the machine does; that nothing froze before is asserted of getStats().
        assert!(picture.frozen_s <= 0.5, "{name}'s picture stood still for {:.1} s", picture.frozen_s);
        // A film of 45 pictures, and an endless one: 40 of either are movement enough.
        let numbers = self.different_marks(other)?;
        let least = (picture.shown / 2).min(40);
        assert!(numbers >= least, "{name} saw only {numbers} different pictures among {}", picture.shown);
        let voice = self.hears(other)?;
        assert!(voice.windows >= 5, "{name} heard only {} half seconds of speech", voice.windows);
        assert!(voice.correlation >= 0.85, "what {name} heard correlates by {:.2}", voice.correlation);
        Ok(())
    }

    fn different_marks(&self, other: &Self) -> Outcome<u64> {
        let id = other.id()?;
        let frames = self.file.frames.iter().filter(|frame| frame.participant == id);
        let numbers: std::collections::BTreeSet<u32> = frames.filter_map(|frame| Some(frame.mark?.frame)).collect();
        Ok(numbers.len() as u64)
    }

    fn id(&self) -> Outcome<confab_protocol::ParticipantId> {
        self.file.me.ok_or_else(|| LabError::Unexpected(format!("{} does not know who they are", self.name)))
    }
}

/// What Chromium itself says of all that it got since it joined: no freeze, nothing lost, nothing asked again.
fn expect_clean(who: &str, report: &BrowserReport) {
    let last = report.last().expect("a sample of getStats()");
    let print = |kind: &str, figures: &[&str]| {
        let said: Vec<String> =
            figures.iter().map(|figure| format!("{figure} {}", last.received(kind, figure))).collect();
        println!("{who}, received {kind}: {}", said.join(", "));
    };
    let freezes = ["freezeCount", "totalFreezesDuration", "pauseCount"];
    let packets = ["packetsReceived", "packetsLost", "nackCount", "pliCount", "retransmittedPacketsReceived"];
    let frames = ["framesDecoded", "keyFramesDecoded", "framesDropped"];
    print("video", &[&freezes[..], &packets, &frames].concat());
    print(
        "audio",
        &["packetsReceived", "packetsLost", "concealmentEvents", "concealedSamples", "totalSamplesReceived"],
    );
    for row in last.outbound.iter().filter(|row| row["kind"] == "video") {
        let figures =
            ["encoderImplementation", "framesEncoded", "keyFramesEncoded", "pliCount", "qualityLimitationReason"];
        let said: Vec<String> = figures.iter().map(|figure| format!("{figure} {}", row[figure])).collect();
        println!("{who}, sent layer {}: {}", row["rid"], said.join(", "));
    }
    let froze = last.received("video", "freezeCount");
    assert!(froze <= forgiven(), "{who}: {froze} freezes, {} s", last.received("video", "totalFreezesDuration"));
    for nothing in ["packetsLost", "nackCount"] {
        let count = last.received("video", nothing);
        assert!(count <= 0.0, "{who}: {nothing} is {count}");
    }
    assert!(last.received("audio", "packetsLost") <= 0.0, "{who}: sound was lost");
    assert!(last.received("video", "framesDecoded") > 0.0, "{who}: there were pictures at all");
}

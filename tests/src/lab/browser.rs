//! Somebody who joins with a browser: Chromium, mostly without a window, a camera and a microphone that are files, and a small
//! page (`tests/fixtures/browser`) that speaks the protocol and writes down what it sees and hears.

mod chromium;
mod devtools;
mod page_server;
mod report;
mod window;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use confab_protocol::RoomCode;
use serde_json::{Value, json};

use super::display::Display;
use super::error::{LabError, Outcome};
use super::sound;
use super::stats_file::{MicrophoneLog, SavedAudio, StatsFile};
use chromium::{Chromium, LOOK_EVERY, START_WITHIN};
use page_server::{PageServer, fixture};

pub use report::{BrowserReport, BrowserStages, Sample};
pub use window::BrowserWindow;

/// How a browser is started.
#[derive(Clone, Debug)]
pub struct BrowserOptions {
    name: String,
    folder: PathBuf,
    camera: (u32, u32, u32),
    voice: u32,
    display: Option<Vec<(String, String)>>,
}

impl BrowserOptions {
    pub(super) fn new(name: &str, folder: &Path) -> Self {
        Self { name: name.into(), folder: folder.into(), camera: (1280, 720, 30), voice: 21, display: None }
    }

    /// Another camera: width and height in pixels, pictures a second.
    #[must_use]
    pub fn camera(mut self, width: u32, height: u32, fps: u32) -> Self {
        self.camera = (width, height, fps);
        self
    }

    /// Another voice of the test speech.
    #[must_use]
    pub fn voice(mut self, voice: u32) -> Self {
        self.voice = voice;
        self
    }

    /// In a window that fills a display, instead of none.
    #[must_use]
    pub fn on_display(mut self, display: &Display) -> Self {
        self.display = Some(display.environment().into());
        self
    }

    /// Starts the browser and opens its devices.
    ///
    /// # Errors
    /// When it is not installed or does not get ready.
    pub fn start(self) -> Outcome<Browser> {
        let (width, height, fps) = self.camera;
        let pages = PageServer::start(fixture)?;
        let chromium = Chromium::start(&self, pages.address(), "/call.html")?;
        let mut browser = Browser {
            name: self.name,
            folder: self.folder,
            microphone: MicrophoneLog { started_unix_ms: 0.0 },
            chromium,
            _pages: pages,
        };
        browser.wait_for_page()?;
        let opened = browser.call("prepare", &json!({ "width": width, "height": height, "fps": fps }))?;
        browser.microphone.started_unix_ms = opened["microphone_started_unix_ms"].as_f64().unwrap_or_default();
        Ok(browser)
    }

    /// Starts the browser with Confab's own window as its page.
    ///
    /// # Errors
    /// When it is not installed or does not get ready, or the window is not built for browsers.
    pub fn window(self) -> Outcome<BrowserWindow> {
        BrowserWindow::start(&self)
    }
}

/// What a browser sends in a call.
#[derive(Clone, Debug)]
pub struct BrowserJoin {
    /// Codecs by their names in SDP, best liked first.
    pub codecs: Vec<&'static str>,
    /// One stream with layers inside, of this mode (as `L3T3_KEY`), instead of three streams.
    pub scalability: Option<&'static str>,
    /// Pictures are shown and sound is played, as in anybody's page: nothing is read of them but how many were shown.
    pub only_shows: bool,
}

impl BrowserJoin {
    /// Three streams of this codec.
    pub fn simulcast(codec: &'static str) -> Self {
        Self { codecs: vec![codec], scalability: None, only_shows: false }
    }
}

/// A browser with its page. Dropping it ends it.
#[derive(Debug)]
pub struct Browser {
    name: String,
    folder: PathBuf,
    microphone: MicrophoneLog,
    chromium: Chromium,
    _pages: PageServer,
}

impl Browser {
    /// Shown name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its first process.
    pub fn id(&self) -> u32 {
        self.chromium.id()
    }

    /// The sound its microphone hears from the start on.
    pub fn speech(&self) -> &Path {
        &self.chromium.speech
    }

    /// Joins a room; gives the server's SDP answer. The media path may not be up yet.
    ///
    /// # Errors
    /// When the server refuses or the browser cannot make an offer.
    pub fn join(&mut self, server: SocketAddr, room: &RoomCode, what: &BrowserJoin) -> Outcome<String> {
        let options = json!({
            "server": server.to_string(),
            "code": room.to_string(),
            "name": self.name,
            "codecs": what.codecs,
            "scalability": what.scalability,
            "only_shows": what.only_shows,
        });
        let joined = self.call("join", &options)?;
        let answer = joined["answer"].as_str().map(str::to_owned);
        answer.ok_or_else(|| LabError::Unexpected(format!("{}: no answer but {joined}", self.name)))
    }

    /// Asks for everybody's picture in this height, pixels; 720 at first.
    ///
    /// # Errors
    /// When the page is gone.
    pub fn show(&mut self, height: u32) -> Outcome {
        self.call("show", &json!(height)).map(|_| ())
    }

    /// What it has seen so far.
    ///
    /// # Errors
    /// When the page is gone or had errors of its own.
    pub fn report(&mut self) -> Outcome<BrowserReport> {
        let value = self.call("report", &Value::Null)?;
        let report: BrowserReport = serde_json::from_value(value)
            .map_err(|error| LabError::Unexpected(format!("{}'s report: {error}", self.name)))?;
        if report.problems.is_empty() {
            return Ok(report);
        }
        Err(LabError::Unexpected(format!("{}'s page: {}", self.name, report.problems.join("; "))))
    }

    /// Waits until the report satisfies `wanted`; gives it.
    ///
    /// # Errors
    /// [`LabError::TimedOut`] with what the report says instead.
    pub fn wait_until(
        &mut self,
        what: &str,
        within: Duration,
        wanted: impl Fn(&BrowserReport) -> bool,
    ) -> Outcome<BrowserReport> {
        let deadline = Instant::now() + within;
        loop {
            let report = self.report()?;
            if wanted(&report) {
                return Ok(report);
            }
            if Instant::now() > deadline {
                let (who, seen) = (self.name.clone(), report.summary());
                return Err(LabError::TimedOut { who, what: what.into(), within, seen });
            }
            std::thread::sleep(LOOK_EVERY * 4);
        }
    }

    /// What it has seen and heard so far in the form in which a native client writes it down.
    ///
    /// # Errors
    /// When the page is gone or the sound cannot be saved.
    pub fn stats_file(&mut self) -> Outcome<StatsFile> {
        let report = self.report()?;
        let heard = self.call("sound", &Value::Null)?;
        let text = heard["samples"].as_str().unwrap_or_default();
        let file = self.folder.join(format!("{}-heard.wav", self.name));
        sound::write_wav(&file, &report::samples(text))?;
        let started_unix_ms = heard["started_unix_ms"].as_f64().unwrap_or_default();
        Ok(StatsFile {
            me: report.me,
            stats: Value::Null,
            frames: report.frames,
            audio: vec![SavedAudio { file, started_unix_ms }],
            microphone: Some(self.microphone),
        })
    }

    /// Leaves the call; the browser stays and may join again.
    ///
    /// # Errors
    /// When the page is gone.
    pub fn leave(&mut self) -> Outcome {
        self.call("leave", &Value::Null).map(|_| ())
    }

    /// The video codecs it could send, by their SDP names, each once.
    ///
    /// # Errors
    /// When the page is gone.
    pub fn video_codecs(&mut self) -> Outcome<Vec<String>> {
        let listed = self.call("capabilities", &Value::Null)?;
        let names = listed.as_array().into_iter().flatten();
        let mut names: Vec<String> =
            names.filter_map(|codec| Some(codec["mimeType"].as_str()?.trim_start_matches("video/").into())).collect();
        names.sort();
        names.dedup();
        Ok(names)
    }

    fn call(&mut self, function: &str, argument: &Value) -> Outcome<Value> {
        self.chromium.page.evaluate(&format!("guest.{function}({argument})"))
    }

    fn wait_for_page(&mut self) -> Outcome {
        let deadline = Instant::now() + START_WITHIN;
        while self.chromium.page.evaluate("typeof guest")? != "object" {
            if Instant::now() > deadline {
                return Err(LabError::Unexpected(format!("{}'s page does not load", self.name)));
            }
            std::thread::sleep(LOOK_EVERY);
        }
        Ok(())
    }
}

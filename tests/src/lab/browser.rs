//! Somebody who joins with a browser: Chromium, mostly without a window, a camera and a microphone that are files, and a small
//! page (`tests/fixtures/browser`) that speaks the protocol and writes down what it sees and hears.

mod devtools;
mod page_server;
mod report;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use confab_media::pattern::TestPattern;
use confab_media::y4m::{self, Header};
use confab_protocol::RoomCode;
use serde_json::{Value, json};

use super::display::Display;
use super::error::{LabError, Outcome};
use super::process::{Process, Running};
use super::programs::tool;
use super::sound;
use super::stats_file::{MicrophoneLog, SavedAudio, StatsFile};
use devtools::Page;
use page_server::PageServer;

pub use report::{BrowserReport, BrowserStages, Sample};

/// A browser takes a while to start on a loaded machine.
const START_WITHIN: Duration = Duration::from_secs(30);

/// A browser that was asked to end and is not done by then is killed.
const END_WITHIN: Duration = Duration::from_secs(3);

/// How often something awaited is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Pictures of the camera's film. It runs to its end and back again: a cut would make the encoder begin with a keyframe.
const FILM_FRAMES: u32 = 45;

/// The microphone's sound begins again after this.
const SPEECH: Duration = Duration::from_secs(120);

/// What a browser needs to be steered, to have devices, and to leave the network alone.
const FLAGS: [&str; 18] = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--disable-sync",
    "--disable-extensions",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows",
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-ui-for-media-stream",
    // Host candidates as addresses and not as names of mDNS, and the loopback interface among them.
    "--disable-features=WebRtcHideLocalIpsWithMdns,MediaRouter",
    "--allow-loopback-in-peer-connection",
    "--enable-logging=stderr",
    "--remote-debugging-port=0",
];

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
        let film = self.folder.join(format!("{}-camera.y4m", self.name));
        write_film(&film, width, height, fps)?;
        let speech = self.folder.join(format!("{}-speech.wav", self.name));
        sound::write_speech(&speech, self.voice, SPEECH)?;
        let profile = self.folder.join(format!("{}-profile", self.name));
        let pages = PageServer::start()?;
        let address = format!("http://{}/call.html", pages.address());
        let place = match &self.display {
            Some(_) => vec!["--window-position=0,0".to_owned(), "--start-maximized".into(), format!("--app={address}")],
            None => vec!["--headless=new".to_owned(), address],
        };
        let running = Process::new(&tool("chromium")?, &self.name, &self.folder)
            .args(FLAGS)
            .args([
                format!("--use-fake-device-for-media-stream=fps={fps}"),
                format!("--use-file-for-fake-video-capture={}", film.display()),
                format!("--use-file-for-fake-audio-capture={}", speech.display()),
                format!("--user-data-dir={}", profile.display()),
            ])
            .args(place)
            .envs(self.display.unwrap_or_default())
            .start()?;
        let page = Page::open(&devtools_port(&self.name, &profile)?, "/call.html")?;
        let mut browser = Browser {
            name: self.name,
            folder: self.folder,
            profile,
            film,
            speech,
            microphone: MicrophoneLog { started_unix_ms: 0.0 },
            page,
            running,
            _pages: pages,
        };
        browser.wait_for_page()?;
        let opened = browser.call("prepare", &json!({ "width": width, "height": height, "fps": fps }))?;
        browser.microphone.started_unix_ms = opened["microphone_started_unix_ms"].as_f64().unwrap_or_default();
        Ok(browser)
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
    profile: PathBuf,
    film: PathBuf,
    speech: PathBuf,
    microphone: MicrophoneLog,
    page: Page,
    running: Running,
    _pages: PageServer,
}

impl Browser {
    /// Shown name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its first process.
    pub fn id(&self) -> u32 {
        self.running.id()
    }

    /// The sound its microphone hears from the start on.
    pub fn speech(&self) -> &Path {
        &self.speech
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
        self.page.evaluate(&format!("guest.{function}({argument})"))
    }

    fn wait_for_page(&mut self) -> Outcome {
        let deadline = Instant::now() + START_WITHIN;
        while self.page.evaluate("typeof guest")? != "object" {
            if Instant::now() > deadline {
                return Err(LabError::Unexpected(format!("{}'s page does not load", self.name)));
            }
            std::thread::sleep(LOOK_EVERY);
        }
        Ok(())
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.page.close_browser();
        if self.running.wait(END_WITHIN).is_err() {
            self.running.kill();
        }
        // Both are large and tell nothing afterwards.
        let _ = std::fs::remove_dir_all(&self.profile);
        let _ = std::fs::remove_file(&self.film);
    }
}

/// The browser says in a file of its profile which port it took.
fn devtools_port(who: &str, profile: &Path) -> Outcome<SocketAddr> {
    let file = profile.join("DevToolsActivePort");
    let deadline = Instant::now() + START_WITHIN;
    loop {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        // The second line is written last.
        if let Some((port, _)) = text.split_once('\n').filter(|(_, rest)| !rest.is_empty())
            && let Ok(port) = port.trim().parse::<u16>()
        {
            return Ok(SocketAddr::from(([127, 0, 0, 1], port)));
        }
        if Instant::now() > deadline {
            let seen = format!("There is nothing in {}.", file.display());
            let what = "being steerable".into();
            return Err(LabError::TimedOut { who: who.into(), what, within: START_WITHIN, seen });
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Writes the test picture as a film. Its frames carry their numbers, and as time the number too, so that whoever knows
/// the size can draw them again.
fn write_film(file: &Path, width: u32, height: u32, fps: u32) -> Outcome {
    let fail = |error: &dyn std::fmt::Display| LabError::Unexpected(format!("{}: {error}", file.display()));
    let output = std::fs::File::create(file).map_err(|error| fail(&error))?;
    let header = Header { width, height, frame_rate: (fps, 1) };
    let mut writer = y4m::Writer::new(std::io::BufWriter::new(output), header).map_err(|error| fail(&error))?;
    let pattern = TestPattern::new(width, height);
    for number in (1..=FILM_FRAMES).chain((2..FILM_FRAMES).rev()) {
        writer.write_frame(&pattern.render(number, u64::from(number))).map_err(|error| fail(&error))?;
    }
    writer.finish().map(|_| ()).map_err(|error| fail(&error))
}

//! Chromium, without a window unless it is given a display: a camera and a microphone that are files, and one page.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use confab_media::pattern::TestPattern;
use confab_media::y4m::{self, Header};

use super::BrowserOptions;
use super::devtools::Page;
use crate::lab::error::{LabError, Outcome};
use crate::lab::process::{Process, Running};
use crate::lab::programs::tool;
use crate::lab::sound;

/// A browser takes a while to start on a loaded machine.
pub(super) const START_WITHIN: Duration = Duration::from_secs(30);

/// A browser that was asked to end and is not done by then is killed.
const END_WITHIN: Duration = Duration::from_secs(3);

/// How often something awaited is looked for.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Pictures of the camera's film. It runs to its end and back again: a cut would make the encoder begin with a keyframe.
const FILM_FRAMES: u32 = 45;

/// The microphone's sound begins again after this.
const SPEECH: Duration = Duration::from_secs(120);

/// What a browser needs to be steered, to have devices, and to leave the network alone.
const FLAGS: [&str; 20] = [
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
    // Pages are read by their English words.
    "--lang=en-US",
    "--accept-lang=en-US",
    "--remote-debugging-port=0",
];

/// A started browser with the page it opened. Dropping it ends it.
#[derive(Debug)]
pub(super) struct Chromium {
    pub(super) page: Page,
    /// What its microphone hears, from the start on.
    pub(super) speech: PathBuf,
    profile: PathBuf,
    film: PathBuf,
    running: Running,
}

impl Chromium {
    /// Starts the browser with a page; `path` is the end of its address.
    pub(super) fn start(options: &BrowserOptions, pages: SocketAddr, path: &str) -> Outcome<Self> {
        let BrowserOptions { name, folder, camera: (width, height, fps), voice, display } = options;
        let film = folder.join(format!("{name}-camera.y4m"));
        write_film(&film, *width, *height, *fps)?;
        let speech = folder.join(format!("{name}-speech.wav"));
        sound::write_speech(&speech, *voice, SPEECH)?;
        let profile = folder.join(format!("{name}-profile"));
        let address = format!("http://{pages}{path}");
        let place = match display {
            Some(_) => vec!["--window-position=0,0".to_owned(), "--start-maximized".into(), format!("--app={address}")],
            None => vec!["--headless=new".to_owned(), address],
        };
        let running = Process::new(&tool("chromium")?, name, folder)
            .args(FLAGS)
            .args([
                format!("--use-fake-device-for-media-stream=fps={fps}"),
                format!("--use-file-for-fake-video-capture={}", film.display()),
                format!("--use-file-for-fake-audio-capture={}", speech.display()),
                format!("--user-data-dir={}", profile.display()),
            ])
            .args(place)
            .envs(display.iter().flatten().cloned())
            .start()?;
        let page = Page::open(&devtools_port(name, &profile)?, path)?;
        Ok(Self { page, speech, profile, film, running })
    }
}

impl Chromium {
    /// Its first process.
    pub(super) fn id(&self) -> u32 {
        self.running.id()
    }
}

impl Drop for Chromium {
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

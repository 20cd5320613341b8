//! The desktop app in a window on a display of its own, driven like a person would.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use confab_media::pattern::Mark;
use confab_protocol::RoomCode;
use serde_json::{Value, json};

use super::display::Display;
use super::error::{LabError, Outcome};
use super::programs::program;
use super::pulse::Pulse;
use super::webdriver::{WebDriver, Window};
use crate::usage;

/// How often a tile's picture is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A running app. Dropping it closes the window and ends the app.
#[derive(Debug)]
pub struct Desktop {
    // Dropped in this order: the window before its driver.
    window: Window,
    driver: WebDriver,
    folder: PathBuf,
    environment: Vec<(String, String)>,
}

impl Desktop {
    /// Opens the app as this person, with the test picture as camera and the sound server's default devices.
    ///
    /// # Errors
    /// When a driver is missing or the window does not open.
    pub fn open(folder: &Path, name: &str, server: SocketAddr, display: &Display, pulse: &Pulse) -> Outcome<Self> {
        Self::open_with(folder, Some(&Self::remembered(name)), server, display, pulse, &[])
    }

    /// What the settings of this person say who shows the test picture.
    pub fn remembered(name: &str) -> Value {
        json!({ "name": name, "theme": "dark", "devices": { "camera": { "kind": "test" } } })
    }

    /// The same with these settings, or none, as at the first start of all, and with more in its environment.
    ///
    /// # Errors
    /// As above.
    pub fn open_with(
        folder: &Path,
        settings: Option<&Value>,
        server: SocketAddr,
        display: &Display,
        pulse: &Pulse,
        more: &[(String, String)],
    ) -> Outcome<Self> {
        let home = folder.join("desktop-home");
        if let Some(settings) = settings {
            let place = home.join("config").join("org.confab.desktop");
            let fail = |error| LabError::io(place.display().to_string(), error);
            std::fs::create_dir_all(&place).map_err(fail)?;
            std::fs::write(place.join("settings.json"), settings.to_string()).map_err(fail)?;
        }
        let mut environment = Self::surroundings(folder, server, display, pulse);
        environment.extend_from_slice(more);
        let driver = WebDriver::start(folder, &environment)?;
        let window = driver.open(&program("confab")?)?;
        Ok(Self { window, driver, folder: folder.into(), environment })
    }

    /// The environment of an app with a home of its own in this folder.
    pub fn surroundings(folder: &Path, server: SocketAddr, display: &Display, pulse: &Pulse) -> Vec<(String, String)> {
        let home = folder.join("desktop-home");
        let mut environment = pulse.environment();
        environment.extend(display.environment());
        for (variable, place) in [("XDG_CONFIG_HOME", "config"), ("XDG_DATA_HOME", "data"), ("XDG_CACHE_HOME", "cache")]
        {
            environment.push((variable.into(), home.join(place).display().to_string()));
        }
        environment.push(("CONFAB_SERVER".into(), server.to_string()));
        environment
    }

    /// The app's first process.
    ///
    /// # Errors
    /// When it runs no more.
    pub fn id(&self) -> Outcome<u32> {
        let missing = || LabError::Unexpected("the app does not run".into());
        usage::descendant(self.driver.id(), "confab").ok_or_else(missing)
    }

    /// What the app was started with.
    pub fn environment(&self) -> &[(String, String)] {
        &self.environment
    }

    /// Starts a meeting from the home screen and gives its code.
    ///
    /// # Errors
    /// When the call does not begin in time.
    pub fn start_meeting(&self, within: Duration) -> Outcome<RoomCode> {
        self.press_selected("section[aria-labelledby=start-heading] button[type=submit]", within)?;
        self.window.wait_for("form.pjr", within)?;
        self.press_selected("form.pjr button[type=submit]", within)?;
        let code = self.window.wait_until(".dock .code", within, |text| text.parse::<RoomCode>().is_ok())?;
        code.parse().map_err(|_| LabError::Unexpected(format!("{code} is no code")))
    }

    /// The window, for whatever has no word of its own here.
    pub fn window(&self) -> &Window {
        &self.window
    }

    /// Presses the button whose accessible name begins so.
    ///
    /// # Errors
    /// When it does not appear in time or cannot be pressed.
    pub fn press(&self, name: &str, within: Duration) -> Outcome {
        let selector = format!("button[aria-label^=\"{name}\"]");
        self.press_selected(&selector, within)
    }

    /// Presses what a CSS selector finds.
    ///
    /// # Errors
    /// When it does not appear in time or cannot be pressed.
    pub fn press_selected(&self, selector: &str, within: Duration) -> Outcome {
        let deadline = Instant::now() + within;
        self.window.wait_for(selector, within)?;
        // What has just appeared may still be on its way to its place.
        loop {
            match self.window.click(selector) {
                Err(_) if Instant::now() < deadline => std::thread::sleep(LOOK_EVERY),
                other => return other,
            }
        }
    }

    /// Reads the mark in the picture of the tile whose accessible name begins so, from a photograph of the display.
    ///
    /// # Errors
    /// When there is no such tile, or no photograph.
    pub fn mark_in_tile(&self, display: &Display, name: &str) -> Outcome<Option<Mark>> {
        let script = "const tile = document.querySelector(`[role=listitem][aria-label^=\"${arguments[0]}\"]`);
            if (!tile) return null;
            const box = tile.getBoundingClientRect();
            const scale = window.devicePixelRatio;
            const left = window.screenX + (window.outerWidth - window.innerWidth);
            const top = window.screenY + (window.outerHeight - window.innerHeight);
            return [box.x * scale + left, box.y * scale + top, box.width * scale, box.height * scale];";
        let place = self.window.run(script, &[Value::from(name)])?;
        let numbers: Vec<f64> = place.as_array().into_iter().flatten().filter_map(Value::as_f64).collect();
        let [left, top, width, height] = numbers[..] else {
            return Err(LabError::Unexpected(format!("there is no tile of {name}")));
        };
        // The picture covers its tile, so the larger of both scales is its own.
        let (wide, high) =
            if width * 9.0 > height * 16.0 { (width, width * 9.0 / 16.0) } else { (height * 16.0 / 9.0, height) };
        let (left, top) = (left - (wide - width) / 2.0, top - (high - height) / 2.0);
        let photograph = display.photograph()?;
        let at = |value: f64| value.round().max(0.0) as usize;
        Ok(photograph.read_mark_at((left.round() as i64, top.round() as i64), at(wide), at(high)))
    }

    /// Waits until the picture in somebody's tile has changed at least `times` times, by its frame numbers.
    ///
    /// # Errors
    /// [`LabError::TimedOut`] with what was read; a photograph is kept.
    pub fn wait_for_motion(&self, display: &Display, name: &str, times: usize, within: Duration) -> Outcome {
        let deadline = Instant::now() + within;
        let mut numbers: Vec<u32> = Vec::new();
        let mut trouble = String::new();
        while Instant::now() < deadline {
            match self.mark_in_tile(display, name) {
                Ok(Some(mark)) if numbers.last() != Some(&mark.frame) => numbers.push(mark.frame),
                Ok(_) => {}
                Err(error) => trouble = error.to_string(),
            }
            if numbers.len() > times {
                return Ok(());
            }
            std::thread::sleep(LOOK_EVERY);
        }
        display.screenshot(&self.folder.join(format!("no-motion-{name}.png")))?;
        let what = format!("motion in the tile of {name}");
        let seen = format!("Frame numbers read: {numbers:?}. {trouble}");
        Err(LabError::TimedOut { who: "the window".into(), what, within, seen })
    }
}

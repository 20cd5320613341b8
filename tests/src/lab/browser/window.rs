//! Confab's own window as a page in a browser (`ui/dist-browser`), used as a person does: by mouse and keys.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::BrowserOptions;
use super::chromium::{Chromium, LOOK_EVERY, START_WITHIN};
use super::page_server::{self, PageServer};
use crate::lab::error::{LabError, Outcome};

/// Where `npm run build:browser` puts the page; `cargo xtask test` runs it.
const BUILT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../ui/dist-browser");

const PAGE: &str = "/browser.html";

/// An open window. Dropping it ends its browser.
#[derive(Debug)]
pub struct BrowserWindow {
    name: String,
    chromium: Chromium,
    _pages: PageServer,
}

impl BrowserWindow {
    pub(super) fn start(options: &BrowserOptions) -> Outcome<Self> {
        let built = PathBuf::from(BUILT);
        if !built.join(PAGE.trim_start_matches('/')).is_file() {
            return Err(LabError::MissingProgram(built));
        }
        let pages = PageServer::start(page_server::folder(built))?;
        let chromium = Chromium::start(options, pages.address(), PAGE)?;
        let mut window = Self { name: options.name.clone(), chromium, _pages: pages };
        window.chromium.page.keep_problems()?;
        // As large as a person has it; the smallest would fold the dock.
        let size = json!({ "width": 1280, "height": 800, "deviceScaleFactor": 1, "mobile": false });
        window.chromium.page.command("Emulation.setDeviceMetricsOverride", &size)?;
        window.wait_for("main", START_WITHIN)?;
        Ok(window)
    }

    /// Waits until there is an element for this CSS selector; gives its text.
    ///
    /// # Errors
    /// [`LabError::TimedOut`] when there is none in time.
    pub fn wait_for(&mut self, selector: &str, within: Duration) -> Outcome<String> {
        self.wait_until(selector, within, |_| true)
    }

    /// Waits until an element's text satisfies `wanted`; gives the text.
    ///
    /// # Errors
    /// [`LabError::TimedOut`] when it does not in time.
    pub fn wait_until(&mut self, selector: &str, within: Duration, wanted: impl Fn(&str) -> bool) -> Outcome<String> {
        let deadline = Instant::now() + within;
        loop {
            let text = self.text(selector)?;
            if let Some(text) = text.as_deref().filter(|text| wanted(text)) {
                return Ok(text.to_owned());
            }
            if Instant::now() > deadline {
                let page = self.text("body")?.unwrap_or_default();
                let seen = format!("Its text is {text:?}, the page's \u{201c}{page}\u{201d}.");
                return Err(LabError::TimedOut { who: self.name.clone(), what: selector.into(), within, seen });
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// The text of an element, as a person sees it; `None` when there is none.
    ///
    /// # Errors
    /// When the page is gone.
    pub fn text(&mut self, selector: &str) -> Outcome<Option<String>> {
        let selector = Value::from(selector);
        let text = self.run(&format!("document.querySelector({selector})?.innerText ?? null"))?;
        Ok(text.as_str().map(str::to_owned))
    }

    /// The value of a script's expression in the page, a promise's when it settles.
    ///
    /// # Errors
    /// When it throws.
    pub fn run(&mut self, script: &str) -> Outcome<Value> {
        self.chromium.page.evaluate(script)
    }

    /// Presses what a CSS selector finds with the mouse, once it is there and stands still.
    ///
    /// # Errors
    /// [`LabError::TimedOut`] when it does not appear in time.
    pub fn press(&mut self, selector: &str, within: Duration) -> Outcome {
        let deadline = Instant::now() + within;
        let mut before = None;
        loop {
            let middle = self.middle(selector)?;
            if let Some((x, y)) = middle.filter(|_| middle == before) {
                for kind in ["mouseMoved", "mousePressed", "mouseReleased"] {
                    let button = if kind == "mouseMoved" { "none" } else { "left" };
                    let event = json!({ "type": kind, "x": x, "y": y, "button": button, "clickCount": 1 });
                    self.chromium.page.command("Input.dispatchMouseEvent", &event)?;
                }
                return Ok(());
            }
            before = middle;
            if Instant::now() > deadline {
                let seen = self.text("body")?.unwrap_or_default();
                let what = format!("{selector} to be pressed");
                return Err(LabError::TimedOut { who: self.name.clone(), what, within, seen });
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// Types into a field, in place of what stands there.
    ///
    /// # Errors
    /// When there is no such field in time.
    pub fn type_text(&mut self, selector: &str, text: &str, within: Duration) -> Outcome {
        self.wait_for(selector, within)?;
        let field = Value::from(selector);
        self.run(&format!("(field => {{ field.focus(); field.select(); }})(document.querySelector({field}))"))?;
        self.chromium.page.command("Input.insertText", &json!({ "text": text })).map(|_| ())
    }

    /// Presses Enter where the focus is.
    ///
    /// # Errors
    /// When the page is gone.
    pub fn enter(&mut self) -> Outcome {
        for (kind, text) in [("keyDown", "\r"), ("keyUp", "")] {
            let key =
                json!({ "type": kind, "key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": text });
            self.chromium.page.command("Input.dispatchKeyEvent", &key)?;
        }
        Ok(())
    }

    /// Loads the page anew.
    ///
    /// # Errors
    /// When it does not come up again.
    pub fn reload(&mut self) -> Outcome {
        self.run("window.loadedBefore = true")?;
        self.chromium.page.command("Page.reload", &json!({}))?;
        let deadline = Instant::now() + START_WITHIN;
        // Between two pages there is none to ask, which is no failure.
        while !self
            .run("window.loadedBefore === undefined && document.readyState === 'complete'")
            .is_ok_and(|new| new == true)
        {
            if Instant::now() > deadline {
                return Err(LabError::Unexpected(format!("{}'s page does not load again", self.name)));
            }
            std::thread::sleep(LOOK_EVERY);
        }
        self.wait_for("main", START_WITHIN).map(|_| ())
    }

    /// Errors of the page and of its console since it was opened, over all reloads.
    ///
    /// # Errors
    /// When the page is gone.
    pub fn problems(&mut self) -> Outcome<Vec<String>> {
        self.chromium.page.problems().map(<[String]>::to_vec)
    }

    /// The middle of an element on the page, pixels; `None` when there is none or it is not shown.
    fn middle(&mut self, selector: &str) -> Outcome<Option<(f64, f64)>> {
        let element = Value::from(selector);
        let script = format!(
            "(element => {{
                if (element === null) return null;
                element.scrollIntoView({{ block: 'nearest' }});
                const {{ x, y, width, height }} = element.getBoundingClientRect();
                return width > 0 && height > 0 ? [x + width / 2, y + height / 2] : null;
            }})(document.querySelector({element}))"
        );
        let place = self.run(&script)?;
        Ok(place[0].as_f64().zip(place[1].as_f64()))
    }
}

//! The desktop window by `WebDriver`: tauri-driver in front of the webview's own driver.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::error::{LabError, Outcome};
use super::http::{self, Answer};
use super::process::{Process, Running};
use super::programs::{tauri_driver, tool};

/// The key under which W3C `WebDriver` names an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// How often something awaited in a window is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A running driver; dropping it ends it and its windows.
#[derive(Debug)]
pub struct WebDriver {
    address: SocketAddr,
    driver: Running,
}

impl WebDriver {
    /// Starts the driver with the environment that its windows are to have.
    ///
    /// # Errors
    /// When a driver is missing or does not get ready.
    pub fn start(folder: &Path, environment: &[(String, String)]) -> Outcome<Self> {
        let (port, native_port) = (free_port()?, free_port()?);
        let driver = Process::new(&tauri_driver()?, "tauri-driver", folder)
            .args(["--port", &port.to_string(), "--native-port", &native_port.to_string(), "--native-driver"])
            .args([tool("WebKitWebDriver")?])
            .envs(environment.iter().cloned())
            .start()?;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let deadline = Instant::now() + Duration::from_secs(20);
        let ready = || http::request(address, "GET", "/status", None).is_ok_and(|answer| answer.status == 200);
        while !ready() {
            if Instant::now() > deadline {
                return Err(LabError::Unexpected("tauri-driver does not answer".into()));
            }
            std::thread::sleep(LOOK_EVERY);
        }
        Ok(Self { address, driver })
    }

    /// Its process, of which the windows' programs descend.
    pub fn id(&self) -> u32 {
        self.driver.id()
    }

    /// Opens the program's window.
    ///
    /// # Errors
    /// When it does not open.
    pub fn open(&self, application: &Path) -> Outcome<Window> {
        let options = json!({ "tauri:options": { "application": application } });
        let capabilities = json!({ "capabilities": { "alwaysMatch": options, "firstMatch": [{}] } });
        let value = value(&http::request(self.address, "POST", "/session", Some(&capabilities))?)?;
        let session = value["sessionId"].as_str().map(str::to_owned);
        let session = session.ok_or_else(|| LabError::Unexpected(format!("no session but {value}")))?;
        Ok(Window { address: self.address, session })
    }
}

/// How W3C `WebDriver` names a key; what has no name there is its own letter, small as without Shift.
fn key_value(key: &str) -> String {
    let named = match key {
        "Ctrl" => '\u{e009}',
        "Shift" => '\u{e008}',
        "Alt" => '\u{e00a}',
        "Enter" => '\u{e007}',
        "Escape" => '\u{e00c}',
        "Tab" => '\u{e004}',
        "Left" => '\u{e012}',
        "Up" => '\u{e013}',
        "Right" => '\u{e014}',
        "Down" => '\u{e015}',
        "PageUp" => '\u{e00e}',
        "PageDown" => '\u{e00f}',
        "F6" => '\u{e036}',
        other => return other.to_lowercase(),
    };
    named.to_string()
}

/// A port that was free a moment ago. The drivers cannot pick one themselves.
fn free_port() -> Outcome<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    listener.map(|address| address.port()).map_err(|error| LabError::io("a free port", error))
}

fn value(answer: &Answer) -> Outcome<Value> {
    if answer.status == 200 {
        return Ok(answer.body["value"].clone());
    }
    Err(LabError::Unexpected(format!("the window's driver answered {}: {}", answer.status, answer.text)))
}

/// An open window; dropping it closes it.
#[derive(Debug)]
pub struct Window {
    address: SocketAddr,
    session: String,
}

impl Window {
    fn command(&self, method: &str, path: &str, body: Option<&Value>) -> Outcome<Value> {
        value(&http::request(self.address, method, &format!("/session/{}{path}", self.session), body)?)
    }

    fn find(&self, selector: &str) -> Outcome<String> {
        let query = json!({ "using": "css selector", "value": selector });
        let found = self.command("POST", "/element", Some(&query))?;
        let id = found[ELEMENT].as_str().map(str::to_owned);
        id.ok_or_else(|| LabError::Unexpected(format!("{selector} is no element but {found}")))
    }

    /// Waits until there is an element for this CSS selector; gives its text.
    ///
    /// # Errors
    /// [`LabError::TimedOut`] when there is none in time.
    pub fn wait_for(&self, selector: &str, within: Duration) -> Outcome<String> {
        self.wait_until(selector, within, |_| true)
    }

    /// Waits until an element's text satisfies `wanted`; gives the text.
    ///
    /// # Errors
    /// [`LabError::TimedOut`] when it does not in time.
    pub fn wait_until(&self, selector: &str, within: Duration, wanted: impl Fn(&str) -> bool) -> Outcome<String> {
        let deadline = Instant::now() + within;
        let mut seen;
        loop {
            match self.text(selector) {
                Ok(text) if wanted(&text) => return Ok(text),
                Ok(text) => seen = format!("Its text is \u{201c}{text}\u{201d}."),
                Err(error) => seen = error.to_string(),
            }
            if Instant::now() > deadline {
                return Err(LabError::TimedOut { who: "the window".into(), what: selector.into(), within, seen });
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// The text of an element, as a person sees it.
    ///
    /// # Errors
    /// When there is no such element.
    pub fn text(&self, selector: &str) -> Outcome<String> {
        // WebKit's driver takes text that may be cut by an ellipsis for invisible; the page knows better.
        let text = self.run("return document.querySelector(arguments[0])?.innerText ?? null", &[selector.into()])?;
        let missing = || LabError::Unexpected(format!("the page has no {selector}"));
        Ok(text.as_str().ok_or_else(missing)?.to_owned())
    }

    /// Clicks an element.
    ///
    /// # Errors
    /// When there is no such element or it cannot be clicked.
    pub fn click(&self, selector: &str) -> Outcome {
        let element = self.find(selector)?;
        self.command("POST", &format!("/element/{element}/click"), Some(&json!({}))).map(|_| ())
    }

    /// Types into an element.
    ///
    /// # Errors
    /// When there is no such element or it takes no text.
    pub fn type_text(&self, selector: &str, text: &str) -> Outcome {
        let element = self.find(selector)?;
        let keys = json!({ "text": text });
        self.command("POST", &format!("/element/{element}/value"), Some(&keys)).map(|_| ())
    }

    /// Presses keys as the settings write them, as in `Ctrl+Shift+C`, wherever the focus is.
    ///
    /// # Errors
    /// When the driver does not take them.
    pub fn press_keys(&self, keys: &str) -> Outcome {
        let parts: Vec<&str> = keys.split('+').collect();
        let down = parts.iter().map(|part| json!({ "type": "keyDown", "value": key_value(part) }));
        let up = parts.iter().rev().map(|part| json!({ "type": "keyUp", "value": key_value(part) }));
        self.act(&down.chain(up).collect::<Vec<_>>())
    }

    /// Types letter by letter, wherever the focus is.
    ///
    /// # Errors
    /// When the driver does not take them.
    pub fn write(&self, text: &str) -> Outcome {
        let letters = text
            .chars()
            .flat_map(|letter| ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": letter.to_string() })));
        self.act(&letters.collect::<Vec<_>>())
    }

    fn act(&self, actions: &[Value]) -> Outcome {
        let keyboard = json!({ "type": "key", "id": "keyboard", "actions": actions });
        self.command("POST", "/actions", Some(&json!({ "actions": [keyboard] }))).map(|_| ())
    }

    /// Runs a script's body in the page and gives what it returns.
    ///
    /// # Errors
    /// When it throws.
    pub fn run(&self, script: &str, arguments: &[Value]) -> Outcome<Value> {
        self.command("POST", "/execute/sync", Some(&json!({ "script": script, "args": arguments })))
    }

    /// Runs a script that calls its last argument with its result.
    ///
    /// # Errors
    /// When it throws or never calls.
    pub fn run_async(&self, script: &str, arguments: &[Value]) -> Outcome<Value> {
        self.command("POST", "/execute/async", Some(&json!({ "script": script, "args": arguments })))
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        // The driver's end closes it too; this is the orderly way.
        let _ = http::request(self.address, "DELETE", &format!("/session/{}", self.session), None);
    }
}

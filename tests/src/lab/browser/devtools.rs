//! A page of a browser, steered by the `DevTools` protocol: as much of it as runs a script and returns its value.

use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::lab::RawSocket;
use crate::lab::error::{LabError, Outcome};
use crate::lab::http;

/// No script of ours takes longer.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// A new window needs a moment to have its page.
const PAGE_WITHIN: Duration = Duration::from_secs(20);

/// A connection to one page.
pub(super) struct Page {
    socket: RawSocket,
    number: u64,
}

impl fmt::Debug for Page {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Page").field("number", &self.number).finish_non_exhaustive()
    }
}

impl Page {
    /// Connects to the page whose address ends like this.
    pub(super) fn open(browser: &SocketAddr, ending: &str) -> Outcome<Self> {
        let deadline = Instant::now() + PAGE_WITHIN;
        loop {
            let listed = http::request(*browser, "GET", "/json/list", None)?;
            let pages = listed.body.as_array().cloned().unwrap_or_default();
            let found = pages.iter().find(|page| page["url"].as_str().is_some_and(|url| url.ends_with(ending)));
            if let Some(id) = found.and_then(|page| page["id"].as_str()) {
                let socket = RawSocket::open(*browser, &format!("/devtools/page/{id}"))?;
                return Ok(Self { socket, number: 0 });
            }
            if Instant::now() > deadline {
                return Err(LabError::Unexpected(format!("no page {ending} among {}", listed.text)));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Runs a script in the page and gives its value, a promise's when it settles.
    pub(super) fn evaluate(&mut self, script: &str) -> Outcome<Value> {
        let parameters = json!({ "expression": script, "awaitPromise": true, "returnByValue": true });
        let answer = self.command("Runtime.evaluate", &parameters)?;
        let thrown = &answer["exceptionDetails"];
        if thrown.is_null() {
            return Ok(answer["result"]["value"].clone());
        }
        let what = thrown["exception"]["description"].as_str().or(thrown["text"].as_str()).unwrap_or_default();
        Err(LabError::Unexpected(format!("{script} threw {what}")))
    }

    /// Asks the whole browser to end.
    pub(super) fn close_browser(&mut self) {
        // It may be gone already.
        let _ = self.command("Browser.close", &json!({}));
    }

    fn command(&mut self, method: &str, parameters: &Value) -> Outcome<Value> {
        self.number += 1;
        let message = json!({ "id": self.number, "method": method, "params": parameters });
        self.socket.send_text(&message.to_string())?;
        let deadline = Instant::now() + ANSWER_WITHIN;
        while Instant::now() < deadline {
            match self.socket.receive()? {
                Some(answer) if answer["id"] == self.number && answer["error"].is_null() => {
                    return Ok(answer["result"].clone());
                }
                Some(answer) if answer["id"] == self.number => {
                    return Err(LabError::Unexpected(format!("{method}: {}", answer["error"])));
                }
                Some(_) => {}
                None => return Err(LabError::Unexpected(format!("the browser closed instead of {method}"))),
            }
        }
        let (who, what) = ("the browser".into(), method.into());
        Err(LabError::TimedOut { who, what, within: ANSWER_WITHIN, seen: String::new() })
    }
}

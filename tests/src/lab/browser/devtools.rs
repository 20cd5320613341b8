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
    problems: Vec<String>,
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
                return Ok(Self { socket, number: 0, problems: Vec::new() });
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

    /// From now on errors of the page and of its console are kept, those from before too.
    pub(super) fn keep_problems(&mut self) -> Outcome {
        self.command("Runtime.enable", &json!({}))?;
        self.command("Log.enable", &json!({}))?;
        Ok(())
    }

    /// What was kept so far.
    pub(super) fn problems(&mut self) -> Outcome<&[String]> {
        // What the page said before it answers this has come by then.
        self.evaluate("0")?;
        Ok(&self.problems)
    }

    /// Asks the whole browser to end.
    pub(super) fn close_browser(&mut self) {
        // It may be gone already.
        let _ = self.command("Browser.close", &json!({}));
    }

    /// Runs a command of the protocol and gives its answer.
    pub(super) fn command(&mut self, method: &str, parameters: &Value) -> Outcome<Value> {
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
                Some(event) => self.problems.extend(problem(&event)),
                None => return Err(LabError::Unexpected(format!("the browser closed instead of {method}"))),
            }
        }
        let (who, what) = ("the browser".into(), method.into());
        Err(LabError::TimedOut { who, what, within: ANSWER_WITHIN, seen: String::new() })
    }
}

/// The error that an event tells of, if it does.
fn problem(event: &Value) -> Option<String> {
    let told = &event["params"];
    match event["method"].as_str()? {
        "Runtime.exceptionThrown" => {
            let details = &told["exceptionDetails"];
            let text = details["exception"]["description"].as_str().or(details["text"].as_str());
            Some(text.unwrap_or("an exception").to_owned())
        }
        "Runtime.consoleAPICalled" if told["type"] == "error" => Some(told["args"].to_string()),
        "Log.entryAdded" if told["entry"]["level"] == "error" => {
            let entry = &told["entry"];
            Some(format!(
                "{} ({})",
                entry["text"].as_str().unwrap_or_default(),
                entry["url"].as_str().unwrap_or_default()
            ))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_a_page_are_kept_and_what_else_it_says_is_not() {
        let event = |method: &str, params: Value| json!({ "method": method, "params": params });
        let thrown = json!({ "exceptionDetails": { "text": "Uncaught", "exception": { "description": "Error: no" } } });
        assert_eq!(problem(&event("Runtime.exceptionThrown", thrown)).as_deref(), Some("Error: no"));
        let said = |kind: &str| event("Runtime.consoleAPICalled", json!({ "type": kind, "args": [{ "value": "oh" }] }));
        assert!(problem(&said("error")).is_some_and(|text| text.contains("oh")));
        assert_eq!(problem(&said("log")), None);
        let logged =
            |level: &str| event("Log.entryAdded", json!({ "entry": { "level": level, "text": "404", "url": "/x" } }));
        assert_eq!(problem(&logged("error")).as_deref(), Some("404 (/x)"));
        assert_eq!(problem(&logged("warning")), None);
        assert_eq!(problem(&json!({ "id": 7, "result": {} })), None);
    }
}

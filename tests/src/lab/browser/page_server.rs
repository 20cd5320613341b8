//! Serves the page's files on the loopback address, where a browser lets a page have camera and microphone.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::lab::error::{LabError, Outcome};

/// A browser opens connections ahead and says nothing on them.
const PATIENCE: Duration = Duration::from_secs(2);

const FILES: [(&str, &str, &str); 5] = [
    ("/call.html", "text/html", include_str!("../../../fixtures/browser/call.html")),
    ("/call.js", "text/javascript", include_str!("../../../fixtures/browser/call.js")),
    ("/pictures.js", "text/javascript", include_str!("../../../fixtures/browser/pictures.js")),
    ("/sound.js", "text/javascript", include_str!("../../../fixtures/browser/sound.js")),
    ("/recorder.js", "text/javascript", include_str!("../../../fixtures/browser/recorder.js")),
];

/// A running server; dropping it ends it.
#[derive(Debug)]
pub(super) struct PageServer {
    address: SocketAddr,
    ended: Arc<AtomicBool>,
}

impl PageServer {
    pub(super) fn start() -> Outcome<Self> {
        let fail = |error| LabError::io("a server for the browser's page", error);
        let listener = TcpListener::bind("127.0.0.1:0").map_err(fail)?;
        let address = listener.local_addr().map_err(fail)?;
        let ended = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&ended);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                std::thread::spawn(move || answer(&stream));
            }
        });
        Ok(Self { address, ended })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for PageServer {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        // Wakes the thread that waits for a connection.
        let _ = TcpStream::connect(self.address);
    }
}

/// Answers one request. What goes wrong here is seen by the browser, whose page does not load then.
fn answer(stream: &TcpStream) {
    let _ = stream.set_read_timeout(Some(PATIENCE));
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let Some(request) = lines.next() else { return };
    // The head is read to its end, else the connection would be reset with the answer unread.
    lines.find(String::is_empty);
    let path = request.split(' ').nth(1).unwrap_or_default();
    let file = FILES.into_iter().find(|(name, _, _)| *name == path);
    let (status, kind, body) =
        file.map_or(("404 Not Found", "text/plain", ""), |(_, kind, body)| ("200 OK", kind, body));
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let mut output = stream;
    let _ = output.write_all(&[head.as_bytes(), body.as_bytes()].concat());
}

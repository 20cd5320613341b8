//! Serves a page's files on the loopback address, where a browser lets a page have camera and microphone.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::lab::error::{LabError, Outcome};

/// A browser opens connections ahead and says nothing on them.
const PATIENCE: Duration = Duration::from_secs(2);

const FIXTURE: [(&str, &str); 5] = [
    ("/call.html", include_str!("../../../fixtures/browser/call.html")),
    ("/call.js", include_str!("../../../fixtures/browser/call.js")),
    ("/pictures.js", include_str!("../../../fixtures/browser/pictures.js")),
    ("/sound.js", include_str!("../../../fixtures/browser/sound.js")),
    ("/recorder.js", include_str!("../../../fixtures/browser/recorder.js")),
];

/// The lab's own page: a file's content by its path.
pub(super) fn fixture(path: &str) -> Option<Vec<u8>> {
    FIXTURE.into_iter().find(|(name, _)| *name == path).map(|(_, content)| content.into())
}

/// A page that was built into a folder.
pub(super) fn folder(root: PathBuf) -> impl Fn(&str) -> Option<Vec<u8>> {
    move |path: &str| std::fs::read(root.join(path.trim_start_matches('/'))).ok()
}

/// What a browser is told that a file is.
fn kind(path: &str) -> &'static str {
    match path.rsplit_once('.') {
        Some((_, "html")) => "text/html; charset=utf-8",
        Some((_, "js")) => "text/javascript; charset=utf-8",
        Some((_, "css")) => "text/css; charset=utf-8",
        Some((_, "svg")) => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

/// A running server; dropping it ends it.
#[derive(Debug)]
pub(super) struct PageServer {
    address: SocketAddr,
    ended: Arc<AtomicBool>,
}

impl PageServer {
    /// Starts a server for what `read` gives.
    pub(super) fn start(read: impl Fn(&str) -> Option<Vec<u8>> + Send + Sync + 'static) -> Outcome<Self> {
        let fail = |error| LabError::io("a server for the browser's page", error);
        let listener = TcpListener::bind("127.0.0.1:0").map_err(fail)?;
        let address = listener.local_addr().map_err(fail)?;
        let ended = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&ended);
        let read = Arc::new(read);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                let read = Arc::clone(&read);
                std::thread::spawn(move || answer(&stream, &*read));
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
fn answer(stream: &TcpStream, read: &dyn Fn(&str) -> Option<Vec<u8>>) {
    let _ = stream.set_read_timeout(Some(PATIENCE));
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let Some(request) = lines.next() else { return };
    // The head is read to its end, else the connection would be reset with the answer unread.
    lines.find(String::is_empty);
    let path = request.split(' ').nth(1).and_then(|target| target.split('?').next()).unwrap_or_default();
    let file = read(path);
    let status = if file.is_some() { "200 OK" } else { "404 Not Found" };
    let body = file.unwrap_or_default();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        kind(path),
        body.len()
    );
    let mut output = stream;
    let _ = output.write_all(&[head.into_bytes(), body].concat());
}

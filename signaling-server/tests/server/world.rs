//! Servers to test, and what a plain HTTP client asks of them.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use confab_protocol::ParticipantId;
use confab_server::{Config, Server};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Longer than anything a test waits for.
pub const PATIENCE: Duration = Duration::from_secs(10);

pub async fn start(config: Config) -> Server {
    Server::start(config).await.unwrap()
}

/// A server as it is without any configuration, but on free ports and in memory.
pub async fn server() -> Server {
    start(Config::ephemeral_on_loopback()).await
}

/// A folder of its own, removed when dropped.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Self {
        Self(std::env::temp_dir().join(format!("confab-server-test-{}", ParticipantId::new())))
    }

    /// Settings of a server that keeps its data here.
    pub fn config(&self) -> Config {
        Config { ephemeral: false, data_dir: Some(self.0.clone()), ..Config::ephemeral_on_loopback() }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }
}

/// One request on a connection of its own. `headers` are whole lines.
pub async fn request(address: SocketAddr, line: &str, headers: &[&str], body: &str) -> Answer {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let host = format!("Host: {address}");
    let host = (!headers.iter().any(|header| header.starts_with("Host:"))).then_some(host.as_str());
    let headers: Vec<&str> = headers.iter().copied().chain(host).collect();
    let (length, headers) = (body.len(), headers.join("\r\n"));
    let text = format!("{line} HTTP/1.1\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n\r\n{body}");
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_lowercase(), body: body.to_owned() }
}

pub async fn get(address: SocketAddr, path: &str) -> Answer {
    request(address, &format!("GET {path}"), &[], "").await
}

pub async fn post(address: SocketAddr, path: &str, body: &str) -> Answer {
    request(address, &format!("POST {path}"), &[], body).await
}

/// A room made over REST: its code, and the host's token.
pub async fn room(server: &Server) -> (String, String) {
    let made = post(server.address(), "/api/rooms", "{}").await;
    assert_eq!(made.status, 201, "{}", made.body);
    let made = made.json();
    (made["code"].as_str().unwrap().to_owned(), made["token"].as_str().unwrap().to_owned())
}

/// One value of `/metrics`.
pub async fn metric(server: &Server, name: &str) -> u64 {
    let metrics = get(server.address(), "/metrics").await.body;
    let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned));
    line.unwrap_or_else(|| panic!("no metric {name}")).parse().unwrap()
}

/// Waits until something holds.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("never: {what}"));
}

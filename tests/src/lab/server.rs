//! The server under test.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use confab_protocol::RoomCode;
use serde_json::{Value, json};

use super::error::{LabError, Outcome};
use super::http;
use super::process::{Process, Running};
use super::programs::program;

/// A debug build on a loaded machine takes its time.
const START_WITHIN: Duration = Duration::from_secs(20);

/// How a server is started.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The UDP port of its first media worker; 0 takes free ones.
    pub media_port: u16,
    /// The folder of its store, inside the experiment's folder.
    pub data: String,
    /// More arguments.
    pub arguments: Vec<String>,
    /// The network namespace it runs in; none when left out.
    pub namespace: Option<String>,
    /// The processor core it stays on; any when left out.
    pub core: Option<usize>,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            media_port: 0,
            data: "server-data".into(),
            arguments: Vec::new(),
            namespace: None,
            core: None,
        }
    }
}

/// A running server; dropping it kills it.
#[derive(Debug)]
pub struct Server {
    running: Running,
    address: SocketAddr,
    folder: PathBuf,
    options: ServerOptions,
}

impl Server {
    /// Starts a server and waits until it is ready.
    ///
    /// # Errors
    /// When it does not get ready.
    pub fn start(folder: &Path, options: ServerOptions) -> Outcome<Self> {
        let process = Process::new_in(options.namespace.as_deref(), &program("confab-server")?, "server", folder)?;
        let process = match options.core {
            Some(core) => process.on_core(core)?,
            None => process,
        };
        let running = process
            .args(["--listen", &options.listen.to_string(), "--udp-port-base", &options.media_port.to_string()])
            .args(["--data-dir"])
            .args([folder.join(&options.data)])
            .args(&options.arguments)
            .start()?;
        let read = |line: &super::process::Line| {
            let (_, url) = line.text.split_once("listening on ")?;
            url.trim().trim_start_matches("http://").trim_end_matches('/').parse().ok()
        };
        let (_, address) = running.wait_for_line("listening", START_WITHIN, 0, read)?;
        Ok(Self { running, address, folder: folder.into(), options })
    }

    /// Its TCP address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A room's link for somebody who reaches the server under another address than this computer's own: encrypted, with
    /// the certificate's fingerprint.
    ///
    /// # Errors
    /// When the server has no certificate of its own.
    pub fn link_at(&self, address: IpAddr, room: &RoomCode) -> Outcome<String> {
        let read = |line: &super::process::Line| {
            line.text.split_once("SHA-256 fingerprint: ").map(|(_, fingerprint)| fingerprint.trim().to_owned())
        };
        let (_, fingerprint) = self.running.wait_for_line("its fingerprint", START_WITHIN, 0, read)?;
        let server = SocketAddr::new(address, self.address.port());
        Ok(format!("https://{server}/m/{room}#fp={fingerprint}"))
    }

    /// Kills it without a warning and starts it again at the same address with the same store.
    ///
    /// # Errors
    /// When it does not get ready again.
    pub fn restart(mut self) -> Outcome<Self> {
        self.running.kill();
        let options = ServerOptions { listen: self.address, ..self.options.clone() };
        Self::start(&self.folder.clone(), options)
    }

    /// Kills it (SIGKILL).
    pub fn kill(&mut self) {
        self.running.kill();
    }

    /// Asks it to end at once (SIGINT) and waits until it has, with success.
    ///
    /// # Errors
    /// When it goes on or fails.
    pub fn stop(&mut self) -> Outcome {
        self.running.interrupt()?;
        self.ended(Duration::from_secs(10))
    }

    /// Asks it to end when its meetings are over (SIGTERM).
    ///
    /// # Errors
    /// When it cannot be asked.
    pub fn drain(&self) -> Outcome {
        self.running.terminate()
    }

    /// Waits until it has ended, with success.
    ///
    /// # Errors
    /// When it goes on or fails.
    pub fn ended(&mut self, within: Duration) -> Outcome {
        self.running.succeed(within)
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        self.running.is_running()
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.running.id()
    }

    /// Makes a room.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn create_room(&self) -> Outcome<RoomCode> {
        let answer = http::request(self.address, "POST", "/api/rooms", Some(&json!({ "name": "Lab" })))?;
        let code = answer.body["code"].as_str().and_then(|code| code.parse().ok());
        code.ok_or_else(|| LabError::Unexpected(format!("no room but {}: {}", answer.status, answer.text)))
    }

    /// A counter or gauge of `/metrics`, summed over its labels; 0 when there is none of this name.
    ///
    /// # Errors
    /// When the server does not answer.
    pub fn metric(&self, name: &str) -> Outcome<f64> {
        metric(self.address, name)
    }

    /// The buckets of a histogram of `/metrics`, summed over its other labels: upper end and how many were at or below
    /// it, in rising order. Empty when there is none of this name.
    ///
    /// # Errors
    /// When the server does not answer.
    pub fn histogram(&self, name: &str) -> Outcome<Vec<(f64, f64)>> {
        let answer = http::request(self.address, "GET", "/metrics", None)?;
        let series = format!("{name}_bucket{{");
        let mut buckets: Vec<(f64, f64)> = Vec::new();
        for line in answer.text.lines().filter(|line| line.starts_with(&series)) {
            let end = line.split_once("le=\"").and_then(|(_, rest)| rest.split('"').next());
            let end = end.and_then(|end| if end == "+Inf" { Some(f64::INFINITY) } else { end.parse().ok() });
            let count = line.rsplit_once(' ').and_then(|(_, count)| count.parse::<f64>().ok());
            let (Some(end), Some(count)) = (end, count) else { continue };
            match buckets.iter_mut().find(|(known, _)| known.total_cmp(&end).is_eq()) {
                Some((_, sum)) => *sum += count,
                None => buckets.push((end, count)),
            }
        }
        buckets.sort_by(|one, other| one.0.total_cmp(&other.0));
        Ok(buckets)
    }

    /// The status and the body of `/health`.
    ///
    /// # Errors
    /// When the server does not answer.
    pub fn any_health(&self) -> Outcome<(u16, Value)> {
        let answer = http::request(self.address, "GET", "/health", None)?;
        Ok((answer.status, answer.body))
    }

    /// What `/health` says of a server that is well.
    ///
    /// # Errors
    /// When the server does not answer.
    pub fn health(&self) -> Outcome<Value> {
        let answer = http::request(self.address, "GET", "/health", None)?;
        if answer.status == 200 {
            return Ok(answer.body);
        }
        Err(LabError::Unexpected(format!("the server is not well: {} {}", answer.status, answer.text)))
    }
}

/// The same of a server that is no process of its own.
///
/// # Errors
/// When the server does not answer.
pub fn metric(server: SocketAddr, name: &str) -> Outcome<f64> {
    let answer = http::request(server, "GET", "/metrics", None)?;
    let values = answer.text.lines().filter_map(|line| {
        let (series, value) = line.rsplit_once(' ')?;
        let own = series.split('{').next()? == name;
        if own { value.parse::<f64>().ok() } else { None }
    });
    Ok(values.sum())
}

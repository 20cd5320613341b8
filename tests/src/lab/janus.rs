//! The rival: Janus as Debian has it, with its `VideoRoom` alone.

use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use super::error::{LabError, Outcome};
use super::namespace::Namespace;
use super::process::{Process, Running};
use super::programs::tool;

const START_WITHIN: Duration = Duration::from_secs(10);
const PORT: u16 = 8188;

/// A running Janus; dropping it kills it.
#[derive(Debug)]
pub struct Janus {
    running: Running,
    address: String,
}

impl Janus {
    /// Starts it in a namespace, because it passes loopback over.
    ///
    /// # Errors
    /// When it is not installed or does not get ready.
    pub fn start(folder: &Path, namespace: &Namespace) -> Outcome<Self> {
        let janus = tool("janus")?;
        let configuration = folder.join("janus");
        write(&configuration, "janus.jcfg", &general()?)?;
        write(
            &configuration,
            "janus.transport.websockets.jcfg",
            &format!("general: {{ ws = true  ws_port = {PORT} }}\n"),
        )?;
        write(&configuration, "janus.plugin.videoroom.jcfg", ROOM)?;
        let running = Process::new_in(Some(namespace.name()), &janus, "janus", folder)?
            .args(["--disable-colors", "--configs-folder"])
            .args([&configuration])
            .start()?;
        let socket = (namespace.address(), PORT).into();
        let deadline = Instant::now() + START_WITHIN;
        while TcpStream::connect_timeout(&socket, Duration::from_secs(1)).is_err() {
            if Instant::now() > deadline {
                return Err(LabError::Unexpected(format!("Janus does not listen on {socket}: {}", running.output())));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(Self { running, address: format!("ws://{socket}") })
    }

    /// Whether it is installed.
    pub fn is_installed() -> bool {
        tool("janus").is_ok()
    }

    /// Its WebSocket address.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.running.id()
    }
}

/// One H.264 room that limits nothing.
const ROOM: &str = "room-1234: {\n  description = \"Bench\"\n  publishers = 10\n  bitrate = 0\n  fir_freq = 0\n  \
    videocodec = \"h264\"\n  record = false\n}\n";

/// Warnings only, sessions that do not end by themselves, and nothing loaded that is not used.
fn general() -> Outcome<String> {
    let libraries = ["/usr/lib/x86_64-linux-gnu/janus", "/usr/lib/aarch64-linux-gnu/janus", "/usr/lib/janus"];
    let found = libraries.into_iter().find(|folder| Path::new(folder).is_dir());
    let folder = found.ok_or_else(|| LabError::MissingTool("janus' plugins".into()))?;
    let others = |kind: &str, kept: &str| -> String {
        let files = std::fs::read_dir(format!("{folder}/{kind}")).into_iter().flatten().flatten();
        let names = files.map(|file| file.file_name().to_string_lossy().into_owned());
        names.filter(|name| !name.starts_with(kept)).collect::<Vec<_>>().join(",")
    };
    Ok(format!(
        "general: {{\n  plugins_folder = \"{folder}/plugins\"\n  transports_folder = \"{folder}/transports\"\n  \
         events_folder = \"{folder}/events\"\n  loggers_folder = \"{folder}/loggers\"\n  debug_level = 3\n  \
         session_timeout = 0\n}}\nplugins: {{ disable = \"{}\" }}\ntransports: {{ disable = \"{}\" }}\n\
         events: {{ broadcast = false  disable = \"{}\" }}\nloggers: {{ disable = \"{}\" }}\n",
        others("plugins", "libjanus_videoroom"),
        others("transports", "libjanus_websockets"),
        others("events", "none"),
        others("loggers", "none"),
    ))
}

fn write(folder: &Path, name: &str, text: &str) -> Outcome {
    let fail = |error| LabError::io(folder.join(name).display().to_string(), error);
    std::fs::create_dir_all(folder).map_err(fail)?;
    std::fs::write(folder.join(name), text).map_err(fail)
}

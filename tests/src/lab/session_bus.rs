//! A message bus of a desktop session, which programs use to find a first start of themselves.

use std::path::Path;
use std::time::Duration;

use super::error::Outcome;
use super::process::{Line, Process, Running};
use super::programs::tool;

/// A bus of its own. Dropping it ends it.
#[derive(Debug)]
pub struct SessionBus {
    address: String,
    _daemon: Running,
}

impl SessionBus {
    /// Starts a bus.
    ///
    /// # Errors
    /// When `dbus-daemon` is missing or does not get ready.
    pub fn start(folder: &Path) -> Outcome<Self> {
        let socket = format!("unix:tmpdir={}", folder.display());
        let daemon = Process::new(&tool("dbus-daemon")?, "session-bus", folder)
            .args(["--session", "--nofork", "--nopidfile", "--print-address=1", "--address", &socket])
            .start()?;
        let read = |line: &Line| line.text.starts_with("unix:").then(|| line.text.trim().to_owned());
        let (_, address) = daemon.wait_for_line("its address", Duration::from_secs(10), 0, read)?;
        Ok(Self { address, _daemon: daemon })
    }

    /// What a program needs to find it.
    pub fn environment(&self) -> [(String, String); 1] {
        [("DBUS_SESSION_BUS_ADDRESS".into(), self.address.clone())]
    }
}

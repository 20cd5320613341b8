//! One experiment: its folder, its turn, and the things it starts.

mod artifacts;
mod browser;
mod desktop;
mod display;
mod error;
mod http;
mod janus;
mod load;
mod namespace;
mod person;
mod picture;
mod process;
mod programs;
mod pulse;
mod raw_socket;
mod room_view;
mod server;
mod session_bus;
pub mod sound;
mod stats_file;
mod turn;
mod webdriver;

use std::path::{Path, PathBuf};

use confab_impair::{Relay, RelayConfig};

pub use browser::{Browser, BrowserJoin, BrowserOptions, BrowserReport, BrowserStages, BrowserWindow, Sample};
pub use desktop::Desktop;
pub use display::Display;
pub use error::{LabError, Outcome};
pub use janus::Janus;
pub use load::{Load, LoadCount};
pub use namespace::Namespace;
pub use person::{Person, PersonOptions};
pub use picture::Picture;
pub use process::{Process, Running};
pub use programs::{program, tauri_driver};
pub use pulse::{Pulse, PulseModule};
pub use raw_socket::RawSocket;
pub use room_view::{MemberView, RoomView};
pub use server::{Server, ServerOptions, metric};
pub use session_bus::SessionBus;
pub use stats_file::{FrameMark, MicrophoneLog, SavedAudio, ShownFrame, StatsFile};
pub use webdriver::{WebDriver, Window};

/// An experiment under way. Dropping it ends the turn; what it started is ended by its own handles.
#[derive(Debug)]
pub struct Lab {
    folder: PathBuf,
    runtime: tokio::runtime::Runtime,
    _turn: turn::Turn,
}

impl Lab {
    /// Waits for the machine to be free and opens an empty folder for the experiment's files. `name` is the test's, with
    /// which its folder is found among the artefacts afterwards.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn open(name: &str) -> Outcome<Self> {
        let folder = artifacts::folder(name)?;
        let turn = turn::Turn::take()?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .map_err(|error| LabError::io("a runtime for the relays", error))?;
        Ok(Self { folder, runtime, _turn: turn })
    }

    /// Where this experiment's files go: logs, statistics, recordings, screenshots. Kept afterwards.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A path in the folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Starts a server on a free port with an empty store.
    ///
    /// # Errors
    /// When it does not get ready.
    pub fn server(&self) -> Outcome<Server> {
        Server::start(&self.folder, ServerOptions::default())
    }

    /// The same, started otherwise.
    ///
    /// # Errors
    /// When it does not get ready.
    pub fn server_with(&self, options: ServerOptions) -> Outcome<Server> {
        Server::start(&self.folder, options)
    }

    /// Puts a relay before the server.
    ///
    /// # Errors
    /// When it cannot listen.
    pub fn relay(&self, config: RelayConfig) -> Outcome<Relay> {
        self.runtime.block_on(Relay::start(config)).map_err(|error| LabError::Relay(error.to_string()))
    }

    /// Describes a person to be joined.
    pub fn person(&self, name: &str) -> PersonOptions<'static> {
        PersonOptions::new(name, &self.folder)
    }

    /// Describes somebody with a browser.
    pub fn browser(&self, name: &str) -> BrowserOptions {
        BrowserOptions::new(name, &self.folder)
    }

    /// Whether every count an issue names is wanted, not the quick selection.
    pub fn is_full() -> bool {
        std::env::var_os("CONFAB_FULL").is_some_and(|value| value != "0")
    }
}

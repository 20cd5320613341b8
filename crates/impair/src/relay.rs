//! A relay between one client and a server on this computer.
//!
//! ```text
//!            TCP (HTTP, WebSocket)                      TCP
//!  client  ------------------------->  listener  ------------------>  server
//!            UDP (media)                                UDP, a socket for each client socket
//!          ------------------------->  media port ---------------->
//! ```
//!
//! A client learns the server's media address from the SDP answer, so the relay reads the text messages that come from
//! the server and puts media ports of its own into their ICE candidates. Everything else passes as it is, WebSocket
//! pings included, so that neither end can mistake the relay for its peer. One relay serves one client; its profile is
//! that client's path.
//!
//! In a black hole datagrams vanish and connections stand still: nothing is forwarded, nothing is closed, not even when
//! an end has closed. What stood still goes on when the hole closes, as TCP repairs itself after an outage.

mod candidates;
mod datagrams;
mod frames;
mod path;
mod streams;
mod tasks;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::TcpListener;

use crate::counters::Counters;
use crate::profile::Profile;
use datagrams::MediaPorts;
use path::Path;
use tasks::Tasks;

/// What a relay needs to know.
#[derive(Clone, Copy, Debug)]
pub struct RelayConfig {
    /// The server's TCP address.
    pub server: SocketAddr,
    /// Where the relay listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The path from the client to the server.
    pub up: Profile,
    /// The path from the server to the client.
    pub down: Profile,
    /// The same seed gives each direction the same losses and delays.
    pub seed: u64,
}

impl RelayConfig {
    /// A relay on a free loopback port with a perfect path.
    pub fn new(server: SocketAddr) -> Self {
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self { server, listen, up: Profile::perfect(), down: Profile::perfect(), seed: 1 }
    }

    /// The same path both ways.
    #[must_use]
    pub fn with_profile(self, profile: Profile) -> Self {
        Self { up: profile, down: profile, ..self }
    }

    /// Another seed.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }
}

/// Why a relay could not start.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    /// The listening address is taken or not ours.
    #[error("The relay cannot listen on {0}: {1}")]
    Listen(SocketAddr, std::io::Error),
}

/// A running relay. It ends when dropped.
#[derive(Debug)]
pub struct Relay {
    address: SocketAddr,
    path: Arc<Path>,
    media: Arc<MediaPorts>,
    tasks: Tasks,
}

impl Relay {
    /// Starts a relay on the current tokio runtime.
    ///
    /// # Errors
    /// [`RelayError::Listen`] when the listening address cannot be had.
    pub async fn start(config: RelayConfig) -> Result<Self, RelayError> {
        let fail = |error| RelayError::Listen(config.listen, error);
        let listener = TcpListener::bind(config.listen).await.map_err(fail)?;
        let address = listener.local_addr().map_err(fail)?;
        let tasks = Tasks::default();
        let path = Arc::new(Path::new(&config));
        let media = Arc::new(MediaPorts::new(address.ip(), Arc::clone(&path), tasks.clone()));
        tasks.spawn(streams::accept(listener, config.server, Arc::clone(&path), Arc::clone(&media), tasks.clone()));
        Ok(Self { address, path, media, tasks })
    }

    /// What the client takes for the server: a TCP address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes the path, both ways.
    pub fn set_profile(&self, profile: Profile) {
        self.set_up(profile);
        self.set_down(profile);
    }

    /// Changes the path from the client to the server.
    pub fn set_up(&self, profile: Profile) {
        self.path.up.set_profile(profile);
    }

    /// Changes the path from the server to the client.
    pub fn set_down(&self, profile: Profile) {
        self.path.down.set_profile(profile);
    }

    /// Opens or closes a black hole both ways and leaves the rest of the profiles alone.
    pub fn set_black_hole(&self, black_hole: bool) {
        self.path.up.set_black_hole(black_hole);
        self.path.down.set_black_hole(black_hole);
    }

    /// A NAT forgets its bindings: from now on the client's media reaches the server from other ports, and what the
    /// server sends to the old ones is lost.
    ///
    /// # Errors
    /// When the system has no more ports.
    pub fn rebind(&self) -> std::io::Result<()> {
        self.media.rebind()
    }

    /// Datagrams from the client to the server so far.
    pub fn up(&self) -> Counters {
        self.path.up.counters()
    }

    /// Datagrams from the server to the client so far.
    pub fn down(&self) -> Counters {
        self.path.down.counters()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.tasks.abort_all();
    }
}

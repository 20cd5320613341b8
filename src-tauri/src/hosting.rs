//! The server inside the app: started when a person asks for it, or begins a meeting and no other server is set.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::PathBuf;

use confab_protocol::DEFAULT_PORT;
use confab_protocol::link::ServerAddress;
use confab_server::{Config, Server, StartError};
use tokio::sync::Mutex;

use crate::contract::{BridgeError, HostStatus, NativeCode};

/// At most one server of our own, kept until a person stops it or the app ends. Its port is remembered: the links it gave
/// away name it.
pub struct Hosting {
    data_dir: PathBuf,
    usual_port: u16,
    server: Mutex<Option<Running>>,
}

struct Running {
    server: Server,
    /// The usual port was tried, and could not be had.
    port_taken: bool,
}

impl Hosting {
    /// Nothing runs yet; rooms and chat will be kept in `data_dir`.
    pub fn new(data_dir: PathBuf) -> Self {
        Self { data_dir, usual_port: DEFAULT_PORT, server: Mutex::new(None) }
    }

    /// The address of the server in this process, which is started if need be: at the port it had the last time, else at
    /// the usual one, else at a free one.
    ///
    /// # Errors
    /// When no port can be opened or the data folder cannot be used.
    pub async fn address(&self) -> Result<ServerAddress, BridgeError> {
        let mut server = self.server.lock().await;
        if let Some(running) = &*server {
            return Ok(running.address());
        }
        let started = self.start().await.map_err(|error| {
            let why = format!("The meeting cannot be hosted on this computer: {error}.");
            BridgeError::native(NativeCode::ServerUnreachable, why)
        })?;
        self.remember(started.server.address().port());
        let address = started.address();
        *server = Some(started);
        Ok(address)
    }

    /// The address of the server in this process, if it runs.
    pub async fn running(&self) -> Option<ServerAddress> {
        self.server.lock().await.as_ref().map(Running::address)
    }

    async fn start(&self) -> Result<Running, StartError> {
        // One that was taken in the meantime is most often another Confab's.
        if let Some(port) = self.remembered_port().filter(|port| *port != self.usual_port)
            && let Ok(server) = Server::start(self.config(port)).await
        {
            return Ok(Running { server, port_taken: false });
        }
        match Server::start(self.config(self.usual_port)).await {
            Ok(server) => Ok(Running { server, port_taken: false }),
            Err(_) => Ok(Running { server: Server::start(self.config(0)).await?, port_taken: true }),
        }
    }

    fn port_file(&self) -> PathBuf {
        self.data_dir.join("port")
    }

    fn remembered_port(&self) -> Option<u16> {
        std::fs::read_to_string(self.port_file()).ok()?.trim().parse().ok().filter(|port| *port != 0)
    }

    fn remember(&self, port: u16) {
        if let Err(error) = std::fs::write(self.port_file(), port.to_string()) {
            tracing::warn!(%error, "the port of this computer's server is not remembered; the next start may take another");
        }
    }

    /// How the server in this process is.
    pub async fn status(&self) -> HostStatus {
        let server = self.server.lock().await;
        let Some(running) = &*server else {
            return HostStatus { running: false, address: None, port_taken: None, people: 0 };
        };
        let port = running.server.address().port();
        HostStatus {
            running: true,
            address: local_network_address().map(|address| format!("{address}:{port}")),
            port_taken: running.port_taken.then_some(self.usual_port),
            people: running.server.people(),
        }
    }

    /// Says goodbye to everybody and ends.
    pub async fn stop(&self) {
        if let Some(running) = self.server.lock().await.take() {
            running.server.shutdown().await;
        }
    }

    fn config(&self, port: u16) -> Config {
        let reachable = local_network_address();
        Config {
            listen: SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)),
            data_dir: Some(self.data_dir.clone()),
            // Links are given to others, to whom this computer is not 127.0.0.1.
            public_name: reachable.map(|address| address.to_string()),
            // Beside another Confab its media ports are taken too.
            udp_port_base: if port == DEFAULT_PORT { Config::default().udp_port_base } else { 0 },
            ..Config::default()
        }
    }
}

impl Running {
    fn address(&self) -> ServerAddress {
        ServerAddress::loopback(self.server.address().port())
    }
}

/// The address others in the local network reach this computer under. Asking the routing table sends nothing.
fn local_network_address() -> Option<Ipv4Addr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    // TEST-NET-1 (RFC 5737): routed like any foreign address, never used.
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
    match socket.local_addr().ok()? {
        SocketAddr::V4(address) if !address.ip().is_unspecified() => Some(*address.ip()),
        _ => None,
    }
}

#[cfg(test)]
pub mod tests {
    use std::net::TcpListener;

    use super::*;

    /// A data folder of its own, removed when dropped, and a usual port that is nobody else's.
    pub struct Folder(PathBuf, u16);

    impl Folder {
        pub fn new() -> Self {
            let free = TcpListener::bind("0.0.0.0:0").and_then(|listener| listener.local_addr()).expect("a free port");
            Self(
                std::env::temp_dir().join(format!("confab-hosting-{}", confab_protocol::ParticipantId::new())),
                free.port(),
            )
        }

        pub fn hosting(&self) -> Hosting {
            Hosting { usual_port: self.1, ..Hosting::new(self.0.clone()) }
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[tokio::test]
    async fn hosting_takes_the_port_of_the_last_time_again_so_that_its_links_still_lead_there() {
        let folder = Folder::new();
        let other = TcpListener::bind(("0.0.0.0", folder.1)).expect("the usual port is another program's");
        let hosting = folder.hosting();
        let first = hosting.address().await.expect("it starts at a free port");
        assert_ne!(first.port, folder.1);
        assert_eq!(hosting.status().await.port_taken, Some(folder.1));
        hosting.stop().await;
        drop(other);

        let hosting = folder.hosting();
        assert_eq!(hosting.address().await.ok().as_ref(), Some(&first));
        hosting.stop().await;

        // It is taken itself now: hosting goes on, at another.
        let other = TcpListener::bind(("0.0.0.0", first.port)).expect("the port is free again");
        let hosting = folder.hosting();
        let second = hosting.address().await.expect("it starts at the usual port");
        assert_eq!((second.port, hosting.status().await.port_taken), (folder.1, None));
        hosting.stop().await;
        drop(other);
    }
}

//! The server inside the app: started when a person asks for it, or begins a meeting and no other server is set.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::PathBuf;

use confab_protocol::DEFAULT_PORT;
use confab_protocol::link::ServerAddress;
use confab_server::{Config, Server};
use tokio::sync::Mutex;

use crate::contract::{BridgeError, HostStatus, NativeCode};

/// At most one server of our own, kept until a person stops it or the app ends.
pub struct Hosting {
    data_dir: PathBuf,
    server: Mutex<Option<Server>>,
}

impl Hosting {
    /// Nothing runs yet; rooms and chat will be kept in `data_dir`.
    pub fn new(data_dir: PathBuf) -> Self {
        Self { data_dir, server: Mutex::new(None) }
    }

    /// The address of the server in this process, which is started if need be: at the usual port, else at a free one.
    ///
    /// # Errors
    /// When no port can be opened or the data folder cannot be used.
    pub async fn address(&self) -> Result<ServerAddress, BridgeError> {
        let mut server = self.server.lock().await;
        if let Some(running) = &*server {
            return Ok(ServerAddress::loopback(running.address().port()));
        }
        let started = match Server::start(self.config(DEFAULT_PORT)).await {
            Ok(started) => started,
            // Most often another Confab has the port.
            Err(_) => Server::start(self.config(0)).await.map_err(|error| {
                BridgeError::native(
                    NativeCode::ServerUnreachable,
                    format!("The meeting cannot be hosted on this computer: {error}."),
                )
            })?,
        };
        let port = started.address().port();
        *server = Some(started);
        Ok(ServerAddress::loopback(port))
    }

    /// How the server in this process is.
    pub async fn status(&self) -> HostStatus {
        let server = self.server.lock().await;
        let Some(running) = &*server else {
            return HostStatus { running: false, address: None, port_taken: None, people: 0 };
        };
        let port = running.address().port();
        HostStatus {
            running: true,
            address: local_network_address().map(|address| format!("{address}:{port}")),
            port_taken: (port != DEFAULT_PORT).then_some(DEFAULT_PORT),
            people: running.people(),
        }
    }

    /// Says goodbye to everybody and ends.
    pub async fn stop(&self) {
        if let Some(running) = self.server.lock().await.take() {
            running.shutdown().await;
        }
    }

    fn config(&self, port: u16) -> Config {
        let reachable = local_network_address();
        Config {
            listen: SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)),
            data_dir: Some(self.data_dir.clone()),
            // Links are given to others, to whom this computer is not 127.0.0.1.
            public_name: reachable.map(|address| address.to_string()),
            udp_port_base: if port == 0 { 0 } else { Config::default().udp_port_base },
            ..Config::default()
        }
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

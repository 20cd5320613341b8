//! Start and stop.

mod signals;

use std::fs::{File, TryLockError};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::config::{Config, default_data_dir};
use crate::doors::{self, Admission, LinkBase, Shared};
use crate::gate::Gate;
use crate::media::{self, MediaConfig, MediaError, reachable_addresses};
use crate::rooms::Rooms;
use crate::store::{ChatWriter, Store, StoreError};
use crate::telemetry::Counters;

pub use signals::stop_requested;

/// How long connections get to take their close message when the server stops. Together with what follows, a stop takes
/// less than the ten seconds that service managers grant.
const GOODBYE: Duration = Duration::from_secs(3);

/// Why a server could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The TCP port could not be opened.
    #[error("The address {address} could not be opened: {error}. Is another program using it?")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        error: std::io::Error,
    },
    /// The public name is no address.
    #[error("The public name {0} is not an address. Give host, host:port, or https://host.")]
    PublicName(String),
    /// Another server uses the data folder.
    #[error("Another server uses the folder {}. Choose another one with --data-dir, or stop that server.", .0.display())]
    InUse(PathBuf),
    /// The store could not be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The media plane could not be started.
    #[error(transparent)]
    Media(#[from] MediaError),
}

/// A running server. Dropping it stops it too, but without waiting.
pub struct Server {
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    admission: Arc<Admission>,
    listening: JoinHandle<()>,
    writing: JoinHandle<()>,
    /// Locked as long as this server uses its data folder.
    _lock: Option<File>,
}

impl Server {
    /// Opens the store, starts the media plane, and listens. Needs a tokio runtime with time and I/O.
    ///
    /// # Errors
    /// Says, for the person who runs the server, what could not be opened.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let wanted = config.listen;
        let listener =
            TcpListener::bind(wanted).await.map_err(|error| StartError::Listen { address: wanted, error })?;
        let address = listener.local_addr().map_err(|error| StartError::Listen { address: wanted, error })?;
        let public_base = match &config.public_name {
            None => None,
            Some(name) => {
                let base = LinkBase::configured(name, address);
                Some(base.map_err(|_| StartError::PublicName(name.clone()))?)
            }
        };
        let (store, lock) = if config.ephemeral {
            (Store::in_memory().await?, None)
        } else {
            let folder = config.data_dir.clone().or_else(default_data_dir).ok_or(StoreError::NoFolder)?;
            let store = Store::open(&folder).await?;
            (store, lock(folder)?)
        };
        let gate = Gate::open(&config, &store).await?;
        let media = media::start(&MediaConfig {
            bind: config.media_addresses(),
            workers: config.workers,
            advertise: config.advertise,
            udp_port_base: config.udp_port_base,
        })?;
        let counters = Arc::new(Counters::default());
        let (chat, writing) = ChatWriter::start(store.clone(), Arc::clone(&counters));
        let rooms = Rooms::new(&config, store.clone(), media.clone(), chat, Arc::clone(&counters));
        let (stop, stopping) = watch::channel(false);
        let admission = Arc::new(Admission::new(&config));
        let shared = Arc::new(Shared {
            limits: config.limits(),
            store,
            gate,
            rooms,
            media,
            counters,
            started: Instant::now(),
            address,
            public_base,
            stopping,
            next_session: AtomicU64::new(1),
            config,
        });
        let router = doors::router(Arc::clone(&shared));
        let serving = doors::serve(listener, router, Arc::clone(&shared), Arc::clone(&admission));
        let listening = tokio::spawn(serving);
        tracing::info!(%address, "listening");
        Ok(Self { shared, stop, admission, listening, writing, _lock: lock })
    }

    /// Where HTTP and WebSocket are.
    pub fn address(&self) -> SocketAddr {
        self.shared.address
    }

    /// Where it can be reached: from this computer first, then from others, if it listens for them.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        let address = self.address();
        if !address.ip().is_unspecified() {
            return vec![address];
        }
        let fits = |ip: &IpAddr| ip.is_ipv4() || address.is_ipv6();
        reachable_addresses().into_iter().filter(fits).map(|ip| SocketAddr::new(ip, address.port())).collect()
    }

    /// The key with which anybody may start meetings here. For the person who runs the server; keep it out of logs.
    pub fn host_key(&self) -> &str {
        self.shared.gate.host_key().reveal()
    }

    /// The host key was made at this start, so its owner has not seen it yet.
    pub fn host_key_is_new(&self) -> bool {
        self.shared.gate.host_key_is_new
    }

    /// Stops: no newcomers, a close message to everybody, what was accepted is stored, sockets are closed.
    pub async fn shutdown(self) {
        // Nobody listens any more only when all is over already.
        let _ = self.stop.send(true);
        let _ = self.listening.await;
        if timeout(GOODBYE, self.admission.all_gone()).await.is_err() {
            tracing::warn!("some connections did not take their close message in time");
        }
        // Rooms end when no connection posts to them; one that hangs is left behind.
        let _ = timeout(GOODBYE, self.shared.rooms.close()).await;
        self.shared.media.shutdown().await;
        let Shared { store, .. } = &*self.shared;
        let store = store.clone();
        drop(self.shared);
        // The writer ends after the last room, having written all it was given.
        let _ = timeout(GOODBYE, self.writing).await;
        let _ = timeout(GOODBYE, store.close()).await;
        tracing::info!("stopped");
    }
}

/// Takes a data folder for this server alone, until the file is closed. Where the system has no locks the folder is
/// shared as before.
fn lock(folder: PathBuf) -> Result<Option<File>, StartError> {
    let Ok(file) = File::create(folder.join("server.lock")) else { return Ok(None) };
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Err(StartError::InUse(folder)),
        Err(TryLockError::Error(_)) => Ok(None),
    }
}

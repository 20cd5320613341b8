//! Start and stop.

mod outside_address;
mod signals;

use std::fs::{File, TryLockError};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use confab_rooms::RoomConfig;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

use crate::config::{Config, default_data_dir};
use crate::doors::tls::{self, Identity, TlsError};
use crate::doors::{self, Admission, LinkBase, Security, Shared};
use crate::gate::Gate;
use crate::media::{self, MediaConfig, MediaError, reachable_addresses};
use crate::relay::{self, Relay};
use crate::rooms::{Rooms, Surroundings};
use crate::store::{ChatWriter, Store, StoreError};
use crate::telemetry::Counters;

pub use signals::{StopWish, StopWishes};

/// How long connections get to take their close message when the server stops, and each step after it. All together take
/// three times as long at most: less than the ten seconds that service managers grant.
const GOODBYE: Duration = Duration::from_secs(3);

/// The same for whoever asked twice: less than two seconds.
const SHORT_GOODBYE: Duration = Duration::from_millis(550);

/// How often a server that drains looks whether somebody is left. Shorter, and it works for nothing; longer, and it ends
/// late.
const DRAIN_LOOK: Duration = Duration::from_millis(50);

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
    /// There is no certificate to encrypt with.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The store could not be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The media plane could not be started.
    #[error(transparent)]
    Media(#[from] MediaError),
}

/// Why no host key can be shown.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// No server has used the folder yet.
    #[error(
        "No server has started with the folder {} yet. The host key is made, and printed, at the first start.",
        .0.display()
    )]
    NoneYet(PathBuf),
    /// The key ends with the server.
    #[error(
        "A server with --ephemeral keeps its host key nowhere: it prints it at its start when other computers reach it."
    )]
    Ephemeral,
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A running server. Dropping it stops it too, but without waiting.
pub struct Server {
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    admission: Arc<Admission>,
    listening: JoinHandle<()>,
    writing: JoinHandle<()>,
    /// TURN over UDP, and the watch over the outside address, where they are wished.
    beside: JoinSet<()>,
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
        let (store, lock, folder) = if config.ephemeral {
            (Store::in_memory().await?, None, None)
        } else {
            let folder = config.data_dir.clone().or_else(default_data_dir).ok_or(StoreError::NoFolder)?;
            let store = Store::open(&folder).await?;
            (store, lock(folder.clone())?, Some(folder))
        };
        let names = tls::names(&own_addresses(&config), &config);
        let identity = Identity::of(&config, folder.as_deref(), &names)?;
        let public_base = match &config.public_name {
            None => None,
            Some(name) => {
                let security = identity.as_ref().map(|identity| Security { fingerprint: identity.fingerprint() });
                let base = LinkBase::configured(name, address, security);
                Some(base.map_err(|_| StartError::PublicName(name.clone()))?)
            }
        };
        let gate = Gate::open(&config, &store).await?;
        let advertise = outside_address(&config).await;
        let media = media::start(&MediaConfig {
            bind: config.media_addresses(),
            workers: config.workers,
            advertise,
            udp_port_base: config.udp_port_base,
            limits: config.load_limits(),
        })?;
        let peers = relay::media_peers(&media.addresses(), advertise, &config);
        let (relay, relaying) = Relay::start(&config, peers, address);
        let counters = Arc::new(Counters::default());
        let (chat, writing) = ChatWriter::start(store.clone(), Arc::clone(&counters));
        let draining = Arc::new(AtomicBool::new(false));
        let surroundings = Surroundings {
            config: RoomConfig::from_limits(&config.limits()),
            max_participants: u64::from(config.max_participants),
            media: media.clone(),
            relay: Arc::clone(&relay),
            chat,
            counters: Arc::clone(&counters),
            draining: Arc::clone(&draining),
        };
        let rooms = Rooms::new(store.clone(), surroundings);
        let (stop, stopping) = watch::channel(false);
        let admission = Arc::new(Admission::new(&config));
        let shared = Arc::new(Shared {
            limits: config.limits(),
            store,
            gate,
            rooms,
            media,
            relay,
            counters,
            started: Instant::now(),
            address,
            identity,
            public_base,
            draining,
            stopping,
            next_session: AtomicU64::new(1),
            config,
        });
        let mut beside = JoinSet::new();
        if let Some(relaying) = relaying {
            beside.spawn(relaying);
        }
        if let Some(server) = shared.config.stun_server.clone() {
            beside.spawn(outside_address::watch(server, advertise, moved));
        }
        let router = doors::router(Arc::clone(&shared));
        let serving = doors::serve(listener, router, Arc::clone(&shared), Arc::clone(&admission));
        let listening = tokio::spawn(serving);
        tracing::info!(%address, "listening");
        Ok(Self { shared, stop, admission, listening, writing, beside, _lock: lock })
    }

    /// Where HTTP and WebSocket are.
    pub fn address(&self) -> SocketAddr {
        self.shared.address
    }

    /// Where it can be reached: from this computer first, then from others, if it listens for them.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        let port = self.address().port();
        own_addresses(&self.shared.config).into_iter().map(|ip| SocketAddr::new(ip, port)).collect()
    }

    /// The same as what a browser opens. Loopback is plain unless a certificate was given for it.
    pub fn urls(&self) -> Vec<String> {
        let encrypts = self.shared.identity.is_some();
        let listens_there = self.address().ip().is_loopback();
        let scheme = |ip: IpAddr| if encrypts && (listens_there || !ip.is_loopback()) { "https" } else { "http" };
        self.addresses().iter().map(|address| format!("{}://{address}", scheme(address.ip()))).collect()
    }

    /// What other computers are given to start or join meetings here: its public name, else its addresses but loopback; with
    /// the fingerprint of a self-made certificate, so that each is enough by itself.
    pub fn urls_for_others(&self) -> Vec<String> {
        if let Some(base) = &self.shared.public_base {
            return vec![base.url()];
        }
        let fingerprint = self.fingerprint().map(|fingerprint| format!("#fp={fingerprint}")).unwrap_or_default();
        let urls = self.urls().into_iter().zip(self.addresses());
        urls.filter(|(_, address)| !address.ip().is_loopback())
            .map(|(url, _)| if url.starts_with("https:") { url + &fingerprint } else { url })
            .collect()
    }

    /// SHA-256 of a self-made certificate, lower-case hexadecimal: what its links end with.
    pub fn fingerprint(&self) -> Option<&str> {
        self.shared.identity.as_ref().and_then(Identity::fingerprint)
    }

    /// The key with which anybody may start meetings here. For the person who runs the server; keep it out of logs.
    pub fn host_key(&self) -> &str {
        self.shared.gate.host_key().reveal()
    }

    /// The host key that is kept for servers with these settings, read beside a server that may be running: no port is
    /// opened and nothing of it is changed. For the person who runs the server; keep it out of logs.
    ///
    /// # Errors
    /// Says why there is no key to read.
    pub async fn kept_host_key(config: &Config) -> Result<String, KeyError> {
        if config.ephemeral {
            return Err(KeyError::Ephemeral);
        }
        let folder = config.data_dir.clone().or_else(default_data_dir).ok_or(StoreError::NoFolder)?;
        let key = Gate::host_key_in(&folder).await?.ok_or(KeyError::NoneYet(folder))?;
        Ok(key.reveal().to_owned())
    }

    /// The host key was made at this start, so its owner has not seen it yet.
    pub fn host_key_is_new(&self) -> bool {
        self.shared.gate.host_key_is_new
    }

    /// People in its meetings now.
    pub fn people(&self) -> usize {
        self.shared.counters.participants.get().try_into().unwrap_or(0)
    }

    /// Opens no more rooms, and waits until everybody has left the open ones, or the time for it is over. Who is in one can
    /// come back, and others can join them. [`Self::shutdown`] is to follow.
    pub async fn drain(&self) {
        let (counters, patience) = (&self.shared.counters, self.shared.config.drain_seconds);
        self.shared.draining.store(true, Ordering::Relaxed);
        let (people, rooms) = (counters.participants.get(), counters.rooms_open.get());
        tracing::info!(people, rooms, at_most_seconds = patience, "draining: no more rooms are opened");
        let empty = async {
            while counters.participants.get() > 0 {
                tokio::time::sleep(DRAIN_LOOK).await;
            }
        };
        if timeout(Duration::from_secs(u64::from(patience)), empty).await.is_err() {
            tracing::warn!(people = counters.participants.get(), "the time to drain is over; meetings are ended");
        }
    }

    /// Stops: no newcomers, a close message to everybody, what was accepted is stored, sockets are closed.
    pub async fn shutdown(self) {
        self.end(GOODBYE).await;
    }

    /// As [`Self::shutdown`], in less than two seconds: who does not take the close message at once does not get it.
    pub async fn shutdown_now(self) {
        self.end(SHORT_GOODBYE).await;
    }

    async fn end(mut self, patience: Duration) {
        // Nobody listens any more only when all is over already.
        let _ = self.stop.send(true);
        let _ = self.listening.await;
        self.beside.abort_all();
        // Each step has its time, and all together have three times as much.
        let end = Instant::now() + patience * 3;
        let left = || patience.min(end.saturating_duration_since(Instant::now()));
        if timeout(left(), self.admission.all_gone()).await.is_err() {
            tracing::warn!("some connections did not take their close message in time");
        }
        // Rooms end when no connection posts to them; one that hangs is left behind.
        let in_time = |what: &str, done: bool| {
            if !done {
                tracing::warn!(what, "did not end in time and is left behind");
            }
        };
        in_time("the rooms", timeout(left(), self.shared.rooms.close()).await.is_ok());
        in_time("the media plane", timeout(left(), self.shared.media.shutdown()).await.is_ok());
        let Shared { store, .. } = &*self.shared;
        let store = store.clone();
        drop(self.shared);
        // The writer ends after the last room, having written all it was given.
        in_time("the chat's writer", timeout(left(), self.writing).await.is_ok());
        in_time("the store", timeout(left(), store.close()).await.is_ok());
        tracing::info!("stopped");
    }
}

/// The address to tell for media instead of this computer's own: the one given, or the one a STUN server sees.
async fn outside_address(config: &Config) -> Option<IpAddr> {
    let Some(server) = config.stun_server.as_ref().filter(|_| config.advertise.is_none()) else {
        return config.advertise;
    };
    match outside_address::ask(server).await {
        Ok(outside) if reachable_addresses().contains(&outside) => None,
        Ok(outside) => Some(outside),
        Err(error) => {
            tracing::warn!(%error, "the STUN server does not say under which address this server is seen");
            None
        }
    }
}

/// The server has another address outside than its media candidates tell.
fn moved(_outside: IpAddr) {
    tracing::warn!("this server's outside address has changed; start it again, so that new calls are told the new one");
}

/// The addresses a server listens on: the one it was given, or all of this computer that fit.
fn own_addresses(config: &Config) -> Vec<IpAddr> {
    match config.listen.ip() {
        ip if ip.is_unspecified() => {
            reachable_addresses().into_iter().filter(|own| own.is_ipv4() || ip.is_ipv6()).collect()
        }
        ip => vec![ip],
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

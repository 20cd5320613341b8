//! The server's settings: one typed [`Config`] with a documented default for each, filled from the command line and
//! from `CONFAB_*` variables, or built by a program that hosts the server in its own process.

mod data_dir;
mod https_address;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use confab_protocol::{DEFAULT_PORT, Limits};

pub use data_dir::default_data_dir;
pub use https_address::{HttpsAddress, NotHttps};

use crate::media::LoadLimits;

/// How log lines look.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line, for collectors.
    Json,
}

/// All settings of one server. Every field has a default that works without any configuration.
#[derive(Clone, Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own on the command line")]
pub struct Config {
    /// Address and port for HTTP and WebSocket; port 0 for any free one. Beyond loopback they are encrypted.
    #[arg(long, env = "CONFAB_LISTEN", default_value_t = default_listen())]
    pub listen: SocketAddr,

    /// Speak plainly beyond loopback too: behind a proxy that encrypts, or in a network you trust.
    #[arg(long, env = "CONFAB_PLAIN", conflicts_with_all = ["certificate", "private_key"])]
    pub plain: bool,

    /// PEM file with the certificate and its chain. Without one, the server makes its own, and links carry its
    /// fingerprint.
    #[arg(long, env = "CONFAB_CERTIFICATE", requires = "private_key")]
    pub certificate: Option<PathBuf>,

    /// PEM file with the certificate's private key.
    #[arg(long, env = "CONFAB_PRIVATE_KEY", requires = "certificate")]
    pub private_key: Option<PathBuf>,

    /// Where the database lives; the platform's data folder when left out.
    #[arg(long, env = "CONFAB_DATA_DIR")]
    pub data_dir: Option<PathBuf>,

    /// Keep everything in memory: rooms, chat and tokens end with the process.
    #[arg(long, env = "CONFAB_EPHEMERAL")]
    pub ephemeral: bool,

    /// `host[:port]` or `https://host[:port]` under which people reach this server; links are made with it. Without
    /// it, links repeat the address a client used.
    #[arg(long, env = "CONFAB_PUBLIC_NAME")]
    pub public_name: Option<String>,

    /// `https` address of a page where people get Confab; the page behind a meeting link leads there. Without it, that page
    /// says to ask who sent the link.
    #[arg(long, env = "CONFAB_DOWNLOAD_PAGE")]
    pub download_page: Option<HttpsAddress>,

    /// UDP port of the first media worker, the next ones count up; 0 for any free ports.
    #[arg(long, env = "CONFAB_UDP_PORT_BASE", default_value_t = 50_000)]
    pub udp_port_base: u16,

    /// Media worker threads; 0 for one per core.
    #[arg(long, env = "CONFAB_WORKERS", default_value_t = 0)]
    pub workers: usize,

    /// Address to tell clients for media instead of this computer's own, behind a one-to-one NAT.
    #[arg(long, env = "CONFAB_ADVERTISE")]
    pub advertise: Option<IpAddr>,

    /// `host[:port]` of a STUN server that says under which address this server is seen, asked at the start and every ten
    /// minutes: for a one-to-one NAT whose outside address is not known or changes. Not asked when `--advertise` is given.
    #[arg(long, env = "CONFAB_STUN_SERVER", conflicts_with = "advertise")]
    pub stun_server: Option<String>,

    /// Relay media for clients whose network lets UDP through only to few ports: TURN on the UDP port that has the number
    /// of the main one. TURN over TCP and TLS on the main port itself needs no setting.
    #[arg(long, env = "CONFAB_TURN_UDP", default_value_t = true, action = clap::ArgAction::Set)]
    pub turn_udp: bool,

    /// How long a client's credentials for the relay are good for, hours. What has begun with them may go on.
    #[arg(long, env = "CONFAB_TURN_HOURS", default_value_t = 12)]
    pub turn_hours: u32,

    /// Relayed addresses at a time for one person.
    #[arg(long, env = "CONFAB_TURN_ALLOCATIONS_PER_PERSON", default_value_t = 12)]
    pub turn_allocations_per_person: u32,

    /// Relayed addresses at a time for all together.
    #[arg(long, env = "CONFAB_TURN_ALLOCATIONS", default_value_t = 2_000)]
    pub turn_allocations: u32,

    /// Kilobits a second through one relayed address, both ways together; 0 for no limit.
    #[arg(long, env = "CONFAB_TURN_KBIT_PER_SECOND", default_value_t = 0)]
    pub turn_kbit_per_second: u32,

    /// Let clients on loopback and in the local network make rooms without the host key. Switch it off where a proxy
    /// on this computer passes strangers on without saying so in a header.
    #[arg(long, env = "CONFAB_TRUST_LOCAL", default_value_t = true, action = clap::ArgAction::Set)]
    pub trust_local: bool,

    /// How long a join token is good for, hours.
    #[arg(long, env = "CONFAB_TOKEN_HOURS", default_value_t = 12)]
    pub token_hours: u32,

    /// People in one room.
    #[arg(long, env = "CONFAB_ROOM_PARTICIPANTS", default_value_t = Limits::default().room_participants)]
    pub room_participants: u32,

    /// People on the whole server; newcomers beyond are told it is full.
    #[arg(long, env = "CONFAB_MAX_PARTICIPANTS", default_value_t = 2_000)]
    pub max_participants: u32,

    /// Tracks one media worker carries before it takes nobody else, published and forwarded ones, the latter counted for each
    /// receiver; 0 for no limit.
    #[arg(long, env = "CONFAB_WORKER_TRACKS", default_value_t = LoadLimits::default().tracks)]
    pub worker_tracks: u32,

    /// Packets a second one media worker forwards before it takes nobody else; 0 for no limit.
    #[arg(long, env = "CONFAB_WORKER_PACKETS_PER_SECOND", default_value_t = LoadLimits::default().packets_per_second)]
    pub worker_packets_per_second: u32,

    /// Megabits a second one media worker sends before it takes nobody else; 0 for no limit.
    #[arg(long, env = "CONFAB_WORKER_MBIT_PER_SECOND", default_value_t = LoadLimits::default().mbit_per_second)]
    pub worker_mbit_per_second: u32,

    /// Seconds that meetings may go on after SIGTERM; with 0 it ends them at once.
    #[arg(long, env = "CONFAB_DRAIN_SECONDS", default_value_t = 600)]
    pub drain_seconds: u32,

    /// Milliseconds a member whose network went away keeps the place.
    #[arg(long, env = "CONFAB_REJOIN_WINDOW_MS", default_value_t = Limits::default().rejoin_window_ms)]
    pub rejoin_window_ms: u32,

    /// Messages per second and connection, averaged over five seconds.
    #[arg(long, env = "CONFAB_MESSAGES_PER_SECOND", default_value_t = Limits::default().messages_per_second)]
    pub messages_per_second: u32,

    /// Refused messages in a row (malformed, unknown, oversize, too many) after which a connection is closed.
    #[arg(long, env = "CONFAB_REFUSALS_IN_A_ROW", default_value_t = 20)]
    pub refusals_in_a_row: u32,

    /// Wrong room codes, tokens and host keys one address may try at once; one more every three seconds. Makes
    /// guessing useless, and leaves room for a whole office behind one address that mistypes.
    #[arg(long, env = "CONFAB_FAILED_ATTEMPTS", default_value_t = 30)]
    pub failed_attempts: u32,

    /// Rooms one address may make per minute.
    #[arg(long, env = "CONFAB_ROOMS_PER_MINUTE", default_value_t = 60)]
    pub rooms_per_minute: u32,

    /// TCP connections at a time; more are turned away with 503.
    #[arg(long, env = "CONFAB_MAX_CONNECTIONS", default_value_t = 12_000)]
    pub max_connections: u32,

    /// TCP connections at a time from one address (IPv6: one /64). High, since an office or a load test is one.
    #[arg(long, env = "CONFAB_MAX_CONNECTIONS_PER_ADDRESS", default_value_t = 3_000)]
    pub max_connections_per_address: u32,

    /// Milliseconds a client may take for a request's headers, and for the rest of a request.
    #[arg(long, env = "CONFAB_REQUEST_TIMEOUT_MS", default_value_t = 10_000)]
    pub request_timeout_ms: u32,

    /// Milliseconds between pings on a WebSocket. A client that leaves three unanswered is gone.
    #[arg(long, env = "CONFAB_PING_INTERVAL_MS", default_value_t = 15_000)]
    pub ping_interval_ms: u32,

    /// Messages that may wait for a slow reader before its connection is dropped.
    #[arg(long, env = "CONFAB_OUTBOX_MESSAGES", default_value_t = 256)]
    pub outbox_messages: u32,

    /// What to log: a level, or `target=level` pairs.
    #[arg(long, env = "CONFAB_LOG", default_value = "info")]
    pub log: String,

    /// How log lines look.
    #[arg(long, env = "CONFAB_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
}

fn default_listen() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, DEFAULT_PORT))
}

impl Default for Config {
    fn default() -> Self {
        let (limits, load) = (Limits::default(), LoadLimits::default());
        Self {
            listen: default_listen(),
            plain: false,
            certificate: None,
            private_key: None,
            data_dir: None,
            ephemeral: false,
            public_name: None,
            download_page: None,
            udp_port_base: 50_000,
            workers: 0,
            advertise: None,
            stun_server: None,
            turn_udp: true,
            turn_hours: 12,
            turn_allocations_per_person: 12,
            turn_allocations: 2_000,
            turn_kbit_per_second: 0,
            trust_local: true,
            token_hours: 12,
            room_participants: limits.room_participants,
            max_participants: 2_000,
            worker_tracks: load.tracks,
            worker_packets_per_second: load.packets_per_second,
            worker_mbit_per_second: load.mbit_per_second,
            drain_seconds: 600,
            rejoin_window_ms: limits.rejoin_window_ms,
            messages_per_second: limits.messages_per_second,
            refusals_in_a_row: 20,
            failed_attempts: 30,
            rooms_per_minute: 60,
            max_connections: 12_000,
            max_connections_per_address: 3_000,
            request_timeout_ms: 10_000,
            ping_interval_ms: 15_000,
            outbox_messages: 256,
            log: "info".to_owned(),
            log_format: LogFormat::Text,
        }
    }
}

impl Config {
    /// A server on free ports of loopback that keeps everything in memory: for demonstrations and tests.
    pub fn ephemeral_on_loopback() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            ephemeral: true,
            udp_port_base: 0,
            workers: 1,
            ..Self::default()
        }
    }

    /// What clients are told in the welcome.
    pub fn limits(&self) -> Limits {
        Limits {
            room_participants: self.room_participants,
            messages_per_second: self.messages_per_second,
            rejoin_window_ms: self.rejoin_window_ms,
            ..Limits::default()
        }
    }

    /// What each media worker carries before it takes nobody else.
    pub fn load_limits(&self) -> LoadLimits {
        LoadLimits {
            tracks: self.worker_tracks,
            packets_per_second: self.worker_packets_per_second,
            mbit_per_second: self.worker_mbit_per_second,
        }
    }

    /// Time for a request's headers, and for the rest of it.
    pub fn request_timeout(&self) -> Duration {
        Duration::from_millis(u64::from(self.request_timeout_ms))
    }

    /// Time between pings.
    pub fn ping_interval(&self) -> Duration {
        Duration::from_millis(u64::from(self.ping_interval_ms.max(100)))
    }

    /// Whether no TLS is spoken unless a certificate was given: on loopback there is nobody to listen, and elsewhere only
    /// if it is wished.
    pub(crate) fn speaks_plainly(&self) -> bool {
        self.plain || self.listen.ip().is_loopback()
    }

    /// Addresses the media sockets are bound to: the one HTTP listens on, or all.
    pub fn media_addresses(&self) -> Vec<IpAddr> {
        match self.listen.ip() {
            ip if ip.is_unspecified() => Vec::new(),
            ip => vec![ip],
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        config: Config,
    }

    #[test]
    fn an_empty_command_line_gives_the_defaults() {
        let parsed = Line::parse_from(["confab-server"]).config;
        assert_eq!(format!("{parsed:?}"), format!("{:?}", Config::default()));
    }

    #[test]
    fn an_unknown_setting_is_refused() {
        assert!(Line::try_parse_from(["confab-server", "--no-such-setting"]).is_err());
        assert!(Line::try_parse_from(["confab-server", "--listen", "nowhere"]).is_err());
        assert!(Line::try_parse_from(["confab-server", "--download-page", "http://example.org"]).is_err());
    }

    #[test]
    fn every_setting_stands_in_the_manual_with_its_default() {
        use clap::CommandFactory;
        let manual = include_str!("../README.md");
        for argument in Line::command().get_arguments() {
            let Some(name) = argument.get_long().filter(|name| *name != "help") else { continue };
            let row = manual.lines().find(|line| line.starts_with(&format!("| `--{name}` |")));
            let row = row.unwrap_or_else(|| panic!("--{name} is not in the manual"));
            let variable = format!("CONFAB_{}", name.replace('-', "_").to_uppercase());
            assert_eq!(argument.get_env().and_then(|name| name.to_str()), Some(variable.as_str()));
            if name != "workers" && !argument.get_default_values().is_empty() && argument.get_action().takes_values() {
                let default = argument.get_default_values()[0].to_str().unwrap();
                assert!(row.contains(&format!("`{default}`")), "--{name}: {row}");
            }
        }
    }

    #[test]
    fn media_listens_where_http_does() {
        let mut config = Config::default();
        assert_eq!(config.media_addresses(), vec![IpAddr::V4(Ipv4Addr::LOCALHOST)]);
        config.listen = "0.0.0.0:8003".parse().unwrap();
        assert!(config.media_addresses().is_empty());
    }
}

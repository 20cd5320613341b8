//! The WebSocket itself: a task that connects, reads, writes, and reports. It decides nothing.

use std::io;
use std::time::Duration;

use confab_protocol::link::ServerAddress;
use confab_protocol::{ClientMessage, Limits, ServerMessage, WEBSOCKET_PATH};
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream, client_async_tls_with_config};

use super::life::SocketId;
use super::trouble::{Doubt, NoSocket};
use crate::tls;

/// How often a ping goes out. It also tells the round trip of signaling.
const PING_INTERVAL: Duration = Duration::from_secs(2);

/// Nothing heard for this long: the socket is reported quiet. Two pings must have gone unanswered.
const QUIET_AFTER: Duration = Duration::from_secs(5);

/// How long the goodbye may take.
const GOODBYE_PATIENCE: Duration = Duration::from_millis(500);

/// The answer of a server that encrypts to a plain handshake (RFC 9110, section 15.5.22).
const UPGRADE_REQUIRED: u16 = 426;

/// The largest message taken from a server: a chat page and a roster of a large room fit many times.
const LARGEST_MESSAGE: usize = 4 << 20;

/// Why no connection came about, in words for a person.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Nothing listens there.
    #[error("No Confab server answers at {address}. Is it running, and is the address right?")]
    Refused {
        /// Host and port.
        address: String,
    },
    /// The name is not known.
    #[error(
        "The server's name \u{201c}{host}\u{201d} is not known. Check the link, and the connection to the network."
    )]
    UnknownHost {
        /// The name.
        host: String,
    },
    /// The network does not lead there.
    #[error("The server {address} cannot be reached: {detail}. Check the connection to the network.")]
    Unreachable {
        /// Host and port.
        address: String,
        /// The system's words.
        detail: String,
    },
    /// Something answers, but no Confab server.
    #[error("What answers at {address} is not a Confab server ({detail}).")]
    NotConfab {
        /// Host and port.
        address: String,
        /// What was wrong.
        detail: String,
    },
    /// The other side does not speak TLS.
    #[error("The server at {address} does not encrypt its connections. If it is yours, write http://{address}.")]
    Plain {
        /// Host and port.
        address: String,
    },
    /// The server takes TLS only.
    #[error(
        "The server at {address} takes encrypted connections only. Use the whole meeting link, which begins with https://."
    )]
    Encrypts {
        /// Host and port.
        address: String,
    },
    /// TLS failed.
    #[error("The connection to {address} is not safe and was not made: {detail}.")]
    Insecure {
        /// Host and port.
        address: String,
        /// It was the certificate.
        doubt: Option<Doubt>,
        /// What was wrong.
        detail: String,
    },
}

impl From<SocketError> for NoSocket {
    fn from(error: SocketError) -> Self {
        let doubt = if let SocketError::Insecure { doubt, .. } = error { doubt } else { None };
        Self { doubt, why: error.to_string() }
    }
}

/// What a socket reports.
#[derive(Debug)]
pub enum SocketEvent {
    /// Connected: messages may be sent.
    Open,
    /// It did not come about.
    Failed(NoSocket),
    /// The server's limits, from its welcome.
    Limits(Limits),
    /// A message.
    Message(Box<ServerMessage>),
    /// Bytes that are no message of this protocol; dropped.
    Unreadable,
    /// A ping was answered after this long.
    RoundTrip(Duration),
    /// Nothing was heard for a while; said once until something is heard again.
    Quiet,
    /// The socket ended.
    Closed {
        /// The server said that it is stopping.
        stopping: bool,
    },
}

enum Outgoing {
    Message(Box<ClientMessage>),
    Goodbye,
}

/// A handle on a socket's task. Dropping it ends the task and the connection.
#[derive(Debug)]
pub struct Socket {
    outgoing: mpsc::UnboundedSender<Outgoing>,
    task: Option<JoinHandle<()>>,
}

impl Socket {
    /// Starts to connect. Everything that happens is sent to `events` under `id`.
    pub fn open(id: SocketId, address: ServerAddress, events: mpsc::UnboundedSender<(SocketId, SocketEvent)>) -> Self {
        let (outgoing, receiver) = mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            let report = |event| drop(events.send((id, event)));
            match connect(&address).await {
                Ok(stream) => {
                    report(SocketEvent::Open);
                    let stopping = run(stream, receiver, &report).await;
                    report(SocketEvent::Closed { stopping });
                }
                Err(error) => report(SocketEvent::Failed(error.into())),
            }
        });
        Self { outgoing, task: Some(task) }
    }

    /// A socket that leads nowhere, and what takes the messages that were queued on it.
    #[cfg(test)]
    pub(crate) fn unconnected() -> (Self, impl FnMut() -> Vec<ClientMessage>) {
        let (outgoing, mut receiver) = mpsc::unbounded_channel();
        let queued = move || {
            let taken = std::iter::from_fn(|| receiver.try_recv().ok());
            let message = |outgoing| match outgoing {
                Outgoing::Message(message) => Some(*message),
                Outgoing::Goodbye => None,
            };
            taken.filter_map(message).collect()
        };
        (Self { outgoing, task: None }, queued)
    }

    /// Queues a message; lost when the socket is.
    pub fn send(&self, message: ClientMessage) {
        drop(self.outgoing.send(Outgoing::Message(Box::new(message))));
    }

    /// Sends what is queued, closes in order, and waits for that a short while.
    pub async fn finish(mut self) {
        drop(self.outgoing.send(Outgoing::Goodbye));
        if let Some(mut task) = self.task.take()
            && tokio::time::timeout(GOODBYE_PATIENCE, &mut task).await.is_err()
        {
            task.abort();
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }
}

type Stream = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn connect(server: &ServerAddress) -> Result<Stream, SocketError> {
    let address = format!("{}:{}", server.host, server.port);
    let stream = TcpStream::connect((server.host.trim_matches(['[', ']']), server.port)).await.map_err(|error| {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => SocketError::Refused { address: address.clone() },
            _ if is_lookup_failure(&error) => SocketError::UnknownHost { host: server.host.clone() },
            _ => SocketError::Unreachable { address: address.clone(), detail: error.to_string() },
        }
    })?;
    // Signaling is small messages that must go out at once.
    drop(stream.set_nodelay(true));
    let not_confab = |detail: String| SocketError::NotConfab { address: address.clone(), detail };
    let request = server.websocket_url().into_client_request().map_err(|error| not_confab(error.to_string()))?;
    let config =
        WebSocketConfig::default().max_message_size(Some(LARGEST_MESSAGE)).max_frame_size(Some(LARGEST_MESSAGE));
    let connector = if server.secure {
        let encryption = tls::client(server);
        let (config, _) = encryption.map_err(|error| SocketError::Insecure {
            address: address.clone(),
            doubt: None,
            detail: error.to_string(),
        })?;
        Connector::Rustls(config)
    } else {
        Connector::Plain
    };
    match client_async_tls_with_config(request, stream, Some(config), Some(connector)).await {
        Ok((stream, _response)) => Ok(stream),
        Err(tungstenite::Error::Tls(error)) => Err(insecure(server, address, &error)),
        Err(tungstenite::Error::Io(error)) if server.secure => Err(insecure(server, address, &error)),
        Err(tungstenite::Error::Http(response)) if response.status() == UPGRADE_REQUIRED && !server.secure => {
            Err(SocketError::Encrypts { address })
        }
        Err(tungstenite::Error::Http(response)) => {
            Err(not_confab(format!("it answered {} at {WEBSOCKET_PATH}", response.status())))
        }
        Err(error) => Err(not_confab(error.to_string())),
    }
}

fn insecure(server: &ServerAddress, address: String, error: &dyn std::fmt::Display) -> SocketError {
    // What rustls says to the first bytes of an answer in clear.
    if error.to_string().contains("InvalidContentType") {
        SocketError::Plain { address }
    } else {
        let (doubt, detail) = tls::explain(error, server);
        SocketError::Insecure { address, doubt, detail }
    }
}

/// Name lookups fail with an error of no kind of its own.
fn is_lookup_failure(error: &io::Error) -> bool {
    error.to_string().contains("lookup")
}

/// Reads and writes to the end; whether the server said that it is stopping.
async fn run(
    mut stream: Stream,
    mut outgoing: mpsc::UnboundedReceiver<Outgoing>,
    report: &(impl Fn(SocketEvent) + Sync),
) -> bool {
    let began = Instant::now();
    let mut ping = tokio::time::interval_at(began + PING_INTERVAL, PING_INTERVAL);
    ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut heard = Instant::now();
    let mut quiet = false;
    loop {
        tokio::select! {
            message = stream.next() => match message {
                Some(Ok(message)) => {
                    heard = Instant::now();
                    quiet = false;
                    if let Message::Close(frame) = message {
                        return frame.is_some_and(|frame| frame.code == CloseCode::Away);
                    }
                    take(message, began, report);
                }
                Some(Err(_)) | None => return false,
            },
            message = outgoing.recv() => {
                let sent = match message {
                    Some(Outgoing::Message(message)) => send(&mut stream, &message).await,
                    Some(Outgoing::Goodbye) | None => {
                        drop(stream.close(None).await);
                        return false;
                    }
                };
                if !sent {
                    return false;
                }
            }
            _ = ping.tick() => {
                if heard.elapsed() > QUIET_AFTER && !quiet {
                    quiet = true;
                    report(SocketEvent::Quiet);
                }
                let timestamp = began.elapsed().as_micros() as u64;
                // A socket whose buffer is full is not waited for here: the quiet report takes care of it.
                let ping = ClientMessage::Ping { timestamp };
                if tokio::time::timeout(PING_INTERVAL, send(&mut stream, &ping)).await == Ok(false) {
                    return false;
                }
            }
        }
    }
}

async fn send(stream: &mut Stream, message: &ClientMessage) -> bool {
    match serde_json::to_string(message) {
        Ok(text) => stream.send(Message::text(text)).await.is_ok(),
        Err(error) => {
            tracing::error!(%error, "a message of ours has no JSON form");
            true
        }
    }
}

/// Reports one message.
fn take(message: Message, began: Instant, report: &impl Fn(SocketEvent)) {
    let Message::Text(text) = message else { return };
    match serde_json::from_str::<ServerMessage>(&text) {
        Ok(ServerMessage::Pong { timestamp }) => {
            let sent = Duration::from_micros(timestamp);
            report(SocketEvent::RoundTrip(began.elapsed().saturating_sub(sent)));
        }
        Ok(ServerMessage::SystemMessage { limits, .. }) => report(SocketEvent::Limits(limits)),
        Ok(message) => report(SocketEvent::Message(Box::new(message))),
        Err(_) => report(SocketEvent::Unreadable),
    }
}

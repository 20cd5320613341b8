//! One tunnel: a TURN client on a stream at one end, a UDP socket on loopback at the other.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use bytes::{Buf, BytesMut};
use rtc::sansio::Protocol;
use rtc::shared::{TransportContext, TransportMessage, TransportProtocol};
use rtc::turn::client::{Client, ClientConfig, Event};
use rtc::turn::crypto::default_provider;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf, split};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::{sleep_until, timeout};
use tokio_rustls::TlsConnector;

use super::{RelayError, RelayWay, framing};
use crate::tls;

/// Everything from the connection to the permission: five round trips.
const PATIENCE: Duration = Duration::from_secs(8);

/// Requests in a stream are not lost; asking again is of no use before the stream has delivered.
const RETRY_MS: u64 = 2_000;

/// Bytes that may wait to be written. A stream slower than the call must not become a queue; what is late is lost.
const WAITING: usize = 64 * 1024;

/// Larger than any datagram of a call.
const DATAGRAM: usize = 2_048;

/// Nothing is waited for longer than this at once, so that timers are looked at.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// See the module. It carries datagrams while [`Tunnel::run`] runs.
pub(in crate::transport) struct Tunnel {
    reader: ReadHalf<Box<dyn Stream>>,
    writer: WriteHalf<Box<dyn Stream>>,
    turn: Client,
    context: TransportContext,
    /// The server's media address, as the relay knows it.
    peer: SocketAddr,
    /// Our address at the relay.
    relayed: SocketAddr,
    socket: UdpSocket,
    inbox: BytesMut,
    outbox: BytesMut,
}

impl Tunnel {
    /// Connects to the relay and has it let datagrams through to and from `peer`.
    pub(in crate::transport) async fn open(way: &RelayWay, peer: SocketAddr) -> Result<Self, RelayError> {
        timeout(PATIENCE, Self::establish(way, peer)).await.map_err(|_| RelayError::Slow)?
    }

    async fn establish(way: &RelayWay, peer: SocketAddr) -> Result<Self, RelayError> {
        let server = &way.server;
        let stream = TcpStream::connect((server.host.trim_matches(['[', ']']), server.port)).await?;
        // Sound must not wait for more sound.
        stream.set_nodelay(true)?;
        let context = TransportContext {
            local_addr: stream.local_addr()?,
            peer_addr: stream.peer_addr()?,
            transport_protocol: TransportProtocol::TCP,
            ecn: None,
        };
        let stream: Box<dyn Stream> = if server.secure {
            let (config, name) = tls::client(server)?;
            Box::new(TlsConnector::from(config).connect(name, stream).await?)
        } else {
            Box::new(stream)
        };
        let config = ClientConfig {
            turn_serv_addr: context.peer_addr.to_string(),
            local_addr: context.local_addr,
            transport_protocol: TransportProtocol::TCP,
            username: way.access.username.clone(),
            password: way.access.credential.clone(),
            rto_in_ms: RETRY_MS,
            ..ClientConfig::default()
        };
        let refused = |error: &dyn std::fmt::Display| RelayError::Refused(error.to_string());
        let crypto = default_provider().map_err(|error| refused(&error))?;
        let turn = Client::new(config, crypto).map_err(|error| refused(&error))?;
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let relayed = context.local_addr;
        let (inbox, outbox) = (BytesMut::new(), BytesMut::new());
        let (reader, writer) = split(stream);
        let mut tunnel = Self { reader, writer, turn, context, peer, relayed, socket, inbox, outbox };
        tunnel.turn.allocate(Instant::now()).map_err(|error| refused(&error))?;
        tunnel.relayed = tunnel
            .wait(|event| match event {
                Event::AllocateResponse(_, relayed) => Some(Ok(relayed)),
                Event::AllocateError(_, error) => Some(Err(error.to_string())),
                _ => None,
            })
            .await?;
        let relayed = tunnel.relayed;
        let permission = tunnel.turn.relay(relayed).and_then(|mut relay| relay.create_permission(Instant::now(), peer));
        permission.map_err(|error| refused(&error))?;
        tunnel
            .wait(|event| match event {
                Event::CreatePermissionResponse(..) => Some(Ok(())),
                Event::CreatePermissionError(_, error) => Some(Err(error.to_string())),
                _ => None,
            })
            .await?;
        Ok(tunnel)
    }

    /// Where the peer connection finds it.
    pub(in crate::transport) fn address(&self) -> Result<SocketAddr, RelayError> {
        Ok(self.socket.local_addr()?)
    }

    /// Sends what is to be sent and reads until the wished event comes.
    async fn wait<T>(&mut self, mut wished: impl FnMut(Event) -> Option<Result<T, String>>) -> Result<T, RelayError> {
        loop {
            self.queue();
            self.writer.write_all_buf(&mut self.outbox).await?;
            self.writer.flush().await?;
            while let Some(event) = self.turn.poll_event() {
                match event {
                    Event::TransactionTimeout(_) => return Err(RelayError::Slow),
                    event => {
                        if let Some(outcome) = wished(event) {
                            return outcome.map_err(RelayError::Refused);
                        }
                    }
                }
            }
            let read = timeout(self.until_timer(), self.reader.read_buf(&mut self.inbox)).await;
            match read.ok().transpose()? {
                Some(0) => return Err(RelayError::Unreachable(io::ErrorKind::UnexpectedEof.into())),
                Some(_) => self.take()?,
                None => self.tick(),
            }
        }
    }

    /// Carries datagrams until the stream ends. `carried` is told when the first one comes through.
    pub(in crate::transport) async fn run(mut self, carried: impl Fn()) -> Result<(), RelayError> {
        let mut datagram = vec![0; DATAGRAM];
        // An ICE restart brings another socket of the peer connection: whoever spoke last is answered.
        let mut user: Option<SocketAddr> = None;
        let mut unflushed = false;
        loop {
            self.queue();
            let timer = tokio::time::Instant::now() + self.until_timer();
            let has_to_write = unflushed || !self.outbox.is_empty();
            tokio::select! {
                read = self.reader.read_buf(&mut self.inbox) => {
                    if read? == 0 {
                        return Ok(());
                    }
                    self.take()?;
                }
                pushed = push(&mut self.writer, &mut self.outbox), if has_to_write => unflushed = !pushed?,
                heard = self.socket.recv_from(&mut datagram) => {
                    // An error tells of an earlier packet that found nobody.
                    let Ok((length, from)) = heard else { continue };
                    if from.ip().is_loopback() {
                        user = Some(from);
                        self.send(&datagram[..length]);
                    }
                }
                () = sleep_until(timer) => self.tick(),
            }
            while let Some(event) = self.turn.poll_event() {
                if let Event::DataIndicationOrChannelData(_, from, data) = event
                    && from == self.peer
                    && let Some(user) = user
                {
                    carried();
                    // What the peer connection does not take is lost, like any datagram.
                    let _ = self.socket.try_send_to(&data, user);
                }
            }
        }
    }

    /// Hands a datagram to the relay; drops it when the stream does not keep up.
    fn send(&mut self, data: &[u8]) {
        if self.outbox.len() < WAITING
            && let Ok(mut relay) = self.turn.relay(self.relayed)
        {
            // A permission that is just being renewed refuses one or the other datagram.
            let _ = relay.send_to(Instant::now(), data, self.peer);
        }
    }

    /// Takes the whole messages that have come.
    fn take(&mut self) -> Result<(), RelayError> {
        loop {
            match framing::message_length(&self.inbox) {
                Err(()) => return Err(RelayError::Broken),
                Ok(Some(length)) if self.inbox.len() >= length => {
                    let message = BytesMut::from(&self.inbox[..length]);
                    self.inbox.advance(length);
                    let message = TransportMessage { now: Instant::now(), transport: self.context, message };
                    if let Err(error) = self.turn.handle_read(message) {
                        tracing::debug!(%error, "the relay said something that does not fit");
                    }
                }
                Ok(_) => return Ok(()),
            }
        }
    }

    fn queue(&mut self) {
        while let Some(message) = self.turn.poll_write() {
            self.outbox.extend_from_slice(&message.message);
        }
    }

    fn until_timer(&mut self) -> Duration {
        let next = self.turn.poll_timeout().map(|at| at.saturating_duration_since(Instant::now()));
        next.unwrap_or(LONGEST_SLEEP).min(LONGEST_SLEEP)
    }

    fn tick(&mut self) {
        if let Err(error) = self.turn.handle_timeout(Instant::now()) {
            tracing::debug!(%error, "a timer of the relay's client failed");
        }
    }
}

/// Writes what waits, then sees to it that it leaves: TLS keeps what it is given. Says whether all has left.
async fn push(writer: &mut (impl AsyncWrite + Unpin), outbox: &mut BytesMut) -> io::Result<bool> {
    if outbox.is_empty() {
        writer.flush().await?;
        return Ok(true);
    }
    match writer.write_buf(outbox).await? {
        0 => Err(io::ErrorKind::WriteZero.into()),
        _ => Ok(false),
    }
}

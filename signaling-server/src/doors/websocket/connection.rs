//! One connection's task: reads frames, writes the outbox, pings, and ends.

use std::sync::Arc;
use std::time::{Duration, Instant};

use confab_protocol::{ErrorCode, PROTOCOL_VERSION, RequestId, ServerMessage};
use confab_rooms::{Command, Refusal, SessionEnd, SessionId};
use futures_util::{SinkExt, StreamExt};
use tokio::sync::{Notify, mpsc};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tokio_tungstenite::tungstenite::{Bytes, Error, Message, Utf8Bytes};

use super::closing::close;
use super::{Opening, Shared, Socket, inbound};
use crate::doors::stop_begins;
use crate::gate::TokenBucket;
use crate::rooms::{Outbox, Outgoing, RoomHandle, RoomMail};

/// How long one write may take. A reader that takes nothing for so long is gone, even when little is sent to it.
const WRITE_PATIENCE: Duration = Duration::from_secs(10);

/// Pings that may stay unanswered.
const PINGS_UNANSWERED: u32 = 3;

/// A message goes in frames of at most so many bytes: the socket keeps a buffer as large as the largest frame it wrote,
/// and an answer to a join would leave one of 30 KB with everybody.
const LARGEST_FRAME: usize = 4 * 1024;

/// Messages written with one flush.
const WRITE_BATCH: usize = 64;

/// Over how many seconds the message rate is averaged: the burst is so many seconds' worth.
const RATE_SECONDS: u32 = 5;

/// Why a connection's loop ends.
enum End {
    /// The client sent a close message.
    ByClient,
    /// The socket is gone.
    Lost,
    /// This end closes, and says why.
    Close(CloseCode, &'static str),
    /// The server stops.
    Stopping,
}

/// A connection with what it needs to answer.
pub(super) struct Connection {
    pub(super) shared: Arc<Shared>,
    pub(super) opening: Opening,
    /// Names the connection in the log and to the client.
    pub(super) name: String,
    /// The room, from a join until its end.
    pub(super) room: Option<(RoomHandle, SessionId)>,
    pub(super) outbox: Outbox,
    queue: mpsc::Receiver<Outgoing>,
    overflow: Arc<Notify>,
    rate: TokenBucket,
    refusals_in_a_row: u32,
    pings_unanswered: u32,
}

impl Connection {
    pub(super) fn new(shared: Arc<Shared>, opening: Opening) -> Self {
        let (outbox, queue, overflow) = Outbox::new(shared.config.outbox_messages);
        let per_second = f64::from(shared.limits.messages_per_second.max(1));
        let rate = TokenBucket::new(per_second * f64::from(RATE_SECONDS), per_second, Instant::now());
        Self {
            shared,
            opening,
            name: uuid::Uuid::now_v7().to_string(),
            room: None,
            outbox,
            queue,
            overflow,
            rate,
            refusals_in_a_row: 0,
            pings_unanswered: 0,
        }
    }

    /// Runs until the connection ends, and tells the room.
    pub(super) async fn run(mut self, mut socket: Socket) {
        let counters = Arc::clone(&self.shared.counters);
        counters.connections_total.add(1);
        counters.connections.add(1);
        let end = self.converse(&mut socket).await;
        let session_end = match end {
            End::ByClient => Some(SessionEnd::Closed),
            End::Lost | End::Close(..) => Some(SessionEnd::Lost),
            // Everybody goes at once; nobody needs to hear of the others.
            End::Stopping => None,
        };
        if let (Some(end), Some((room, session))) = (session_end, self.room.take()) {
            room.send(RoomMail::Command(Command::SessionEnded { session, end })).await;
        }
        match end {
            End::ByClient => drop(timeout(WRITE_PATIENCE, socket.flush()).await),
            End::Lost => {}
            End::Close(code, reason) => {
                if code == CloseCode::Size {
                    self.say_too_large(&mut socket).await;
                }
                close(socket, code, reason).await;
            }
            End::Stopping => close(socket, CloseCode::Away, "the server is stopping").await,
        }
        counters.connections.subtract(1);
        tracing::debug!(connection = %self.name, "connection ended");
    }

    async fn converse(&mut self, socket: &mut Socket) -> End {
        let mut stopping = self.shared.stopping.clone();
        let mut pings = interval(self.shared.config.ping_interval());
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The first tick comes at once.
        pings.tick().await;
        self.welcome();
        loop {
            let end = tokio::select! {
                frame = socket.next() => self.frame(frame).await,
                Some(outgoing) = self.queue.recv() => self.write(socket, outgoing).await,
                _ = pings.tick() => self.ping(socket).await,
                () = self.overflow.notified() => Some(self.too_slow()),
                () = stop_begins(&mut stopping) => Some(End::Stopping),
            };
            if let Some(end) = end {
                return end;
            }
        }
    }

    fn welcome(&self) {
        self.tell(&ServerMessage::SystemMessage {
            message: "Welcome to Confab.".to_owned(),
            version: PROTOCOL_VERSION,
            server_version: env!("CARGO_PKG_VERSION").to_owned(),
            connection_id: self.name.clone(),
            limits: self.shared.limits,
        });
    }

    /// Puts a message into this connection's own outbox, behind what is there.
    pub(super) fn tell(&self, message: &ServerMessage) {
        if let ServerMessage::Error { code, .. } = message {
            self.shared.counters.refuse(*code);
        }
        self.outbox.put(Outgoing::Message(Outgoing::text(message)));
    }

    /// Tells the client that a message was refused.
    pub(super) fn refuse(&self, request: Option<RequestId>, refusal: Refusal) {
        let Refusal { code, message, field } = refusal;
        self.tell(&ServerMessage::Error { request, code, message, field: field.map(str::to_owned) });
    }

    /// The last message before the close: of what was too large nothing was read, so no request can be named.
    async fn say_too_large(&self, socket: &mut Socket) {
        let most = self.shared.limits.sdp_message_bytes / 1024;
        let error = ServerMessage::Error {
            request: None,
            code: ErrorCode::MessageTooLarge,
            message: format!("No message may be longer than {most} KiB. The connection ends."),
            field: None,
        };
        if self.patiently(socket.send(Message::Text(Outgoing::text(&error)))).await.is_none() {
            self.shared.counters.messages_out.add(1);
        }
    }

    async fn frame(&mut self, frame: Option<Result<Message, Error>>) -> Option<End> {
        self.pings_unanswered = 0;
        match frame {
            Some(Ok(Message::Text(text))) => self.text(&text).await,
            Some(Ok(Message::Binary(_))) => {
                let message = "Messages are JSON in text frames; this one was binary.";
                self.refuse_unread(None, Refusal::new(ErrorCode::MalformedMessage, message))
            }
            Some(Ok(Message::Close(_))) => Some(End::ByClient),
            // Pings are answered by the socket; pongs have done their work above.
            Some(Ok(_)) => None,
            Some(Err(Error::Capacity(_))) => {
                self.shared.counters.refuse(ErrorCode::MessageTooLarge);
                self.shared.counters.abusive.add(1);
                Some(End::Close(CloseCode::Size, "the message is too large"))
            }
            Some(Err(Error::Utf8(_))) => {
                self.shared.counters.refuse(ErrorCode::MalformedMessage);
                Some(End::Close(CloseCode::Invalid, "text frames are UTF-8"))
            }
            Some(Err(Error::Protocol(error))) => {
                use tokio_tungstenite::tungstenite::error::ProtocolError;
                match error {
                    ProtocolError::ResetWithoutClosingHandshake => Some(End::Lost),
                    _ => Some(End::Close(CloseCode::Protocol, "this is not WebSocket")),
                }
            }
            Some(Err(_)) | None => Some(End::Lost),
        }
    }

    async fn text(&mut self, text: &str) -> Option<End> {
        self.shared.counters.messages_in.add(1);
        if !self.rate.take(Instant::now()) {
            let most = self.shared.limits.messages_per_second;
            let message = format!("Too many messages: {most} a second are taken.");
            let request = inbound::request_of(text);
            return self.refuse_unread(request, Refusal::new(ErrorCode::RateLimited, message));
        }
        match inbound::read(text, &self.shared.limits) {
            Ok(message) => {
                self.refusals_in_a_row = 0;
                self.receive(message).await;
                None
            }
            Err(refused) => self.refuse_unread(refused.request, refused.refusal),
        }
    }

    /// Refuses what could not be read or came too fast; too much of it ends the connection.
    fn refuse_unread(&mut self, request: Option<RequestId>, refusal: Refusal) -> Option<End> {
        self.refuse(request, refusal);
        self.refusals_in_a_row += 1;
        if self.refusals_in_a_row < self.shared.config.refusals_in_a_row.max(1) {
            return None;
        }
        self.shared.counters.abusive.add(1);
        Some(End::Close(CloseCode::Policy, "too many refused messages"))
    }

    async fn ping(&mut self, socket: &mut Socket) -> Option<End> {
        if self.pings_unanswered >= PINGS_UNANSWERED {
            return Some(End::Lost);
        }
        self.pings_unanswered += 1;
        self.patiently(socket.send(Message::Ping(Bytes::new()))).await
    }

    async fn write(&mut self, socket: &mut Socket, first: Outgoing) -> Option<End> {
        let mut next = Some(first);
        let mut written = 0;
        while let Some(outgoing) = next {
            if let Some(text) = self.unpack(outgoing) {
                written += 1;
                for frame in frames(text) {
                    let fed = self.patiently(socket.feed(frame)).await;
                    if fed.is_some() {
                        return fed;
                    }
                }
            }
            next = if written < WRITE_BATCH { self.queue.try_recv().ok() } else { None };
        }
        self.shared.counters.messages_out.add(written as u64);
        self.patiently(socket.flush()).await
    }

    /// The text of something from the queue. The end of the present session takes the connection out of its room.
    fn unpack(&mut self, outgoing: Outgoing) -> Option<Utf8Bytes> {
        match outgoing {
            Outgoing::Message(text) => Some(text),
            Outgoing::Ended { session, message } => {
                if self.room.as_ref().is_some_and(|(_, present)| *present == session) {
                    self.room = None;
                }
                message
            }
        }
    }

    /// Writes, unless the reader does not read: neither within the time limit nor before its queue overflows.
    async fn patiently(&self, writing: impl Future<Output = Result<(), Error>>) -> Option<End> {
        tokio::select! {
            written = timeout(WRITE_PATIENCE, writing) => match written {
                Ok(Ok(())) => None,
                Ok(Err(_)) => Some(End::Lost),
                Err(_) => Some(self.too_slow()),
            },
            () = self.overflow.notified() => Some(self.too_slow()),
        }
    }

    fn too_slow(&self) -> End {
        self.shared.counters.slow_readers.add(1);
        End::Close(CloseCode::Policy, "this connection does not read")
    }
}

/// A text message in its frames (RFC 6455, 5.4).
fn frames(text: Utf8Bytes) -> Vec<Message> {
    if text.len() <= LARGEST_FRAME {
        return vec![Message::Text(text)];
    }
    let bytes = Bytes::from(text);
    let count = bytes.len().div_ceil(LARGEST_FRAME);
    let frame = |index: usize| {
        let part = bytes.slice(index * LARGEST_FRAME..bytes.len().min((index + 1) * LARGEST_FRAME));
        let kind = if index == 0 { Data::Text } else { Data::Continue };
        Message::Frame(Frame::message(part, OpCode::Data(kind), index + 1 == count))
    };
    (0..count).map(frame).collect()
}

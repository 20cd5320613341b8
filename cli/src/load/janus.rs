//! The rival: Janus' `VideoRoom` by its WebSocket interface, as much of it as a room with one sender needs.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::LoadError;

/// Janus may be slow when a hundred people come at once.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Janus ends sessions that say nothing for a minute.
const KEEPALIVE: Duration = Duration::from_secs(25);

/// The sender joins first, but may not be let in first.
const SENDER_WITHIN: Duration = Duration::from_secs(5);
const TRY_AGAIN: Duration = Duration::from_millis(50);

/// The room, which Janus' configuration has, and the sender's number in it.
const ROOM: u64 = 1234;
const PUBLISHER: u64 = 1;

/// One person's session and its handle of the `VideoRoom` plugin.
pub(super) struct Janus {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    session: u64,
    handle: u64,
    keepalive: tokio::time::Interval,
}

impl Janus {
    pub(super) async fn connect(address: &str) -> Result<Self, LoadError> {
        let unreachable = |error: String| LoadError::Unreachable { server: address.to_owned(), error };
        let mut request = address.into_client_request().map_err(|error| unreachable(error.to_string()))?;
        request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static("janus-protocol"));
        let connected = tokio::time::timeout(ANSWER_WITHIN, connect_async(request)).await;
        let (socket, _response) = connected
            .map_err(|_| LoadError::TimedOut("Connecting to Janus"))?
            .map_err(|error| unreachable(error.to_string()))?;
        let keepalive = tokio::time::interval(KEEPALIVE);
        let mut janus = Self { socket, session: 0, handle: 0, keepalive };
        janus.session = janus.number(json!({ "janus": "create" })).await?;
        janus.handle = janus.number(json!({ "janus": "attach", "plugin": "janus.plugin.videoroom" })).await?;
        Ok(janus)
    }

    /// Joins as the sender; gives the answer to the offer.
    pub(super) async fn publish(&mut self, offer: &str) -> Result<String, LoadError> {
        let body = json!({ "request": "joinandconfigure", "ptype": "publisher", "room": ROOM, "id": PUBLISHER });
        self.message(body, Some(json!({ "type": "offer", "sdp": offer }))).await?;
        self.description().await
    }

    /// Joins as a receiver of the sender, once it is there; gives the offer.
    pub(super) async fn subscribe(&mut self) -> Result<String, LoadError> {
        let deadline = tokio::time::Instant::now() + SENDER_WITHIN;
        loop {
            match self.try_subscribe().await {
                Err(LoadError::Refused(reason))
                    if reason.starts_with("No such feed") && tokio::time::Instant::now() < deadline =>
                {
                    tokio::time::sleep(TRY_AGAIN).await;
                }
                done => return done,
            }
        }
    }

    async fn try_subscribe(&mut self) -> Result<String, LoadError> {
        let streams = json!([{ "feed": PUBLISHER }]);
        let body = json!({ "request": "join", "ptype": "subscriber", "room": ROOM, "streams": streams });
        self.message(body, None).await?;
        self.description().await
    }

    /// Gives the answer to the offer of [`Self::subscribe`].
    pub(super) async fn start(&mut self, answer: &str) -> Result<(), LoadError> {
        self.message(json!({ "request": "start" }), Some(json!({ "type": "answer", "sdp": answer }))).await
    }

    /// Keeps the session; returns when it has ended.
    pub(super) async fn stay(&mut self) {
        loop {
            tokio::select! {
                message = self.socket.next() => match message {
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                    Some(Ok(_)) => {}
                },
                _ = self.keepalive.tick() => {
                    if self.send(json!({ "janus": "keepalive" })).await.is_err() {
                        return;
                    }
                }
            }
        }
    }

    pub(super) async fn close(mut self) {
        // The run is over; a Janus that has gone first is no matter.
        let _gone_either_way = self.send(json!({ "janus": "destroy" })).await;
        let _gone_either_way = self.socket.close(None).await;
    }

    async fn message(&mut self, body: Value, description: Option<Value>) -> Result<(), LoadError> {
        let mut message = json!({ "janus": "message", "body": body });
        if let Some(description) = description {
            message["jsep"] = description;
        }
        self.send(message).await
    }

    async fn send(&mut self, mut message: Value) -> Result<(), LoadError> {
        message["transaction"] = "t".into();
        if self.session != 0 {
            message["session_id"] = self.session.into();
        }
        if self.handle != 0 {
            message["handle_id"] = self.handle.into();
        }
        let sent = self.socket.send(Message::text(message.to_string())).await;
        sent.map_err(|error| LoadError::Refused(error.to_string()))
    }

    /// Asks for something that is answered with a number.
    async fn number(&mut self, message: Value) -> Result<u64, LoadError> {
        self.send(message).await?;
        self.until(|message| message["data"]["id"].as_u64()).await
    }

    /// Waits for an offer or an answer.
    async fn description(&mut self) -> Result<String, LoadError> {
        self.until(|message| message["jsep"]["sdp"].as_str().map(str::to_owned)).await
    }

    async fn until<T>(&mut self, mut pick: impl FnMut(&Value) -> Option<T>) -> Result<T, LoadError> {
        let wait = async {
            while let Some(Ok(message)) = self.socket.next().await {
                let Message::Text(text) = message else { continue };
                let Ok(message) = serde_json::from_str::<Value>(&text) else { continue };
                if let Some(error) =
                    message["plugindata"]["data"]["error"].as_str().or(message["error"]["reason"].as_str())
                {
                    return Err(LoadError::Refused(error.to_owned()));
                }
                if let Some(picked) = pick(&message) {
                    return Ok(picked);
                }
            }
            Err(LoadError::Refused("the connection ended".into()))
        };
        tokio::time::timeout(ANSWER_WITHIN, wait).await.map_err(|_| LoadError::TimedOut("Janus' answer"))?
    }
}

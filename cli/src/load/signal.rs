//! Signaling of one light person: the ordinary WebSocket, as little of it as a call needs.

use std::time::Duration;

use confab_call::tls;
use confab_protocol::link::ServerAddress;
use confab_protocol::{ClientMessage, RequestId, RoomCode, ServerMessage};
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config};

use super::LoadError;

/// How long the server may take to close the connection of who left.
const GOODBYE_WITHIN: Duration = Duration::from_secs(2);

const ANSWER_WITHIN: Duration = Duration::from_secs(10);

pub(super) struct Signal {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    last_request: u32,
}

impl Signal {
    pub(super) async fn connect(server: &ServerAddress) -> Result<Self, LoadError> {
        let url = server.websocket_url();
        let unreachable =
            |error: String| LoadError::Unreachable { server: format!("{}:{}", server.host, server.port), error };
        let connector = if server.secure {
            let (config, _) = tls::client(server).map_err(|error| unreachable(error.to_string()))?;
            Connector::Rustls(config)
        } else {
            Connector::Plain
        };
        let connecting = connect_async_tls_with_config(&url, None, true, Some(connector));
        let connected = tokio::time::timeout(ANSWER_WITHIN, connecting);
        let (socket, _response) = connected
            .await
            .map_err(|_| LoadError::TimedOut("Connecting to the server"))?
            .map_err(|error| unreachable(tls::explain(&error, server).1))?;
        Ok(Self { socket, last_request: 0 })
    }

    pub(super) async fn make_room(&mut self, host_key: Option<String>) -> Result<RoomCode, LoadError> {
        let request = self.next_request();
        self.send(&ClientMessage::MeetingCreate { request, name: "Load".into(), host_key }).await?;
        self.answer(request, |message| match message {
            ServerMessage::MeetingCreated { code, .. } => Some(code),
            _ => None,
        })
        .await
    }

    pub(super) fn next_request(&mut self) -> RequestId {
        self.last_request += 1;
        RequestId(self.last_request)
    }

    pub(super) async fn send(&mut self, message: &ClientMessage) -> Result<(), LoadError> {
        let text = serde_json::to_string(message).map_err(|error| LoadError::Refused(error.to_string()))?;
        self.socket.send(Message::text(text)).await.map_err(|error| LoadError::Refused(error.to_string()))
    }

    /// The next message; `None` when the connection has ended.
    pub(super) async fn next(&mut self) -> Option<ServerMessage> {
        loop {
            match self.socket.next().await? {
                // A message of a newer server that this program does not know is passed over.
                Ok(Message::Text(text)) => {
                    if let Ok(message) = serde_json::from_str(&text) {
                        return Some(message);
                    }
                }
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// Waits for the answer to a request; other messages are passed over.
    pub(super) async fn answer<T>(
        &mut self,
        request: RequestId,
        mut pick: impl FnMut(ServerMessage) -> Option<T>,
    ) -> Result<T, LoadError> {
        let wait = async {
            while let Some(message) = self.next().await {
                match message {
                    ServerMessage::Error { request: Some(of), message, .. } if of == request => {
                        return Err(LoadError::Refused(message));
                    }
                    ServerMessage::Error { request: None, message, .. } => return Err(LoadError::Refused(message)),
                    message => {
                        if let Some(answer) = pick(message) {
                            return Ok(answer);
                        }
                    }
                }
            }
            Err(LoadError::Refused("the connection ended".into()))
        };
        tokio::time::timeout(ANSWER_WITHIN, wait).await.map_err(|_| LoadError::TimedOut("The server's answer"))?
    }

    pub(super) async fn close(mut self) {
        // The run is over; a server that has gone first is no matter.
        let _gone_either_way = self.send(&ClientMessage::CallLeave {}).await;
        let _gone_either_way = self.socket.close(None).await;
        // What came and was not read would make the system reset the connection, and the leave could be lost with it.
        let ended = async { while self.next().await.is_some() {} };
        let _slow_either_way = tokio::time::timeout(GOODBYE_WITHIN, ended).await;
    }
}

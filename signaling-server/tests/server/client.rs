//! A signaling client.

use std::net::SocketAddr;
use std::time::Duration;

use confab_protocol::{
    ChatMessage, ClientMessage, ErrorCode, PROTOCOL_VERSION, ParticipantId, ParticipantInfo, RequestId, Role,
    ServerMessage,
};
use confab_server::Server;
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::peer::{Peer, Running};
use crate::world::PATIENCE;

pub struct Client {
    pub socket: WebSocketStream<TcpStream>,
}

/// What `call.joined` said, and the media that stands behind it.
pub struct Joined {
    pub id: ParticipantId,
    pub token: String,
    pub role: Role,
    pub link: String,
    pub people: Vec<ParticipantInfo>,
    pub chat: Vec<ChatMessage>,
    pub media: Option<Running>,
}

impl Client {
    pub async fn connect_to(address: SocketAddr, path: &str) -> Result<Self, Error> {
        let stream = TcpStream::connect(address).await.unwrap();
        let (socket, _) = client_async(format!("ws://{address}{path}"), stream).await?;
        Ok(Self { socket })
    }

    /// A connection that has been welcomed.
    pub async fn connect(server: &Server) -> Self {
        let mut client = Self::connect_to(server.address(), "/ws").await.unwrap();
        let welcome = client.next().await;
        assert!(matches!(welcome, ServerMessage::SystemMessage { version: PROTOCOL_VERSION, .. }), "{welcome:?}");
        client
    }

    pub async fn send(&mut self, message: &ClientMessage) {
        self.send_text(&serde_json::to_string(message).unwrap()).await;
    }

    pub async fn send_text(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.unwrap();
    }

    /// The next frame that is no ping or pong.
    pub async fn frame(&mut self) -> Option<Result<Message, Error>> {
        let waiting = async {
            loop {
                match self.socket.next().await {
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    other => return other,
                }
            }
        };
        timeout(PATIENCE, waiting).await.expect("the server says something in time")
    }

    pub async fn next(&mut self) -> ServerMessage {
        match self.frame().await {
            Some(Ok(Message::Text(text))) => serde_json::from_str(&text).unwrap(),
            other => panic!("a message was expected, and not {other:?}"),
        }
    }

    /// The first message for which the function gives something; others are passed over.
    pub async fn find<T>(&mut self, mut wanted: impl FnMut(ServerMessage) -> Option<T>) -> T {
        loop {
            if let Some(found) = wanted(self.next().await) {
                return found;
            }
        }
    }

    /// The next error.
    pub async fn error(&mut self) -> (ErrorCode, Option<RequestId>) {
        self.find(|message| match message {
            ServerMessage::Error { code, request, message, .. } => {
                assert!(message.ends_with('.'), "an error speaks to people: {message}");
                Some((code, request))
            }
            _ => None,
        })
        .await
    }

    /// The code of the close message that ends this connection; messages before it are passed over.
    pub async fn close_code(&mut self) -> u16 {
        loop {
            match self.frame().await {
                Some(Ok(Message::Close(frame))) => return frame.expect("with a code").code.into(),
                Some(Ok(_)) => {}
                other => panic!("a close message was expected, and not {other:?}"),
            }
        }
    }

    /// Sends a ping message and sees that its answer is the very next thing: nothing else happened here.
    pub async fn hears_nothing(&mut self) {
        self.send(&ClientMessage::Ping { timestamp: 77 }).await;
        assert_eq!(self.next().await, ServerMessage::Pong { timestamp: 77 });
    }

    pub fn join_message(code: &str, token: Option<&str>, peer: &Peer) -> ClientMessage {
        ClientMessage::CallJoin {
            request: RequestId(1),
            version: PROTOCOL_VERSION,
            code: code.parse().unwrap(),
            name: "Ada".into(),
            token: token.map(str::to_owned),
            offer: peer.offer.clone(),
            tracks: peer.tracks.clone(),
        }
    }

    /// Asks to join and gives the refusal.
    pub async fn join_refused(&mut self, code: &str, token: Option<&str>) -> ErrorCode {
        let peer = Peer::new().await;
        self.send(&Self::join_message(code, token, &peer)).await;
        let (code, request) = self.error().await;
        assert_eq!(request, Some(RequestId(1)));
        code
    }

    /// Joins, without media running: the member stays `connecting`.
    pub async fn join(&mut self, code: &str, token: Option<&str>) -> Joined {
        let peer = Peer::new().await;
        self.send(&Self::join_message(code, token, &peer)).await;
        self.joined(None).await
    }

    /// Joins with media, and waits until the server has it.
    pub async fn join_with_media(&mut self, code: &str, token: Option<&str>) -> Joined {
        let peer = Peer::new().await;
        self.send(&Self::join_message(code, token, &peer)).await;
        let joined = self.joined(Some(peer)).await;
        let me = joined.id;
        self.find(|message| match message {
            ServerMessage::CallParticipantUpdated { participant } => {
                (participant.id == me && participant.connection == confab_protocol::Connection::Connected).then_some(())
            }
            _ => None,
        })
        .await;
        joined
    }

    pub async fn joined(&mut self, peer: Option<Peer>) -> Joined {
        match self.next().await {
            ServerMessage::CallJoined { participant_id, token, role, link, participants, chat, answer, .. } => Joined {
                id: participant_id,
                token,
                role,
                link,
                people: participants,
                chat,
                media: peer.map(|peer| peer.run(&answer)),
            },
            other => panic!("call.joined was expected, and not {other:?}"),
        }
    }

    /// The next person who is told to have left, with the reason, and how long it took.
    pub async fn someone_left(&mut self) -> (ParticipantId, confab_protocol::LeaveReason, Duration) {
        let start = std::time::Instant::now();
        let (who, why) = self
            .find(|message| match message {
                ServerMessage::CallParticipantLeft { participant_id, reason } => Some((participant_id, reason)),
                _ => None,
            })
            .await;
        (who, why, start.elapsed())
    }

    pub async fn write(&mut self, content: &str) -> ChatMessage {
        let request = Some(RequestId(9));
        self.send(&ClientMessage::ChatMessage { request, conversation_id: None, content: content.into() }).await;
        self.find(|message| match message {
            ServerMessage::ChatMessage { request: Some(RequestId(9)), chat } => Some(chat),
            ServerMessage::Error { message, .. } => panic!("{message}"),
            _ => None,
        })
        .await
    }
}

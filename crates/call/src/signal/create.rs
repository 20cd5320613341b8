//! Making a room, before there is a call.

use std::time::Duration;

use confab_protocol::link::ServerAddress;
use confab_protocol::{ClientMessage, ErrorCode, RequestId, RoomCode, ServerMessage};
use tokio::sync::mpsc;

use super::socket::{Socket, SocketEvent};
use super::trouble::NoSocket;

/// How long a server may take to make a room.
const PATIENCE: Duration = Duration::from_secs(10);

/// A fresh room. No `Debug`: the token is a secret.
pub struct CreatedRoom {
    /// Its code.
    pub code: RoomCode,
    /// To give away.
    pub link: String,
    /// A host's join token.
    pub token: String,
}

/// Why there is no room, in words for a person.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// No server was reached.
    #[error("{0}")]
    Unreachable(NoSocket),
    /// The server refused.
    #[error("{message}")]
    Refused {
        /// For programs.
        code: ErrorCode,
        /// For the person.
        message: String,
    },
    /// The connection ended too early.
    #[error("The server closed the connection before it had made the meeting. Try again.")]
    Closed,
    /// No answer.
    #[error("The server did not answer within ten seconds. Try again, or ask who runs it.")]
    Silent,
}

/// Asks a server for a room titled `name`; `host_key` is needed from outside its local network.
///
/// # Errors
/// See [`CreateError`].
pub async fn create_room(
    server: ServerAddress,
    name: &str,
    host_key: Option<String>,
) -> Result<CreatedRoom, CreateError> {
    let (events, mut received) = mpsc::unbounded_channel();
    let socket = Socket::open(1, server, events);
    let mut ask = Some(ClientMessage::MeetingCreate { request: RequestId(1), name: name.to_owned(), host_key });
    let made = async {
        while let Some((_, event)) = received.recv().await {
            match event {
                SocketEvent::Open => ask.take().into_iter().for_each(|message| socket.send(message)),
                SocketEvent::Failed(why) => return Err(CreateError::Unreachable(why)),
                SocketEvent::Closed { .. } => break,
                SocketEvent::Message(message) => match *message {
                    ServerMessage::MeetingCreated { code, link, token, .. } => {
                        return Ok(CreatedRoom { code, link, token });
                    }
                    ServerMessage::Error { code, message, .. } => return Err(CreateError::Refused { code, message }),
                    _ => {}
                },
                _ => {}
            }
        }
        Err(CreateError::Closed)
    };
    let created = tokio::time::timeout(PATIENCE, made).await.map_err(|_| CreateError::Silent)?;
    socket.finish().await;
    created
}

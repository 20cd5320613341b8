//! The end of a connection, so that the client learns why.

use std::time::Duration;

use futures_util::SinkExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use super::Socket;

/// How long a client may take to read its close message.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long it may take then to stop sending. Beyond it the close message may be lost, and the connection is gone all
/// the same.
const LINGER: Duration = Duration::from_millis(500);

/// What is read and thrown away at most after the close message, bytes. Closing a socket with unread bytes resets it,
/// and a reset overtakes the close message.
const LEFTOVERS: usize = 2 * 1024 * 1024;

/// Sends a close message, waits a moment for the other end, and closes.
pub(super) async fn close(mut socket: Socket, code: CloseCode, reason: &'static str) {
    let frame = CloseFrame { code, reason: Utf8Bytes::from_static(reason) };
    // Not `close`, which would wait for the other end's close message as well.
    if !matches!(timeout(PATIENCE, socket.send(Message::Close(Some(frame)))).await, Ok(Ok(()))) {
        return;
    }
    let mut stream = socket.into_inner();
    let rest = async {
        stream.shutdown().await?;
        let mut buffer = vec![0; 16 * 1024];
        let mut left = LEFTOVERS;
        while left > 0 {
            match stream.read(&mut buffer).await? {
                0 => break,
                read => left = left.saturating_sub(read),
            }
        }
        std::io::Result::Ok(())
    };
    // Whether the other end was patient makes no difference any more.
    let _ = timeout(LINGER, rest).await;
}

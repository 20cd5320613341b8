//! The loopback WebSocket. Only this app's window may open it: the address carries a secret made at start, and the
//! `Origin` must be the window's.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Message, http};

use super::board::Board;
use super::packing::Packer;

/// The origins of the app's own pages: on Linux and macOS, on Windows, and Windows with plain HTTP assets.
const ORIGINS: [&str; 3] = ["tauri://localhost", "https://tauri.localhost", "http://tauri.localhost"];

/// More tiles than a page can show; a longer list is cut.
const MOST_TILES: usize = 64;

/// Time for a connection to become a WebSocket.
const HANDSHAKE_PATIENCE: Duration = Duration::from_secs(2);

/// Wait after a failed accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The window's messages name tiles and sizes; nothing larger is read.
const LARGEST_MESSAGE: usize = 64 * 1024;

/// Why the frame socket is not there.
#[derive(Debug, thiserror::Error)]
pub enum FrameServerError {
    /// No loopback port.
    #[error("Video cannot be shown: no local port is free ({0}). Close other programs and start Confab again.")]
    NoPort(#[from] std::io::Error),
}

/// The listening side; lives as long as the app.
pub struct FrameServer {
    url: String,
    board: Arc<Board>,
}

/// What the window says it shows.
#[derive(Deserialize)]
struct Visible {
    tiles: Vec<VisibleTile>,
}

#[derive(Deserialize)]
struct VisibleTile {
    key: String,
    width: u32,
    height: u32,
}

/// Shown size per tile, device pixels.
type Sizes = Arc<Mutex<HashMap<String, (u32, u32)>>>;

impl FrameServer {
    /// Starts listening on a free loopback port.
    ///
    /// # Errors
    /// [`FrameServerError::NoPort`].
    pub async fn start() -> Result<Self, FrameServerError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let secret = format!("{:032x}", rand::random::<u128>());
        let board = Arc::new(Board::default());
        let server = Self { url: format!("ws://127.0.0.1:{port}/{secret}"), board: Arc::clone(&board) };
        tokio::spawn(accept(listener, format!("/{secret}"), board));
        Ok(server)
    }

    /// Where the window connects to; holds the secret.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where pictures are left.
    pub fn board(&self) -> Arc<Board> {
        Arc::clone(&self.board)
    }
}

async fn accept(listener: TcpListener, path: String, board: Arc<Board>) {
    let path: Arc<str> = path.into();
    let (opened, mut sockets) = mpsc::channel(1);
    let mut current: Option<tokio::task::JoinHandle<()>> = None;
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else {
                    // Out of file handles, or a connection that ended before it was taken: neither lasts.
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                };
                // Apart, so that a connection that says nothing keeps nobody else out.
                let (path, opened) = (Arc::clone(&path), opened.clone());
                tokio::spawn(async move {
                    if let Ok(Some(socket)) = tokio::time::timeout(HANDSHAKE_PATIENCE, handshake(stream, &path)).await {
                        let _ = opened.send(socket).await;
                    }
                });
            }
            Some(socket) = sockets.recv() => {
                // A reloaded page opens a new socket; the newest takes over.
                if let Some(previous) = current.take() {
                    previous.abort();
                }
                current = Some(tokio::spawn(serve(socket, Arc::clone(&board))));
            }
        }
    }
}

async fn handshake(stream: TcpStream, path: &str) -> Option<WebSocketStream<TcpStream>> {
    // A small buffer keeps the pictures between us and the window few, so that the newest is never far behind.
    let _ = socket_buffer(&stream);
    let _ = stream.set_nodelay(true);
    #[expect(clippy::result_large_err, reason = "the type is the library's")]
    let check = |request: &Request, response: Response| {
        let origin = request.headers().get(http::header::ORIGIN).and_then(|origin| origin.to_str().ok());
        if request.uri().path() == path && origin.is_some_and(|origin| ORIGINS.contains(&origin)) {
            Ok(response)
        } else {
            let mut refused = ErrorResponse::new(None);
            *refused.status_mut() = http::StatusCode::FORBIDDEN;
            Err(refused)
        }
    };
    let config =
        WebSocketConfig::default().max_message_size(Some(LARGEST_MESSAGE)).max_frame_size(Some(LARGEST_MESSAGE));
    tokio_tungstenite::accept_hdr_async_with_config(stream, check, Some(config)).await.ok()
}

/// One 720p picture is 1.4 MB; half of it may wait in the kernel.
fn socket_buffer(stream: &TcpStream) -> std::io::Result<()> {
    socket2::SockRef::from(stream).set_send_buffer_size(768 * 1024)
}

async fn serve(socket: WebSocketStream<TcpStream>, board: Arc<Board>) {
    let (mut writer, mut reader) = socket.split();
    let sizes = Sizes::default();
    let mut packer = Packer::default();
    loop {
        tokio::select! {
            message = reader.next() => match message {
                Some(Ok(Message::Text(text))) => learn(&sizes, &text),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => {}
            },
            () = board.changed() => {
                for (key, picture) in board.take() {
                    let size = sizes.lock().unwrap_or_else(PoisonError::into_inner).get(&*key).copied();
                    let Some((width, height)) = size else { continue };
                    let message = packer.pack(&key, &picture, width, height);
                    if writer.send(Message::Binary(message.into())).await.is_err() {
                        return;
                    }
                }
            }
        }
    }
}

fn learn(sizes: &Sizes, text: &str) {
    let Ok(visible) = serde_json::from_str::<Visible>(text) else { return };
    let tiles = visible.tiles.into_iter().take(MOST_TILES).map(|tile| (tile.key, (tile.width, tile.height)));
    *sizes.lock().unwrap_or_else(PoisonError::into_inner) = tiles.collect();
}

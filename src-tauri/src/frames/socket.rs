//! The loopback WebSocket. Only this app's window may open it: the address carries a secret made at start, and the
//! `Origin` must be the window's.

use std::collections::{HashMap, HashSet};
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Message, http};

use super::board::Board;
use super::easel::SharedEasel;
use super::packing::Packer;
use super::scene::{News, Place};

/// The origins of the app's own pages: on Linux and macOS, on Windows, and Windows with plain HTTP assets.
const ORIGINS: [&str; 3] = ["tauri://localhost", "https://tauri.localhost", "http://tauri.localhost"];

/// More tiles than a page can show; a longer list is cut.
const MOST_TILES: usize = 64;

/// Time for a connection to become a WebSocket.
const HANDSHAKE_PATIENCE: Duration = Duration::from_secs(2);

/// Wait after a failed accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Pictures that come within this time are drawn natively together, which is cheaper than one by one.
const TOGETHER: Duration = Duration::from_millis(16);

/// How often the window is told what was drawn.
const COUNT_EVERY: Duration = Duration::from_secs(1);

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
    /// Where pictures are put that are drawn natively, if they are.
    easel: Option<Arc<SharedEasel>>,
}

/// What the window says.
#[derive(Deserialize)]
#[serde(untagged)]
enum Said {
    /// What it shows.
    Visible { tiles: Vec<VisibleTile> },
    /// Where pictures lie that it does not draw.
    Scene { scene: Vec<Place> },
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
    /// Starts listening on a free loopback port. With an easel, pictures are put there instead of being sent.
    ///
    /// # Errors
    /// [`FrameServerError::NoPort`].
    pub async fn start(easel: Option<Arc<SharedEasel>>) -> Result<Self, FrameServerError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let secret = format!("{:032x}", rand::random::<u128>());
        let board = Arc::new(Board::default());
        let url = format!("ws://127.0.0.1:{port}/{secret}");
        let server = Self { url, board: Arc::clone(&board), easel: easel.clone() };
        tokio::spawn(accept(listener, format!("/{secret}"), board, easel));
        Ok(server)
    }

    /// Whether pictures are drawn natively.
    pub fn draws_pictures(&self) -> bool {
        self.easel.is_some()
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

async fn accept(listener: TcpListener, path: String, board: Arc<Board>, easel: Option<Arc<SharedEasel>>) {
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
                let board = Arc::clone(&board);
                current = Some(match easel.clone() {
                    Some(easel) => tokio::spawn(serve_native(socket, board, easel)),
                    None => tokio::spawn(serve(socket, board)),
                });
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

/// Puts pictures on the easel, and tells the window what it must know of them.
async fn serve_native(socket: WebSocketStream<TcpStream>, board: Arc<Board>, easel: Arc<SharedEasel>) {
    let (mut writer, mut reader) = socket.split();
    // Another page has its own scene.
    easel.set_scene(Vec::new());
    easel.lock().set_visible(HashSet::new());
    let mut counting = tokio::time::interval(COUNT_EVERY);
    let mut next_put = Instant::now();
    loop {
        let news = tokio::select! {
            message = reader.next() => match message {
                Some(Ok(Message::Text(text))) => {
                    match serde_json::from_str::<Said>(&text) {
                        Ok(Said::Visible { tiles }) => {
                            easel.lock().set_visible(tiles.into_iter().take(MOST_TILES).map(|tile| tile.key).collect());
                        }
                        Ok(Said::Scene { scene }) => easel.set_scene(scene),
                        Err(error) => tracing::debug!(%error, "the window said something that is not understood"),
                    }
                    News::default()
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => break,
                Some(Ok(_)) => News::default(),
            },
            () = async {
                tokio::time::sleep_until(next_put).await;
                board.changed().await;
            } => {
                next_put = Instant::now() + TOGETHER;
                easel.put(board.take());
                easel.lock().take_news()
            }
            _ = counting.tick() => easel.lock().take_counts(),
        };
        if news.is_empty() {
            continue;
        }
        let Ok(text) = serde_json::to_string(&news) else { continue };
        if writer.send(Message::Text(text.into())).await.is_err() {
            break;
        }
    }
    easel.set_scene(Vec::new());
}

fn learn(sizes: &Sizes, text: &str) {
    let Ok(Said::Visible { tiles }) = serde_json::from_str(text) else { return };
    let tiles = tiles.into_iter().take(MOST_TILES).map(|tile| (tile.key, (tile.width, tile.height)));
    *sizes.lock().unwrap_or_else(PoisonError::into_inner) = tiles.collect();
}

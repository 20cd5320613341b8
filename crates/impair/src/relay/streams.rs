//! Connections: HTTP and the WebSocket.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::candidates;
use super::datagrams::MediaPorts;
use super::frames::{FrameReader, Piece, encode_text};
use super::path::{Direction, Path};
use super::tasks::Tasks;

/// Chunks on their way in one direction of one connection; beyond it the sender waits, as with a full TCP window.
const CHUNKS_ON_THE_WAY: usize = 256;

type Chunk = (Instant, Vec<u8>);

pub(super) async fn accept(
    listener: TcpListener,
    server: SocketAddr,
    path: Arc<Path>,
    media: Arc<MediaPorts>,
    tasks: Tasks,
) {
    loop {
        match listener.accept().await {
            Ok((client, _)) => {
                let connection = connect(client, server, Arc::clone(&path), Arc::clone(&media), tasks.clone());
                tasks.spawn(connection);
            }
            Err(error) => {
                tracing::warn!(%error, "a connection to the relay was lost before it began");
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        }
    }
}

async fn connect(client: TcpStream, server: SocketAddr, path: Arc<Path>, media: Arc<MediaPorts>, tasks: Tasks) {
    // The system has accepted already; the client meets silence all the same.
    path.up.out_of_hole().await;
    path.down.out_of_hole().await;
    // A server that is not there shows to the client as a connection closed at once.
    let Ok(upstream) = TcpStream::connect(server).await else { return };
    if client.set_nodelay(true).and(upstream.set_nodelay(true)).is_err() {
        return;
    }
    let (client_reader, client_writer) = client.into_split();
    let (server_reader, server_writer) = upstream.into_split();
    let (up, up_chunks) = mpsc::channel(CHUNKS_ON_THE_WAY);
    let (down, down_chunks) = mpsc::channel(CHUNKS_ON_THE_WAY);
    let up_path = Arc::clone(&path);
    tasks.spawn(async move { read_client(client_reader, &up_path.up, up).await });
    let up_path = Arc::clone(&path);
    tasks.spawn(async move { write(server_writer, &up_path.up, up_chunks).await });
    let down_path = Arc::clone(&path);
    tasks.spawn(async move { read_server(server_reader, &down_path.down, &media, down).await });
    write(client_writer, &path.down, down_chunks).await;
}

async fn read_client(mut reader: OwnedReadHalf, direction: &Direction, chunks: mpsc::Sender<Chunk>) {
    let mut buffer = vec![0; 16 << 10];
    // An error and an end are both passed on as an end.
    while let Ok(count @ 1..) = reader.read(&mut buffer).await {
        let at = direction.offer_stream(count);
        if chunks.send((at, buffer[..count].to_vec())).await.is_err() {
            return;
        }
    }
}

async fn read_server(
    mut reader: OwnedReadHalf,
    direction: &Direction,
    media: &Arc<MediaPorts>,
    chunks: mpsc::Sender<Chunk>,
) {
    let mut buffer = vec![0; 16 << 10];
    let mut frames = FrameReader::new();
    while let Ok(count @ 1..) = reader.read(&mut buffer).await {
        frames.push(&buffer[..count]);
        while let Some(piece) = frames.next() {
            let bytes = match piece {
                Piece::Bytes(bytes) => bytes,
                Piece::Text(text) => encode_text(&through_relay(text, media)),
            };
            let at = direction.offer_stream(bytes.len());
            if chunks.send((at, bytes)).await.is_err() {
                return;
            }
        }
    }
}

/// The message with the relay's media ports in place of the server's.
fn through_relay(text: String, media: &Arc<MediaPorts>) -> String {
    let mut ports = HashMap::new();
    for target in candidates::targets(&text) {
        match media.port_for(target) {
            Ok(port) => {
                ports.insert(target, port);
            }
            Err(error) => tracing::warn!(%error, "the relay has no port for the server's media"),
        }
    }
    if ports.is_empty() {
        return text;
    }
    candidates::rewrite(&text, |target| ports.get(&target).copied())
}

async fn write(mut writer: OwnedWriteHalf, direction: &Direction, mut chunks: mpsc::Receiver<Chunk>) {
    while let Some((at, bytes)) = chunks.recv().await {
        tokio::time::sleep_until(at.into()).await;
        direction.out_of_hole().await;
        if writer.write_all(&bytes).await.is_err() {
            return;
        }
    }
    // The end of a connection does not get through a hole either.
    direction.out_of_hole().await;
    // Fails only when the other end is gone, and then nobody needs it.
    let _ = writer.shutdown().await;
}

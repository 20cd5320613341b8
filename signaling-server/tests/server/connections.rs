//! How connections end.

use std::time::{Duration, Instant};

use confab_protocol::{ClientMessage, LeaveReason, ServerMessage};
use confab_server::Config;
use futures_util::{SinkExt, StreamExt};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::client::Client;
use crate::world::{Folder, PATIENCE, get, metric, room, server, start};

#[tokio::test]
async fn a_reader_that_does_not_read_is_dropped_and_nobody_waits() {
    let config = Config { outbox_messages: 32, messages_per_second: 10_000, ..Config::ephemeral_on_loopback() };
    let server = start(config).await;
    let (code, token) = room(&server).await;
    let (mut slow, mut ann) = (Client::connect(&server).await, Client::connect(&server).await);
    let slow_joined = slow.join(&code, None).await;
    ann.join(&code, Some(&token)).await;
    // From here on `slow` reads nothing. What the kernel buffers for it must be filled first.
    let text = "x".repeat(4_000);
    let start = Instant::now();
    let mut slowest = Duration::ZERO;
    let mut gone = None;
    for number in 0..8_000 {
        let sent = Instant::now();
        ann.send(&ClientMessage::ChatMessage { request: None, conversation_id: None, content: text.clone() }).await;
        loop {
            match ann.next().await {
                ServerMessage::ChatMessage { .. } => break,
                ServerMessage::CallParticipantLeft { participant_id, reason } => {
                    assert_eq!((participant_id, reason), (slow_joined.id, LeaveReason::Gone));
                    gone = Some(number);
                }
                ServerMessage::Error { message, .. } => panic!("{message}"),
                _ => {}
            }
        }
        slowest = slowest.max(sent.elapsed());
        if gone.is_some() {
            break;
        }
    }
    assert!(gone.is_some(), "the slow reader is still there after {:?}", start.elapsed());
    assert!(slowest < Duration::from_secs(1), "somebody waited {slowest:?} for the slow one");
    assert_eq!(metric(&server, "confab_slow_readers_total").await, 1);
    ann.hears_nothing().await;
    server.shutdown().await;
}

#[tokio::test]
async fn a_stop_says_goodbye_to_everybody_and_keeps_what_was_accepted() {
    let folder = Folder::new();
    let server = start(folder.config()).await;
    let address = server.address();
    let (code, token) = room(&server).await;
    let (mut ann, mut bob) = (Client::connect(&server).await, Client::connect(&server).await);
    ann.join(&code, Some(&token)).await;
    bob.join(&code, None).await;
    ann.next().await;
    let last = ann.write("the last word").await;
    let mut idle = tokio::net::TcpStream::connect(address).await.unwrap();
    let start_of_stop = Instant::now();
    let stop = tokio::spawn(server.shutdown());
    assert_eq!(ann.close_code().await, 1001);
    let heard_by_bob = async {
        let mut left = 0;
        loop {
            match bob.frame().await {
                Some(Ok(Message::Text(text))) => left += usize::from(text.contains("participant_left")),
                Some(Ok(Message::Close(frame))) => return (left, u16::from(frame.unwrap().code)),
                other => panic!("{other:?}"),
            }
        }
    };
    assert_eq!(heard_by_bob.await, (0, 1001), "nobody hears of others leaving when all must go");
    timeout(PATIENCE, stop).await.unwrap().unwrap();
    assert!(start_of_stop.elapsed() < Duration::from_secs(5), "{:?}", start_of_stop.elapsed());
    assert!(tokio::net::TcpStream::connect(address).await.is_err(), "nobody listens any more");
    let mut buffer = [0; 16];
    assert_eq!(tokio::io::AsyncReadExt::read(&mut idle, &mut buffer).await.unwrap_or(0), 0);

    let server = start(folder.config()).await;
    let mut ann = Client::connect(&server).await;
    assert_eq!(ann.join(&code, Some(&token)).await.chat, [last]);
    server.shutdown().await;
}

#[tokio::test]
async fn a_server_that_is_dropped_lets_everybody_go() {
    let server = server().await;
    let mut client = Client::connect(&server).await;
    drop(server);
    assert_eq!(client.close_code().await, 1001);
}

#[tokio::test]
async fn whoever_answers_no_pings_is_gone() {
    let server = start(Config { ping_interval_ms: 200, ..Config::ephemeral_on_loopback() }).await;
    let mut awake = Client::connect(&server).await;
    let asleep = Client::connect(&server).await;
    // A client answers pings while it reads; `asleep` does not read.
    let reading = tokio::spawn(async move {
        let mut pings = 0;
        while let Some(Ok(message)) = awake.socket.next().await {
            pings += usize::from(message.is_ping());
            if pings == 10 {
                return awake;
            }
        }
        panic!("the one who answers was dropped after {pings} pings");
    });
    let mut awake = timeout(PATIENCE, reading).await.unwrap().unwrap();
    assert_eq!(metric(&server, "confab_connections").await, 1);
    awake.hears_nothing().await;
    drop(asleep);
    server.shutdown().await;
}

#[tokio::test]
async fn a_client_that_closes_politely_has_left() {
    let server = server().await;
    let (code, _) = room(&server).await;
    let (mut ann, mut bob) = (Client::connect(&server).await, Client::connect(&server).await);
    let joined = ann.join(&code, None).await;
    bob.join(&code, None).await;
    ann.socket.close(None).await.unwrap();
    let (who, why, _) = bob.someone_left().await;
    assert_eq!((who, why), (joined.id, LeaveReason::Left));
    // The close handshake is completed from the other side too.
    let end = timeout(PATIENCE, async { while let Some(Ok(_)) = ann.socket.next().await {} }).await;
    assert!(end.is_ok());
    let _ = ann.socket.flush().await;
    server.shutdown().await;
}

#[tokio::test]
async fn a_port_that_is_taken_is_said_to_be() {
    let server = server().await;
    let error =
        confab_server::Server::start(Config { listen: server.address(), ..Config::ephemeral_on_loopback() }).await;
    let text = error.err().unwrap().to_string();
    assert!(text.contains(&server.address().to_string()) && text.ends_with('?'), "{text}");
    assert_eq!(get(server.address(), "/health").await.status, 200);
    server.shutdown().await;
}

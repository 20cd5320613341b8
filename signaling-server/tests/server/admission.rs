//! A server at its limits, and one that is about to stop.

use std::time::{Duration, Instant};

use confab_protocol::{ClientMessage, ErrorCode, ServerMessage, SourceKind};
use confab_server::{Config, Server};
use serde_json::Value;

use crate::client::{Client, Joined};
use crate::peer::Peer;
use crate::world::{get, metric, post, room, start, until};

/// What issue 3 grants a refusal.
const SOON: Duration = Duration::from_millis(100);

/// A server whose only worker carries this many tracks.
async fn small(tracks: u32) -> Server {
    start(Config { worker_tracks: tracks, ..Config::ephemeral_on_loopback() }).await
}

async fn admission(server: &Server) -> (u16, Value) {
    let health = get(server.address(), "/health").await;
    (health.status, health.json()["admission"].clone())
}

/// Joins with media and a voice.
async fn speak(server: &Server, code: &str) -> (Client, Joined) {
    let mut client = Client::connect(server).await;
    let joined = client.join_with_media(code, None).await;
    let source = SourceKind::Microphone;
    client.send(&ClientMessage::CallPublish { source, muted: false, width: 0, height: 0 }).await;
    (client, joined)
}

/// Asks to join, and says how the server refused and how long it took.
async fn refusal(client: &mut Client, code: &str) -> (ErrorCode, String, Duration) {
    let peer = Peer::new().await;
    let asked = Instant::now();
    client.send(&Client::join_message(code, None, &peer)).await;
    let (code, message) = client
        .find(|message| match message {
            ServerMessage::Error { code, message, .. } => Some((code, message)),
            ServerMessage::CallJoined { .. } => panic!("let in"),
            _ => None,
        })
        .await;
    (code, message, asked.elapsed())
}

#[tokio::test]
async fn a_full_worker_refuses_newcomers_at_once_and_nobody_who_is_in() {
    let server = small(4).await;
    let (code, _) = room(&server).await;
    assert_eq!(admission(&server).await.1["state"], "open");
    let (_ann, _ann_joined) = speak(&server, &code).await;
    let (mut bob, bob_joined) = speak(&server, &code).await;
    // Two voices, and each is heard by the other.
    until("four tracks are carried", async || {
        metric(&server, "confab_media_tracks_in").await + metric(&server, "confab_media_tracks_out").await == 4
    })
    .await;

    let (other, _) = room(&server).await;
    let mut eve = Client::connect(&server).await;
    for code in [&code, &other] {
        let (refused, message, took) = refusal(&mut eve, code).await;
        assert_eq!(refused, ErrorCode::ServerFull);
        assert!(message.contains("full") && message.contains("Try again"), "it says what to do: {message}");
        assert!(took < SOON, "{took:?}");
    }
    let (status, full) = admission(&server).await;
    assert_eq!((status, &full["state"], &full["limit"]), (200, &"full".into(), &"tracks".into()), "{full}");
    assert_eq!(full["workers"][0]["tracks_percent"], 100, "{full}");
    assert_eq!(metric(&server, "confab_admission_open").await, 0);
    assert_eq!(metric(&server, "confab_worker_refused_total{worker=\"0\",limit=\"tracks\"}").await, 2);

    // Who is in may come back, by a join of their own and from another connection too.
    let mut again = Client::connect(&server).await;
    let back = again.join(&code, Some(&bob_joined.token)).await;
    assert_eq!(back.id, bob_joined.id);
    bob.find(|message| matches!(message, ServerMessage::CallEnded { .. }).then_some(())).await;

    again.send(&ClientMessage::CallLeave {}).await;
    until("the server is open again", async || admission(&server).await.1["state"] == "open").await;
    eve.join_with_media(&code, None).await;
    server.shutdown().await;
}

#[tokio::test]
async fn a_storm_of_joins_is_stopped_before_its_tracks_are_there() {
    let server = small(10).await;
    let (code, _) = room(&server).await;
    let mut clients = Vec::new();
    for _ in 0..12 {
        clients.push((Client::connect(&server).await, Peer::new().await));
    }
    let asked = Instant::now();
    for (client, peer) in &mut clients {
        client.send(&Client::join_message(&code, None, peer)).await;
    }
    let (mut taken, mut refused) = (0, 0);
    for (client, _) in &mut clients {
        let is_in = client.find(|message| match message {
            ServerMessage::CallJoined { .. } => Some(true),
            ServerMessage::Error { code: ErrorCode::ServerFull, .. } => Some(false),
            _ => None,
        });
        if is_in.await { taken += 1 } else { refused += 1 }
    }
    assert!(asked.elapsed() < Duration::from_millis(1_500), "before what is expected is forgotten");
    // Two tracks are expected of each, and so far nothing is carried.
    assert_eq!((taken, refused), (5, 7));
    assert_eq!(metric(&server, "confab_media_tracks_in").await, 0);
    server.shutdown().await;
}

#[tokio::test]
async fn offers_that_cannot_be_read_take_no_places() {
    let server = small(10).await;
    let (code, _) = room(&server).await;
    let mut mallory = Client::connect(&server).await;
    for _ in 0..20 {
        let mut peer = Peer::new().await;
        peer.offer = "v=0".into();
        mallory.send(&Client::join_message(&code, None, &peer)).await;
        assert_eq!(mallory.error().await.0, ErrorCode::SdpInvalid);
    }
    assert_eq!(admission(&server).await.1["state"], "open");
    let mut ann = Client::connect(&server).await;
    for _ in 0..20 {
        ann.join(&code, None).await;
        ann.send(&ClientMessage::CallLeave {}).await;
        ann.find(|message| matches!(message, ServerMessage::CallEnded { .. }).then_some(())).await;
    }
    server.shutdown().await;
}

#[tokio::test]
async fn a_draining_server_opens_no_rooms_and_lets_the_open_ones_go_on() {
    let server = start(Config::ephemeral_on_loopback()).await;
    let (open, _) = room(&server).await;
    let (closed, _) = room(&server).await;
    let (mut ann, joined) = speak(&server, &open).await;
    let draining = server.drain();
    let meanwhile = async {
        until("it drains", async || admission(&server).await.1["state"] == "draining").await;
        assert_eq!((admission(&server).await.0, metric(&server, "confab_draining").await), (503, 1));
        let made = post(server.address(), "/api/rooms", "{}").await;
        assert_eq!((made.status, made.code()), (503, "draining".to_owned()));
        let mut bob = Client::connect(&server).await;
        bob.send_text(r#"{"event_type":"meeting.create","request":1,"name":""}"#).await;
        assert_eq!(bob.error().await.0, ErrorCode::Draining);
        let (refused, message, took) = refusal(&mut bob, &closed).await;
        assert_eq!(refused, ErrorCode::Draining);
        assert!(message.contains("Try again") && took < SOON, "{took:?}: {message}");
        assert_eq!(bob.join_refused("kestrel-lane-27", None).await, ErrorCode::RoomNotFound);
        // An open room is joined as ever, and who was in comes back.
        bob.join_with_media(&open, None).await;
        let mut again = Client::connect(&server).await;
        assert_eq!(again.join(&open, Some(&joined.token)).await.id, joined.id);
        ann.find(|message| matches!(message, ServerMessage::CallEnded { .. }).then_some(())).await;
        again.send(&ClientMessage::CallLeave {}).await;
        bob.find(|message| matches!(message, ServerMessage::CallParticipantLeft { .. }).then_some(())).await;
        bob.write("the last one").await;
        bob.send(&ClientMessage::CallLeave {}).await;
        Instant::now()
    };
    let (ended, left) = tokio::join!(
        async {
            draining.await;
            Instant::now()
        },
        meanwhile
    );
    assert!(ended >= left && ended - left < Duration::from_secs(1), "{:?}", ended - left);
    // The room's task lingers, and takes nobody any more.
    let mut late = Client::connect(&server).await;
    assert_eq!(late.join_refused(&open, None).await, ErrorCode::Draining);
    server.shutdown().await;
}

#[tokio::test]
async fn a_drain_ends_when_its_time_is_over() {
    let server = start(Config { drain_seconds: 1, ..Config::ephemeral_on_loopback() }).await;
    let (code, _) = room(&server).await;
    let (mut ann, _joined) = speak(&server, &code).await;
    let begin = Instant::now();
    server.drain().await;
    let took = begin.elapsed();
    assert!((Duration::from_secs(1)..Duration::from_secs(2)).contains(&took), "{took:?}");
    server.shutdown().await;
    assert_eq!(ann.close_code().await, 1001);
}

//! The rule of the unclaimed server.

use confab_protocol::{ClientMessage, ErrorCode, RequestId, ServerMessage};
use confab_server::Config;
use serde_json::json;

use crate::client::Client;
use crate::world::{metric, post, request, server, start};

#[tokio::test]
async fn strangers_make_rooms_only_with_the_host_key() {
    let server = start(Config { trust_local: false, ..Config::ephemeral_on_loopback() }).await;
    let refused = post(server.address(), "/api/rooms", "").await;
    assert_eq!((refused.status, refused.code()), (403, "host_key_required".into()));
    let refused = post(server.address(), "/api/rooms", &json!({"host_key": "abcd-efgh"}).to_string()).await;
    assert_eq!((refused.status, refused.code()), (403, "host_key_required".into()));
    let key = server.host_key().to_owned();
    let made = post(server.address(), "/api/rooms", &json!({"host_key": key}).to_string()).await;
    assert_eq!(made.status, 201);

    let mut client = Client::connect(&server).await;
    let create = |host_key| ClientMessage::MeetingCreate { request: RequestId(1), name: String::new(), host_key };
    client.send(&create(None)).await;
    assert_eq!(client.error().await, (ErrorCode::HostKeyRequired, Some(RequestId(1))));
    client.send(&create(Some(key.to_uppercase()))).await;
    assert!(matches!(client.next().await, ServerMessage::MeetingCreated { .. }));
    assert_eq!(metric(&server, "confab_refused_total{code=\"host_key_required\"}").await, 3);
    server.shutdown().await;
}

#[tokio::test]
async fn what_a_proxy_or_a_page_passes_on_does_not_count_as_local() {
    let server = server().await;
    // A page can have the server's own address for its origin: its name was pointed there after it was loaded.
    let rebound = format!("Origin: http://{}", server.address());
    for header in ["X-Forwarded-For: 8.8.8.8", "Forwarded: for=8.8.8.8", "Origin: https://evil.example", &rebound] {
        let refused = request(server.address(), "POST /api/rooms", &[header], "").await;
        assert_eq!((refused.status, refused.code()), (403, "host_key_required".into()), "{header}");
    }
    assert_eq!(request(server.address(), "POST /api/rooms", &[], "").await.status, 201);
    server.shutdown().await;
}

#[tokio::test]
async fn guessing_is_slowed_down_for_the_guesser() {
    let server = start(Config { failed_attempts: 5, ..Config::ephemeral_on_loopback() }).await;
    let mut client = Client::connect(&server).await;
    let mut codes = vec![];
    for number in 0..8 {
        codes.push(client.join_refused(&format!("kestrel-lane-10{number}"), None).await);
    }
    assert_eq!(codes[..5], [ErrorCode::RoomNotFound; 5]);
    assert!(codes[5..].contains(&ErrorCode::RateLimited), "{codes:?}");
    let guess = json!({"host_key": "abcd-efgh-jkmn-pqrs"}).to_string();
    assert_eq!(post(server.address(), "/api/rooms", &guess).await.status, 429);
    server.shutdown().await;
}

#[tokio::test]
async fn rooms_are_made_at_a_steady_rate() {
    let server = start(Config { rooms_per_minute: 3, ..Config::ephemeral_on_loopback() }).await;
    let mut answers = vec![];
    for _ in 0..5 {
        answers.push(post(server.address(), "/api/rooms", "").await.status);
    }
    assert_eq!(answers, [201, 201, 201, 429, 429]);
    server.shutdown().await;
}

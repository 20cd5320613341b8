//! Tokens that open nothing.

use std::time::Duration;

use confab_protocol::{ClientMessage, ErrorCode, RequestId, Role};
use confab_server::Config;
use serde_json::json;

use crate::client::Client;
use crate::world::{Folder, metric, post, request, room, server, start};

#[tokio::test]
async fn a_token_of_another_room_another_server_or_nobody_is_refused() {
    let (server, stranger) = (server().await, server().await);
    let ((code, token), (_, foreign)) = (room(&server).await, room(&server).await);
    let (_, stranger_token) = room(&stranger).await;
    let mut observer = Client::connect(&server).await;
    observer.join(&code, None).await;
    let mut client = Client::connect(&server).await;
    let body = token.split('.').nth(1).unwrap();
    let unsigned = format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{body}.");
    let edited = token.replace(body, &body.replace('a', "b"));
    for (token, expected) in [
        (foreign.as_str(), ErrorCode::TokenForeign),
        (stranger_token.as_str(), ErrorCode::TokenInvalid),
        (unsigned.as_str(), ErrorCode::TokenInvalid),
        (edited.as_str(), ErrorCode::TokenInvalid),
        ("", ErrorCode::TokenInvalid),
        ("not a token", ErrorCode::TokenInvalid),
    ] {
        assert_eq!(client.join_refused(&code, Some(token)).await, expected, "{token}");
        let resume = ClientMessage::CallResume { request: RequestId(3), token: token.into(), offer: String::new() };
        client.send(&resume).await;
        assert!(matches!(client.error().await.0, ErrorCode::TokenInvalid | ErrorCode::SessionGone));
    }
    assert_eq!(metric(&server, "confab_refused_total{code=\"token_foreign\"}").await, 1);
    observer.hears_nothing().await;
    client.join(&code, Some(&token)).await;
    server.shutdown().await;
    stranger.shutdown().await;
}

#[tokio::test]
async fn an_expired_token_is_refused_and_said_to_be_expired() {
    let folder = Folder::new();
    let server = start(Config { token_hours: 0, ..folder.config() }).await;
    let (code, token) = room(&server).await;
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let mut client = Client::connect(&server).await;
    assert_eq!(client.join_refused(&code, Some(&token)).await, ErrorCode::TokenExpired);
    server.shutdown().await;
}

#[tokio::test]
async fn a_token_may_come_in_the_query_or_a_header_and_a_user_id_says_nothing() {
    let server = server().await;
    let (code, token) = room(&server).await;
    let path = format!("/ws?user_id=somebody-else&token={token}");
    let mut client = Client::connect_to(server.address(), &path).await.unwrap();
    client.next().await;
    let joined = client.join(&code, None).await;
    assert_eq!(joined.role, Role::Host, "the token of the query stands in for the missing one");
    server.shutdown().await;
}

#[tokio::test]
async fn a_join_renews_the_token_for_the_same_person() {
    let server = server().await;
    let (code, token) = room(&server).await;
    // Tokens count in seconds.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let first = Client::connect(&server).await.join(&code, Some(&token)).await;
    assert_ne!(first.token, token);
    let second = Client::connect(&server).await.join(&code, Some(&first.token)).await;
    assert_eq!((second.id, second.role), (first.id, Role::Host));
    server.shutdown().await;
}

#[tokio::test]
async fn a_host_gives_out_tokens_and_others_do_not() {
    let server = server().await;
    let ((code, host), (_, foreign)) = (room(&server).await, room(&server).await);
    let path = format!("POST /api/rooms/{code}/tokens");
    let ask = async |token: &str, body: serde_json::Value| {
        let bearer = format!("Authorization: Bearer {token}");
        request(server.address(), &path, &[bearer.as_str()], &body.to_string()).await
    };
    let issued = ask(&host, json!({"name": "Bea", "role": "viewer"})).await;
    assert_eq!(issued.status, 201, "{}", issued.body);
    let viewer = issued.json()["token"].as_str().unwrap().to_owned();
    let mut client = Client::connect(&server).await;
    let joined = client.join(&code, Some(&viewer)).await;
    assert_eq!(joined.role, Role::Viewer);
    assert_eq!(joined.id.to_string(), issued.json()["participant_id"].as_str().unwrap());

    let refused = ask(&viewer, json!({})).await;
    assert_eq!((refused.status, refused.code()), (403, "not_allowed".into()));
    let refused = ask(&foreign, json!({})).await;
    assert_eq!((refused.status, refused.code()), (403, "token_foreign".into()));
    let refused = ask("nonsense", json!({})).await;
    assert_eq!((refused.status, refused.code()), (401, "token_invalid".into()));
    let refused = post(server.address(), &format!("/api/rooms/{code}/tokens"), "{}").await;
    assert_eq!((refused.status, refused.code()), (401, "token_required".into()));
    let co_host = ask(&host, json!({"role": "co_host"})).await.json()["token"].as_str().unwrap().to_owned();
    let refused = ask(&co_host, json!({"role": "host"})).await;
    assert_eq!((refused.status, refused.code()), (403, "not_allowed".into()), "nobody lifts themselves");
    server.shutdown().await;
}

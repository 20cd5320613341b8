//! The HTTP doors.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use confab_server::Config;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::client::Client;
use crate::world::{PATIENCE, get, metric, post, request, room, server, start};

#[tokio::test]
async fn a_room_is_made_with_a_link_that_repeats_how_the_client_came() {
    let server = server().await;
    let body = json!({"name": "x"}).to_string();
    let made = request(server.address(), "POST /api/rooms", &["Host: meet.lan:9000"], &body).await.json();
    assert_eq!(made["link"], format!("http://meet.lan:9000/m/{}", made["code"].as_str().unwrap()));
    server.shutdown().await;

    let server =
        start(Config { public_name: Some("https://meet.example.org".into()), ..Config::ephemeral_on_loopback() }).await;
    let made = post(server.address(), "/api/rooms", "").await.json();
    assert_eq!(made["link"], format!("https://meet.example.org/m/{}", made["code"].as_str().unwrap()));
    server.shutdown().await;
}

#[tokio::test]
async fn what_http_refuses_it_refuses_as_a_problem_with_a_code() {
    let server = server().await;
    for (line, body, status, code) in [
        ("POST /api/rooms", "{", 400, "malformed_message"),
        ("POST /api/rooms", r#"{"unknown": 1}"#, 400, "malformed_message"),
        ("POST /api/rooms", r#"{"name": 7}"#, 400, "malformed_message"),
        ("POST /api/rooms/kestrel-lane-27/tokens", "", 401, "token_required"),
        ("POST /api/rooms/no/tokens", "", 404, "room_not_found"),
        ("GET /nothing", "", 404, ""),
        ("GET /ws", "", 426, ""),
    ] {
        let answer = request(server.address(), line, &[], body).await;
        assert_eq!((answer.status, answer.code()), (status, code.to_owned()), "{line} {body}");
        assert!(answer.head.contains("application/problem+json"), "{}", answer.head);
    }
    let long = json!({"name": "x".repeat(65)}).to_string();
    assert_eq!(post(server.address(), "/api/rooms", &long).await.status, 422);
    let huge = json!({"name": "x".repeat(100_000)}).to_string();
    assert_eq!(post(server.address(), "/api/rooms", &huge).await.status, 413);
    assert_eq!(get(server.address(), "/api/rooms").await.status, 405);
    server.shutdown().await;
}

#[tokio::test]
async fn health_and_metrics_say_how_it_goes() {
    let server = server().await;
    let (code, token) = room(&server).await;
    let mut client = Client::connect(&server).await;
    client.join(&code, Some(&token)).await;
    let health = get(server.address(), "/health").await;
    assert_eq!(health.status, 200);
    let health = health.json();
    assert_eq!((&health["status"], &health["participants"], &health["rooms"]), (&json!("ok"), &json!(1), &json!(1)));
    assert_eq!(metric(&server, "confab_participants").await, 1);
    assert_eq!(metric(&server, "confab_media_members").await, 1);
    let metrics = get(server.address(), "/metrics").await;
    assert!(metrics.head.contains("text/plain; version=0.0.4"));
    assert!(!metrics.body.contains(&code), "rooms are not named");
    drop(client);
    crate::world::until("the member is gone from the gauge", async || {
        metric(&server, "confab_participants").await == 0 && metric(&server, "confab_connections").await == 0
    })
    .await;
    server.shutdown().await;
}

#[tokio::test]
async fn the_dashboard_shows_only_metrics_that_exist() {
    let dashboard = include_str!("../../../deploy/grafana/confab.json");
    serde_json::from_str::<serde_json::Value>(dashboard).expect("the dashboard is JSON");
    let server = server().await;
    let metrics = get(server.address(), "/metrics").await.body;
    server.shutdown().await;
    let told: HashSet<&str> =
        metrics.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    let words = dashboard.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    // A histogram is told by its name and shown by its buckets.
    let shown: HashSet<&str> =
        words.filter(|word| word.starts_with("confab_")).map(|word| word.trim_end_matches("_bucket")).collect();
    let missing: Vec<&&str> = shown.difference(&told).collect();
    assert!(missing.is_empty(), "shown, but not told: {missing:?}");
    assert!(shown.len() > 20, "the dashboard shows {} metrics", shown.len());
}

#[tokio::test]
async fn the_page_behind_a_link_tells_how_to_open_the_meeting_and_nothing_else() {
    let server = server().await;
    let page = get(server.address(), "/m/Kestrel-Lane-27").await;
    assert_eq!(page.status, 200);
    assert!(
        page.body.contains(&format!("href=\"confab://{}/m/kestrel-lane-27#plain\"", server.address())),
        "{}",
        page.body
    );
    assert!(page.head.contains("content-security-policy: default-src 'none'"));
    assert!(page.head.contains("x-content-type-options: nosniff"));
    assert_eq!(get(server.address(), "/m/%3Cscript%3E").await.status, 404);
    let odd = request(server.address(), "GET /m/kestrel-lane-27", &["Host: \"><script>x</script>"], "").await;
    assert!(!odd.body.contains("<script"), "{}", odd.body);
    assert_eq!(get(server.address(), "/page.css").await.status, 200);
    server.shutdown().await;
}

#[tokio::test]
async fn the_page_behind_a_link_is_one_for_everybody() {
    let server = server().await;
    let page = get(server.address(), "/m/kestrel-lane-27").await;
    for header in [
        "content-security-policy: default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        "content-type: text/html; charset=utf-8",
        "referrer-policy: no-referrer",
        "x-content-type-options: nosniff",
        "cache-control: no-store",
    ] {
        assert!(page.head.contains(header), "{header} is not in {}", page.head);
    }
    for part in ["<html lang=\"en\">", "name=\"viewport\"", "<main>", "<h1>You are invited to a meeting</h1>"] {
        assert!(page.body.contains(part), "{part} is not in {}", page.body);
    }
    for absent in ["<script", "style=", "javascript:", "onload"] {
        assert!(!page.body.contains(absent), "{absent} is in {}", page.body);
    }
    assert!(page.body.contains(">kestrel-lane-27</code>"), "the code to type");
    assert!(page.body.contains(&format!(">http://{}/m/kestrel-lane-27</code>", server.address())), "the link to paste");
    assert!(page.body.contains("Ask the person who invited you"), "there is no page to get Confab from");
    let style = get(server.address(), "/page.css").await;
    assert!(style.head.contains("content-type: text/css; charset=utf-8"), "{}", style.head);
    for scheme in ["prefers-color-scheme: light", "prefers-contrast: more", "forced-colors: active", ":focus-visible"] {
        assert!(style.body.contains(scheme), "{scheme}");
    }
    assert!(!style.body.contains("url(") && !style.body.contains("@import"), "nothing else is loaded");
    server.shutdown().await;
}

#[tokio::test]
async fn the_page_behind_a_link_leads_to_where_confab_is_had() {
    let download_page = Some("https://example.org/get?channel=stable&lang=en".parse().unwrap());
    let server = start(Config { download_page, ..Config::ephemeral_on_loopback() }).await;
    let asked = async |agent: &str| {
        let agent = format!("User-Agent: {agent}");
        request(server.address(), "GET /m/kestrel-lane-27", &[&agent], "").await.body
    };
    let page = asked("Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0").await;
    let link = "href=\"https://example.org/get?channel=stable&amp;lang=en\">Get Confab for Linux</a>";
    assert!(page.contains(link), "{page}");
    assert!(asked("Mozilla/5.0 (Windows NT 10.0; Win64; x64)").await.contains(">Get Confab for Windows</a>"));
    assert!(asked("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)").await.contains(">Get Confab for macOS</a>"));
    assert!(asked("<script>").await.contains(">Get Confab</a>"));
    assert!(asked("Mozilla/5.0 (Linux; Android 10; K)").await.contains("Open this link on one."));
    server.shutdown().await;
}

/// How long a connection lives on which this is sent and then a byte every 100 ms.
async fn life(server: &confab_server::Server, opening: &str) -> Duration {
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    let start = Instant::now();
    stream.write_all(opening.as_bytes()).await.unwrap();
    let mut buffer = [0; 1024];
    loop {
        match timeout(Duration::from_millis(100), stream.read(&mut buffer)).await {
            Ok(Ok(0) | Err(_)) => return start.elapsed(),
            Ok(Ok(_)) => {}
            Err(_) => {
                if stream.write_all(b"x").await.is_err() {
                    return start.elapsed();
                }
            }
        }
        assert!(start.elapsed() < PATIENCE, "the connection lives on: {opening}");
    }
}

#[tokio::test]
async fn whoever_sends_byte_by_byte_is_cut_off_and_others_get_in_meanwhile() {
    let server = start(Config { request_timeout_ms: 1_000, ..Config::ephemeral_on_loopback() }).await;
    let (code, token) = room(&server).await;
    let slow = async {
        tokio::join!(
            life(&server, ""),
            life(&server, "GET /health HTTP/1.1\r\nHost: a\r\nX-Slow: "),
            life(&server, "POST /api/rooms HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n{"),
            life(&server, "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-"),
            life(&server, "GET /health HTTP/1.1\r\nHost: a\r\n\r\n"),
        )
    };
    let others = async {
        for _ in 0..50 {
            slow_open(&server).await;
        }
        let start = Instant::now();
        let mut client = Client::connect(&server).await;
        client.join(&code, Some(&token)).await;
        start.elapsed()
    };
    let ((opened, head, body, upgrade, idle), join) = tokio::join!(slow, others);
    for (what, life) in [("opened", opened), ("head", head), ("body", body), ("upgrade", upgrade), ("idle", idle)] {
        assert!(life < Duration::from_secs(3), "{what} lived {life:?}");
    }
    assert!(join < Duration::from_secs(1), "a normal join beside them took {join:?}");
    server.shutdown().await;
}

/// A connection that says half a request and stays open behind this function's back.
async fn slow_open(server: &confab_server::Server) {
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    stream.write_all(b"GET /").await.unwrap();
    tokio::spawn(async move {
        let mut buffer = [0; 64];
        let _ = stream.read(&mut buffer).await;
    });
}

#[tokio::test]
async fn connections_beyond_the_limit_are_turned_away_and_counted() {
    let server = start(Config { max_connections_per_address: 3, ..Config::ephemeral_on_loopback() }).await;
    let (mut one, _two) = (Client::connect(&server).await, Client::connect(&server).await);
    let third = Client::connect(&server).await;
    let mut refused = TcpStream::connect(server.address()).await.unwrap();
    let mut answer = String::new();
    timeout(PATIENCE, refused.read_to_string(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    one.hears_nothing().await;
    drop(third);
    crate::world::until("a place is free again", async || Client::connect_to(server.address(), "/ws").await.is_ok())
        .await;
    server.shutdown().await;
}

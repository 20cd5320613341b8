//! What no client should send.

use confab_protocol::{ClientMessage, ErrorCode, RequestId};
use confab_server::Config;
use futures_util::SinkExt;
use tokio_tungstenite::tungstenite::Message;

use crate::client::Client;
use crate::world::{metric, room, server, start};

#[tokio::test]
async fn bad_messages_are_answered_and_counted_and_nobody_else_notices() {
    let server = server().await;
    let (code, token) = room(&server).await;
    let (mut bad, mut bob) = (Client::connect(&server).await, Client::connect(&server).await);
    bad.join(&code, Some(&token)).await;
    bob.join(&code, None).await;
    bad.next().await;
    let large = |event_type: &str, size: usize| {
        format!(r#"{{"event_type":"{event_type}","request":6,"offer":"{0}","content":"{0}"}}"#, "x".repeat(size / 2))
    };
    let six = Some(RequestId(6));
    for (text, expected) in [
        ("no JSON".to_owned(), (ErrorCode::MalformedMessage, None)),
        ("[1,2]".to_owned(), (ErrorCode::MalformedMessage, None)),
        (r#"{"event_type":"call.mute","request":6}"#.to_owned(), (ErrorCode::MalformedMessage, six)),
        (r#"{"event_type":"doc.open","request":6}"#.to_owned(), (ErrorCode::UnknownMessage, six)),
        (large("chat.message", 70_000), (ErrorCode::MessageTooLarge, six)),
        (large("call.restart", 70_000), (ErrorCode::SdpInvalid, six)),
    ] {
        bad.send_text(&text).await;
        assert_eq!(bad.error().await, expected, "{}", &text[..text.len().min(60)]);
    }
    bad.socket.send(Message::binary(vec![0, 159, 146, 150])).await.unwrap();
    assert_eq!(bad.error().await, (ErrorCode::MalformedMessage, None));
    assert_eq!(metric(&server, "confab_refused_total{code=\"malformed_message\"}").await, 4);
    assert_eq!(metric(&server, "confab_refused_total{code=\"unknown_message\"}").await, 1);
    assert_eq!(metric(&server, "confab_refused_total{code=\"message_too_large\"}").await, 1);
    assert_eq!(metric(&server, "confab_refused_total{code=\"sdp_invalid\"}").await, 1);
    bob.hears_nothing().await;
    bad.write("still here").await;
    server.shutdown().await;
}

#[tokio::test]
async fn a_frame_over_the_largest_message_closes_the_connection() {
    let server = server().await;
    let mut client = Client::connect(&server).await;
    client.send_text(&format!(r#"{{"event_type":"ping","x":"{}"}}"#, "x".repeat(300 * 1024))).await;
    assert_eq!(client.error().await, (ErrorCode::MessageTooLarge, None));
    assert_eq!(client.close_code().await, 1009);
    assert_eq!(metric(&server, "confab_refused_total{code=\"message_too_large\"}").await, 1);
    server.shutdown().await;
}

#[tokio::test]
async fn a_frame_that_announces_a_gigabyte_is_refused_before_it_comes() {
    use tokio::io::AsyncWriteExt;
    let server = server().await;
    let mut client = Client::connect(&server).await;
    let stream = client.socket.get_mut();
    // A masked text frame, RFC 6455 section 5.2, of 2^30 bytes; nothing of it follows.
    stream.write_all(&[0x81, 0xff, 0, 0, 0, 0, 0x40, 0, 0, 0, 1, 2, 3, 4]).await.unwrap();
    assert_eq!(client.close_code().await, 1009);
    server.shutdown().await;
}

#[tokio::test]
async fn a_message_in_many_frames_is_measured_as_a_whole() {
    use tokio_tungstenite::tungstenite::protocol::frame::Frame;
    use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
    let server = server().await;
    let mut client = Client::connect(&server).await;
    for number in 0..10 {
        let code = if number == 0 { Data::Text } else { Data::Continue };
        let frame = Frame::message(vec![b'x'; 32 * 1024], OpCode::Data(code), false);
        if client.socket.send(Message::Frame(frame)).await.is_err() {
            break;
        }
    }
    assert_eq!(client.close_code().await, 1009);
    server.shutdown().await;
}

#[tokio::test]
async fn refused_messages_in_a_row_end_the_connection() {
    let server = server().await;
    let mut client = Client::connect(&server).await;
    for _ in 0..19 {
        client.send_text("nonsense").await;
        client.error().await;
    }
    client.hears_nothing().await;
    for _ in 0..20 {
        client.send_text("nonsense").await;
    }
    assert_eq!(client.close_code().await, 1008);
    assert_eq!(metric(&server, "confab_abusive_connections_total").await, 1);
    server.shutdown().await;
}

#[tokio::test]
async fn too_many_messages_are_refused_and_a_flood_is_ended() {
    let server = start(Config { messages_per_second: 4, ..Config::ephemeral_on_loopback() }).await;
    let (code, _) = room(&server).await;
    let (mut flood, mut bob) = (Client::connect(&server).await, Client::connect(&server).await);
    bob.join(&code, None).await;
    for number in 0..25 {
        flood.send(&ClientMessage::Ping { timestamp: number }).await;
    }
    // Five seconds' worth pass at once.
    for _ in 0..20 {
        flood.next().await;
    }
    assert_eq!(flood.error().await, (ErrorCode::RateLimited, None));
    bob.hears_nothing().await;
    for number in 0..40 {
        flood.send_text(&format!(r#"{{"event_type":"ping","timestamp":{number}}}"#)).await;
    }
    assert_eq!(flood.close_code().await, 1008);
    bob.hears_nothing().await;
    server.shutdown().await;
}

#[tokio::test]
async fn text_that_is_no_utf_8_closes_the_connection() {
    use tokio::io::AsyncWriteExt;
    let server = server().await;
    let mut client = Client::connect(&server).await;
    client.socket.get_mut().write_all(&[0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28]).await.unwrap();
    assert_eq!(client.close_code().await, 1007);
    let mut client = Client::connect(&server).await;
    client.socket.get_mut().write_all(&[0xff, 0x82, 0, 0, 0, 0, 0xc3, 0x28]).await.unwrap();
    assert_eq!(client.close_code().await, 1002);
    server.shutdown().await;
}

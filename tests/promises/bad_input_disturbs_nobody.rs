//! Rubbish on every door of the server while two people talk: each sender gets a typed answer, nobody else notices.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use confab_protocol::RoomCode;
use confab_tests::lab::{Lab, Outcome, Person, RawSocket, Server, ServerOptions};
use serde_json::{Value, json};

use crate::five_people::{light, wait_for_all};

/// Numbers that look random and are the same every time.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        // Knuth's MMIX generator; its upper bits are good enough for rubbish.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 24
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next() as u8).collect()
    }
}

#[test]
fn two_people_who_talk_do_not_notice_rubbish_on_any_door() -> Outcome {
    let lab = Lab::open("bad-input")?;
    let media = free_udp_port();
    // The rubbish comes from one address, whose wrong codes and tokens the server would soon stop answering.
    let arguments = ["--workers", "1", "--failed-attempts", "10000"].map(String::from).to_vec();
    let options = ServerOptions { arguments, media_port: media.port(), ..ServerOptions::default() };
    let server = Server::start(lab.folder(), options)?;
    let room = server.create_room()?;
    let mut people =
        vec![light(&lab, "Ada").start(server.address(), &room)?, light(&lab, "Ben").start(server.address(), &room)?];
    wait_for_all(&mut people, "both connected and seen", Duration::from_secs(20))?;

    let rounds = if Lab::is_full() { 20 } else { 2 };
    let start = Instant::now();
    for round in 0..rounds {
        let mut numbers = Numbers(round);
        throw_datagrams(media, &mut numbers);
        throw_bytes_at_tcp(server.address(), &mut numbers)?;
        messages_get_typed_errors(server.address(), &room)?;
        broken_offers_are_refused(server.address(), &room, &mut numbers)?;
        broken_frames_close_only_their_own_connection(server.address(), &mut numbers)?;
    }
    assert!(start.elapsed() < Duration::from_secs(30) * rounds as u32, "the server became slow");
    they_talk_on(&mut people)?;
    assert!(server.health()?.is_object(), "the server is well");
    Ok(())
}

fn they_talk_on(people: &mut [Person]) -> Outcome {
    for (person, other) in people.iter_mut().zip(["Ben", "Ada"]) {
        let shown = person.view().frames_shown(other);
        person.wait_until("the other's picture moving", Duration::from_secs(5), |view| {
            view.frames_shown(other) > shown + 10
        })?;
        let view = person.view();
        assert_eq!(view.frozen_ms(other), 0, "{other}'s picture stood still");
        assert_eq!(view.joins, 1);
        assert_eq!(view.names(), ["Ada", "Ben"], "nobody came and nobody left");
        assert!(view.left.is_empty(), "nobody was seen to come and go");
    }
    Ok(())
}

fn free_udp_port() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    socket.local_addr().expect("an address")
}

/// Datagrams of all sizes, many of which begin like STUN, DTLS, RTP or RTCP (RFC 7983).
fn throw_datagrams(media: SocketAddr, numbers: &mut Numbers) {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    for index in 0..2_000 {
        let length = (numbers.next() % 1_400) as usize;
        let mut datagram = numbers.bytes(length);
        if let [first, second, ..] = &mut datagram[..] {
            match numbers.next() % 5 {
                0 => *first = (numbers.next() % 4) as u8,
                1 => *first = 20 + (numbers.next() % 44) as u8,
                2 => (*first, *second) = (0x80 | (*first & 0x3f), 96 + (*second & 31)),
                3 => (*first, *second) = (0x80 | (*first & 0x1f), 200 + (*second & 7)),
                _ => {}
            }
        }
        if datagram.len() >= 8 && numbers.next().is_multiple_of(3) {
            // A STUN message whose length and cookie are right, and nothing else.
            let body = ((datagram.len().max(20) - 20) as u16).to_be_bytes();
            datagram[..8].copy_from_slice(&[0, 1, body[0], body[1], 0x21, 0x12, 0xa4, 0x42]);
        }
        // A full buffer at the server is its right.
        let _ = socket.send_to(&datagram, media);
        if index % 50 == 0 {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

fn throw_bytes_at_tcp(server: SocketAddr, numbers: &mut Numbers) -> Outcome {
    for start in [
        "",
        "GET ",
        "GET /ws HTTP/1.1\r\n",
        "POST /api/rooms HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n",
        "\u{16}\u{3}\u{1}",
    ] {
        let fail = |error| confab_tests::lab::LabError::io("a connection", error);
        let mut stream = TcpStream::connect(server).map_err(fail)?;
        stream.set_read_timeout(Some(Duration::from_millis(200))).map_err(fail)?;
        // The server may close at any byte.
        let _ = stream.write_all(start.as_bytes()).and_then(|()| stream.write_all(&numbers.bytes(3_000)));
        let _ = stream.read(&mut [0; 1_000]);
    }
    Ok(())
}

fn join_message(code: &str, offer: &str, token: Option<&str>) -> Value {
    json!({
        "event_type": "call.join", "request": 7, "version": confab_protocol::PROTOCOL_VERSION, "code": code,
        "name": "Mallory", "token": token, "offer": offer, "tracks": [],
    })
}

fn messages_get_typed_errors(server: SocketAddr, room: &RoomCode) -> Outcome {
    let huge = json!({ "event_type": "chat.message", "content": "x".repeat(70 << 10) }).to_string();
    let deep = "[".repeat(20_000);
    let cases = [
        ("not JSON", "malformed_message"),
        ("", "malformed_message"),
        ("[1, 2, 3]", "malformed_message"),
        ("{}", "malformed_message"),
        (deep.as_str(), "malformed_message"),
        (r#"{"event_type": "call.fly"}"#, "unknown_message"),
        (r#"{"event_type": "call.hand", "raised": "very"}"#, "malformed_message"),
        (r#"{"event_type": "call.hand", "raised": true}"#, "not_joined"),
        (r#"{"event_type": "chat.message", "content": "hello"}"#, "not_joined"),
        (huge.as_str(), "message_too_large"),
    ];
    let mut socket = RawSocket::connect(server)?;
    for (message, wanted) in cases {
        socket.send_text(message)?;
        let shown: String = message.chars().take(60).collect();
        assert_eq!(socket.expect_error()?, wanted, "the answer to {shown}");
    }
    let joins = [
        (join_message("zebra-nowhere-999999", "v=0", None), "room_not_found"),
        (join_message(room.as_str(), "v=0", Some("not.a.token")), "token_invalid"),
    ];
    for (message, wanted) in joins {
        let mut socket = RawSocket::connect(server)?;
        socket.send_text(&message.to_string())?;
        assert_eq!(socket.expect_error()?, wanted);
        // The connection is still good for those who behave.
        socket.send_text(r#"{"event_type": "ping", "timestamp": 5}"#)?;
        assert_eq!(socket.expect("pong")?["timestamp"], 5);
    }
    // What is larger than any message may be is not even read: it is said, and the connection ends.
    let mut socket = RawSocket::connect(server)?;
    let boundless = join_message(room.as_str(), &"x".repeat(300 << 10), None).to_string();
    // The server may end it while it is still being sent.
    let _ = socket.send_text(&boundless);
    if let Ok(Some(answer)) = socket.receive() {
        assert_eq!(answer["code"], "message_too_large", "300 KiB were taken");
        assert!(matches!(socket.receive(), Ok(None) | Err(_)), "the connection goes on");
    }
    Ok(())
}

/// An offer that would do, if it were left whole.
const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n\
    m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=ice-ufrag:abcd\r\n\
    a=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=fingerprint:sha-256 \
    00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF\r\n\
    a=setup:actpass\r\na=rtcp-mux\r\na=sendrecv\r\na=rtpmap:111 opus/48000/2\r\n";

fn broken_offers_are_refused(server: SocketAddr, room: &RoomCode, numbers: &mut Numbers) -> Outcome {
    let mut offers: Vec<String> = ["", "v=0", "v=0\r\nm=", "\u{0}\u{0}\u{0}", "hello"].map(String::from).to_vec();
    for _ in 0..10 {
        // Without the fingerprint no one can be met, wherever the rest is cut.
        let end = numbers.next() as usize % OFFER.find("a=fingerprint").expect("it has one");
        offers.push(OFFER[..end].to_owned());
        offers.push(OFFER[..end].replace("audio", "a\u{fc}dio").replace('=', "=="));
    }
    for offer in offers {
        let mut socket = RawSocket::connect(server)?;
        socket.send_text(&join_message(room.as_str(), &offer, None).to_string())?;
        let code = socket.expect_error()?;
        assert!(["sdp_invalid", "malformed_message", "invalid_field"].contains(&code.as_str()), "{code} for {offer:?}");
    }
    Ok(())
}

fn broken_frames_close_only_their_own_connection(server: SocketAddr, numbers: &mut Numbers) -> Outcome {
    let reserved_opcode = [0x83, 0x80, 0, 0, 0, 0];
    let unmasked_text = [0x81, 2, b'{', b'}'];
    let endless = [0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0];
    let bad_text = [0x81, 0x82, 0, 0, 0, 0, 0xff, 0xfe];
    for bytes in [&reserved_opcode[..], &unmasked_text, &endless, &bad_text, &numbers.bytes(500)] {
        let mut socket = RawSocket::connect(server)?;
        socket.send_bytes(bytes)?;
        // Whether it is told why or only closed is the WebSocket layer's matter; that it ends is ours.
        let _ = socket.send_bytes(&numbers.bytes(2_000));
        while let Ok(Some(_)) = socket.receive() {}
    }
    let mut socket = RawSocket::connect(server)?;
    socket.send_frame(2, &numbers.bytes(100))?;
    assert_eq!(socket.expect_error()?, "malformed_message", "the answer to a binary message");
    Ok(())
}

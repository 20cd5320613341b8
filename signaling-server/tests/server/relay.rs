//! The relay over real sockets: TURN by UDP, TCP and TLS, ICE over TCP, and what strangers get.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use confab_protocol::{Connection, RelayAccess, ServerMessage};
use confab_server::{Config, Server};
use rtc_stun::attributes::{ATTR_NONCE, ATTR_REALM, ATTR_USERNAME};
use rtc_stun::error_code::ErrorCodeAttribute;
use rtc_stun::integrity::MessageIntegrity;
use rtc_stun::message::{
    CLASS_REQUEST, CLASS_SUCCESS_RESPONSE, Getter, METHOD_ALLOCATE, METHOD_CREATE_PERMISSION, Message, MessageType,
    Method, Setter, TransactionId,
};
use rtc_stun::textattrs::TextAttribute;
use rtc_turn::crypto::default_provider;
use rtc_turn::proto::PROTO_UDP;
use rtc_turn::proto::peeraddr::PeerAddress;
use rtc_turn::proto::reqtrans::RequestedTransport;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

use crate::client::Client;
use crate::peer::Peer;
use crate::tls::{encrypted, for_others};
use crate::world::{PATIENCE, metric, room, server, start};

/// Sends a message to the relay and waits for its answer.
trait Way {
    async fn ask(&mut self, message: &[u8]) -> Message;
}

struct Datagrams(UdpSocket);

impl Way for Datagrams {
    async fn ask(&mut self, message: &[u8]) -> Message {
        self.0.send(message).await.unwrap();
        let mut buffer = [0; 2_000];
        let length = timeout(PATIENCE, self.0.recv(&mut buffer)).await.unwrap().unwrap();
        read(&buffer[..length])
    }
}

struct Stream<S>(S);

impl<S: AsyncRead + AsyncWrite + Unpin> Way for Stream<S> {
    async fn ask(&mut self, message: &[u8]) -> Message {
        self.0.write_all(message).await.unwrap();
        self.0.flush().await.unwrap();
        let mut answer = vec![0; 20];
        timeout(PATIENCE, self.0.read_exact(&mut answer)).await.unwrap().unwrap();
        let length = usize::from(u16::from_be_bytes([answer[2], answer[3]]));
        answer.resize(20 + length, 0);
        self.0.read_exact(&mut answer[20..]).await.unwrap();
        read(&answer)
    }
}

fn read(bytes: &[u8]) -> Message {
    let mut message = Message { raw: bytes.to_vec(), ..Message::default() };
    message.decode().unwrap();
    message
}

fn code(answer: &Message) -> u16 {
    let mut code = ErrorCodeAttribute::default();
    if answer.typ.class == CLASS_SUCCESS_RESPONSE {
        return 0;
    }
    code.get_from(answer).unwrap();
    code.code.0
}

fn request(method: Method, attribute: &dyn Setter, access: Option<(&RelayAccess, &str)>) -> Vec<u8> {
    let mut message = Message::new();
    message.typ = MessageType::new(method, CLASS_REQUEST);
    message.transaction_id = TransactionId::new();
    message.write_header();
    attribute.add_to(&mut message).unwrap();
    if let Some((access, nonce)) = access {
        for (kind, text) in [(ATTR_USERNAME, access.username.as_str()), (ATTR_REALM, "confab"), (ATTR_NONCE, nonce)] {
            message.add(kind, text.as_bytes());
        }
        let crypto = default_provider().unwrap();
        let (username, password) = (access.username.clone(), access.credential.clone());
        let realm = "confab".to_owned();
        MessageIntegrity::new_long_term_integrity_with_provider(username, realm, password, crypto.crypto())
            .and_then(|integrity| integrity.add_to(&mut message))
            .unwrap();
    }
    message.raw
}

fn allocate(access: Option<(&RelayAccess, &str)>) -> Vec<u8> {
    request(METHOD_ALLOCATE, &RequestedTransport { protocol: PROTO_UDP }, access)
}

/// Gets a relayed address, a permission for the server's media, and none for anything else.
async fn is_let_through(way: &mut impl Way, access: &RelayAccess, media: SocketAddr) {
    let refused = way.ask(&allocate(None)).await;
    assert_eq!(code(&refused), 401);
    let nonce = TextAttribute::get_from_as(&refused, ATTR_NONCE).unwrap().text;
    assert_eq!(code(&way.ask(&allocate(Some((access, &nonce)))).await), 0);
    let mut permission = async |ip, port| {
        let asked = request(METHOD_CREATE_PERMISSION, &PeerAddress { ip, port }, Some((access, &nonce)));
        code(&way.ask(&asked).await)
    };
    assert_eq!(permission(media.ip(), media.port()).await, 0);
    assert_eq!(permission(media.ip(), 22).await, 403);
    assert_eq!(permission("169.254.169.254".parse().unwrap(), 80).await, 403);
}

/// What a joined client is told of the relay, and the first media address of the answer.
async fn access(server: &Server) -> (Client, RelayAccess, SocketAddr) {
    let here = SocketAddr::from(([127, 0, 0, 1], server.address().port()));
    let made = crate::world::post(here, "/api/rooms", "{}").await.json();
    let mut client = Client::connect_to(here, "/ws").await.unwrap();
    client.next().await;
    let peer = Peer::new().await;
    client.send(&Client::join_message(made["code"].as_str().unwrap(), None, &peer)).await;
    match client.next().await {
        ServerMessage::CallJoined { relay: Some(relay), answer, .. } => {
            let candidate = answer.lines().find(|line| line.starts_with("a=candidate:")).unwrap();
            let fields: Vec<&str> = candidate.split(' ').collect();
            (client, relay, SocketAddr::new(fields[4].parse().unwrap(), fields[5].parse().unwrap()))
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_credentials_of_a_join_open_the_relay_by_udp_tcp_and_tls_on_one_port() {
    let server = start(for_others()).await;
    let (_client, access, media) = access(&server).await;
    let port = server.address().port();
    assert_eq!(
        access.urls,
        [
            format!("turn:127.0.0.1:{port}?transport=udp"),
            format!("turn:127.0.0.1:{port}?transport=tcp"),
            format!("turns:127.0.0.1:{port}?transport=tcp"),
        ]
    );
    assert_eq!(access.expires_in_seconds, 12 * 3_600);
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.connect(("127.0.0.1", port)).await.unwrap();
    is_let_through(&mut Datagrams(socket), &access, media).await;
    let mut plain = Stream(TcpStream::connect(("127.0.0.1", port)).await.unwrap());
    is_let_through(&mut plain, &access, media).await;
    let mut tls = Stream(encrypted(&server).await);
    is_let_through(&mut tls, &access, media).await;
    let here = SocketAddr::from(([127, 0, 0, 1], port));
    let metrics = crate::world::get(here, "/metrics").await.body;
    assert!(metrics.contains("confab_relay_allocations 3\n"), "{metrics}");
    drop((plain, tls));
    crate::world::until("the addresses of ended connections are given back", async || {
        crate::world::get(here, "/metrics").await.body.contains("confab_relay_allocations 1\n")
    })
    .await;
    server.shutdown().await;
}

#[tokio::test]
async fn a_flood_without_credentials_gets_ten_answers_a_second_and_hurts_nobody() {
    let server = server().await;
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.connect(server.address()).await.unwrap();
    let start = Instant::now();
    let (mut answers, mut buffer) = (Vec::new(), [0; 2_000]);
    while start.elapsed() < Duration::from_secs(3) {
        for _ in 0..20 {
            socket.send(&allocate(None)).await.unwrap();
        }
        while let Ok(Ok(_)) = timeout(Duration::from_millis(5), socket.recv(&mut buffer)).await {
            answers.push(start.elapsed());
        }
    }
    for (place, first) in answers.iter().enumerate() {
        let within = answers[place..].iter().filter(|at| **at - *first <= Duration::from_millis(950)).count();
        assert!(within <= 10, "{within} answers within a second");
    }
    assert!(answers.len() >= 10, "some are answered: {}", answers.len());
    assert!(metric(&server, "confab_relay_unanswered_total").await > 200);
    let (code, token) = room(&server).await;
    let begin = Instant::now();
    Client::connect(&server).await.join(&code, Some(&token)).await;
    assert!(begin.elapsed() < Duration::from_secs(1), "a join beside it took {:?}", begin.elapsed());
    server.shutdown().await;
}

#[tokio::test]
async fn a_stream_that_only_asks_or_says_what_is_no_message_is_closed() {
    let server = start(Config { request_timeout_ms: 2_000, ..Config::ephemeral_on_loopback() }).await;
    let ends = async |bytes: Vec<u8>| {
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        stream.write_all(&bytes).await.unwrap();
        let begin = Instant::now();
        let mut rest = Vec::new();
        let _ = timeout(PATIENCE, stream.read_to_end(&mut rest)).await.expect("it is closed");
        (begin.elapsed(), rest.len())
    };
    let (after, _) = ends((0..12).flat_map(|_| allocate(None)).collect()).await;
    assert!(after < Duration::from_secs(1), "asking for ever ended after {after:?}");
    let (after, _) = ends([allocate(None), vec![0x80; 64]].concat()).await;
    assert!(after < Duration::from_secs(1), "noise ended after {after:?}");
    let (after, answered) = ends(allocate(None)).await;
    assert!(after < Duration::from_secs(4) && answered > 0, "waiting ended after {after:?}");
    server.shutdown().await;
}

/// Carries a peer's datagrams in frames over TCP, as a browser does with a passive TCP candidate.
async fn frames(server: SocketAddr) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let (mut reader, mut writer) = TcpStream::connect(server).await.unwrap().into_split();
    tokio::spawn(async move {
        let (mut datagram, mut user) = (vec![0; 2_000], None);
        let (frames, mut framed) = tokio::sync::mpsc::channel::<Vec<u8>>(100);
        tokio::spawn(async move {
            while let Ok(length) = reader.read_u16().await {
                let mut frame = vec![0; length.into()];
                reader.read_exact(&mut frame).await.unwrap();
                frames.send(frame).await.unwrap();
            }
        });
        loop {
            tokio::select! {
                Some(frame) = framed.recv() => drop(socket.try_send_to(&frame, user.unwrap())),
                heard = socket.recv_from(&mut datagram) => {
                    let (length, from) = heard.unwrap();
                    user = Some(from);
                    let frame = [&(length as u16).to_be_bytes()[..], &datagram[..length]].concat();
                    if writer.write_all(&frame).await.is_err() {
                        return;
                    }
                }
            }
        }
    });
    address
}

#[tokio::test]
async fn media_in_frames_over_tcp_reaches_its_worker_among_several() {
    let server = start(Config { workers: 3, ..Config::ephemeral_on_loopback() }).await;
    // Rooms go to the workers in turn, so one of them is not the first worker's.
    for _ in 0..3 {
        let (code, _) = room(&server).await;
        let mut client = Client::connect(&server).await;
        let peer = Peer::new().await;
        client.send(&Client::join_message(&code, None, &peer)).await;
        let ServerMessage::CallJoined { participant_id, answer, .. } = client.next().await else { panic!("not in") };
        let port = server.address().port();
        assert!(answer.contains(&format!("127.0.0.1 {port} typ host tcptype passive\r\n")), "{answer}");
        let way = frames(server.address()).await;
        let only_way: Vec<String> = answer
            .lines()
            .filter(|line| !line.contains("tcptype"))
            .map(|line| match line.strip_prefix("a=candidate:") {
                Some(_) => format!("a=candidate:1 1 udp 2130706431 127.0.0.1 {} typ host\r\n", way.port()),
                None => format!("{line}\r\n"),
            })
            .collect();
        let media = peer.run(&only_way.concat());
        client
            .find(|message| match message {
                ServerMessage::CallParticipantUpdated { participant } => {
                    (participant.id == participant_id && participant.connection == Connection::Connected).then_some(())
                }
                _ => None,
            })
            .await;
        drop(media);
    }
    assert_eq!(metric(&server, "confab_relay_ice_tcp_connections_total").await, 3);
    server.shutdown().await;
}

//! The relay between real sockets: a server that speaks just enough WebSocket to hand out a candidate, and echoes.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use confab_impair::{Loss, Profile, Relay, RelayConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::time::timeout;

/// Long enough for a loaded machine; a test that fails waits for it, one that passes does not.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long nothing must come before it counts as withheld.
const SILENCE: Duration = Duration::from_millis(300);

const ASKED: &[u8] = b"GET /ws HTTP/1.1\r\nhost: relay\r\nupgrade: websocket\r\n\r\n";
const UPGRADED: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\r\n";

/// A server whose media port echoes and says whence each datagram came, and whose connections get an upgrade, one text
/// message with a candidate in it, and then their own bytes back.
struct EchoServer {
    address: SocketAddr,
    media: SocketAddr,
}

impl EchoServer {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let udp = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
        let server =
            Self { address: listener.local_addr().expect("an address"), media: udp.local_addr().expect("an address") };
        tokio::spawn(async move {
            let mut buffer = [0; 2_048];
            loop {
                let Ok((count, from)) = udp.recv_from(&mut buffer).await else { continue };
                let reply = [&buffer[..count], b"|", from.port().to_string().as_bytes()].concat();
                udp.send_to(&reply, from).await.expect("loopback takes it");
            }
        });
        let text = format!(
            r#"{{"event_type":"call.joined","answer":"a=candidate:1 1 udp 2130706175 127.0.0.1 {} typ host\r\n","room_name":"{}"}}"#,
            server.media.port(),
            "long enough for a frame header with a length of two bytes".repeat(2)
        );
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.expect("a connection");
                tokio::spawn(serve(stream, text.clone()));
            }
        });
        server
    }
}

async fn serve(mut stream: TcpStream, text: String) {
    let mut asked = vec![0; ASKED.len()];
    if stream.read_exact(&mut asked).await.is_err() {
        return;
    }
    let length = u16::try_from(text.len()).expect("a short text").to_be_bytes();
    let greeting = [UPGRADED, &[0x81, 126], &length, text.as_bytes()].concat();
    stream.write_all(&greeting).await.expect("the relay takes it");
    let mut buffer = [0; 2_048];
    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
        if stream.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}

/// A client that has connected and learned its media address.
struct Client {
    stream: TcpStream,
    udp: UdpSocket,
}

impl Client {
    async fn connect(relay: &Relay) -> Self {
        let mut stream = TcpStream::connect(relay.address()).await.expect("the relay listens");
        stream.write_all(ASKED).await.expect("the relay takes it");
        let mut head = vec![0; UPGRADED.len()];
        timeout(PATIENCE, stream.read_exact(&mut head)).await.expect("an upgrade in time").expect("an upgrade");
        assert_eq!(head, UPGRADED);
        let mut header = [0; 4];
        stream.read_exact(&mut header).await.expect("a frame");
        assert_eq!(header[..2], [0x81, 126]);
        let mut text = vec![0; usize::from(u16::from_be_bytes([header[2], header[3]]))];
        stream.read_exact(&mut text).await.expect("a whole frame");
        let text = String::from_utf8(text).expect("text");
        let fields: Vec<&str> = text.split(' ').collect();
        let media: SocketAddr = format!("{}:{}", fields[4], fields[5]).parse().expect("a candidate address");
        let udp = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
        udp.connect(media).await.expect("an address");
        Self { stream, udp }
    }

    /// Sends a datagram and gives the echo: its text, and the port it reached the server from.
    async fn echo(&self, text: &str, patience: Duration) -> Option<(String, u16)> {
        self.udp.send(text.as_bytes()).await.expect("loopback takes it");
        self.receive(patience).await
    }

    async fn receive(&self, patience: Duration) -> Option<(String, u16)> {
        let mut buffer = [0; 2_048];
        let count = timeout(patience, self.udp.recv(&mut buffer)).await.ok()?.expect("the relay's port is open");
        let reply = String::from_utf8(buffer[..count].to_vec()).expect("text");
        let (text, port) = reply.rsplit_once('|').expect("an echo");
        Some((text.to_owned(), port.parse().expect("a port")))
    }

    async fn read_byte(&mut self, patience: Duration) -> Option<std::io::Result<u8>> {
        timeout(patience, self.stream.read_u8()).await.ok()
    }
}

#[tokio::test]
async fn media_goes_through_the_relay_although_the_server_named_its_own_port() {
    let server = EchoServer::start().await;
    let relay = Relay::start(RelayConfig::new(server.address)).await.expect("a relay");
    let client = Client::connect(&relay).await;
    let media = client.udp.peer_addr().expect("connected");
    assert_ne!(media, server.media);
    let (text, port) = client.echo("hello", PATIENCE).await.expect("an echo");
    assert_eq!(text, "hello");
    assert_ne!(port, client.udp.local_addr().expect("an address").port(), "it came past the relay");
    assert_eq!((relay.up().delivered, relay.down().delivered), (1, 1));
}

#[tokio::test]
async fn each_client_socket_reaches_the_server_from_a_port_of_its_own() {
    let server = EchoServer::start().await;
    let relay = Relay::start(RelayConfig::new(server.address)).await.expect("a relay");
    let (first, second) = (Client::connect(&relay).await, Client::connect(&relay).await);
    let (_, first_port) = first.echo("1", PATIENCE).await.expect("an echo");
    let (_, second_port) = second.echo("2", PATIENCE).await.expect("an echo");
    assert_ne!(first_port, second_port);
    assert_eq!(first.echo("again", PATIENCE).await, Some(("again".into(), first_port)));
}

#[tokio::test]
async fn a_rebinding_changes_the_port_the_server_sees_and_media_goes_on() {
    let server = EchoServer::start().await;
    let relay = Relay::start(RelayConfig::new(server.address)).await.expect("a relay");
    let client = Client::connect(&relay).await;
    let (_, before) = client.echo("before", PATIENCE).await.expect("an echo");
    relay.rebind().expect("free ports");
    let (_, after) = client.echo("after", PATIENCE).await.expect("an echo");
    assert_ne!(before, after);
}

#[tokio::test]
async fn delay_and_loss_happen_to_datagrams_as_the_profile_says() {
    let server = EchoServer::start().await;
    let profile = Profile { delay: Duration::from_millis(40), loss: Loss::Random(0.2), ..Profile::perfect() };
    let relay = Relay::start(RelayConfig::new(server.address).with_seed(3)).await.expect("a relay");
    let client = Client::connect(&relay).await;
    relay.set_profile(profile);
    let start = Instant::now();
    for index in 0..500 {
        client.udp.send(index.to_string().as_bytes()).await.expect("loopback takes it");
        if index % 10 == 9 {
            // All at once would overflow the sockets' buffers, which is not the loss under test.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    let mut arrived = 0;
    while client.receive(SILENCE).await.is_some() {
        assert!(start.elapsed() >= Duration::from_millis(80), "an echo came before it could");
        arrived += 1;
    }
    let (up, down) = (relay.up(), relay.down());
    assert_eq!(up.offered, 500);
    assert!((up.observed_loss() - 0.2).abs() < 0.05, "{up:?}");
    assert_eq!(down.offered, up.delivered);
    assert_eq!(arrived, down.delivered);
    assert_eq!(up.mean_delay(), Duration::from_millis(40));
}

#[tokio::test]
async fn a_black_hole_swallows_datagrams_and_withholds_the_connection_without_closing_it() {
    let server = EchoServer::start().await;
    let relay = Relay::start(RelayConfig::new(server.address)).await.expect("a relay");
    let mut client = Client::connect(&relay).await;
    relay.set_black_hole(true);
    // The echo makes it a ping of the server's.
    client.stream.write_all(b"\x89\x00").await.expect("the system takes it");
    assert!(client.echo("lost", SILENCE).await.is_none());
    assert!(client.read_byte(SILENCE).await.is_none(), "a connection in a black hole is silent, not closed");
    relay.set_black_hole(false);
    let byte = client.read_byte(PATIENCE).await.expect("in time").expect("still open");
    assert_eq!(byte, 0x89, "what was withheld arrives when the hole closes");
    assert_eq!(client.echo("back", PATIENCE).await.map(|(text, _)| text), Some("back".into()));
    assert_eq!(relay.up().swallowed, 1);
}

#[tokio::test]
async fn nobody_connects_through_a_black_hole_until_it_closes() {
    let server = EchoServer::start().await;
    let relay = Relay::start(RelayConfig::new(server.address).with_profile(Profile::hole())).await.expect("a relay");
    let waiting = Client::connect(&relay);
    tokio::pin!(waiting);
    assert!(timeout(SILENCE, &mut waiting).await.is_err(), "a handshake came through a black hole");
    relay.set_profile(Profile::perfect());
    timeout(PATIENCE, waiting).await.expect("connected once the hole was closed");
}

#[tokio::test]
async fn a_closed_end_closes_the_other_but_not_through_a_black_hole() {
    let server = EchoServer::start().await;
    let relay = Relay::start(RelayConfig::new(server.address)).await.expect("a relay");
    let mut client = Client::connect(&relay).await;
    relay.set_black_hole(true);
    // The server ends the connection when it has read the end of ours.
    client.stream.shutdown().await.expect("open so far");
    assert!(client.read_byte(SILENCE).await.is_none(), "the end came through a black hole");
    relay.set_black_hole(false);
    assert!(client.read_byte(PATIENCE).await.expect("in time").is_err(), "the end comes when the hole closes");
}

#[tokio::test]
async fn a_client_of_a_server_that_is_gone_sees_its_connection_closed() {
    let gone = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address");
    let relay = Relay::start(RelayConfig::new(gone)).await.expect("a relay");
    let mut stream = TcpStream::connect(relay.address()).await.expect("the relay listens");
    let ended = timeout(PATIENCE, stream.read(&mut [0; 8])).await.expect("closed in time");
    assert!(matches!(ended, Ok(0) | Err(_)));
}

#[tokio::test]
async fn a_dropped_relay_leaves_nothing_listening() {
    let server = EchoServer::start().await;
    let relay = Relay::start(RelayConfig::new(server.address)).await.expect("a relay");
    let mut client = Client::connect(&relay).await;
    let address = relay.address();
    drop(relay);
    assert!(client.read_byte(PATIENCE).await.expect("in time").is_err());
    let refused = timeout(PATIENCE, async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    refused.await.expect("the listener is gone");
}

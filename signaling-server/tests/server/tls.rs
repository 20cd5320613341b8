//! Encryption on the one port: whose certificate it is, and who may still speak plainly.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use confab_protocol::MeetingLink;
use confab_server::{Config, Server, StartError};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::world::{Folder, PATIENCE, get, post, start};

/// Takes any certificate; the tests look at it afterwards.
#[derive(Debug)]
struct Anybody;

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _certificate: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ECDSA_NISTP256_SHA256, SignatureScheme::ECDSA_NISTP384_SHA384]
    }
}

fn connector() -> TlsConnector {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.dangerous().with_custom_certificate_verifier(Arc::new(Anybody)).with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

/// A TLS connection to a server on this computer.
pub async fn encrypted(server: &Server) -> TlsStream<TcpStream> {
    let stream = TcpStream::connect(here(server)).await.unwrap();
    connector().connect(ServerName::try_from("localhost").unwrap(), stream).await.unwrap()
}

/// Where a server that listens everywhere is reached from this computer.
fn here(server: &Server) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], server.address().port()))
}

/// A server that listens for others too.
pub fn for_others() -> Config {
    Config { listen: "0.0.0.0:0".parse().unwrap(), ..Config::ephemeral_on_loopback() }
}

async fn ask(stream: &mut TlsStream<TcpStream>, request: &str) -> String {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    // A server that closes without a TLS goodbye has still answered.
    let _ = timeout(PATIENCE, stream.read_to_string(&mut answer)).await.unwrap();
    answer
}

fn fingerprint_of(stream: &TlsStream<TcpStream>) -> String {
    let certificate = &stream.get_ref().1.peer_certificates().unwrap()[0];
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, certificate);
    digest.as_ref().iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

#[tokio::test]
async fn the_link_of_a_server_for_others_names_the_certificate_it_shows() {
    let server = start(for_others()).await;
    let mut stream = encrypted(&server).await;
    let request =
        "POST /api/rooms HTTP/1.1\r\nHost: 192.0.2.7:8003\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}";
    let shown = fingerprint_of(&stream);
    let answer = ask(&mut stream, request).await;
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    let body: serde_json::Value = serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    let link = body["link"].as_str().unwrap();
    assert!(link.starts_with("https://192.0.2.7:8003/m/"), "{link}");
    let address = MeetingLink::parse(link).unwrap().server.unwrap();
    assert_eq!(address.fingerprint.as_deref(), Some(shown.as_str()));
    assert_eq!(server.fingerprint(), Some(shown.as_str()));
    server.shutdown().await;
}

#[tokio::test]
async fn the_page_behind_a_link_opens_the_app_with_the_fingerprint() {
    let server = start(for_others()).await;
    let mut stream = encrypted(&server).await;
    let shown = fingerprint_of(&stream);
    let request = "GET /m/kestrel-lane-27 HTTP/1.1\r\nHost: 192.0.2.7:8003\r\nConnection: close\r\n\r\n";
    let page = ask(&mut stream, request).await;
    assert!(page.contains(&format!("confab://192.0.2.7:8003/m/kestrel-lane-27#fp={shown}")), "{page}");
    server.shutdown().await;
}

#[tokio::test]
async fn a_restarted_server_shows_the_same_certificate() {
    let folder = Folder::new();
    let config = || Config { listen: "0.0.0.0:0".parse().unwrap(), ..folder.config() };
    let server = start(config()).await;
    let first = fingerprint_of(&encrypted(&server).await);
    server.shutdown().await;
    let server = start(config()).await;
    assert_eq!(fingerprint_of(&encrypted(&server).await), first);
    server.shutdown().await;
}

#[tokio::test]
async fn a_given_certificate_is_shown_and_links_trust_its_authority() {
    let folder = Folder::new();
    std::fs::create_dir_all(&folder.0).unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (certificate, key) = (folder.0.join("given.pem"), folder.0.join("given-key.pem"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let config = Config { certificate: Some(certificate), private_key: Some(key), ..Config::ephemeral_on_loopback() };
    let server = start(config.clone()).await;
    let stream = encrypted(&server).await;
    assert_eq!(stream.get_ref().1.peer_certificates().unwrap()[0], *made.cert.der());
    let mut stream = stream;
    let request = "POST /api/rooms HTTP/1.1\r\nHost: localhost:1\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}";
    let answer = ask(&mut stream, request).await;
    assert!(answer.contains("https://localhost:1/m/") && !answer.contains("#fp="), "{answer}");
    server.shutdown().await;
    let half = Config { private_key: None, ..config };
    assert!(matches!(Server::start(half).await, Err(StartError::Tls(_))));
}

#[tokio::test]
async fn this_computer_may_speak_plainly_on_the_same_port() {
    let server = start(for_others()).await;
    assert_eq!(get(here(&server), "/health").await.status, 200);
    let made = post(here(&server), "/api/rooms", "{}").await;
    assert_eq!(made.status, 201);
    assert!(made.json()["link"].as_str().unwrap().starts_with("http://127.0.0.1:"));
    server.shutdown().await;
}

#[tokio::test]
async fn a_server_on_loopback_alone_speaks_plainly_and_says_so() {
    let server = start(Config::ephemeral_on_loopback()).await;
    assert_eq!(server.fingerprint(), None);
    let stream = TcpStream::connect(server.address()).await.unwrap();
    let error = connector().connect(ServerName::try_from("localhost").unwrap(), stream).await.unwrap_err();
    assert!(error.to_string().contains("InvalidContentType"), "what the client knows a plain server by: {error}");
    server.shutdown().await;
}

#[tokio::test]
async fn whoever_takes_long_over_the_handshake_is_cut_off() {
    let server = start(Config { request_timeout_ms: 1_000, ..for_others() }).await;
    for opening in [&b""[..], &[0x16, 3, 1], &[0, 3, 0]] {
        let mut stream = TcpStream::connect(here(&server)).await.unwrap();
        stream.write_all(opening).await.unwrap();
        let start = Instant::now();
        let mut byte = [0];
        let ended = timeout(PATIENCE, stream.read(&mut byte)).await.expect("it is cut off");
        assert!(matches!(ended, Ok(0) | Err(_)), "{opening:?}");
        assert!(start.elapsed() < Duration::from_secs(3), "{opening:?} lived {:?}", start.elapsed());
    }
    let mut stream = encrypted(&server).await;
    stream.write_all(b"GET /health HTTP/1.1\r\nX-Slow: ").await.unwrap();
    let start = Instant::now();
    let mut rest = Vec::new();
    let _ = timeout(PATIENCE, stream.read_to_end(&mut rest)).await.expect("it is cut off");
    assert!(start.elapsed() < Duration::from_secs(3), "a slow head in TLS lived {:?}", start.elapsed());
    server.shutdown().await;
}

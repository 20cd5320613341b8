//! Under which address the world sees this server, asked of a STUN server (RFC 8489): for servers behind a one-to-one NAT
//! whose outside address nobody has written down, or changes.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use rtc_stun::message::{BINDING_REQUEST, BINDING_SUCCESS, Getter, Message, Setter, TransactionId};
use rtc_stun::xoraddr::XorMappedAddress;
use tokio::net::{UdpSocket, lookup_host};
use tokio::time::{sleep, timeout};

/// How long one answer may take; a lost one is asked for again.
const PATIENCE: Duration = Duration::from_millis(700);

const ATTEMPTS: u32 = 4;

/// Addresses at home change once a day; between the change and its being noticed nobody new gets in.
const AGAIN_AFTER: Duration = Duration::from_secs(600);

/// The port of STUN servers that name none.
const STUN_PORT: u16 = 3_478;

/// Asks once.
///
/// # Errors
/// When nothing that fits comes back in time.
pub(super) async fn ask(server: &str) -> io::Result<IpAddr> {
    let named = if has_port(server) { server.to_owned() } else { format!("{server}:{STUN_PORT}") };
    // The address of media over IPv4 is what NATs are about; IPv6 has none.
    let address = lookup_host(&named).await?.find(SocketAddr::is_ipv4);
    let address = address.ok_or_else(|| io::Error::other("the STUN server has no IPv4 address"))?;
    let socket = UdpSocket::bind("0.0.0.0:0").await?;
    socket.connect(address).await?;
    let mut question = Message::new();
    question.typ = BINDING_REQUEST;
    TransactionId::new().add_to(&mut question).map_err(io::Error::other)?;
    question.write_header();
    let mut buffer = [0; 1_500];
    for _ in 0..ATTEMPTS {
        socket.send(&question.raw).await?;
        if let Ok(length) = timeout(PATIENCE, socket.recv(&mut buffer)).await
            && let Some(outside) = read(&buffer[..length?], &question.transaction_id)
        {
            return Ok(outside);
        }
    }
    Err(io::ErrorKind::TimedOut.into())
}

/// Asks again and again, and tells when the answer is another one than the `known`. A server that does not answer changes
/// nothing.
pub(super) async fn watch(server: String, mut known: Option<IpAddr>, moved: fn(IpAddr)) {
    loop {
        sleep(AGAIN_AFTER).await;
        match ask(&server).await {
            Ok(found) if known != Some(found) => {
                // Without one known, it was this computer's own.
                if known.replace(found).is_some() {
                    moved(found);
                }
            }
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(%error, "the STUN server does not say under which address this server is seen");
            }
        }
    }
}

fn has_port(server: &str) -> bool {
    server.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok())
}

fn read(bytes: &[u8], question: &TransactionId) -> Option<IpAddr> {
    let mut answer = Message { raw: bytes.to_vec(), ..Message::default() };
    answer.decode().ok()?;
    let mut mapped = XorMappedAddress::default();
    mapped.get_from(&answer).ok()?;
    (answer.typ == BINDING_SUCCESS && answer.transaction_id == *question).then_some(mapped.ip)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers each question but the first, which is lost.
    async fn stun_server(outside: IpAddr) -> SocketAddr {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        tokio::spawn(async move {
            let mut buffer = [0; 1_500];
            for number in 0.. {
                let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
                let mut question = Message { raw: buffer[..length].to_vec(), ..Message::default() };
                question.decode().unwrap();
                let mut answer = Message::new();
                answer.typ = BINDING_SUCCESS;
                answer.transaction_id = question.transaction_id;
                answer.write_header();
                XorMappedAddress { ip: outside, port: 9 }.add_to(&mut answer).unwrap();
                if number > 0 {
                    // Another's answer comes first and is not taken.
                    let mut foreign = answer.raw.clone();
                    foreign[19] ^= 1;
                    socket.send_to(if number == 1 { &foreign } else { &answer.raw }, from).await.unwrap();
                }
            }
        });
        address
    }

    #[tokio::test]
    async fn the_outside_address_is_what_the_stun_server_sees() {
        let outside: IpAddr = "203.0.113.9".parse().unwrap();
        let server = stun_server(outside).await;
        assert_eq!(ask(&server.to_string()).await.unwrap(), outside);
    }

    #[tokio::test]
    async fn a_stun_server_that_says_nothing_is_an_error_after_a_while() {
        let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let asked = ask(&silent.local_addr().unwrap().to_string()).await;
        assert_eq!(asked.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert!(!has_port("stun.example.org") && has_port("stun.example.org:3478"));
    }
}

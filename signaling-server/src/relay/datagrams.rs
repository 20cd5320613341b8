//! TURN over UDP, on the port that has the number of the main one. Whoever has a relayed address has a task; for the rest
//! nothing is kept.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::sleep_until;

use super::Relay;
use super::framing::LARGEST;
use super::talk::{Said, Talk};

/// Datagrams that may wait for a client's task.
const WAITING: usize = 128;

/// Answers datagrams until the task is ended.
pub(super) async fn serve(relay: Arc<Relay>, socket: UdpSocket) {
    let socket = Arc::new(socket);
    let mut clients: HashMap<SocketAddr, mpsc::Sender<Vec<u8>>> = HashMap::new();
    let mut talks: JoinSet<SocketAddr> = JoinSet::new();
    let mut datagram = vec![0; LARGEST];
    loop {
        tokio::select! {
            heard = socket.recv_from(&mut datagram) => {
                let Ok((length, from)) = heard else { continue };
                let bytes = &datagram[..length];
                if let Some(client) = clients.get(&from) {
                    // A client that sends more than its task takes loses it, as on any way that is too narrow.
                    let _ = client.try_send(bytes.to_vec());
                } else if let Some(talk) = meet(&relay, &socket, from, bytes) {
                    let (sender, letters) = mpsc::channel(WAITING);
                    clients.insert(from, sender);
                    talks.spawn(converse(talk, Arc::clone(&socket), from, letters));
                }
            }
            Some(ended) = talks.join_next(), if !talks.is_empty() => {
                if let Ok(client) = ended {
                    clients.remove(&client);
                }
            }
        }
    }
}

/// Answers somebody who has no relayed address; gives the talk when they have one now.
fn meet(relay: &Arc<Relay>, socket: &UdpSocket, from: SocketAddr, bytes: &[u8]) -> Option<Talk> {
    let mut talk = Talk::new(Arc::clone(relay), from, false);
    match talk.take(bytes) {
        Said::Nothing => {}
        Said::Answer(answer) | Said::Last(answer) => drop(socket.try_send_to(&answer, from)),
        Said::ToAnybody(answer) => relay.answer_anybody(socket, from, &answer),
    }
    talk.is_open().then_some(talk)
}

/// Talks with a client until its relayed address ends.
async fn converse(
    mut talk: Talk,
    socket: Arc<UdpSocket>,
    client: SocketAddr,
    mut letters: mpsc::Receiver<Vec<u8>>,
) -> SocketAddr {
    let mut datagram = vec![0; LARGEST];
    let mut wrapped = Vec::new();
    loop {
        let expires = talk.expires().unwrap_or_else(Instant::now);
        tokio::select! {
            letter = letters.recv() => {
                let Some(letter) = letter else { return client };
                match talk.take(&letter) {
                    Said::Nothing => {}
                    Said::Answer(answer) | Said::ToAnybody(answer) => drop(socket.try_send_to(&answer, client)),
                    Said::Last(answer) => {
                        drop(socket.try_send_to(&answer, client));
                        return client;
                    }
                }
            }
            heard = talk.hear(&mut datagram) => {
                // An error tells of an earlier packet that found nobody.
                let Ok((length, from)) = heard else { continue };
                wrapped.clear();
                if talk.wrap(from, &datagram[..length], &mut wrapped) {
                    drop(socket.try_send_to(&wrapped, client));
                }
            }
            () = sleep_until(expires.into()) => return client,
        }
    }
}

/// Opens the UDP port with the number of the TCP port.
pub(super) fn open(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = std::net::UdpSocket::bind(address)?;
    socket.set_nonblocking(true)?;
    UdpSocket::from_std(socket)
}

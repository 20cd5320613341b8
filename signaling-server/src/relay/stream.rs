//! TURN over TCP and TLS: where UDP is not let through, a call goes this way.
//!
//! A stream that is slower than the call must not become a queue: what is late in a call is lost. So little waits here, and
//! what does not fit is dropped.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::time::{Instant, sleep_until};

use super::Relay;
use super::bridge::push;
use super::framing::{self, LARGEST};
use super::talk::{Said, Talk};

/// Bytes that may wait to be written: a quarter of a second of two megabits.
const WAITING: usize = 64 * 1024;

/// Datagrams taken at once: what a picture is sent in arrives together.
const BATCH: usize = 32;

/// How long a client may take to read the last answer.
const GOODBYE: Duration = Duration::from_secs(2);

/// Answers one connection gets without having shown credentials. A client needs one; a sender's address is certain here, so
/// connections are what is limited, not addresses.
const ANSWERS_TO_ANYBODY: u32 = 10;

/// Talks with a client until one of both ends it.
pub(crate) async fn serve<S>(relay: Arc<Relay>, stream: S, client: SocketAddr, patience: Duration)
where
    S: AsyncRead + AsyncWrite,
{
    let mut talk = Talk::new(relay, client, true);
    let (mut reader, mut writer) = split(stream);
    let mut inbox = BytesMut::with_capacity(2 * LARGEST);
    let mut outbox = BytesMut::new();
    let mut datagram = vec![0; LARGEST];
    let mut wrapped = Vec::new();
    let mut to_anybody = 0;
    let mut unflushed = false;
    // Whoever opens a stream opens a relayed address in it, and soon.
    let mut deadline = Instant::now() + patience;
    loop {
        tokio::select! {
            read = reader.read_buf(&mut inbox) => match read {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            },
            heard = talk.hear(&mut datagram) => {
                // An error tells of an earlier packet that found nobody.
                let mut next = heard.ok();
                for _ in 0..BATCH {
                    let Some((length, from)) = next.take() else { break };
                    wrapped.clear();
                    if outbox.len() < WAITING && talk.wrap(from, &datagram[..length], &mut wrapped) {
                        outbox.extend_from_slice(&wrapped);
                    }
                    next = talk.hear_now(&mut datagram);
                }
            }
            pushed = push(&mut writer, &mut outbox), if unflushed || !outbox.is_empty() => match pushed {
                Ok(flushed) => unflushed = !flushed,
                Err(_) => return,
            },
            () = sleep_until(deadline) => return,
        }
        loop {
            let extent = match framing::turn_message(&inbox) {
                Ok(Some(extent)) => extent,
                Ok(None) => break,
                Err(framing::Broken) => return,
            };
            let said = talk.take(&inbox[..extent.message]);
            inbox.advance(extent.whole);
            match said {
                Said::Nothing => {}
                Said::Answer(answer) => outbox.extend_from_slice(&answer),
                Said::ToAnybody(answer) => {
                    to_anybody += 1;
                    if to_anybody > ANSWERS_TO_ANYBODY && !talk.is_open() {
                        return;
                    }
                    outbox.extend_from_slice(&answer);
                }
                Said::Last(answer) => {
                    outbox.extend_from_slice(&answer);
                    // Whoever does not read its goodbye does without.
                    let goodbye = async {
                        writer.write_all(&outbox).await?;
                        writer.shutdown().await
                    };
                    let _ = tokio::time::timeout(GOODBYE, goodbye).await;
                    return;
                }
            }
        }
        if outbox.len() > 2 * WAITING {
            // Somebody asks and asks and does not read.
            return;
        }
        if let Some(expires) = talk.expires() {
            deadline = Instant::from_std(expires);
        }
    }
}

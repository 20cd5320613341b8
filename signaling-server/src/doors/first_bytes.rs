//! What a new connection speaks, by its first bytes: TLS, HTTP, STUN and TURN, and ICE over TCP share one port.
//!
//! ```text
//! 16                                  TLS handshake record (RFC 8446, section 5.1)
//! 00|01 .. .. .. 21 12 A4 42          STUN or TURN message, the magic cookie behind type and length (RFC 8489, section 5)
//! 00|01 .. 00 01 .. .. 21 12 A4 42    the same behind a frame's length of two bytes (RFC 4571): ICE over TCP (RFC 6544)
//! anything else                       HTTP, which answers what it does not understand
//! ```

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

/// A frame's length, a message's type and length, and the cookie.
const ENOUGH: usize = 10;

const TLS_HANDSHAKE: u8 = 0x16;

const STUN_COOKIE: [u8; 4] = [0x21, 0x12, 0xA4, 0x42];

/// What a connection speaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Speech {
    Tls,
    Http,
    /// STUN or TURN messages one after another (RFC 8656, section 3.1).
    Turn,
    /// Datagrams in frames, the first one a STUN message.
    Framed,
}

impl Speech {
    /// Decides, or asks for more bytes by `None`.
    fn of(first: &[u8]) -> Option<Self> {
        match first {
            [] => None,
            [TLS_HANDSHAKE, ..] => Some(Self::Tls),
            // A type of STUN begins with two zero bits; all methods in use fit into six bits more.
            [0 | 1, ..] if first.len() < ENOUGH => None,
            [0 | 1, ..] if first[4..8] == STUN_COOKIE => Some(Self::Turn),
            [0 | 1, ..] if first[6..10] == STUN_COOKIE => Some(Self::Framed),
            _ => Some(Self::Http),
        }
    }
}

/// Reads until it is clear what a connection speaks. Nothing is lost: the stream it gives begins with what was read.
pub(super) async fn listen<S: AsyncRead + Unpin>(mut stream: S) -> io::Result<(Speech, Begun<S>)> {
    let mut first = [0; ENOUGH];
    let mut length = 0;
    loop {
        let read = stream.read(&mut first[length..]).await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        length += read;
        if let Some(speech) = Speech::of(&first[..length]) {
            return Ok((speech, Begun { first, taken: 0, length, stream }));
        }
    }
}

/// A stream of which the first bytes have been read.
pub(super) struct Begun<S> {
    first: [u8; ENOUGH],
    taken: usize,
    length: usize,
    stream: S,
}

impl<S: AsyncRead + Unpin> AsyncRead for Begun<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.taken == self.length {
            return Pin::new(&mut self.stream).poll_read(context, buffer);
        }
        let count = buffer.remaining().min(self.length - self.taken);
        buffer.put_slice(&self.first[self.taken..self.taken + count]);
        self.taken += count;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Begun<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_speech_is_known_by_its_first_bytes() {
        assert_eq!(Speech::of(b""), None);
        assert_eq!(Speech::of(&[0x16]), Some(Speech::Tls));
        assert_eq!(Speech::of(b"G"), Some(Speech::Http));
        assert_eq!(Speech::of(&[0xff; 10]), Some(Speech::Http));
        let allocate = [0, 3, 0, 8, 0x21, 0x12, 0xA4, 0x42, 1, 2];
        assert_eq!(Speech::of(&allocate), Some(Speech::Turn));
        let framed = [0, 0x5c, 0, 1, 0, 0x48, 0x21, 0x12, 0xA4, 0x42];
        assert_eq!(Speech::of(&framed), Some(Speech::Framed));
        for length in 1..10 {
            assert_eq!(Speech::of(&allocate[..length]), None);
            assert_eq!(Speech::of(&framed[..length]), None);
        }
        assert_eq!(Speech::of(&[0; 10]), Some(Speech::Http), "HTTP answers what it does not understand");
    }

    #[tokio::test]
    async fn nothing_of_what_was_read_is_lost() {
        let (mut near, far) = tokio::io::duplex(64);
        tokio::io::AsyncWriteExt::write_all(&mut near, b"GET / HTTP/1.1\r\n").await.unwrap();
        drop(near);
        let (speech, mut stream) = listen(far).await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        assert_eq!((speech, text.as_str()), (Speech::Http, "GET / HTTP/1.1\r\n"));
    }

    #[tokio::test]
    async fn a_connection_that_ends_before_it_says_anything_is_an_error() {
        let (near, far) = tokio::io::duplex(64);
        drop(near);
        assert!(listen(far).await.is_err());
    }
}

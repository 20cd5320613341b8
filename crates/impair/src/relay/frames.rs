//! What a server sends on a connection, cut into pieces: the response head, then, after an upgrade, WebSocket frames
//! (RFC 6455, section 5.2). Only whole text messages are singled out; everything else keeps its bytes.

/// The largest frame that is held to be read whole; a larger one passes unread, as does all that follows it.
const LARGEST_FRAME: usize = 4 << 20;

/// A piece of what the server sent.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Piece {
    /// Bytes to be passed on as they are.
    Bytes(Vec<u8>),
    /// A whole text message, without its framing.
    Text(String),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    Head,
    Frames,
    Opaque,
}

/// Cuts a connection's bytes into pieces. Bytes that are no frames pass unchanged.
#[derive(Debug)]
pub(super) struct FrameReader {
    phase: Phase,
    buffer: Vec<u8>,
    /// The beginning of a text message sent in fragments, framing included as it came.
    fragments: Option<Fragments>,
}

#[derive(Debug, Default)]
struct Fragments {
    raw: Vec<u8>,
    text: Vec<u8>,
}

impl FrameReader {
    pub(super) fn new() -> Self {
        Self { phase: Phase::Head, buffer: Vec::new(), fragments: None }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next piece, if it is complete.
    pub(super) fn next(&mut self) -> Option<Piece> {
        loop {
            match self.phase {
                Phase::Opaque => {
                    return if self.buffer.is_empty() {
                        None
                    } else {
                        Some(Piece::Bytes(self.take(self.buffer.len())))
                    };
                }
                Phase::Head => {
                    let end = self.buffer.windows(4).position(|window| window == b"\r\n\r\n");
                    let Some(end) = end else {
                        if self.buffer.len() <= LARGEST_FRAME {
                            return None;
                        }
                        self.phase = Phase::Opaque;
                        continue;
                    };
                    let upgraded = self.buffer.starts_with(b"HTTP/1.1 101");
                    self.phase = if upgraded { Phase::Frames } else { Phase::Opaque };
                    return Some(Piece::Bytes(self.take(end + 4)));
                }
                Phase::Frames => {
                    let header = Header::parse(&self.buffer)?;
                    if header.masked || header.payload > LARGEST_FRAME {
                        self.phase = Phase::Opaque;
                        let fragments = self.fragments.take();
                        if let Some(fragments) = fragments {
                            return Some(Piece::Bytes(fragments.raw));
                        }
                        continue;
                    }
                    let whole = header.length + header.payload;
                    if self.buffer.len() < whole {
                        return None;
                    }
                    let frame = self.take(whole);
                    if let Some(piece) = self.accept(&header, frame) {
                        return Some(piece);
                    }
                }
            }
        }
    }

    fn accept(&mut self, header: &Header, frame: Vec<u8>) -> Option<Piece> {
        let is_text = header.opcode == 1;
        let is_continuation = header.opcode == 0 && self.fragments.is_some();
        if !is_text && !is_continuation {
            return Some(Piece::Bytes(frame));
        }
        let fragments = self.fragments.get_or_insert_default();
        fragments.text.extend_from_slice(&frame[header.length..]);
        fragments.raw.extend_from_slice(&frame);
        if !header.last {
            return None;
        }
        let fragments = self.fragments.take()?;
        Some(String::from_utf8(fragments.text).map_or(Piece::Bytes(fragments.raw), Piece::Text))
    }

    fn take(&mut self, count: usize) -> Vec<u8> {
        let rest = self.buffer.split_off(count);
        std::mem::replace(&mut self.buffer, rest)
    }
}

#[derive(Debug)]
struct Header {
    last: bool,
    opcode: u8,
    masked: bool,
    length: usize,
    payload: usize,
}

impl Header {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let (&first, &second) = (bytes.first()?, bytes.get(1)?);
        let (length, payload) = match second & 0x7f {
            126 => (4, u64::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?))),
            127 => (10, u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)),
            short => (2, u64::from(short)),
        };
        let payload = usize::try_from(payload).unwrap_or(usize::MAX);
        Some(Self { last: first & 0x80 != 0, opcode: first & 0x0f, masked: second & 0x80 != 0, length, payload })
    }
}

/// A text message in one unmasked frame, as a server sends it.
pub(super) fn encode_text(text: &str) -> Vec<u8> {
    let mut frame = vec![0x81];
    match text.len() {
        short @ 0..=125 => frame.push(short as u8),
        middle @ 126..=0xffff => {
            frame.push(126);
            frame.extend_from_slice(&(middle as u16).to_be_bytes());
        }
        long => {
            frame.push(127);
            frame.extend_from_slice(&(long as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(text.as_bytes());
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(reader: &mut FrameReader, bytes: &[u8]) -> Vec<Piece> {
        reader.push(bytes);
        std::iter::from_fn(|| reader.next()).collect()
    }

    const UPGRADED: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\r\n";

    #[test]
    fn text_of_any_length_is_read_whole_however_it_is_cut() {
        for length in [0, 1, 125, 126, 65_535, 65_536, 300_000] {
            let text = "x".repeat(length);
            let mut bytes = UPGRADED.to_vec();
            bytes.extend(encode_text(&text));
            let mut reader = FrameReader::new();
            let found: Vec<Piece> = bytes.chunks(1_000).flat_map(|chunk| pieces(&mut reader, chunk)).collect();
            assert_eq!(found, [Piece::Bytes(UPGRADED.to_vec()), Piece::Text(text)]);
        }
    }

    #[test]
    fn a_ping_between_fragments_passes_before_the_text_they_make() {
        let mut reader = FrameReader::new();
        pieces(&mut reader, UPGRADED);
        assert_eq!(pieces(&mut reader, b"\x01\x02ab"), []);
        assert_eq!(pieces(&mut reader, b"\x89\x01p"), [Piece::Bytes(b"\x89\x01p".to_vec())]);
        assert_eq!(pieces(&mut reader, b"\x80\x01c"), [Piece::Text("abc".into())]);
    }

    #[test]
    fn a_response_without_upgrade_and_garbage_after_an_upgrade_pass_unchanged() {
        for start in ["HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 101 Switching Protocols\r\n\r\n\u{1}\u{ff}"] {
            let mut reader = FrameReader::new();
            let mut sent = start.as_bytes().to_vec();
            sent.extend((0..2_000u32).map(|value| (value.wrapping_mul(2_654_435_761) >> 24) as u8));
            // A length that no frame may have ends the reading of frames for good.
            sent.extend([0xff; 64]);
            let mut passed = Vec::new();
            for piece in sent.chunks(7).flat_map(|chunk| pieces(&mut reader, chunk)) {
                match piece {
                    Piece::Bytes(bytes) => passed.extend(bytes),
                    Piece::Text(text) => passed.extend(encode_text(&text)),
                }
            }
            assert!(sent.starts_with(&passed), "bytes were changed");
        }
    }
}

//! A WebSocket client without manners: it sends what it is told, valid or not.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::error::{LabError, Outcome};

/// RFC 6455, section 5.2.
const TEXT: u8 = 1;
const CLOSE: u8 = 8;

/// An open WebSocket. Dropping it closes the connection without a close frame.
#[derive(Debug)]
pub struct RawSocket {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl RawSocket {
    /// Connects to the server's WebSocket and reads its welcome.
    ///
    /// # Errors
    /// When the server does not greet.
    pub fn connect(server: SocketAddr) -> Outcome<Self> {
        let mut socket = Self::open(server, confab_protocol::WEBSOCKET_PATH)?;
        socket.expect("system.message")?;
        Ok(socket)
    }

    /// Connects to any WebSocket, which need not greet.
    pub(super) fn open(server: SocketAddr, path: &str) -> Outcome<Self> {
        let fail = |error| LabError::io(format!("a WebSocket to {server}"), error);
        let mut stream = TcpStream::connect(server).map_err(fail)?;
        stream.set_nodelay(true).map_err(fail)?;
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {server}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: bGFiIGxhYiBsYWIgbGFiIQ==\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).map_err(fail)?;
        let mut socket = Self { stream, buffer: Vec::new() };
        let deadline = Instant::now() + Duration::from_secs(10);
        let head = loop {
            if let Some(end) = socket.buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                break socket.buffer.drain(..end + 4).collect::<Vec<u8>>();
            }
            if !socket.fill(deadline)? {
                return Err(LabError::Unexpected("the server closed a WebSocket before it began".into()));
            }
        };
        if !head.starts_with(b"HTTP/1.1 101") {
            return Err(LabError::Unexpected(format!("no WebSocket: {}", String::from_utf8_lossy(&head))));
        }
        Ok(socket)
    }

    /// Sends a text message.
    ///
    /// # Errors
    /// When the server has closed.
    pub fn send_text(&mut self, text: &str) -> Outcome {
        self.send_frame(TEXT, text.as_bytes())
    }

    /// Sends a frame with any operation code.
    ///
    /// # Errors
    /// When the server has closed.
    pub fn send_frame(&mut self, opcode: u8, payload: &[u8]) -> Outcome {
        let mut frame = vec![0x80 | opcode];
        match payload.len() {
            short @ 0..=125 => frame.push(0x80 | short as u8),
            middle @ 126..=0xffff => {
                frame.push(0x80 | 126);
                frame.extend_from_slice(&(middle as u16).to_be_bytes());
            }
            long => {
                frame.push(0x80 | 127);
                frame.extend_from_slice(&(long as u64).to_be_bytes());
            }
        }
        // A mask of zeroes is a mask too, and leaves the payload readable in a capture.
        frame.extend_from_slice(&[0; 4]);
        frame.extend_from_slice(payload);
        self.send_bytes(&frame)
    }

    /// Sends bytes that need not be a frame.
    ///
    /// # Errors
    /// When the server has closed.
    pub fn send_bytes(&mut self, bytes: &[u8]) -> Outcome {
        self.stream.write_all(bytes).map_err(|error| LabError::io("a WebSocket's bytes", error))
    }

    /// The next JSON message; `None` when the server closes.
    ///
    /// # Errors
    /// When nothing comes in time or it is no JSON.
    pub fn receive(&mut self) -> Outcome<Option<Value>> {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            if let Some((opcode, payload)) = self.next_frame() {
                match opcode {
                    TEXT => {
                        let text = String::from_utf8_lossy(&payload);
                        let value = serde_json::from_str(&text);
                        return value.map(Some).map_err(|_| LabError::Unexpected(format!("no JSON: {text}")));
                    }
                    CLOSE => return Ok(None),
                    _ => continue,
                }
            }
            match self.fill(deadline) {
                Ok(true) => {}
                Ok(false) => return Ok(None),
                Err(error) => return Err(error),
            }
        }
    }

    /// The next message of this type; others before it are skipped.
    ///
    /// # Errors
    /// When the server closes or nothing such comes.
    pub fn expect(&mut self, event_type: &str) -> Outcome<Value> {
        loop {
            match self.receive()? {
                Some(message) if message["event_type"] == event_type => return Ok(message),
                Some(_) => {}
                None => return Err(LabError::Unexpected(format!("the server closed instead of a {event_type}"))),
            }
        }
    }

    /// The code of the next error.
    ///
    /// # Errors
    /// As [`Self::expect`].
    pub fn expect_error(&mut self) -> Outcome<String> {
        let error = self.expect("error")?;
        Ok(error["code"].as_str().unwrap_or_default().to_owned())
    }

    fn next_frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let (&first, &second) = (self.buffer.first()?, self.buffer.get(1)?);
        let (start, length) = match second & 0x7f {
            126 => (4, usize::from(u16::from_be_bytes(self.buffer.get(2..4)?.try_into().ok()?))),
            127 => (10, u64::from_be_bytes(self.buffer.get(2..10)?.try_into().ok()?) as usize),
            short => (2, usize::from(short)),
        };
        if self.buffer.len() < start + length {
            return None;
        }
        let payload = self.buffer[start..start + length].to_vec();
        self.buffer.drain(..start + length);
        Some((first & 0x0f, payload))
    }

    /// Reads some bytes; false at the end of the connection.
    fn fill(&mut self, deadline: Instant) -> Outcome<bool> {
        let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        let fail = |error| LabError::io("nothing came on a WebSocket", error);
        self.stream.set_read_timeout(Some(left)).map_err(fail)?;
        let mut chunk = [0; 16 << 10];
        match self.stream.read(&mut chunk) {
            Ok(0) => Ok(false),
            Ok(count) => {
                self.buffer.extend_from_slice(&chunk[..count]);
                Ok(true)
            }
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => Ok(false),
            Err(error) => Err(fail(error)),
        }
    }
}

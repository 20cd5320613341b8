//! As much HTTP as the lab needs: one request on one connection, JSON both ways.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

use super::error::{LabError, Outcome};

/// A window takes a while to open, and its driver answers when it has.
const PATIENCE: Duration = Duration::from_secs(60);

/// An answer: its status and its body, `Null` when it is not JSON.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Value,
    pub(super) text: String,
}

/// Sends a request and reads the whole answer.
pub(super) fn request(server: SocketAddr, method: &str, path: &str, body: Option<&Value>) -> Outcome<Answer> {
    let fail = |error| LabError::io(format!("{method} {path} at {server}"), error);
    let mut stream = TcpStream::connect(server).map_err(fail)?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(fail)?;
    let body = body.map(Value::to_string).unwrap_or_default();
    // Without `Connection: close`: tauri-driver would pass it on and then use the connection that it has ended.
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {server}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(&[head.as_bytes(), body.as_bytes()].concat()).map_err(fail)?;
    let mut raw = Vec::new();
    let mut chunk = [0; 16 << 10];
    // The connection stays open, so the length decides.
    while !is_complete(&raw) {
        match stream.read(&mut chunk).map_err(fail)? {
            0 => break,
            count => raw.extend_from_slice(&chunk[..count]),
        }
    }
    parse(&raw).ok_or_else(|| {
        let came = String::from_utf8_lossy(&raw);
        LabError::Unexpected(format!("{method} {path} at {server}: no HTTP answer but \u{201c}{came}\u{201d}"))
    })
}

fn split(raw: &[u8]) -> Option<(String, &[u8])> {
    let end = raw.windows(4).position(|window| window == b"\r\n\r\n")?;
    Some((String::from_utf8_lossy(&raw[..end]).into_owned(), &raw[end + 4..]))
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let fields = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    fields.into_iter().find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

fn is_chunked(head: &str) -> bool {
    header(head, "transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked"))
}

fn is_complete(raw: &[u8]) -> bool {
    let Some((head, body)) = split(raw) else { return false };
    if is_chunked(&head) {
        return body.ends_with(b"0\r\n\r\n");
    }
    let length = header(&head, "content-length").and_then(|length| length.parse().ok());
    length.is_some_and(|length: usize| body.len() >= length)
}

fn parse(raw: &[u8]) -> Option<Answer> {
    let (head, body) = split(raw)?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let body = if is_chunked(&head) { unchunk(body)? } else { body.to_vec() };
    let text = String::from_utf8_lossy(&body).into_owned();
    Some(Answer { status, body: serde_json::from_str(&text).unwrap_or(Value::Null), text })
}

/// RFC 9112, section 7.1.
fn unchunk(mut body: &[u8]) -> Option<Vec<u8>> {
    let mut whole = Vec::new();
    loop {
        let end = body.windows(2).position(|window| window == b"\r\n")?;
        let length = usize::from_str_radix(std::str::from_utf8(&body[..end]).ok()?.trim(), 16).ok()?;
        if length == 0 {
            return Some(whole);
        }
        body = &body[end + 2..];
        whole.extend_from_slice(body.get(..length)?);
        body = body.get(length + 2..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_with_a_length_and_in_chunks_are_both_read() {
        for raw in [
            "HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n{\"a\":1}",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{\"a\r\n4\r\n\":1}\r\n0\r\n\r\n",
        ] {
            assert!(is_complete(raw.as_bytes()));
            assert!(!is_complete(&raw.as_bytes()[..raw.len() - 1]));
            let answer = parse(raw.as_bytes()).expect("an answer");
            assert_eq!((answer.status, &answer.body["a"]), (200, &Value::from(1)));
        }
    }
}

//! ICE candidates inside a text message.
//!
//! The message is JSON with SDP in one of its strings, but a candidate line (RFC 8839, section 5.1) has no character
//! that JSON escapes, so it can be found and changed in the text as it stands.

use std::net::{IpAddr, SocketAddr};

const MARK: &str = "candidate:";

/// The UDP addresses that the message's candidates name, each once.
pub(super) fn targets(text: &str) -> Vec<SocketAddr> {
    let mut found = Vec::new();
    for candidate in text.split(MARK).skip(1) {
        if let Some(target) = parse(candidate).map(|(target, _)| target)
            && !found.contains(&target)
        {
            found.push(target);
        }
    }
    found
}

/// The message with each address replaced that `substitute` has another for.
pub(super) fn rewrite(text: &str, substitute: impl Fn(SocketAddr) -> Option<SocketAddr>) -> String {
    let mut parts = text.split(MARK);
    let mut rewritten = parts.next().unwrap_or_default().to_owned();
    for candidate in parts {
        rewritten.push_str(MARK);
        let replacement = parse(candidate).and_then(|(target, place)| Some((substitute(target)?, place)));
        if let Some((address, place)) = replacement {
            rewritten.push_str(&candidate[..place.start]);
            rewritten.extend([address.ip().to_string(), " ".into(), address.port().to_string()]);
            rewritten.push_str(&candidate[place.end..]);
        } else {
            rewritten.push_str(candidate);
        }
    }
    rewritten
}

/// The address in `foundation component transport priority address port typ ...`, and where it stands.
fn parse(candidate: &str) -> Option<(SocketAddr, std::ops::Range<usize>)> {
    let line = candidate.split(['\\', '"', '\r', '\n']).next()?;
    let fields: Vec<&str> = line.split(' ').collect();
    let [_, _, transport, _, address, port, kind, ..] = fields[..] else { return None };
    if !transport.eq_ignore_ascii_case("udp") || kind != "typ" {
        return None;
    }
    let target = SocketAddr::new(address.parse::<IpAddr>().ok()?, port.parse().ok()?);
    let start = fields[..4].iter().map(|field| field.len() + 1).sum::<usize>();
    Some((target, start..start + address.len() + 1 + port.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &str = concat!(
        r#"{"answer":"v=0\r\na=candidate:1 1 udp 2130706175 127.0.0.1 50000 typ host\r\n"#,
        r"a=candidate:2 1 tcp 2105458943 127.0.0.1 50001 typ host tcptype passive\r\n",
        r#"a=candidate:3 1 UDP 2130706175 127.0.0.1 50000 typ host generation 0\r\n","content":"candidate: nobody"}"#,
    );

    #[test]
    fn udp_candidates_are_found_once_each_and_others_are_left_alone() {
        let server: SocketAddr = "127.0.0.1:50000".parse().expect("an address");
        let relay: SocketAddr = "127.0.0.1:7".parse().expect("an address");
        assert_eq!(targets(MESSAGE), [server]);
        let rewritten = rewrite(MESSAGE, |target| (target == server).then_some(relay));
        assert_eq!(rewritten, MESSAGE.replace("127.0.0.1 50000", "127.0.0.1 7"));
    }

    #[test]
    fn a_message_without_candidates_stays_as_it_is() {
        for text in
            ["", "{}", "candidate:", r#"{"x":"candidate:1 1 udp 5 nowhere 1 typ host"}"#, "candidate:1 1 udp 5 ::1"]
        {
            assert!(targets(text).is_empty());
            assert_eq!(rewrite(text, Some), text);
        }
    }
}

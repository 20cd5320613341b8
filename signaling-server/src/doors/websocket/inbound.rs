//! From bytes to a message, or to the reason why not.

use confab_protocol::{ClientMessage, ErrorCode, Limits, PROTOCOL_VERSION, RequestId};
use confab_rooms::Refusal;
use serde::Deserialize;

/// The few fields that are looked for in a message that is refused.
#[derive(Deserialize, Default)]
struct Peek {
    #[serde(default)]
    event_type: Option<String>,
    #[serde(default)]
    request: Option<RequestId>,
    #[serde(default)]
    version: Option<u32>,
}

/// A refused message.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) request: Option<RequestId>,
    pub(super) refusal: Refusal,
}

/// Reads one text message.
pub(super) fn read(text: &str, limits: &Limits) -> Result<ClientMessage, Refused> {
    if text.len() > limits.message_bytes as usize {
        let peek = peek(text);
        let carries_sdp = peek.event_type.as_deref().is_some_and(ClientMessage::event_type_carries_sdp);
        if !carries_sdp || text.len() > limits.sdp_message_bytes as usize {
            let most = limits.message_bytes / 1024;
            let message = format!("A message is at most {most} KiB long, and this one has {} bytes.", text.len());
            return Err(Refused { request: peek.request, refusal: Refusal::new(ErrorCode::MessageTooLarge, message) });
        }
    }
    serde_json::from_str(text).map_err(|error| explain(text, &error))
}

fn explain(text: &str, error: &serde_json::Error) -> Refused {
    let Peek { event_type, request, version } = peek(text);
    let refusal = match event_type {
        None => {
            let message = "A message is a JSON object with an event_type.";
            Refusal { field: Some("event_type"), ..Refusal::new(ErrorCode::MalformedMessage, message) }
        }
        Some(kind) if !ClientMessage::EVENT_TYPES.contains(&kind.as_str()) => {
            Refusal::new(ErrorCode::UnknownMessage, "This server does not know messages of this event_type.")
        }
        Some(_) if version.is_some_and(|version| version != PROTOCOL_VERSION) => other_version(),
        Some(_) => Refusal::new(ErrorCode::MalformedMessage, format!("The message cannot be read: {error}.")),
    };
    Refused { request, refusal }
}

/// A client that speaks another version of the protocol.
pub(super) fn other_version() -> Refusal {
    let message =
        format!("This server speaks version {PROTOCOL_VERSION} of the protocol. Update the older of the two.");
    Refusal { field: Some("version"), ..Refusal::new(ErrorCode::VersionMismatch, message) }
}

/// Reads what can be read of a message that is refused, so that its sender can tell which it was.
fn peek(text: &str) -> Peek {
    serde_json::from_str(text).unwrap_or_default()
}

/// The request's number of any text, if it has one.
pub(super) fn request_of(text: &str) -> Option<RequestId> {
    peek(text).request
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> (ErrorCode, Option<RequestId>) {
        let refused = read(text, &Limits::default()).unwrap_err();
        assert!(refused.refusal.message.ends_with('.'), "{}", refused.refusal.message);
        (refused.refusal.code, refused.request)
    }

    #[test]
    fn a_message_is_read() {
        let message = read(r#"{"event_type":"ping","timestamp":5}"#, &Limits::default()).unwrap();
        assert_eq!(message, ClientMessage::Ping { timestamp: 5 });
    }

    #[test]
    fn what_is_no_message_is_malformed() {
        let deep = "[".repeat(60_000);
        for text in ["", "ping", "[]", "7", "null", "{}", "{\"event_type\":7}", "{\"event_type\":\"ping\"", &deep] {
            assert_eq!(refused(text), (ErrorCode::MalformedMessage, None), "{}", &text[..text.len().min(40)]);
        }
        let text = r#"{"event_type":"call.hand","raised":"perhaps","request":9}"#;
        assert_eq!(refused(text), (ErrorCode::MalformedMessage, Some(RequestId(9))));
    }

    #[test]
    fn an_unknown_event_type_is_told_with_its_request() {
        let text = r#"{"event_type":"call.levitate","request":4}"#;
        assert_eq!(refused(text), (ErrorCode::UnknownMessage, Some(RequestId(4))));
    }

    #[test]
    fn a_join_of_another_version_is_told_so_even_when_its_fields_differ() {
        let text = r#"{"event_type":"call.join","request":1,"version":2,"room":{"code":"x"}}"#;
        assert_eq!(refused(text), (ErrorCode::VersionMismatch, Some(RequestId(1))));
    }

    #[test]
    fn only_messages_with_sdp_may_be_large() {
        let chat =
            |size: usize| format!(r#"{{"event_type":"chat.message","request":3,"content":"{}"}}"#, "a".repeat(size));
        assert!(read(&chat(60_000), &Limits::default()).is_ok());
        assert_eq!(refused(&chat(66_000)), (ErrorCode::MessageTooLarge, Some(RequestId(3))));
        let restart =
            |size: usize| format!(r#"{{"event_type":"call.restart","request":3,"offer":"{}"}}"#, "a".repeat(size));
        assert!(read(&restart(200_000), &Limits::default()).is_ok());
        assert_eq!(refused(&restart(270_000)), (ErrorCode::MessageTooLarge, Some(RequestId(3))));
        assert_eq!(refused(&"a".repeat(70_000)), (ErrorCode::MessageTooLarge, None));
    }

    #[test]
    fn no_change_of_a_message_makes_the_reader_fail() {
        use rand::rngs::StdRng;
        use rand::{RngExt, SeedableRng};
        let seeds = [
            r#"{"event_type":"ping","timestamp":18446744073709551615}"#,
            r#"{"event_type":"meeting.create","request":1,"name":"\ud83d\ude00","host_key":null}"#,
            r#"{"event_type":"call.join","request":1,"version":1,"code":"kestrel-lane-27","name":"Ada","token":"a.b.c",
                "offer":"v=0","tracks":[{"mid":"0","source":"camera","layers":["q","h","f"]}]}"#,
            r#"{"event_type":"call.view","tiles":[{"participant":"018f0000-0000-7000-8000-000000000000","source":"screen",
                "width":1,"height":1,"priority":255,"pinned":true}]}"#,
            r#"{"event_type":"chat.history","request":4294967295,"before":"018f0000-0000-7000-8000-000000000000"}"#,
        ];
        let pieces =
            ["\0", "\"", "{", "[", "}", ",", "\\", "\\ud800", "-1", "1e999", "null", "\u{202e}", "event_type", "😀"];
        let mut random = StdRng::seed_from_u64(7);
        let (mut read_well, mut refused) = (0, 0);
        for round in 0..20_000 {
            let mut letters: Vec<char> = seeds[round % seeds.len()].chars().collect();
            for _ in 0..random.random_range(0..4) {
                let at = random.random_range(0..letters.len().max(1));
                if letters.is_empty() {
                    break;
                }
                match random.random_range(0..3) {
                    0 => drop(letters.remove(at)),
                    1 => letters.truncate(at.max(1)),
                    _ => drop(letters.splice(at..at, pieces[random.random_range(0..pieces.len())].chars())),
                }
            }
            let text: String = letters.into_iter().collect();
            match read(&text, &Limits::default()) {
                Ok(_) => read_well += 1,
                Err(Refused { refusal, .. }) => {
                    refused += 1;
                    let code = refusal.code;
                    let known = matches!(
                        code,
                        ErrorCode::MalformedMessage | ErrorCode::UnknownMessage | ErrorCode::VersionMismatch
                    );
                    assert!(known && refusal.message.ends_with('.') && !refusal.message.contains('\n'), "{refusal:?}");
                }
            }
        }
        assert!(read_well > 2_000 && refused > 5_000, "{read_well} {refused}");
    }

    #[test]
    fn every_event_type_is_known_to_the_reader() {
        for kind in ClientMessage::EVENT_TYPES {
            let text = format!(r#"{{"event_type":"{kind}","request":"x"}}"#);
            match read(&text, &Limits::default()) {
                Ok(_) => {}
                Err(refused) => assert_eq!(refused.refusal.code, ErrorCode::MalformedMessage, "{kind}"),
            }
        }
    }
}

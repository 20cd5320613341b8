//! Text that anybody may send or paste. The bodies panic only when a promise is broken.

use confab_fuzz::Target;
use confab_protocol::link::ServerAddress;
use confab_protocol::{ClientMessage, MeetingLink, RoomCode, ServerMessage};

fn target(name: &'static str) -> Target {
    Target::new(env!("CARGO_MANIFEST_DIR"), name)
}

fn texts<const N: usize>(texts: [&str; N]) -> [Vec<u8>; N] {
    texts.map(|text| text.as_bytes().to_vec())
}

#[test]
fn any_text_is_a_message_or_refused() {
    let samples = texts([
        r#"{"event_type":"ping"}"#,
        r#"{"event_type":"meeting.create","request_id":1,"title":"Standup"}"#,
        r#"{"event_type":"call.mute","source":"microphone","muted":true}"#,
        r#"{"event_type":"call.publish","source":"camera","width":1280,"height":720}"#,
        r#"{"event_type":"call.view","tiles":[{"participant":"018f0000-0000-7000-8000-000000000000","source":"camera","width":320,"height":180,"priority":1,"pinned":false}]}"#,
        r#"{"event_type":"chat.message","text":"\ud83d\ude00 hello"}"#,
        r#"{"event_type":"call.speaking","participants":[]}"#,
        r#"{"event_type":"error","code":"server_full","message":"full","retry_after_ms":1000}"#,
    ]);
    target("message").samples(samples).longest(4_096).run(|bytes| {
        let text = String::from_utf8_lossy(bytes);
        if let Ok(message) = serde_json::from_str::<ClientMessage>(&text) {
            let again = serde_json::to_string(&message).expect("what was read can be written");
            serde_json::from_str::<ClientMessage>(&again).expect("and read again");
        }
        if let Ok(message) = serde_json::from_str::<ServerMessage>(&text) {
            let again = serde_json::to_string(&message).expect("what was read can be written");
            serde_json::from_str::<ServerMessage>(&again).expect("and read again");
        }
    });
}

#[test]
fn any_text_is_a_link_or_refused_and_a_link_is_written_as_it_is_read() {
    let samples = texts([
        "https://confab.example.org/m/kestrel-lane-27",
        "confab://192.168.1.5:8443/m/kestrel-lane-27#fp=aa11bb22cc33dd44ee55ff6600112233aa11bb22cc33dd44ee55ff6600112233",
        "http://[::1]:3000/m/kestrel-lane-27",
        "localhost:3000/m/kestrel-lane-27",
        " Kestrel-LANE-27 ",
        "[fe80::1%25eth0]:80",
    ]);
    target("link").samples(samples).longest(300).run(|bytes| {
        let text = String::from_utf8_lossy(bytes);
        if let Ok(link) = MeetingLink::parse(&text) {
            let written = link.to_string();
            let again = MeetingLink::parse(&written).unwrap_or_else(|error| panic!("{written}: {error}"));
            assert_eq!(again.to_string(), written);
            assert_eq!(again.code, link.code);
        }
        if let Ok(address) = ServerAddress::parse(&text) {
            assert!(!address.host.is_empty());
            address.websocket_url();
        }
        if let Ok(code) = text.parse::<RoomCode>() {
            assert_eq!(code.to_string().parse::<RoomCode>().expect("a code reads itself"), code);
        }
    });
}

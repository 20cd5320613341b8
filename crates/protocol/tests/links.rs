//! What a person may paste or type, and what a link looks like when it is given away.

use confab_protocol::link::{ServerAddress, random_code};
use confab_protocol::{LinkError, MeetingLink};

fn parse(text: &str) -> MeetingLink {
    MeetingLink::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn a_bare_code_means_the_server_last_used() {
    let link = parse("  Kestrel-LANE-27 \n");
    assert_eq!(link.server, None);
    assert_eq!(link.code.as_str(), "kestrel-lane-27");
    assert_eq!(link.to_string(), "kestrel-lane-27");
}

#[test]
fn a_link_survives_being_written_and_read_again() {
    let fingerprint = "ab".repeat(32);
    for text in [
        "https://meet.example/m/kestrel-lane-27".to_owned(),
        "https://meet.example:8443/m/kestrel-lane-2718".to_owned(),
        "http://127.0.0.1:8003/m/kestrel-lane-27".to_owned(),
        "https://[2001:db8::7]:8003/m/kestrel-lane-27".to_owned(),
        format!("https://192.0.2.7:8003/m/kestrel-lane-27#fp={fingerprint}"),
    ] {
        let link = parse(&text);
        assert_eq!(link.to_string(), text);
        assert_eq!(parse(&link.to_string()), link);
    }
}

#[test]
fn the_app_link_uses_the_usual_port_and_tls_except_on_this_computer() {
    let server = parse("confab://meet.example/m/kestrel-lane-27").server.expect("a server");
    assert_eq!((server.port, server.secure), (8003, true));
    let server = parse("confab://127.0.0.1:9000/m/kestrel-lane-27").server.expect("a server");
    assert_eq!((server.port, server.secure), (9000, false));
    assert_eq!(server.websocket_url(), "ws://127.0.0.1:9000/ws");
}

#[test]
fn a_server_in_the_local_network_is_reached_without_tls_and_others_only_when_the_link_says_so() {
    let secure = |text: &str| parse(&format!("confab://{text}")).server.expect("a server").secure;
    for near in ["192.168.1.20:8003/m/kestrel-lane-27", "10.1.2.3/m/kestrel-lane-27", "[fd00::7]/m/kestrel-lane-27"] {
        assert!(!secure(near), "{near}");
    }
    assert!(!secure("meet.lan/m/kestrel-lane-27#plain"));
    assert!(secure("meet.lan/m/kestrel-lane-27"));
    assert!(secure("203.0.113.9/m/kestrel-lane-27"));
    assert!(secure(&format!("192.168.1.20/m/kestrel-lane-27#fp={}", "ab".repeat(32))));
    assert!(!ServerAddress::parse("192.168.1.20:8003").expect("an address").secure);
}

#[test]
fn a_link_without_its_scheme_is_understood() {
    let link = parse("meet.example:8003/m/kestrel-lane-27");
    assert_eq!(link.server.expect("a server").host, "meet.example");
    assert_eq!(
        ServerAddress::parse("localhost:8003").expect("an address"),
        ServerAddress { host: "localhost".into(), ..ServerAddress::loopback(8003) }
    );
}

#[test]
fn every_refusal_says_what_is_wrong() {
    let refused = |text: &str| MeetingLink::parse(text).expect_err(text);
    assert_eq!(refused("   "), LinkError::Empty);
    assert!(matches!(refused("kestrel"), LinkError::BadCode(_)));
    assert!(matches!(refused("kestrel-lane-27-more"), LinkError::BadCode(_)));
    assert!(matches!(refused("kestrel-lane-\u{0664}\u{0662}"), LinkError::BadCode(_)));
    assert!(matches!(refused("https://meet.example/"), LinkError::NotAMeeting));
    assert!(matches!(refused("javascript://alert/m/kestrel-lane-27"), LinkError::BadScheme(_)));
    assert!(matches!(refused("https://h/m/kestrel-lane-27#fp=12"), LinkError::BadFingerprint));
    let long = refused(&"x".repeat(100_000)).to_string();
    assert!(long.chars().count() < 200, "an error does not repeat a page: {long}");
}

#[test]
fn a_fresh_code_is_valid_and_rarely_the_same() {
    let codes: std::collections::HashSet<_> = (0..500).map(|_| random_code()).collect();
    assert!(codes.len() > 490);
    for code in codes {
        assert_eq!(parse(code.as_str()).code, code);
    }
}

//! The envelope and its fields, as programs in other languages see them.

use confab_protocol::{ClientMessage, ErrorCode, Layer, RequestId, Role, ServerMessage, SourceKind};
use serde_json::json;

fn client(value: serde_json::Value) -> Result<ClientMessage, serde_json::Error> {
    serde_json::from_value(value)
}

#[test]
fn a_join_is_read_with_only_its_required_fields() {
    let join = client(json!({
        "event_type": "call.join", "request": 7, "version": 1, "code": "Kestrel-Lane-27", "name": "Ines",
        "offer": "v=0", "tracks": [{ "mid": "0", "source": "camera", "layers": ["q", "h", "f"] }],
    }));
    let Ok(ClientMessage::CallJoin { request, code, token, tracks, .. }) = join else { panic!("{join:?}") };
    assert_eq!(request, RequestId(7));
    assert_eq!(code.as_str(), "kestrel-lane-27");
    assert_eq!(token, None);
    assert_eq!(tracks[0].layers, Layer::ALL);
    assert_eq!(tracks[0].source, SourceKind::Camera);
}

#[test]
fn a_chat_message_of_the_older_service_is_understood() {
    let chat = client(json!({
        "event_type": "chat.message", "conversation_id": "kestrel-lane-27", "content": "Hello everyone!",
        "content_type": "text", "mentions": ["user456"], "attachments": [],
    }));
    assert!(matches!(chat, Ok(ClientMessage::ChatMessage { content, .. }) if content == "Hello everyone!"));
}

#[test]
fn an_unknown_event_and_a_missing_field_and_a_bad_code_are_refused() {
    assert!(client(json!({ "event_type": "call.teleport" })).is_err());
    assert!(client(json!({ "event_type": "call.hand" })).is_err());
    assert!(client(json!({ "event_type": "call.hand", "raised": "yes" })).is_err());
    assert!(client(json!(["call.hand"])).is_err());
    let bad_code = json!({ "event_type": "call.join", "request": 1, "version": 1, "code": "../../etc", "name": "x",
        "offer": "", "tracks": [] });
    assert!(client(bad_code).is_err());
}

#[test]
fn an_error_names_its_code_in_snake_case_and_leaves_out_what_it_lacks() {
    let error = ServerMessage::Error {
        request: None,
        code: ErrorCode::RoomFull,
        message: "This meeting is full.".into(),
        field: None,
    };
    assert_eq!(
        serde_json::to_value(error).expect("plain data"),
        json!({ "event_type": "error", "code": "room_full", "message": "This meeting is full." })
    );
}

#[test]
fn only_messages_with_sdp_may_be_large() {
    let hand = client(json!({ "event_type": "call.hand", "raised": true })).expect("valid");
    let restart = client(json!({ "event_type": "call.restart", "request": 1, "offer": "" })).expect("valid");
    assert!(!hand.carries_sdp());
    assert!(restart.carries_sdp());
}

#[test]
fn a_viewer_may_not_publish_and_only_hosts_moderate() {
    assert!(!Role::Viewer.grants().publish);
    assert!(!Role::Viewer.grants().share_screen);
    for role in [Role::Presenter, Role::Participant, Role::Viewer] {
        assert!(!role.grants().moderate);
    }
    assert!(Role::Host.grants().moderate);
}

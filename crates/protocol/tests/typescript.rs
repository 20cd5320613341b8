//! The window's TypeScript is made from the wire types and must be in step with them.

use confab_protocol::typescript;

#[test]
fn the_generated_typescript_in_the_window_is_in_step() {
    // Tests run in their package's folder.
    let path = "../../ui/src/bridge/protocol.generated.ts";
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(written == typescript::generate(), "out of step: run `cargo xtask codegen`");
}

#[test]
fn every_message_is_told_apart_by_its_event_type() {
    let generated = typescript::generate();
    for event in ["call.join", "call.joined", "chat.message", "call.slots", "system.message"] {
        assert!(generated.contains(&format!("\"event_type\": \"{event}\"")), "{event}");
    }
}

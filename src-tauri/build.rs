//! Tauri's build step: reads `tauri.conf.json` and the capabilities, and puts every command under the access list, so
//! that a window can call only what its capability names.

/// Every command of `src-tauri/src/commands`.
const COMMANDS: [&str; 32] = [
    "app_info",
    "settings_get",
    "settings_set",
    "list_devices",
    "parse_link",
    "frame_socket",
    "preview_start",
    "preview_stop",
    "meeting_start",
    "meeting_join",
    "call_leave",
    "set_microphone_on",
    "set_camera_on",
    "choose_devices",
    "list_share_sources",
    "share_start",
    "share_stop",
    "hand_set",
    "chat_send",
    "chat_older",
    "view_set",
    "react",
    "stats_watch",
    "noise_removal_set",
    "retry_now",
    "window_state",
    "speaker_test",
    "host_status",
    "host_start",
    "host_stop",
    "window_mode_set",
    "always_on_top_set",
];

fn main() {
    let manifest = tauri_build::AppManifest::new().commands(&COMMANDS);
    let attributes = tauri_build::Attributes::new().app_manifest(manifest);
    tauri_build::try_build(attributes).expect("tauri.conf.json and the capabilities are valid");
}

//! Home and settings: who we are, what is remembered, what a pasted text means.

use confab_protocol::MeetingLink;
use tauri::State;

use super::Answer;
use crate::app::App;
use crate::contract::{AppInfo, BridgeError, DeviceList, NativeCode, ParsedLink, Settings};
use crate::device_choices;

#[tauri::command]
pub fn app_info(app: State<'_, App>) -> AppInfo {
    AppInfo {
        version: env!("CARGO_PKG_VERSION"),
        platform: std::env::consts::OS,
        // The window keeps the system's frame in this release.
        window_controls: false,
        draws_pictures: app.frames.draws_pictures(),
        opened_link: app.early_link.take(),
    }
}

#[tauri::command]
pub fn settings_get(app: State<'_, App>) -> Settings {
    app.settings.get()
}

#[tauri::command(rename_all = "snake_case")]
pub fn settings_set(app: State<'_, App>, settings: Settings) -> Answer<()> {
    app.settings.set(settings)
}

#[tauri::command]
pub async fn list_devices() -> Answer<DeviceList> {
    tauri::async_runtime::spawn_blocking(device_choices::list)
        .await
        .map_err(|error| BridgeError::native(NativeCode::DeviceFailed, error))
}

#[tauri::command(rename_all = "snake_case")]
pub fn parse_link(text: String) -> Answer<ParsedLink> {
    let link = MeetingLink::parse(&text).map_err(|error| BridgeError::native(NativeCode::LinkInvalid, error))?;
    Ok(ParsedLink {
        join_text: link.to_string(),
        server: link.server.map(|server| format!("{}:{}", server.host, server.port)),
        code: link.code,
    })
}

#[tauri::command]
pub fn frame_socket(app: State<'_, App>) -> FrameSocket {
    FrameSocket { url: app.frames.url().to_owned() }
}

/// Where the window gets pictures.
#[derive(serde::Serialize)]
pub struct FrameSocket {
    url: String,
}

//! Devices before joining: picture, level, and what is wrong with them.

use std::sync::Arc;

use confab_call::capture::{CameraChoice, MicrophoneChoice, VideoFormat};
use confab_call::preview::{Preview, PreviewEvent, test_speaker};
use tauri::State;

use super::Answer;
use crate::app::App;
use crate::contract::{BridgeError, BridgeEvent, DeviceChoice, DeviceChoices, NativeCode, PREVIEW_TILE};
use crate::device_choices;
use crate::session::Emit;
use crate::sink::unix_ms_now;
use crate::translate::{device_problem, linear_level};

#[tauri::command(rename_all = "snake_case")]
pub async fn preview_start(
    app: State<'_, App>,
    devices: DeviceChoices,
    camera_on: bool,
    microphone_on: bool,
) -> Answer<()> {
    let mut preview = app.preview.lock().await;
    let preview = preview.get_or_insert_with(|| new_preview(Arc::clone(&app.emit)));
    let camera = if camera_on { device_choices::camera(&devices.camera) } else { CameraChoice::None };
    let board = app.frames.board();
    let key: Arc<str> = PREVIEW_TILE.into();
    board.remove(&key);
    preview.camera(
        camera,
        VideoFormat::HD,
        Box::new(move |captured| board.put(&key, Arc::clone(&captured.frame), unix_ms_now())),
    );
    let microphone =
        if microphone_on { device_choices::microphone(&devices.microphone) } else { MicrophoneChoice::None };
    preview.microphone(microphone);
    Ok(())
}

#[tauri::command]
pub async fn preview_stop(app: State<'_, App>) -> Answer<()> {
    app.close_preview().await;
    app.frames.board().remove(PREVIEW_TILE);
    Ok(())
}

#[tauri::command(rename_all = "snake_case")]
pub async fn speaker_test(speaker: DeviceChoice) -> Answer<()> {
    let choice = device_choices::speaker(&speaker);
    let played = tauri::async_runtime::spawn_blocking(move || test_speaker(&choice)).await;
    let failed = |error: &dyn std::fmt::Display| BridgeError::native(NativeCode::DeviceFailed, error);
    played.map_err(|error| failed(&error))?.map_err(|error| failed(&error))
}

fn new_preview(emit: Emit) -> Preview {
    Preview::new(move |event| {
        emit(match event {
            PreviewEvent::Level { level, .. } => BridgeEvent::Levels { microphone: linear_level(level) },
            PreviewEvent::Problem { device, reason, message } => device_problem(device, reason, message),
        });
    })
}

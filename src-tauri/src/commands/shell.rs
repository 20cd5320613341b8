//! The window itself: how much of the screen it takes.

use tauri::{LogicalSize, State, WebviewWindow};

use super::Answer;
use crate::app::App;
use crate::contract::{BridgeError, BridgeEvent, NativeCode, WindowMode};

/// The mini window, and the smallest a normal one gets; `tauri.conf.json` says the same.
const MINI: LogicalSize<f64> = LogicalSize { width: 320.0, height: 240.0 };
const SMALLEST: LogicalSize<f64> = LogicalSize { width: 360.0, height: 480.0 };
/// What a window that had no size before gets.
const USUAL: LogicalSize<f64> = LogicalSize { width: 1280.0, height: 720.0 };

#[tauri::command(rename_all = "snake_case")]
pub async fn window_mode_set(app: State<'_, App>, window: WebviewWindow, mode: WindowMode) -> Answer<()> {
    let mut shown = app.window_mode.lock().await;
    if shown.mode == mode {
        return Ok(());
    }
    let failed = |error: tauri::Error| BridgeError::native(NativeCode::WindowFailed, error);
    let scale = window.scale_factor().map_err(failed)?;
    if shown.mode == WindowMode::Normal {
        shown.size = window.inner_size().map_err(failed)?.to_logical(scale);
    }
    if shown.mode == WindowMode::FullScreen {
        window.set_fullscreen(false).map_err(failed)?;
    }
    let on_top = app.settings.get().always_on_top;
    match mode {
        WindowMode::Mini => {
            window.set_min_size(Some(MINI)).map_err(failed)?;
            window.set_size(MINI).map_err(failed)?;
            window.set_always_on_top(true).map_err(failed)?;
        }
        WindowMode::Normal | WindowMode::FullScreen => {
            let size = if shown.size.width < SMALLEST.width { USUAL } else { shown.size };
            window.set_min_size(Some(SMALLEST)).map_err(failed)?;
            window.set_size(size).map_err(failed)?;
            window.set_always_on_top(on_top).map_err(failed)?;
            window.set_fullscreen(mode == WindowMode::FullScreen).map_err(failed)?;
        }
    }
    shown.mode = mode;
    (app.emit)(BridgeEvent::WindowMode { mode });
    Ok(())
}

#[tauri::command(rename_all = "snake_case")]
pub async fn always_on_top_set(app: State<'_, App>, window: WebviewWindow, on: bool) -> Answer<()> {
    let is_mini = app.window_mode.lock().await.mode == WindowMode::Mini;
    window.set_always_on_top(on || is_mini).map_err(|error| BridgeError::native(NativeCode::WindowFailed, error))
}

/// How the window is shown, and its size as a window among others.
pub struct Shown {
    mode: WindowMode,
    size: LogicalSize<f64>,
}

impl Default for Shown {
    fn default() -> Self {
        Self { mode: WindowMode::Normal, size: USUAL }
    }
}

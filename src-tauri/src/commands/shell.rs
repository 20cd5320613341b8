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
    let failed = |error: tauri::Error| BridgeError::native(NativeCode::WindowFailed, error);
    // The system may have ended the full screen by itself.
    if shown.mode == WindowMode::FullScreen && !window.is_fullscreen().map_err(failed)? {
        shown.mode = WindowMode::Normal;
    }
    let before = std::mem::replace(&mut shown.mode, mode);
    if before != mode {
        if before == WindowMode::FullScreen {
            window.set_fullscreen(false).map_err(failed)?;
        }
        if before == WindowMode::Mini {
            window.set_min_size(Some(SMALLEST)).map_err(failed)?;
            window.set_size(shown.size).map_err(failed)?;
        }
        match mode {
            WindowMode::Normal => {}
            WindowMode::FullScreen => window.set_fullscreen(true).map_err(failed)?,
            WindowMode::Mini => {
                let scale = window.scale_factor().map_err(failed)?;
                let size = window.inner_size().map_err(failed)?.to_logical(scale);
                shown.size = if before == WindowMode::Normal { size } else { shown.size };
                window.set_min_size(Some(MINI)).map_err(failed)?;
                window.set_size(MINI).map_err(failed)?;
            }
        }
        window.set_always_on_top(shown.on_top || mode == WindowMode::Mini).map_err(failed)?;
    }
    // Said again too: a window that was loaded anew may not know it.
    (app.emit)(BridgeEvent::WindowMode { mode });
    Ok(())
}

#[tauri::command(rename_all = "snake_case")]
pub async fn always_on_top_set(app: State<'_, App>, window: WebviewWindow, on: bool) -> Answer<()> {
    let mut shown = app.window_mode.lock().await;
    shown.on_top = on;
    let stays = on || shown.mode == WindowMode::Mini;
    window.set_always_on_top(stays).map_err(|error| BridgeError::native(NativeCode::WindowFailed, error))
}

/// How the window is shown, and what it goes back to.
pub struct Shown {
    mode: WindowMode,
    /// Its size as a window among others.
    size: LogicalSize<f64>,
    /// It stays above others, mini or not.
    on_top: bool,
}

impl Default for Shown {
    fn default() -> Self {
        Self { mode: WindowMode::Normal, size: USUAL, on_top: false }
    }
}

impl Shown {
    /// How the window is shown now.
    pub fn mode(&self) -> WindowMode {
        self.mode
    }
}

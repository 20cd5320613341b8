//! The server in this program: begin, end, and how it is.

use tauri::State;

use super::Answer;
use crate::app::App;
use crate::contract::HostStatus;

#[tauri::command]
pub async fn host_status(app: State<'_, App>) -> Answer<HostStatus> {
    Ok(app.hosting.status().await)
}

#[tauri::command]
pub async fn host_start(app: State<'_, App>) -> Answer<HostStatus> {
    app.hosting.address().await?;
    Ok(app.hosting.status().await)
}

#[tauri::command]
pub async fn host_stop(app: State<'_, App>) -> Answer<HostStatus> {
    app.hosting.stop().await;
    Ok(app.hosting.status().await)
}

//! A call from pressing start or join to leaving.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use confab_call::capture::ScreenChoice;
use confab_call::signal::{self, CreateError, NoSocket};
use confab_call::{CallConfig, View};
use confab_protocol::link::ServerAddress;
use confab_protocol::{ChatMessageId, ErrorCode, MeetingLink, Reaction, RoomCode, TileRequest};
use tauri::State;

use super::Answer;
use crate::app::App;
use crate::contract::{
    BridgeError, ChatPage, Code, DeviceChoices, JoinOptions, NativeCode, ShareInfo, ShareSource, WindowState,
};
use crate::device_choices;
use crate::session::Session;
use crate::sink::WindowSink;
use crate::translate::doubtful;

#[tauri::command(rename_all = "snake_case")]
pub async fn meeting_start(app: State<'_, App>, title: String, server: String, options: JoinOptions) -> Answer<()> {
    let attempt = app.next_try();
    let host_key = app.settings.get().host_key_of(&server);
    // In clear it goes nowhere, unless a person wrote that the way is plain.
    let is_plain = server.trim_start().to_ascii_lowercase().starts_with("http://");
    let server = app.server_for_new(&server).await?;
    let host_key = host_key.filter(|_| server.secure || is_plain || server.host == "127.0.0.1");
    let created = signal::create_room(server.clone(), &title, host_key).await.map_err(not_created)?;
    enter(&app, attempt, server, (created.code, Some(created.token)), options).await
}

#[tauri::command(rename_all = "snake_case")]
pub async fn meeting_join(app: State<'_, App>, text: String, options: JoinOptions) -> Answer<()> {
    let attempt = app.next_try();
    let link = MeetingLink::parse(&text).map_err(|error| BridgeError::native(NativeCode::LinkInvalid, error))?;
    let server = match link.server {
        Some(server) => server,
        None => app.server_of_codes().await?,
    };
    let (asked, code) = (format!("{}:{}", server.host, server.port), link.code.clone());
    enter(&app, attempt, server, (link.code, None), options).await.map_err(|error| match error.code {
        Code::Server(ErrorCode::RoomNotFound) => not_found(asked, &code),
        _ => error,
    })
}

fn not_created(error: CreateError) -> BridgeError {
    match error {
        CreateError::Refused { code, message } => BridgeError::server(code, message),
        CreateError::Unreachable(NoSocket { doubt: Some(doubt), why }) => BridgeError::native(doubtful(doubt), why),
        other => BridgeError::native(NativeCode::ServerUnreachable, other),
    }
}

/// The same code may be another meeting's elsewhere, so the person is told where it was looked up.
fn not_found(server: String, code: &RoomCode) -> BridgeError {
    let message = format!("No meeting at {server} has the code {code}. It may have ended, or a word differs.");
    BridgeError { server: Some(server), ..BridgeError::server(ErrorCode::RoomNotFound, message) }
}

async fn enter(
    app: &App,
    attempt: u64,
    server: ServerAddress,
    (code, token): (RoomCode, Option<String>),
    options: JoinOptions,
) -> Answer<()> {
    let mut session = app.session.lock().await;
    if app.tries.load(Ordering::Relaxed) != attempt {
        // The person went back, or began another, while a server took its time.
        return Err(BridgeError::not_in_call());
    }
    // The preview's devices are given back first: a camera opens only once.
    app.close_preview().await;
    if let Some(previous) = session.take() {
        previous.handle.leave().await;
    }
    let mut config = CallConfig::new(server, code, options.name);
    config.token = token;
    config.camera = device_choices::camera(&options.devices.camera);
    config.camera_on = options.camera_on;
    config.microphone = device_choices::microphone(&options.devices.microphone);
    config.microphone_muted = !options.microphone_on;
    config.speaker = device_choices::speaker(&options.devices.speaker);
    config.noise_removal = app.settings.get().noise_removal;
    config.view = View::Chosen;
    config.stats_events = true;
    config.sink = Arc::new(WindowSink::new(app.frames.board()));
    let (begun, mut joining) = Session::begin(config, Arc::clone(&app.emit));
    *session = Some(begun);
    drop(session);
    if let Err(error) = joining.wait().await {
        app.session.lock().await.take_if(|session| joining.is_of(session));
        return Err(error);
    }
    Ok(())
}

#[tauri::command]
pub async fn call_leave(app: State<'_, App>) -> Answer<()> {
    app.next_try();
    let session = app.session.lock().await.take();
    if let Some(session) = session {
        session.handle.leave().await;
    }
    Ok(())
}

/// Runs `act` on the running call.
async fn in_call<T>(app: &App, act: impl FnOnce(&Session) -> T) -> Answer<T> {
    app.session.lock().await.as_ref().map(act).ok_or_else(BridgeError::not_in_call)
}

#[tauri::command(rename_all = "snake_case")]
pub async fn set_microphone_on(app: State<'_, App>, on: bool) -> Answer<()> {
    in_call(&app, |session| session.handle.set_microphone_muted(!on)).await
}

#[tauri::command(rename_all = "snake_case")]
pub async fn set_camera_on(app: State<'_, App>, on: bool) -> Answer<()> {
    in_call(&app, |session| session.handle.set_camera(on, None)).await
}

#[tauri::command(rename_all = "snake_case")]
pub async fn choose_devices(app: State<'_, App>, devices: DeviceChoices) -> Answer<()> {
    let before = app.settings.get().devices;
    in_call(&app, |session| {
        if devices.camera != before.camera {
            session.handle.set_camera(session.camera_on(), Some(device_choices::camera(&devices.camera)));
        }
        if devices.microphone != before.microphone {
            session.handle.choose_microphone(device_choices::microphone(&devices.microphone));
        }
        if devices.speaker != before.speaker {
            session.handle.choose_speaker(device_choices::speaker(&devices.speaker));
        }
    })
    .await
}

#[tauri::command]
pub async fn list_share_sources() -> Answer<Vec<ShareSource>> {
    tauri::async_runtime::spawn_blocking(device_choices::share_sources)
        .await
        .map_err(|error| BridgeError::native(NativeCode::ShareFailed, error))
}

#[tauri::command(rename_all = "snake_case")]
pub async fn share_start(app: State<'_, App>, source_id: String) -> Answer<()> {
    let screen: ScreenChoice =
        source_id.parse().map_err(|error| BridgeError::native(NativeCode::ShareFailed, error))?;
    let sources = list_share_sources().await?;
    let title = sources.into_iter().find(|source| source.id == source_id).map(|source| source.title);
    in_call(&app, |session| {
        session.set_share(Some(ShareInfo { title: title.unwrap_or_else(|| source_id.clone()), source_id }));
        session.handle.start_share(screen);
    })
    .await
}

#[tauri::command]
pub async fn share_stop(app: State<'_, App>) -> Answer<()> {
    in_call(&app, |session| session.handle.stop_share()).await
}

#[tauri::command(rename_all = "snake_case")]
pub async fn hand_set(app: State<'_, App>, raised: bool) -> Answer<()> {
    in_call(&app, |session| session.handle.set_hand(raised)).await
}

#[tauri::command(rename_all = "snake_case")]
pub async fn react(app: State<'_, App>, reaction: Reaction) -> Answer<()> {
    in_call(&app, |session| session.handle.react(reaction)).await
}

#[tauri::command(rename_all = "snake_case")]
pub async fn stats_watch(app: State<'_, App>, on: bool) -> Answer<()> {
    in_call(&app, |session| session.watch_stats(on)).await
}

/// Without a call it is the settings' alone, and the next call begins with it.
#[tauri::command(rename_all = "snake_case")]
pub async fn noise_removal_set(app: State<'_, App>, on: bool) -> Answer<()> {
    if let Some(session) = &*app.session.lock().await {
        session.handle.set_noise_removal(on);
    }
    Ok(())
}

#[tauri::command]
pub async fn retry_now(app: State<'_, App>) -> Answer<()> {
    in_call(&app, |session| session.handle.retry_now()).await
}

#[tauri::command]
pub async fn window_state(app: State<'_, App>) -> Answer<WindowState> {
    let mode = app.window_mode.lock().await.mode();
    let session = app.session.lock().await;
    let call = session.as_ref().map(Session::known).unwrap_or_default();
    Ok(WindowState { call, mode })
}

#[tauri::command(rename_all = "snake_case")]
pub async fn chat_send(app: State<'_, App>, content: String) -> Answer<()> {
    in_call(&app, |session| session.handle.send_chat(content)).await
}

#[tauri::command(rename_all = "snake_case")]
pub async fn chat_older(app: State<'_, App>, before: Option<ChatMessageId>) -> Answer<ChatPage> {
    let asked = in_call(&app, |session| session.older_chat(before)).await?;
    asked.await
}

#[tauri::command(rename_all = "snake_case")]
pub async fn view_set(app: State<'_, App>, tiles: Vec<TileRequest>) -> Answer<()> {
    in_call(&app, |session| session.handle.set_view(tiles)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_meeting_that_is_not_found_is_told_with_the_server_that_was_asked() {
        let error = not_found("127.0.0.1:8003".into(), &"onyx-pier-5143".parse().expect("a code"));
        assert_eq!(error.server.as_deref(), Some("127.0.0.1:8003"));
        assert!(
            error.message.starts_with("No meeting at 127.0.0.1:8003 has the code onyx-pier-5143."),
            "{}",
            error.message
        );
    }
}

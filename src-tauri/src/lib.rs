//! The desktop shell: the engine and the window, brought together. It decides nothing about calls.

mod app;
mod commands;
mod contract;
mod device_choices;
mod drawing;
mod frames;
mod hosting;
mod links;
mod session;
mod settings;
mod sink;
mod translate;
mod watch;

use commands::{call, home, host, preview, shell};
use tauri::Manager;
use tracing_subscriber::EnvFilter;

/// Starts the app and returns when it is closed.
///
/// # Panics
/// When the webview cannot be started; the system's message says why.
pub fn run() {
    drawing::prepare();
    // At trace level the frame socket's own log lines would take most of the time of a picture.
    let filter = EnvFilter::try_from_env("CONFAB_LOG")
        .unwrap_or_else(|_| EnvFilter::new("warn,confab=info,tauri_plugin_single_instance=error"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let app = tauri::Builder::default()
        // First of all plugins: a second start ends here.
        .plugin(tauri_plugin_single_instance::init(|app, arguments, _folder| links::second_start(app, &arguments)))
        .plugin(tauri_plugin_deep_link::init())
        .setup(|tauri_app| {
            let handle = tauri_app.handle().clone();
            let easel = drawing::easel(&handle);
            let state =
                tauri::async_runtime::block_on(app::App::open(&handle, easel)).map_err(|error| error.message)?;
            watch::start(std::sync::Arc::clone(&state.emit));
            tauri_app.manage(state);
            tauri::async_runtime::spawn(watch::host(handle.clone()));
            #[cfg(target_os = "macos")]
            links::listen(&handle);
            Ok(())
        })
        .invoke_handler(tauri::generate_handler![
            home::app_info,
            home::settings_get,
            home::settings_set,
            home::list_devices,
            home::parse_link,
            home::frame_socket,
            preview::preview_start,
            preview::preview_stop,
            call::meeting_start,
            call::meeting_join,
            call::call_leave,
            call::set_microphone_on,
            call::set_camera_on,
            call::choose_devices,
            call::list_share_sources,
            call::share_start,
            call::share_stop,
            call::hand_set,
            call::chat_send,
            call::chat_older,
            call::view_set,
            call::react,
            call::stats_watch,
            call::noise_removal_set,
            call::retry_now,
            call::window_state,
            preview::speaker_test,
            host::host_status,
            host::host_start,
            host::host_stop,
            shell::window_mode_set,
            shell::always_on_top_set,
        ])
        .build(tauri::generate_context!())
        .expect("the webview starts");
    app.run(|handle, event| {
        if let tauri::RunEvent::Exit = event {
            // Others are told that we left, instead of finding out.
            tauri::async_runtime::block_on(handle.state::<app::App>().close());
        }
    });
}

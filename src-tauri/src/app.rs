//! What the commands share. Each part has its own lock; the settings' may be taken while another is held, no other two are.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use confab_call::preview::Preview;
use confab_protocol::link::ServerAddress;
use tauri::{AppHandle, Emitter, Manager};
use tokio::sync::Mutex;

use crate::commands::shell::Shown;
use crate::contract::{BridgeError, BridgeEvent, EVENT_CHANNEL, NativeCode};
use crate::frames::{FrameServer, SharedEasel};
use crate::hosting::Hosting;
use crate::links::{self, EarlyLink};
use crate::session::{Emit, Session};
use crate::settings::SettingsStore;

/// The app's state, managed by Tauri.
pub struct App {
    /// What is remembered.
    pub settings: SettingsStore,
    /// Pictures to the window.
    pub frames: FrameServer,
    /// The server in this process, when there is one.
    pub hosting: Hosting,
    /// The running call.
    pub session: Mutex<Option<Session>>,
    /// Tries to be in a call, counted: one that was given up, or followed by another, does not begin late.
    pub tries: AtomicU64,
    /// Camera and microphone before joining.
    pub preview: Mutex<Option<Preview>>,
    /// Links that were opened before the window could hear of them.
    pub early_link: EarlyLink,
    /// How the window is shown.
    pub window_mode: Mutex<Shown>,
    /// To the window.
    pub emit: Emit,
}

impl App {
    /// Opens the settings and the frame socket. With an easel, pictures go there instead of to the page.
    ///
    /// # Errors
    /// When there is no place for settings, or no local port.
    pub async fn open(handle: &AppHandle, easel: Option<Arc<SharedEasel>>) -> Result<Self, BridgeError> {
        let paths = handle.path();
        let failed = |error: tauri::Error| BridgeError::native(NativeCode::StorageFailed, error);
        let settings = SettingsStore::open(&paths.app_config_dir().map_err(failed)?);
        let hosting = Hosting::new(paths.app_data_dir().map_err(failed)?.join("server"));
        let frames =
            FrameServer::start(easel).await.map_err(|error| BridgeError::native(NativeCode::MediaFailed, error))?;
        let window = handle.clone();
        let emit: Emit = Arc::new(move |event: BridgeEvent| {
            if let Err(error) = window.emit(EVENT_CHANNEL, event) {
                tracing::debug!(%error, "the window did not take an event");
            }
        });
        let early_link = EarlyLink::new(links::among(std::env::args()));
        Ok(Self {
            settings,
            frames,
            hosting,
            early_link,
            session: Mutex::default(),
            tries: AtomicU64::new(0),
            preview: Mutex::default(),
            window_mode: Mutex::default(),
            emit,
        })
    }

    /// The server for new meetings and bare codes: the one named, else `CONFAB_SERVER`, else one in this process.
    ///
    /// # Errors
    /// When the name cannot be understood, or no server can be started here.
    pub async fn server(&self, named: &str) -> Result<ServerAddress, BridgeError> {
        let from_environment = std::env::var("CONFAB_SERVER").unwrap_or_default();
        let named = if named.trim().is_empty() { from_environment.as_str() } else { named };
        if named.trim().is_empty() {
            return self.hosting.address().await;
        }
        ServerAddress::parse(named).map_err(|error| BridgeError::native(NativeCode::LinkInvalid, error))
    }

    /// Begins another try, or gives the last one up; its number.
    pub fn next_try(&self) -> u64 {
        self.tries.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Gives back the preview's devices and returns when they are free.
    pub async fn close_preview(&self) {
        if let Some(preview) = self.preview.lock().await.take() {
            // It can only fail when the app is ending, and then the devices are freed anyway.
            let _ = tauri::async_runtime::spawn_blocking(move || preview.close()).await;
        }
    }

    /// Leaves the call and frees the devices.
    pub async fn close(&self) {
        self.close_preview().await;
        if let Some(session) = self.session.lock().await.take() {
            session.handle.leave().await;
        }
        self.hosting.stop().await;
    }
}

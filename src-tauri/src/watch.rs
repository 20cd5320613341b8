//! Tells the window what happens by itself: devices that come or go, and people in the meetings hosted here.

use std::time::Duration;

use tauri::{AppHandle, Manager};

use confab_call::devices;

use crate::app::App;
use crate::contract::BridgeEvent;
use crate::device_choices;
use crate::session::Emit;

/// How often is looked who is in the meetings hosted here.
const HOST_INTERVAL: Duration = Duration::from_secs(2);

/// Watches the server in this program for as long as the app runs.
pub async fn host(handle: AppHandle) {
    let app = handle.state::<App>();
    let mut told = app.hosting.status().await;
    loop {
        tokio::time::sleep(HOST_INTERVAL).await;
        let now = app.hosting.status().await;
        if now != told {
            told = now.clone();
            (app.emit)(BridgeEvent::Host { host: now });
        }
    }
}

/// Watches devices for as long as the app runs.
pub fn start(emit: Emit) {
    std::thread::Builder::new()
        .name("device-watch".into())
        .spawn(move || {
            for _change in devices::watch() {
                emit(BridgeEvent::Devices { devices: device_choices::list() });
            }
        })
        .expect("the system gives a thread");
}

//! Tells the window when a device comes or goes.

use confab_call::devices;

use crate::contract::BridgeEvent;
use crate::device_choices;
use crate::session::Emit;

/// Watches for as long as the app runs.
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

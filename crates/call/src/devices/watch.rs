//! Notices devices that come and go by comparing lists every two seconds, in one thread for all who ask.
//!
//! Polling, because neither the sound servers nor nokhwa tell: `PulseAudio` silently moves a stream to another device
//! when its own is unplugged, and the stream goes on as if nothing had happened.

use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, unbounded};

use super::{DeviceChange, DeviceKind, Snapshot};

/// Short enough to answer an unplugged headset within three seconds, long enough to cost nothing (two requests to the
/// sound server and one directory).
const INTERVAL: Duration = Duration::from_secs(2);

/// Sees every list; answers whether it wants to see the next one.
type Watcher = Box<dyn FnMut(&Snapshot) -> bool + Send>;

#[derive(Default)]
struct Watchers {
    new: Vec<Watcher>,
    /// A thread is polling and will look at `new` before it ends.
    polling: bool,
}

static WATCHERS: Mutex<Watchers> = Mutex::new(Watchers { new: Vec::new(), polling: false });

/// Sends every change of cameras, microphones and speakers, each within about two seconds, until the receiver is
/// dropped. The first list to compare with is made before this returns.
pub fn watch() -> Receiver<DeviceChange> {
    let (sender, receiver) = unbounded();
    let mut before = Snapshot::take().list;
    add(Box::new(move |snapshot| {
        let changes = snapshot.list.changes_since(&before);
        before = snapshot.list.clone();
        // A send fails only when nobody listens any more; an empty send cannot tell, so that is found out at the
        // next change.
        changes.into_iter().all(|change| sender.send(change).is_ok())
    }));
    receiver
}

/// Calls `removed` once when the device with this id is no longer listed; `wanted` ends the watch early.
pub(crate) fn when_removed(
    kind: DeviceKind,
    id: String,
    mut wanted: impl FnMut() -> bool + Send + 'static,
    removed: impl FnOnce() + Send + 'static,
) {
    let mut removed = Some(removed);
    add(Box::new(move |snapshot| {
        if !wanted() {
            return false;
        }
        if snapshot.has(kind, &id) {
            return true;
        }
        if let Some(removed) = removed.take() {
            removed();
        }
        false
    }));
}

fn add(watcher: Watcher) {
    let mut watchers = WATCHERS.lock().unwrap_or_else(PoisonError::into_inner);
    watchers.new.push(watcher);
    if !watchers.polling {
        watchers.polling = thread::Builder::new()
            .name("confab-devices".into())
            .spawn(poll)
            .inspect_err(|error| tracing::warn!(%error, "devices are not watched"))
            .is_ok();
    }
}

fn poll() {
    let mut current: Vec<Watcher> = Vec::new();
    loop {
        thread::sleep(INTERVAL);
        {
            let mut watchers = WATCHERS.lock().unwrap_or_else(PoisonError::into_inner);
            current.append(&mut watchers.new);
            if current.is_empty() {
                watchers.polling = false;
                return;
            }
        }
        let snapshot = Snapshot::take();
        current.retain_mut(|watcher| watcher(&snapshot));
    }
}

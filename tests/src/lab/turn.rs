//! One experiment at a time on a machine, across threads and processes: two calls on two cores measure each other.

use std::fs::File;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::error::{LabError, Outcome};

/// A file lock is held by a process, so threads of one process need a lock among themselves.
static THREADS: Mutex<()> = Mutex::new(());

#[derive(Debug)]
pub(super) struct Turn {
    _file: File,
    _thread: MutexGuard<'static, ()>,
}

impl Turn {
    pub(super) fn take() -> Outcome<Self> {
        // A test that failed with the lock in hand broke nothing another one relies on.
        let thread = THREADS.lock().unwrap_or_else(PoisonError::into_inner);
        let path = std::env::temp_dir().join("confab-lab.lock");
        let fail = |error| LabError::io(path.display().to_string(), error);
        let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(fail)?;
        file.lock().map_err(fail)?;
        Ok(Self { _file: file, _thread: thread })
    }
}

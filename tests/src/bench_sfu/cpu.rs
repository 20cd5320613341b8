//! Processor time and memory, as Linux tells them.

use std::path::Path;
use std::time::Duration;

use crate::lab::{LabError, Outcome};

/// What all threads of a process have spent on a processor.
pub(super) fn of_process(id: u32) -> Outcome<Duration> {
    let tasks = format!("/proc/{id}/task");
    let mut sum = Duration::ZERO;
    for task in std::fs::read_dir(&tasks).map_err(|error| LabError::io(&tasks, error))?.flatten() {
        // A thread may end between the two looks.
        sum += of_file(&task.path().join("schedstat")).unwrap_or_default();
    }
    Ok(sum)
}

/// What the calling thread has spent on a processor.
pub(super) fn of_this_thread() -> Outcome<Duration> {
    of_file(Path::new("/proc/thread-self/schedstat"))
}

fn of_file(path: &Path) -> Outcome<Duration> {
    let text = std::fs::read_to_string(path).map_err(|error| LabError::io(path.display().to_string(), error))?;
    let nanoseconds = text.split(' ').next().and_then(|first| first.parse().ok());
    nanoseconds.map(Duration::from_nanos).ok_or_else(|| LabError::Unexpected(format!("{}: {text}", path.display())))
}

/// Resident memory of a process, KiB.
pub(super) fn resident_kib(id: u32) -> Outcome<u64> {
    let path = format!("/proc/{id}/status");
    let text = std::fs::read_to_string(&path).map_err(|error| LabError::io(&path, error))?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let value = line.and_then(|rest| rest.split_whitespace().next()).and_then(|first| first.parse().ok());
    value.ok_or_else(|| LabError::Unexpected(format!("{path} has no VmRSS")))
}

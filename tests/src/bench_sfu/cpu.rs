//! Processor time, memory and dropped datagrams, as Linux tells them.

use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

use crate::lab::{LabError, Outcome, tool};

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

/// Keeps all threads of a process to one core, by its number.
///
/// # Errors
/// When the system has no such core, or `taskset` is missing.
pub(super) fn keep_to_core(id: u32, core: u32) -> Outcome {
    let output = std::process::Command::new(tool("taskset")?)
        .args(["--all-tasks", "--cpu-list", "--pid", &core.to_string(), &id.to_string()])
        .output()
        .map_err(|error| LabError::io("taskset", error))?;
    if output.status.success() {
        return Ok(());
    }
    Err(LabError::Unexpected(format!("taskset: {}", String::from_utf8_lossy(&output.stderr).trim())))
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

/// Datagrams that the system dropped because the sockets of this process were full, since each was opened.
pub(super) fn dropped_datagrams(id: u32) -> Outcome<u64> {
    let folder = format!("/proc/{id}/fd");
    let files = std::fs::read_dir(&folder).map_err(|error| LabError::io(&folder, error))?;
    let targets = files.flatten().filter_map(|file| std::fs::read_link(file.path()).ok());
    let inode =
        |target: std::path::PathBuf| Some(target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned());
    let sockets: HashSet<String> = targets.filter_map(inode).collect();
    let mut sum = 0;
    for family in ["udp", "udp6"] {
        // Those of the process' own namespace.
        let path = format!("/proc/{id}/net/{family}");
        sum += drops_of(&std::fs::read_to_string(&path).unwrap_or_default(), &sockets);
    }
    Ok(sum)
}

/// The tenth column is the socket, the last what was dropped.
fn drops_of(table: &str, sockets: &HashSet<String>) -> u64 {
    let lines = table.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    let own = lines.filter(|columns| columns.get(9).is_some_and(|inode| sockets.contains(*inode)));
    own.filter_map(|columns| columns.last()?.parse::<u64>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_drops_of_some_sockets_are_summed() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n\
            1: 0100007F:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000 0 0 111 2 0000000000000000 5\n\
            2: 0100007F:0036 00000000:0000 07 00000000:00000000 00:00000000 00000000 0 0 222 2 0000000000000000 7\n";
        assert_eq!(drops_of(table, &HashSet::from(["222".to_owned()])), 7);
        assert_eq!(drops_of(table, &HashSet::from(["111".to_owned(), "222".to_owned()])), 12);
        assert_eq!(drops_of("", &HashSet::new()), 0);
    }
}

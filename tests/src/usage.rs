//! Processor time, memory and dropped datagrams, as Linux tells them.

use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

use crate::lab::{LabError, Outcome};

/// What all threads of a process have spent on a processor.
pub(crate) fn of_process(id: u32) -> Outcome<Duration> {
    let tasks = format!("/proc/{id}/task");
    let mut sum = Duration::ZERO;
    for task in std::fs::read_dir(&tasks).map_err(|error| LabError::io(&tasks, error))?.flatten() {
        // A thread may end between the two looks.
        sum += of_file(&task.path().join("schedstat")).unwrap_or_default();
    }
    Ok(sum)
}

/// What the calling thread has spent on a processor.
pub(crate) fn of_this_thread() -> Outcome<Duration> {
    of_file(Path::new("/proc/thread-self/schedstat"))
}

fn of_file(path: &Path) -> Outcome<Duration> {
    let text = std::fs::read_to_string(path).map_err(|error| LabError::io(path.display().to_string(), error))?;
    let nanoseconds = text.split(' ').next().and_then(|first| first.parse().ok());
    nanoseconds.map(Duration::from_nanos).ok_or_else(|| LabError::Unexpected(format!("{}: {text}", path.display())))
}

/// What all processes that descend from one have spent on a processor, itself included. One that has ended since is
/// left out.
pub(crate) fn of_family(ancestor: u32) -> Duration {
    family(ancestor).into_iter().filter_map(|id| of_process(id).ok()).sum()
}

/// Proportional memory of all of them, KiB: what several share is divided among them.
pub(crate) fn family_kib(ancestor: u32) -> u64 {
    let of_one = |id: u32| {
        let text = std::fs::read_to_string(format!("/proc/{id}/smaps_rollup")).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    };
    family(ancestor).into_iter().filter_map(of_one).sum()
}

/// A process and all that descend from it.
pub(crate) fn family(ancestor: u32) -> Vec<u32> {
    let parents = processes();
    let mut found = vec![ancestor];
    let mut next = 0;
    while let Some(parent) = found.get(next).copied() {
        found.extend(parents.iter().filter(|process| process.parent == parent).map(|process| process.id));
        next += 1;
    }
    found
}

/// The descendant of a process that runs a program of this name; names are cut after 15 letters by the system.
pub(crate) fn descendant(ancestor: u32, name: &str) -> Option<u32> {
    let all = processes();
    family(ancestor).into_iter().find(|id| all.iter().any(|process| process.id == *id && process.name == name))
}

struct Listed {
    id: u32,
    parent: u32,
    name: String,
}

fn processes() -> Vec<Listed> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    ids.filter_map(|id| {
        // proc(5): number (name) state parent ...; a name may hold anything, brackets too.
        let text = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        let (before, after) = text.rsplit_once(')')?;
        let name = before.split_once('(')?.1.to_owned();
        let parent = after.split_whitespace().nth(1)?.parse().ok()?;
        Some(Listed { id, parent, name })
    })
    .collect()
}

/// Resident memory of a process, KiB.
pub(crate) fn resident_kib(id: u32) -> Outcome<u64> {
    let path = format!("/proc/{id}/status");
    let text = std::fs::read_to_string(&path).map_err(|error| LabError::io(&path, error))?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let value = line.and_then(|rest| rest.split_whitespace().next()).and_then(|first| first.parse().ok());
    value.ok_or_else(|| LabError::Unexpected(format!("{path} has no VmRSS")))
}

/// Datagrams that the system dropped because the sockets of this process were full, since each was opened.
pub(crate) fn dropped_datagrams(id: u32) -> Outcome<u64> {
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
    fn a_child_is_of_the_family_and_is_found_by_its_name() {
        let mut child = std::process::Command::new("sleep").arg("20").spawn().expect("a child");
        let me = std::process::id();
        // The name is the parent's until the program is loaded.
        let found = (0..100).any(|_| {
            std::thread::sleep(Duration::from_millis(10));
            descendant(me, "sleep") == Some(child.id())
        });
        assert!(found && family(me).contains(&child.id()));
        assert!(family_kib(me) > family_kib(child.id()) && family_kib(child.id()) > 0);
        assert!(of_family(me) >= of_process(me).expect("it runs"));
        child.kill().and_then(|()| child.wait()).expect("it ends");
        assert_eq!(descendant(me, "sleep"), None);
    }

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

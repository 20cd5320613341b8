//! How a worker's thread is scheduled: packets wait for it, so it runs soon and for short.
#![expect(unsafe_code, reason = "the one place of the server that calls the system's scheduler directly")]

use std::io;

/// What the thread asks to run for in one go, nanoseconds. From Linux 6.12 on, an ordinary thread that asks for less than
/// others (3 ms) is due sooner, and may interrupt them when it wakes. A turn takes about as long.
const SLICE_NS: u64 = 500_000;

/// Before ordinary programs, behind what an administrator put higher. Sound servers take the same.
const NICE: i32 = -10;

/// What the system granted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Granted {
    /// The short slice. Older systems do not know it.
    pub(super) slice: bool,
    /// The higher priority. It takes `CAP_SYS_NICE` or a limit (`LimitNICE=-10` of a service).
    pub(super) priority: bool,
}

/// Has the calling thread run soon after it wakes, as far as the system lets it.
pub(super) fn run_soon() -> Granted {
    let nice = current_nice().unwrap_or(0);
    let slice = set(nice.min(NICE)).or_else(|_| set(nice)).is_ok();
    Granted { slice, priority: current_nice().is_ok_and(|nice| nice <= NICE) }
}

/// Sets slice and priority at once: `sched_setattr` always sets both.
fn set(nice: i32) -> io::Result<()> {
    let attributes = libc::sched_attr {
        size: size_of::<libc::sched_attr>() as u32,
        sched_policy: libc::SCHED_OTHER as u32,
        sched_flags: 0,
        sched_nice: nice,
        sched_priority: 0,
        sched_runtime: SLICE_NS,
        sched_deadline: 0,
        sched_period: 0,
    };
    // SAFETY: the system reads `size` bytes of a structure that lives until the call returns; 0 is the calling thread.
    let failed = unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const attributes, 0) } != 0;
    if failed { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn current_nice() -> io::Result<i32> {
    let mut attributes = libc::sched_attr {
        size: 0,
        sched_policy: 0,
        sched_flags: 0,
        sched_nice: 0,
        sched_priority: 0,
        sched_runtime: 0,
        sched_deadline: 0,
        sched_period: 0,
    };
    // SAFETY: the system writes at most the size it is given, which is the structure's, while it is borrowed here alone.
    let failed =
        unsafe { libc::syscall(libc::SYS_sched_getattr, 0, &raw mut attributes, size_of::<libc::sched_attr>(), 0) }
            != 0;
    if failed { Err(io::Error::last_os_error()) } else { Ok(attributes.sched_nice) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_says_truly_what_it_was_granted_and_others_stay_as_they_were() {
        let before = current_nice().unwrap();
        let granted = std::thread::spawn(|| (run_soon(), current_nice().unwrap())).join().unwrap();
        assert_eq!(granted.0.priority, granted.1 == NICE, "{granted:?}");
        assert_eq!(current_nice().unwrap(), before);
    }
}

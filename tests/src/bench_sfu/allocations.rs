//! How often the threads that forward packets allocate: an allocator that counts by thread, in the process that runs the
//! server for this one figure.
#![expect(unsafe_code, reason = "an allocator cannot be written without")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicI32, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use confab_server::Config;

use super::{Plan, Shape, start_load};
use crate::lab::{Lab, LabError, Outcome, metric};

/// Threads that are counted each by itself; later ones share the last place. The bench has begun hundreds before it counts.
const THREADS: usize = 4_096;

/// The system's allocator, which counts. For the bench's program to name as its own.
#[derive(Debug)]
pub struct Counting;

struct Place {
    thread: AtomicI32,
    allocations: AtomicU64,
}

static PLACES: [Place; THREADS] =
    [const { Place { thread: AtomicI32::new(0), allocations: AtomicU64::new(0) } }; THREADS];
static TAKEN: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static PLACE: Cell<Option<usize>> = const { Cell::new(None) };
}

fn count() {
    // A thread that is ending counts no more.
    let _ = PLACE.try_with(|place| {
        let index = place.get().unwrap_or_else(|| {
            let index = TAKEN.fetch_add(1, Ordering::Relaxed).min(THREADS - 1);
            // SAFETY: the call has no arguments and cannot fail.
            PLACES[index].thread.store(unsafe { libc::gettid() }, Ordering::Relaxed);
            place.set(Some(index));
            index
        });
        PLACES[index].allocations.fetch_add(1, Ordering::Relaxed);
    });
}

// SAFETY: everything is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: as above.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// What the media workers allocated while they forwarded.
pub(super) struct Allocations {
    /// Of all their threads, in the window.
    pub(super) loaded: u64,
    /// The same in a window in which nobody sends.
    pub(super) at_rest: u64,
    /// Packets forwarded in it.
    pub(super) packets: f64,
    /// Its length.
    pub(super) window: Duration,
}

/// Loads a server inside this process and counts in one long window, then in another at rest.
///
/// # Errors
/// When the server or the load fail, or the media workers cannot be found.
pub(super) fn measure(lab: &Lab, shape: &Shape, plan: &Plan) -> Outcome<Allocations> {
    let fail = |what: &str, error: &dyn std::fmt::Display| LabError::Unexpected(format!("{what}: {error}"));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|error| fail("the runtime", &error))?;
    let config = Config {
        workers: shape.workers as usize,
        room_participants: shape.people.max(1_000),
        ..Config::ephemeral_on_loopback()
    };
    let server = runtime.block_on(confab_server::Server::start(config)).map_err(|error| fail("the server", &error))?;
    let address = server.address();
    let mut load = start_load(lab, shape, address, None)?;
    std::thread::sleep(plan.settle);
    let window = plan.window * plan.windows as u32;
    let forwarded = || metric(address, "confab_media_packets_forwarded_total");
    let (packets, before) = (forwarded()?, of_media_workers()?);
    std::thread::sleep(window);
    let (packets, loaded) = (forwarded()? - packets, of_media_workers()? - before);
    load.pause()?;
    std::thread::sleep(plan.resume);
    let before = of_media_workers()?;
    std::thread::sleep(window);
    let at_rest = of_media_workers()? - before;
    load.resume()?;
    load.end()?;
    runtime.block_on(server.shutdown());
    Ok(Allocations { loaded, at_rest, packets, window })
}

/// What the threads named `media-*` of this process have allocated since they began.
fn of_media_workers() -> Outcome<u64> {
    let mut sum = None;
    for place in &PLACES {
        let thread = place.thread.load(Ordering::Relaxed);
        let name = std::fs::read_to_string(format!("/proc/self/task/{thread}/comm")).unwrap_or_default();
        if name.starts_with("media-") {
            *sum.get_or_insert(0) += place.allocations.load(Ordering::Relaxed);
        }
    }
    sum.ok_or_else(|| LabError::Unexpected("no media worker was found by its name".into()))
}

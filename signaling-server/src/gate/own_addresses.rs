//! The addresses of this computer, public ones too: who calls from one of them is on this computer.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a list counts. A laptop that changes its network waits for this at most; shorter, and a flood of callers has
/// the system listed for each of them.
const COUNTS_FOR: Duration = Duration::from_secs(30);

/// The list, made anew now and then.
pub(crate) struct OwnAddresses {
    list: fn() -> Vec<IpAddr>,
    known: Mutex<Option<(Instant, Vec<IpAddr>)>>,
}

impl OwnAddresses {
    /// Nothing is listed before somebody asks.
    pub(crate) fn new(list: fn() -> Vec<IpAddr>) -> Self {
        Self { list, known: Mutex::new(None) }
    }

    /// Whether this computer has the address.
    pub(crate) fn contain(&self, address: IpAddr, now: Instant) -> bool {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let counts = |at: Instant| now.saturating_duration_since(at) < COUNTS_FOR;
        let (_, list) = match known.take() {
            Some((at, list)) if counts(at) => known.insert((at, list)),
            _ => known.insert((now, (self.list)())),
        };
        list.contains(&address.to_canonical())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU8, Ordering};

    use super::*;

    #[test]
    fn the_list_follows_a_computer_that_changes_its_network() {
        static NETWORK: AtomicU8 = AtomicU8::new(1);
        let own = OwnAddresses::new(|| vec![IpAddr::from([198, 51, 100, NETWORK.load(Ordering::Relaxed)])]);
        let (start, first, second) = (Instant::now(), IpAddr::from([198, 51, 100, 1]), IpAddr::from([198, 51, 100, 2]));
        assert!(own.contain(first, start) && !own.contain(second, start));
        assert!(own.contain("::ffff:198.51.100.1".parse().unwrap(), start), "IPv4 in IPv6 is the same address");
        NETWORK.store(2, Ordering::Relaxed);
        assert!(own.contain(first, start + COUNTS_FOR / 2), "not listed for each caller");
        assert!(own.contain(second, start + COUNTS_FOR) && !own.contain(first, start + COUNTS_FOR));
    }
}

//! Token buckets, one for a connection or one for each address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Mutex;
use std::time::Instant;

use super::address_group;

/// Addresses remembered at a time; the fullest buckets, which say the least, are forgotten first.
const MOST_ADDRESSES: usize = 20_000;

/// Lets a burst through, and a steady rate after it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TokenBucket {
    burst: f64,
    per_second: f64,
    left: f64,
    at: Instant,
}

impl TokenBucket {
    pub(crate) fn new(burst: f64, per_second: f64, now: Instant) -> Self {
        Self { burst, per_second, left: burst, at: now }
    }

    fn refill(&mut self, now: Instant) {
        let seconds = now.saturating_duration_since(self.at).as_secs_f64();
        self.left = (self.left + seconds * self.per_second).min(self.burst);
        self.at = self.at.max(now);
    }

    /// Takes one, if one is left.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        self.refill(now);
        let enough = self.left >= 1.0;
        if enough {
            self.left -= 1.0;
        }
        enough
    }

    /// Takes some, if they are left; what is counted may be bytes.
    pub(crate) fn take_many(&mut self, amount: f64, now: Instant) -> bool {
        self.refill(now);
        let enough = self.left >= amount;
        if enough {
            self.left -= amount;
        }
        enough
    }

    fn has_any(&mut self, now: Instant) -> bool {
        self.refill(now);
        self.left >= 1.0
    }

    fn is_full(&mut self, now: Instant) -> bool {
        self.refill(now);
        self.left >= self.burst
    }
}

/// A bucket for each address.
pub(crate) struct AddressLimiter {
    burst: f64,
    per_second: f64,
    buckets: Mutex<HashMap<IpAddr, TokenBucket>>,
}

impl AddressLimiter {
    pub(crate) fn new(burst: f64, per_second: f64) -> Self {
        Self { burst, per_second, buckets: Mutex::new(HashMap::new()) }
    }

    /// Takes one of the address's, if one is left.
    pub(crate) fn take(&self, address: IpAddr, now: Instant) -> bool {
        self.with(address, now, |bucket| bucket.take(now))
    }

    /// Whether the address has one left.
    pub(crate) fn has_any(&self, address: IpAddr, now: Instant) -> bool {
        let mut buckets = self.lock();
        buckets.get_mut(&address_group(address)).is_none_or(|bucket| bucket.has_any(now))
    }

    fn with<T>(&self, address: IpAddr, now: Instant, change: impl FnOnce(&mut TokenBucket) -> T) -> T {
        let mut buckets = self.lock();
        if buckets.len() >= MOST_ADDRESSES {
            buckets.retain(|_, bucket| !bucket.is_full(now));
            if buckets.len() >= MOST_ADDRESSES {
                // All are in use: a flood from everywhere. Begin anew rather than grow.
                buckets.clear();
            }
        }
        let bucket = buckets.entry(address_group(address));
        change(bucket.or_insert_with(|| TokenBucket::new(self.burst, self.per_second, now)))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<IpAddr, TokenBucket>> {
        self.buckets.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_burst_passes_and_then_the_steady_rate() {
        let start = Instant::now();
        let mut bucket = TokenBucket::new(200.0, 40.0, start);
        assert_eq!((0..1_000).filter(|_| bucket.take(start)).count(), 200);
        let later = start + Duration::from_secs(1);
        assert_eq!((0..1_000).filter(|_| bucket.take(later)).count(), 40);
        let much_later = start + Duration::from_hours(1);
        assert_eq!((0..1_000).filter(|_| bucket.take(much_later)).count(), 200);
    }

    #[test]
    fn time_that_goes_back_gives_nothing() {
        let before = Instant::now();
        let start = before + Duration::from_secs(5);
        let mut bucket = TokenBucket::new(1.0, 1.0, start);
        assert!(bucket.take(start));
        assert!(!bucket.take(before));
        assert!(!bucket.take(start));
        assert!(bucket.take(start + Duration::from_secs(1)));
    }

    #[test]
    fn addresses_do_not_share_a_bucket() {
        let now = Instant::now();
        let limiter = AddressLimiter::new(2.0, 0.1);
        let (one, other) = ("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap());
        assert!(limiter.take(one, now) && limiter.take(one, now));
        assert!(!limiter.take(one, now) && !limiter.has_any(one, now));
        assert!(limiter.has_any(other, now) && limiter.take(other, now));
    }

    #[test]
    fn a_flood_of_addresses_does_not_grow_the_memory() {
        let now = Instant::now();
        let limiter = AddressLimiter::new(2.0, 0.1);
        for number in 0..50_000_u32 {
            limiter.take(IpAddr::from(number.to_be_bytes()), now);
        }
        assert!(limiter.lock().len() <= MOST_ADDRESSES);
    }
}

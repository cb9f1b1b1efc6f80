//! Rate limits by key.

use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

/// How many checks there are between two clean-ups of keys that were not used recently.
const CLEAN_UP_INTERVAL: u32 = 4096;

/// A rate limiter with a quota for each key.
#[derive(Debug)]
pub(crate) struct Limiter<K: Hash + Eq + Clone> {
    limiter: DefaultKeyedRateLimiter<K>,
    checks: AtomicU32,
}

/// The quota is used up. It allows another request after this many seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RetryAfter {
    pub(crate) seconds: u32,
}

impl<K: Hash + Eq + Clone> Limiter<K> {
    pub(crate) fn per_second(number: u32, burst: u32) -> Self {
        Self::new(Quota::per_second(positive(number)), burst)
    }

    pub(crate) fn per_minute(number: u32, burst: u32) -> Self {
        Self::new(Quota::per_minute(positive(number)), burst)
    }

    fn new(quota: Quota, burst: u32) -> Self {
        Self {
            limiter: RateLimiter::keyed(quota.allow_burst(positive(burst))),
            checks: AtomicU32::new(0),
        }
    }

    /// # Errors
    /// When this key's quota is used up.
    pub(crate) fn check(&self, key: &K) -> Result<(), RetryAfter> {
        if self.checks.fetch_add(1, Ordering::Relaxed) % CLEAN_UP_INTERVAL == CLEAN_UP_INTERVAL - 1 {
            self.limiter.retain_recent();
        }
        self.limiter.check_key(key).map_err(|until| {
            let wait = until.wait_time_from(DefaultClock::default().now());
            RetryAfter {
                seconds: u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1),
            }
        })
    }
}

fn positive(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_has_its_own_burst() {
        let limiter = Limiter::per_minute(12, 10);
        assert!((0..10).all(|_| limiter.check(&"one").is_ok()));
        assert!(matches!(limiter.check(&"one"), Err(RetryAfter { seconds: 1..=5 })));
        assert!(limiter.check(&"other").is_ok());
    }
}

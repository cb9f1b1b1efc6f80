//! Rate limits.

use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

/// After this many requests, idle keys are removed.
const HOUSEKEEPING: u32 = 4096;

/// A rate limiter with a separate quota for each key.
#[derive(Debug)]
pub(crate) struct Limiter<K: Hash + Eq + Clone> {
    limiter: DefaultKeyedRateLimiter<K>,
    asked: AtomicU32,
}

/// The rate limit is exceeded. A request may succeed after this time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RetryAfter {
    pub seconds: u32,
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
            asked: AtomicU32::new(0),
        }
    }

    /// # Errors
    /// When the key's quota is exhausted.
    pub(crate) fn check(&self, key: &K) -> Result<(), RetryAfter> {
        if self.asked.fetch_add(1, Ordering::Relaxed) % HOUSEKEEPING == HOUSEKEEPING - 1 {
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

/// The network of a client, because a client with an IPv6 address usually has a whole /64.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(six) => {
            let [a, b, c, d, ..] = six.segments();
            [a, b, c, d, 0, 0, 0, 0].into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_allowed_but_no_more_than_that() {
        let limiter = Limiter::per_minute(12, 10);
        assert!((0..10).all(|_| limiter.check(&"one").is_ok()));
        assert!(matches!(limiter.check(&"one"), Err(RetryAfter { seconds: 1..=5 })));
        assert!(limiter.check(&"other").is_ok(), "each key has its own quota");
    }

    #[test]
    fn addresses_of_one_network_share() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2:3::4"), of("2001:db8:1:2::"));
        assert_ne!(of("2001:db8:1:2::"), of("2001:db8:1:3::"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }
}

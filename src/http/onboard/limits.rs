//! How often the form may be asked: by one address, by one invite, and for what costs calls to AWS.

use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use super::refusal::Refusal;
use crate::domain::ids::InviteId;

/// After so many questions, those that nobody asked for a while are forgotten.
const HOUSEKEEPING: u32 = 4096;

/// Many people may share one address.
const ADDRESS: (u32, u32) = (20, 200);
/// Typing asks a few times a second, and several people may have the same page open.
const INVITE: (u32, u32) = (10, 100);

#[derive(Debug)]
pub struct Limits {
    addresses: DefaultKeyedRateLimiter<IpAddr>,
    invites: DefaultKeyedRateLimiter<InviteId>,
    verifications: DefaultKeyedRateLimiter<InviteId>,
    asked: AtomicU32,
}

impl Default for Limits {
    fn default() -> Self {
        // One every five seconds in the long run: each makes some thirty calls to AWS.
        let verifications = Quota::per_minute(number(12)).allow_burst(number(10));
        Self {
            addresses: RateLimiter::keyed(quota(ADDRESS)),
            invites: RateLimiter::keyed(quota(INVITE)),
            verifications: RateLimiter::keyed(verifications),
            asked: AtomicU32::new(0),
        }
    }
}

fn quota((per_second, burst): (u32, u32)) -> Quota {
    Quota::per_second(number(per_second)).allow_burst(number(burst))
}

fn number(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN)
}

impl Limits {
    pub fn address(&self, address: IpAddr) -> Result<(), Refusal> {
        if self.asked.fetch_add(1, Ordering::Relaxed) % HOUSEKEEPING == HOUSEKEEPING - 1 {
            self.addresses.retain_recent();
            self.invites.retain_recent();
            self.verifications.retain_recent();
        }
        check(&self.addresses, &network(address))
    }

    pub fn invite(&self, invite: InviteId) -> Result<(), Refusal> {
        check(&self.invites, &invite)
    }

    pub fn verification(&self, invite: InviteId) -> Result<(), Refusal> {
        check(&self.verifications, &invite)
    }
}

fn check<K: Hash + Eq + Clone>(limiter: &DefaultKeyedRateLimiter<K>, key: &K) -> Result<(), Refusal> {
    limiter.check_key(key).map_err(|until| {
        let wait = until.wait_time_from(DefaultClock::default().now());
        Refusal::TooMany {
            seconds: wait.as_secs().saturating_add(1),
        }
    })
}

/// Whoever has one IPv6 address has a network of them.
fn network(address: IpAddr) -> IpAddr {
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
    fn a_burst_is_let_through_and_no_more() {
        let limits = Limits::default();
        let (one, other): (InviteId, InviteId) = (uuid::Uuid::nil().into(), uuid::Uuid::max().into());
        assert!((0..10).all(|_| limits.verification(one).is_ok()));
        assert!(matches!(limits.verification(one), Err(Refusal::TooMany { seconds: 1..=5 })));
        assert!(limits.verification(other).is_ok(), "each invite for itself");
    }

    #[test]
    fn addresses_of_one_network_share() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2:3::4"), of("2001:db8:1:2::"));
        assert_ne!(of("2001:db8:1:2::"), of("2001:db8:1:3::"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }
}

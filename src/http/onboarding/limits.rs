//! Limits of the form: how often per address, per invite, and for what causes AWS calls; and how many requests at once.

use std::net::IpAddr;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::rejection::Rejection;
use crate::domain::ids::InviteId;
use crate::http::middleware::client_address::network;
use crate::rate_limiter::{Limiter, RetryAfter};

#[derive(Debug)]
pub(crate) struct Limits {
    addresses: Limiter<IpAddr>,
    invites: Limiter<InviteId>,
    verifications: Limiter<InviteId>,
    requests: Arc<Semaphore>,
}

/// How many requests are handled concurrently. Several times the number of database connections.
const REQUESTS: usize = 64;

impl Default for Limits {
    fn default() -> Self {
        Self {
            // Many people may share an address.
            addresses: Limiter::per_second(20, 200),
            // The page validates while the user types, and several people may have it open.
            invites: Limiter::per_second(10, 100),
            // One every five seconds on average: each makes about thirty AWS calls.
            verifications: Limiter::per_minute(12, 10),
            requests: Arc::new(Semaphore::new(REQUESTS)),
        }
    }
}

impl From<RetryAfter> for Rejection {
    fn from(wait: RetryAfter) -> Self {
        Self::TooMany { seconds: wait.seconds }
    }
}

impl Limits {
    pub(crate) fn address(&self, address: IpAddr) -> Result<(), Rejection> {
        Ok(self.addresses.check(&network(address))?)
    }

    /// Admits a request, until the returned value is dropped.
    pub(crate) fn request(&self) -> Result<OwnedSemaphorePermit, Rejection> {
        self.requests.clone().try_acquire_owned().map_err(|_| Rejection::Unavailable)
    }

    pub(crate) fn invite(&self, invite: InviteId) -> Result<(), Rejection> {
        Ok(self.invites.check(&invite)?)
    }

    pub(crate) fn verification(&self, invite: InviteId) -> Result<(), Rejection> {
        Ok(self.verifications.check(&invite)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excess_requests_are_refused() {
        let limits = Limits::default();
        let held: Vec<_> = (0..REQUESTS).map(|_| limits.request()).collect();
        assert!(held.iter().all(Result::is_ok));
        assert_eq!(limits.request().err(), Some(Rejection::Unavailable));
        drop(held);
        assert!(limits.request().is_ok());
    }
}

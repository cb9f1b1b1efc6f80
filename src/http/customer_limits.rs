//! Limits of the form and of the customers' API, which share them: how often per address, per invite, and for what causes AWS calls; and
//! how many requests at once.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::AppState;
use super::conventions::extract::unreadable_body;
use super::conventions::problem::{Problem, ProblemKind};
use crate::domain::ids::InviteId;
use crate::http::middleware::client_address::network;
use crate::rate_limiter::{Limiter, RetryAfter};

#[derive(Debug)]
pub struct CustomerLimits {
    addresses: Limiter<IpAddr>,
    invites: Limiter<InviteId>,
    verifications: Limiter<InviteId>,
    requests: Arc<Semaphore>,
}

/// How many requests are handled concurrently. Several times the number of database connections.
const REQUESTS: usize = 64;

impl Default for CustomerLimits {
    fn default() -> Self {
        Self {
            // Many people may share an address.
            addresses: Limiter::per_second(20, 200),
            // The page validates while the user types, and several people may have it open. Programs poll.
            invites: Limiter::per_second(10, 100),
            // One every five seconds on average: each makes about thirty AWS calls.
            verifications: Limiter::per_minute(12, 10),
            requests: Arc::new(Semaphore::new(REQUESTS)),
        }
    }
}

/// Which limit is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LimitReached {
    /// Of an address or an invite.
    Rate(RetryAfter),
    /// Of requests at once.
    Requests,
}

impl From<RetryAfter> for LimitReached {
    fn from(wait: RetryAfter) -> Self {
        Self::Rate(wait)
    }
}

impl From<LimitReached> for Problem {
    fn from(reached: LimitReached) -> Self {
        match reached {
            LimitReached::Rate(wait) => Self::new(
                ProblemKind::TooManyRequests,
                "Too many requests from this address or with this invite.",
            )
            .retry_after(wait.seconds),
            LimitReached::Requests => Self::new(ProblemKind::Unavailable, "Too many requests are in progress."),
        }
    }
}

/// The place of a request among those that are handled at once. It is freed when the request is answered, or earlier.
#[derive(Debug, Clone)]
pub(crate) struct RequestSlot(Arc<Mutex<Option<OwnedSemaphorePermit>>>);

impl RequestSlot {
    /// Frees the place: the request only waits from now on.
    pub(crate) fn free(&self) {
        self.0.lock().take();
    }
}

/// Admits a request, until its extension of this type is dropped. Its body is received first, so that slow clients do not take the places of
/// others.
pub(crate) async fn admit(state: &AppState, request: Request) -> Result<(RequestSlot, Request), Problem> {
    let limits = &state.limits;
    limits.address(state.client(request.extensions(), request.headers()))?;
    let (parts, body) = request.into_parts();
    let body = Bytes::from_request(Request::from_parts(parts.clone(), body), state)
        .await
        .map_err(|rejection| unreadable_body(&rejection))?;
    let slot = RequestSlot(Arc::new(Mutex::new(Some(limits.request()?))));
    Ok((slot, Request::from_parts(parts, Body::from(body))))
}

impl CustomerLimits {
    pub(crate) fn address(&self, address: IpAddr) -> Result<(), LimitReached> {
        Ok(self.addresses.check(&network(address))?)
    }

    /// Admits a request, until the returned value is dropped.
    pub(crate) fn request(&self) -> Result<OwnedSemaphorePermit, LimitReached> {
        self.requests.clone().try_acquire_owned().map_err(|_| LimitReached::Requests)
    }

    pub(crate) fn invite(&self, invite: InviteId) -> Result<(), LimitReached> {
        Ok(self.invites.check(&invite)?)
    }

    pub(crate) fn verification(&self, invite: InviteId) -> Result<(), LimitReached> {
        Ok(self.verifications.check(&invite)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excess_requests_are_refused() {
        let limits = CustomerLimits::default();
        let held: Vec<_> = (0..REQUESTS).map(|_| limits.request()).collect();
        assert!(held.iter().all(Result::is_ok));
        assert_eq!(limits.request().err(), Some(LimitReached::Requests));
        drop(held);
        assert!(limits.request().is_ok());
    }

    #[test]
    fn a_request_that_only_waits_leaves_its_place_to_others() {
        let limits = CustomerLimits::default();
        let slot = RequestSlot(Arc::new(Mutex::new(limits.request().ok())));
        let _others: Vec<_> = (1..REQUESTS).map(|_| limits.request()).collect();
        assert_eq!(limits.request().err(), Some(LimitReached::Requests));
        slot.clone().free();
        assert!(limits.request().is_ok());
    }
}

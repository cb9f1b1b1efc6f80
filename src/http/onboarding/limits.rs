//! Rate limits of the form: per address, per invite, and for what causes AWS calls.

use std::net::IpAddr;

use super::rejection::Rejection;
use crate::domain::ids::InviteId;
use crate::http::web_ui::limits::{Limiter, RetryAfter, network};

#[derive(Debug)]
pub(crate) struct Limits {
    addresses: Limiter<IpAddr>,
    invites: Limiter<InviteId>,
    verifications: Limiter<InviteId>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // Many people may share an address.
            addresses: Limiter::per_second(20, 200),
            // The page validates while the user types, and several people may have it open.
            invites: Limiter::per_second(10, 100),
            // One every five seconds on average: each makes about thirty AWS calls.
            verifications: Limiter::per_minute(12, 10),
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

    pub(crate) fn invite(&self, invite: InviteId) -> Result<(), Rejection> {
        Ok(self.invites.check(&invite)?)
    }

    pub(crate) fn verification(&self, invite: InviteId) -> Result<(), Rejection> {
        Ok(self.verifications.check(&invite)?)
    }
}

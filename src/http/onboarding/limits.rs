//! How often the form may be asked: by one address, by one invite, and for what costs calls to AWS.

use std::net::IpAddr;

use super::rejection::Rejection;
use crate::domain::ids::InviteId;
use crate::http::web_ui::limits::{Limiter, RetryAfter, network};

#[derive(Debug)]
pub struct Limits {
    addresses: Limiter<IpAddr>,
    invites: Limiter<InviteId>,
    verifications: Limiter<InviteId>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // Many people may share one address.
            addresses: Limiter::per_second(20, 200),
            // Typing asks a few times a second, and several people may have the same page open.
            invites: Limiter::per_second(10, 100),
            // One every five seconds in the long run: each makes some thirty calls to AWS.
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
    pub fn address(&self, address: IpAddr) -> Result<(), Rejection> {
        Ok(self.addresses.check(&network(address))?)
    }

    pub fn invite(&self, invite: InviteId) -> Result<(), Rejection> {
        Ok(self.invites.check(&invite)?)
    }

    pub fn verification(&self, invite: InviteId) -> Result<(), Rejection> {
        Ok(self.verifications.check(&invite)?)
    }
}

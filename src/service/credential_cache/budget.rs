//! How many new sessions may be requested from STS. The quota of `sts:AssumeRole` is the vendor's, shared by all tenants,
//! verifications and replicas: no caller may use it up for the others.

use std::sync::atomic::{AtomicU32, Ordering};

use super::document_session::CredentialsRefused;
use crate::domain::identity::CallerTag;
use crate::domain::ids::TenantId;
use crate::rate_limiter::Limiter;

/// New sessions of one token for one tenant: enough for a few hundred prefixes at the start, then one a second.
const PER_TENANT: u32 = 1;
const PER_TENANT_BURST: u32 = 300;
/// How many seconds' worth of a token's budget may be used at once.
const TOKEN_BURST_SECONDS: u32 = 10;

/// New sessions per second.
#[derive(Debug, Clone, Copy)]
pub struct SessionRates {
    /// Of this process.
    pub process: u32,
    /// Of each token.
    pub token: u32,
}

#[derive(Debug)]
pub(super) struct SessionBudget {
    /// Sessions that were requested since they were counted last.
    requested: AtomicU32,
    process: Limiter<()>,
    token: Limiter<CallerTag>,
    tenant: Limiter<(CallerTag, TenantId)>,
}

impl SessionBudget {
    pub(crate) fn new(rates: SessionRates) -> Self {
        Self {
            requested: AtomicU32::new(0),
            process: Limiter::per_second(rates.process, rates.process),
            token: Limiter::per_second(rates.token, rates.token.saturating_mul(TOKEN_BURST_SECONDS)),
            tenant: Limiter::per_second(PER_TENANT, PER_TENANT_BURST),
        }
    }

    /// Takes one session from every budget that it counts against.
    ///
    /// # Errors
    /// When one of them is used up. The process's is asked last, so that a caller above its own budget takes nothing from
    /// the others.
    pub(crate) fn take(&self, caller: CallerTag, tenant: TenantId) -> Result<(), CredentialsRefused> {
        let own = |retry_after| CredentialsRefused::TokenBudget { retry_after };
        self.tenant.check(&(caller, tenant)).map_err(own)?;
        self.token.check(&caller).map_err(own)?;
        self.process
            .check(&())
            .map_err(|retry_after| CredentialsRefused::ProcessBudget { retry_after })?;
        self.requested.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// How many sessions were requested since the last call.
    pub(crate) fn take_requested(&self) -> u32 {
        self.requested.swap(0, Ordering::Relaxed)
    }
}

//! Reports that AWS denied access to a tenant's storage: by Latchkey itself when it requests credentials, or by a service that uses them.
//! The tenant is verified again at once, instead of when it is due.

use chrono::TimeDelta;
use tracing::{info, warn};

use crate::domain::identity::CallerTag;
use crate::domain::ids::TenantId;
use crate::domain::reverification::report::DenialReport;
use crate::rate_limiter::{Limiter, RetryAfter};
use crate::service::Context;
use crate::store::{self, reverifications};

/// Further reports about a tenant within this time change nothing.
const INTERVAL: TimeDelta = TimeDelta::minutes(5);
/// Reports per second of one caller.
const PER_CALLER: u32 = 10;
const CALLER_BURST: u32 = 100;

/// Limits how often reports reach the database.
#[derive(Debug)]
pub struct DenialReports {
    callers: Limiter<CallerTag>,
    /// Services retry, so most reports of a minute are about the same denial.
    tenants: Limiter<TenantId>,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum ReportError {
    #[error("too many reports")]
    TooMany(RetryAfter),
    #[error(transparent)]
    Store(#[from] store::StoreError),
}

impl Default for DenialReports {
    fn default() -> Self {
        Self {
            callers: Limiter::per_second(PER_CALLER, CALLER_BURST),
            tenants: Limiter::per_minute(1, 1),
        }
    }
}

impl DenialReports {
    /// A service reports a denial. True if the tenant is verified now because of it.
    pub(crate) async fn accept(
        &self,
        context: &Context,
        caller: CallerTag,
        tenant: TenantId,
        report: &DenialReport,
    ) -> Result<bool, ReportError> {
        self.callers.check(&caller).map_err(ReportError::TooMany)?;
        Ok(self.record(context, tenant, report).await?)
    }

    /// Latchkey itself was denied access.
    pub(crate) async fn observe(&self, context: &Context, tenant: TenantId, operation: &str, code: Option<&str>) {
        let report = DenialReport {
            operation: operation.to_owned(),
            code: code.unwrap_or("AccessDenied").to_owned(),
            request_id: None,
        };
        if let Err(error) = self.record(context, tenant, &report).await {
            warn!(%tenant, %error, "cannot bring the tenant's re-verification forward");
        }
    }

    async fn record(&self, context: &Context, tenant: TenantId, report: &DenialReport) -> store::Result<bool> {
        if self.tenants.check(&tenant).is_err() {
            return Ok(false);
        }
        let mut db = store::acquire(&context.pool).await?;
        let is_new = reverifications::report(&mut db, tenant, context.clock.now(), INTERVAL).await?;
        if is_new {
            let DenialReport {
                operation,
                code,
                request_id,
            } = report;
            info!(%tenant, operation, code, request_id, "access was denied in production; the tenant is verified again now");
        }
        Ok(is_new)
    }
}

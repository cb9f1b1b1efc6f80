//! Statistics about tenants, failing checks and verifications.

use chrono::TimeDelta;

use super::Context;
use crate::domain::check::CheckName;
use crate::domain::tenant::TenantStatus;
use crate::store::stats::{self, VerificationTimes};

/// The period that verification statistics cover.
pub(crate) const WINDOW: TimeDelta = TimeDelta::days(7);

#[derive(Debug, Clone)]
pub(crate) struct Stats {
    /// Every status, and its number of tenants.
    pub tenants: Vec<(TenantStatus, i64)>,
    pub failing_checks: Vec<(CheckName, i64)>,
    pub verifications: Vec<VerificationTimes>,
}

pub(crate) async fn stats(context: &Context) -> crate::store::Result<Stats> {
    let mut db = context.pool.acquire().await?;
    Ok(Stats {
        tenants: stats::tenants_by_status(&mut db).await?,
        failing_checks: stats::tenants_by_failing_check(&mut db).await?,
        verifications: stats::verification_times(&mut db, context.clock.now(), WINDOW).await?,
    })
}

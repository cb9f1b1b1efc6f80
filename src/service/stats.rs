//! Who is stuck, on what: all tenants at a glance.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use strum::IntoEnumIterator;

use super::Context;
use crate::domain::check::CheckName;
use crate::domain::tenant::TenantStatus;
use crate::store::stats::{self, Times};

/// How far back verifications are looked at.
pub const WINDOW: TimeDelta = TimeDelta::days(7);

#[derive(Debug, Clone)]
pub struct Stats {
    /// Every status, with how many tenants have it.
    pub tenants: Vec<(TenantStatus, i64)>,
    pub failing_checks: Vec<(CheckName, i64)>,
    pub verifications: Vec<Times>,
}

pub async fn stats(context: &Context) -> crate::store::Result<Stats> {
    let mut db = context.pool.acquire().await?;
    let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
    for (facts, count) in stats::tenants_by_facts(&mut db).await? {
        *counts.entry(facts.status().into()).or_default() += count;
    }
    let tenants = TenantStatus::iter().map(|status| (status, counts.get(<&str>::from(status)).copied().unwrap_or_default()));
    Ok(Stats {
        tenants: tenants.collect(),
        failing_checks: stats::failing_checks(&mut db).await?,
        verifications: stats::verification_times(&mut db, context.clock.now(), WINDOW).await?,
    })
}

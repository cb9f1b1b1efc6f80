//! Operators bring re-verifications forward, or put them off.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use uuid::Uuid;

use crate::domain::audit::{AuditAction, AuditChange, AuditReason};
use crate::domain::ids::TenantId;
use crate::domain::tenant::TenantFilter;
use crate::service::{Caller, Context};
use crate::store::reverifications::Batch;
use crate::store::{self, reverifications, tenant_list};

/// The longest time that a request can spread re-verifications over, or put them off.
pub(crate) const LONGEST: TimeDelta = TimeDelta::days(30);

/// How many configs are changed in one statement.
const BATCH: i64 = 10_000;

/// Which tenants a request is about.
#[derive(Debug, Clone)]
pub(crate) enum Scope {
    All,
    Filter(TenantFilter),
}

/// What is to happen.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Request {
    /// Verify in full at random times within this duration from now.
    Within(TimeDelta),
    /// Do not verify again before this time.
    NotBefore(DateTime<Utc>),
}

/// Returns how many storage configs are concerned.
pub(crate) async fn request(
    context: &Context,
    caller: &Caller,
    scope: &Scope,
    request: Request,
    reason: &AuditReason,
) -> store::Result<u64> {
    let now = context.clock.now();
    let mut db = store::acquire(&context.pool).await?;
    let tenants: Option<Vec<Uuid>> = match scope {
        Scope::All => None,
        Scope::Filter(filter) => Some(
            tenant_list::matching(&mut db, filter, now)
                .await?
                .into_iter()
                .map(TenantId::as_uuid)
                .collect(),
        ),
    };
    let (mut concerned, mut after) = (0, None);
    loop {
        let batch = Batch {
            tenants: tenants.as_deref(),
            after,
            limit: BATCH,
        };
        let changed = match request {
            Request::Within(over) => reverifications::bring_forward(&mut db, batch, now, now + over).await?,
            Request::NotBefore(time) => reverifications::put_off(&mut db, batch, time).await?,
        };
        let Some((last, changed)) = changed else { break };
        concerned += changed;
        after = Some(last);
    }
    drop(db);
    let what = match request {
        Request::Within(over) => json!({"until": now + over, "storage_configs": concerned, "reason": reason}),
        Request::NotBefore(time) => json!({"not_before": time, "storage_configs": concerned, "reason": reason}),
    };
    let mut db = store::begin(&context.pool).await?;
    let facts = AuditChange::none().with(what);
    context
        .audit(&mut db, caller, AuditAction::ReverificationRequested, None, facts)
        .await?;
    store::commit(db).await?;
    Ok(concerned)
}

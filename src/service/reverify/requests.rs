//! Operators bring re-verifications forward, or put them off.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use crate::domain::audit::{AuditAction, AuditChange, AuditReason};
use crate::domain::ids::TenantId;
use crate::domain::tenant::TenantFilter;
use crate::service::{Caller, Context};
use crate::store::{self, reverifications, tenant_list};

/// The longest time that a request can spread re-verifications over, or put them off.
pub(crate) const LONGEST: TimeDelta = TimeDelta::days(30);

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
    let mut db = store::begin(&context.pool).await?;
    let tenants: Option<Vec<TenantId>> = match scope {
        Scope::All => None,
        Scope::Filter(filter) => Some(tenant_list::matching(&mut db, filter).await?),
    };
    let (concerned, what) = match request {
        Request::Within(over) => {
            let until = now + over;
            let concerned = reverifications::bring_forward(&mut db, tenants.as_deref(), now, until).await?;
            (concerned, json!({"until": until}))
        }
        Request::NotBefore(time) => {
            let concerned = reverifications::put_off(&mut db, tenants.as_deref(), time).await?;
            (concerned, json!({"not_before": time}))
        }
    };
    let facts = AuditChange::none()
        .with(what)
        .with(json!({"storage_configs": concerned, "reason": reason}));
    context
        .audit(&mut db, caller, AuditAction::ReverificationRequested, None, facts)
        .await?;
    store::commit(db).await?;
    Ok(concerned)
}

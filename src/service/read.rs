//! Looking things up.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;

use super::Context;
use crate::domain::ids::{AuditEventId, TenantId, TenantRef, VerificationId};
use crate::domain::invite::{Invite, InviteState};
use crate::domain::storage_config::StorageConfig;
use crate::domain::tenant::Tenant;
use crate::domain::verification::Verification;
use crate::store::active_configs::ActiveConfig;
use crate::store::stuck::StuckReason;
use crate::store::tenant_list::{self, TenantFilter};
use crate::store::verifications::VerificationEvent;
use crate::store::{self, active_configs, audit, invites, storage_configs, stuck, tenants, verifications};

/// A place in a list that is ordered by time of making, newest first.
pub type PageStart<Id> = (DateTime<Utc>, Id);

/// One tenant with what there is to know of it.
#[derive(Debug, Clone)]
pub struct TenantDetail {
    pub tenant: Tenant,
    pub active: Option<ActiveConfig>,
    pub last_verification: Option<Verification>,
    pub open_invites: Vec<Invite>,
}

pub async fn tenant(context: &Context, tenant: &TenantRef) -> store::Result<Option<Tenant>> {
    let mut db = context.pool.acquire().await?;
    tenants::find(&mut db, tenant).await
}

pub async fn tenant_detail(context: &Context, tenant: &TenantRef) -> store::Result<Option<TenantDetail>> {
    let mut db = context.pool.acquire().await?;
    tenant_detail_in(context, &mut db, tenant).await
}

/// The same inside a transaction.
pub(super) async fn tenant_detail_in(context: &Context, db: &mut PgConnection, tenant: &TenantRef) -> store::Result<Option<TenantDetail>> {
    let Some(tenant) = tenants::find(db, tenant).await? else {
        return Ok(None);
    };
    let active = active_configs::find(db, tenant.id).await?;
    let last = verifications::of_tenant(db, tenant.id, None, 1).await?.pop();
    let last_verification = match last {
        Some(last) => verifications::find(db, last.id).await?,
        None => None,
    };
    let now = context.clock.now();
    let mut open_invites = invites::of_tenant(db, tenant.id).await?;
    open_invites.retain(|invite| invite.state(now) == InviteState::Open);
    Ok(Some(TenantDetail {
        tenant,
        active,
        last_verification,
        open_invites,
    }))
}

pub async fn tenant_list(
    context: &Context,
    filter: &TenantFilter,
    after: Option<PageStart<TenantId>>,
    limit: i64,
) -> store::Result<Vec<Tenant>> {
    let mut db = context.pool.acquire().await?;
    tenant_list::list(&mut db, filter, after, limit).await
}

/// The audit log after a position, in commit order.
pub async fn audit_log(context: &Context, filter: &audit::AuditFilter, after: i64, limit: i64) -> store::Result<Vec<audit::AuditEntry>> {
    let mut db = context.pool.acquire().await?;
    audit::list(&mut db, filter, after, limit).await
}

/// Where an entry of the audit log stands. None when there is none of this id.
pub async fn audit_position(context: &Context, id: AuditEventId) -> store::Result<Option<i64>> {
    let mut db = context.pool.acquire().await?;
    audit::position(&mut db, id).await
}

/// The audit log before a position, newest first.
pub async fn latest_audit(
    context: &Context,
    filter: &audit::AuditFilter,
    before: Option<i64>,
    limit: i64,
) -> store::Result<Vec<audit::AuditEntry>> {
    let mut db = context.pool.acquire().await?;
    audit::latest(&mut db, filter, before, limit).await
}

/// A verification that takes longer than this is stuck: AWS was asked for the last time by then.
const SLOW: TimeDelta = TimeDelta::minutes(15);

/// Tenants that get no further, those whose storage stopped working first, then the longest.
pub async fn stuck_tenants(context: &Context, limit: i64) -> store::Result<Vec<Tenant>> {
    let mut db = context.pool.acquire().await?;
    stuck::list(&mut db, context.clock.now() - SLOW, limit).await
}

/// What stands in the way of each of these tenants first.
pub async fn complaints(context: &Context, tenants: &[TenantId]) -> store::Result<HashMap<TenantId, StuckReason>> {
    let mut db = context.pool.acquire().await?;
    stuck::complaints(&mut db, tenants).await
}

pub async fn invite_list(context: &Context, tenant: TenantId) -> store::Result<Vec<Invite>> {
    let mut db = context.pool.acquire().await?;
    invites::of_tenant(&mut db, tenant).await
}

pub async fn config_list(context: &Context, tenant: TenantId) -> store::Result<Vec<StorageConfig>> {
    let mut db = context.pool.acquire().await?;
    storage_configs::of_tenant(&mut db, tenant).await
}

pub async fn config(context: &Context, tenant: TenantId, version: i32) -> store::Result<Option<StorageConfig>> {
    let mut db = context.pool.acquire().await?;
    storage_configs::find_version(&mut db, tenant, version).await
}

pub async fn verification(context: &Context, id: VerificationId) -> store::Result<Option<Verification>> {
    let mut db = context.pool.acquire().await?;
    verifications::find(&mut db, id).await
}

pub async fn verification_list(
    context: &Context,
    tenant: TenantId,
    after: Option<PageStart<VerificationId>>,
    limit: i64,
) -> store::Result<Vec<Verification>> {
    let mut db = context.pool.acquire().await?;
    verifications::of_tenant(&mut db, tenant, after, limit).await
}

pub async fn verification_events(context: &Context, id: VerificationId, after: i32) -> store::Result<Vec<(i32, VerificationEvent)>> {
    let mut db = context.pool.acquire().await?;
    verifications::events_after(&mut db, id, after).await
}

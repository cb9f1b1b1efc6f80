//! Reads of tenants.

use std::collections::HashMap;

use chrono::TimeDelta;
use sqlx::PgConnection;

use super::PageStart;
use crate::domain::approval::Approval;
use crate::domain::finding::StuckReason;
use crate::domain::ids::{TenantId, TenantRef};
use crate::domain::invite::{Invite, InviteState};
use crate::domain::storage_config::ActiveConfig;
use crate::domain::tenant::{LastVerified, ListedTenant, Quarantine, Tenant, TenantFilter};
use crate::domain::verification::Verification;
use crate::service::Context;
use crate::service::document_versions::{self, TenantDocuments};
use crate::store::{
    self, active_configs, approvals, invites, reverifications, storage_configs, stuck, tenant_list, tenants, verifications,
};

/// A tenant with its active version, newest verification and open invites.
#[derive(Debug, Clone)]
pub struct TenantDetail {
    pub tenant: Tenant,
    pub active: Option<ActiveConfig>,
    pub last_verification: Option<Verification>,
    pub open_invites: Vec<Invite>,
    /// A change that is waiting for an operator, or approved and being verified again.
    pub open_approval: Option<Approval>,
    /// When the active version was verified last, and will be again.
    pub reverification: Option<LastVerified>,
    pub quarantine: Option<Quarantine>,
    /// Which documents the active version has, or else the newest one.
    pub documents: Option<TenantDocuments>,
}

pub async fn find(context: &Context, tenant: &TenantRef) -> store::Result<Option<Tenant>> {
    let mut db = context.pool.acquire().await?;
    tenants::find(&mut db, tenant).await
}

pub async fn detail(context: &Context, tenant: &TenantRef) -> store::Result<Option<TenantDetail>> {
    let mut db = context.pool.acquire().await?;
    detail_in(context, &mut db, tenant).await
}

/// The same inside a transaction.
pub(in crate::service) async fn detail_in(
    context: &Context,
    db: &mut PgConnection,
    tenant: &TenantRef,
) -> store::Result<Option<TenantDetail>> {
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
    let quarantine = tenants::quarantine(db, &tenant).await?;
    let open_approval = approvals::open(db, tenant.id).await?;
    let reverification = reverifications::of_active(db, tenant.id).await?;
    let newest = match &active {
        Some(_) => None,
        None => storage_configs::newest(db, tenant.id).await?,
    };
    let documents = match active.as_ref().map(|active| &active.config).or(newest.as_ref()) {
        Some(config) => document_versions::of_config(context, db, config).await?,
        None => None,
    };
    Ok(Some(TenantDetail {
        tenant,
        active,
        last_verification,
        open_invites,
        open_approval,
        reverification,
        quarantine,
        documents,
    }))
}

/// A page of tenants, in the order of the filter.
pub async fn list(
    context: &Context,
    filter: &TenantFilter,
    after: Option<PageStart<TenantId>>,
    limit: i64,
) -> store::Result<Vec<ListedTenant>> {
    let mut db = context.pool.acquire().await?;
    tenant_list::list(&mut db, filter, after, limit, context.clock.now()).await
}

/// A verification that takes longer than this is stuck: no call to AWS is retried for this long.
const SLOW: TimeDelta = TimeDelta::minutes(15);

/// Tenants that make no progress: first those whose storage stopped working, then by how long they have waited.
pub async fn stuck(context: &Context, limit: i64) -> store::Result<Vec<Tenant>> {
    let mut db = context.pool.acquire().await?;
    stuck::list(&mut db, context.clock.now() - SLOW, limit).await
}

/// What blocks each of these tenants.
pub async fn stuck_reasons(context: &Context, tenants: &[TenantId]) -> store::Result<HashMap<TenantId, StuckReason>> {
    let mut db = context.pool.acquire().await?;
    stuck::reasons(&mut db, tenants).await
}

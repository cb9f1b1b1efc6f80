//! Suspending, resuming and offboarding a tenant: each in one transaction, with its entry in the audit log.

use sqlx::PgConnection;

use super::{Caller, Context};
use crate::domain::audit::{Action, Reason};
use crate::domain::ids::TenantRef;
use crate::domain::tenant::{IllegalChange, Tenant};
use crate::store::{self, active_configs, invites, tenants, tokens, verifications};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no such tenant")]
    UnknownTenant,
    #[error(transparent)]
    Illegal(#[from] IllegalChange),
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Internal services are refused from now on, whatever the tenant's status was.
pub async fn suspend(context: &Context, caller: &Caller, tenant: &TenantRef, reason: &Reason) -> Result<Tenant, Error> {
    let (mut db, before) = locked(context, tenant).await?;
    before.facts.may_be_suspended()?;
    tenants::set_suspended(&mut db, before.id, Some(context.clock.now())).await?;
    finish(context, db, caller, &before, Action::TenantSuspended, reason).await
}

/// The tenant is again what it was underneath.
pub async fn resume(context: &Context, caller: &Caller, tenant: &TenantRef, reason: &Reason) -> Result<Tenant, Error> {
    let (mut db, before) = locked(context, tenant).await?;
    before.facts.may_be_resumed()?;
    tenants::set_suspended(&mut db, before.id, None).await?;
    finish(context, db, caller, &before, Action::TenantResumed, reason).await
}

/// Ends a tenant for good. Its slug, bucket and role are free again, its invites and tokens end, what waits is dropped, and what runs
/// cleans up and ends. Its history stays.
pub async fn offboard(context: &Context, caller: &Caller, tenant: &TenantRef, reason: &Reason) -> Result<Tenant, Error> {
    let (mut db, before) = locked(context, tenant).await?;
    before.facts.may_change()?;
    let now = context.clock.now();
    tenants::set_offboarded(&mut db, before.id, now).await?;
    active_configs::release(&mut db, before.id).await?;
    invites::revoke_all(&mut db, before.id, now).await?;
    tokens::end_tenant(&mut db, before.id, now).await?;
    verifications::supersede_waiting(&mut db, before.id, now).await?;
    finish(context, db, caller, &before, Action::TenantOffboarded, reason).await
}

type Transaction = sqlx::Transaction<'static, sqlx::Postgres>;

/// The tenant as it is, and nobody else changes it until the transaction ends.
async fn locked(context: &Context, tenant: &TenantRef) -> Result<(Transaction, Tenant), Error> {
    let mut db = context.pool.begin().await.map_err(store::Error::from)?;
    let found = tenants::find(&mut db, tenant).await?.ok_or(Error::UnknownTenant)?;
    tenants::lock(&mut db, found.id).await?;
    let locked = read(&mut db, &found).await?;
    Ok((db, locked))
}

async fn read(db: &mut PgConnection, tenant: &Tenant) -> Result<Tenant, Error> {
    tenants::find(db, &TenantRef::Id(tenant.id)).await?.ok_or(Error::UnknownTenant)
}

async fn finish(
    context: &Context,
    mut db: Transaction,
    caller: &Caller,
    before: &Tenant,
    action: Action,
    reason: &Reason,
) -> Result<Tenant, Error> {
    tenants::refresh_overview(&mut db, before.id).await?;
    let after = read(&mut db, before).await?;
    let detail = serde_json::json!({"reason": reason, "before": before.status(), "after": after.status()});
    context.audit(&mut db, caller, action, Some(before.id), detail).await?;
    db.commit().await.map_err(store::Error::from)?;
    Ok(after)
}

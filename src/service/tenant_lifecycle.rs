//! Suspending, resuming, offboarding and erasing a tenant. Each is one transaction with an audit log entry.

use serde_json::json;
use sqlx::PgConnection;

use super::approve_change::withdraw;
use super::mail::notify;
use super::superseded::audit_superseded;
use super::webhooks::announce;
use super::{Caller, Context, UnknownTenant, tokens};
use crate::domain::audit::{AuditAction, AuditChange, AuditReason};
use crate::domain::ids::TenantRef;
use crate::domain::tenant::{IllegalChange, Tenant};
use crate::store::{self, Transaction, active_configs, invites, tenants, verifications};

#[derive(Debug, thiserror::Error)]
pub enum LifecycleError {
    #[error(transparent)]
    UnknownTenant(#[from] UnknownTenant),
    #[error(transparent)]
    Illegal(#[from] IllegalChange),
    #[error(transparent)]
    Store(#[from] store::StoreError),
}

/// Suspends a tenant: internal services no longer get its storage config, whatever its status was.
pub async fn suspend(context: &Context, caller: &Caller, tenant: &TenantRef, reason: &AuditReason) -> Result<Tenant, LifecycleError> {
    let (mut db, before) = context.begin_for_tenant::<LifecycleError>(tenant).await?;
    before.facts.may_be_suspended()?;
    tenants::set_suspended(&mut db, before.id, Some(context.clock.now())).await?;
    finish(context, db, caller, &before, AuditAction::TenantSuspended, reason).await
}

/// Resumes a tenant, which returns to the status that follows from its facts.
pub async fn resume(context: &Context, caller: &Caller, tenant: &TenantRef, reason: &AuditReason) -> Result<Tenant, LifecycleError> {
    let (mut db, before) = context.begin_for_tenant::<LifecycleError>(tenant).await?;
    before.facts.may_be_resumed()?;
    tenants::set_suspended(&mut db, before.id, None).await?;
    finish(context, db, caller, &before, AuditAction::TenantResumed, reason).await
}

/// Offboards a tenant, which cannot be undone. Frees its slug, bucket and role, revokes its invites and tokens, drops queued
/// verifications, and lets a running one clean up and stop. Its history is kept.
pub async fn offboard(context: &Context, caller: &Caller, tenant: &TenantRef, reason: &AuditReason) -> Result<Tenant, LifecycleError> {
    let (mut db, before) = context.begin_for_tenant::<LifecycleError>(tenant).await?;
    before.facts.may_change()?;
    let now = context.clock.now();
    tenants::set_offboarded(&mut db, before.id, now).await?;
    let tenant = Some(before.id);
    if let Some(active) = active_configs::find(&mut db, before.id).await? {
        active_configs::release(&mut db, before.id).await?;
        let released = AuditChange::gone(&active.config);
        context
            .audit(&mut db, caller, AuditAction::StorageConfigReleased, tenant, released)
            .await?;
    }
    withdraw(context, &mut db, caller, before.id).await?;
    for invite in invites::lock_open(&mut db, before.id).await? {
        let ended = invites::revoke(&mut db, invite.id, now).await?;
        let difference = AuditChange::between(&invite, &ended).with(json!({"invite_id": invite.id}));
        context
            .audit(&mut db, caller, AuditAction::InviteRevoked, tenant, difference)
            .await?;
    }
    notify::offboarded(context, &mut db, before.id).await?;
    tokens::end_tenant(context, &mut db, caller, before.id).await?;
    let dropped = verifications::supersede_waiting(&mut db, before.id, now).await?;
    audit_superseded(context, &mut db, caller, before.id, &dropped).await?;
    finish(context, db, caller, &before, AuditAction::TenantOffboarded, reason).await
}

/// Erases the names, references, reasons and addresses of an offboarded tenant, from its row and from its audit log. What
/// was done, when, and by which ID is kept. Idempotent.
pub async fn erase(context: &Context, caller: &Caller, tenant: &TenantRef, reason: &AuditReason) -> Result<Tenant, LifecycleError> {
    let (mut db, before) = context.begin_for_tenant::<LifecycleError>(tenant).await?;
    before.facts.may_be_erased()?;
    if before.erased_at.is_some() {
        return Ok(before);
    }
    tenants::erase(&mut db, before.id, context.clock.now()).await?;
    let after = read(&mut db, &before).await?;
    // The audit entry must not contain the erased data, so it only records these fields.
    let state = |tenant: &Tenant| json!({"status": tenant.status(), "erased_at": tenant.erased_at});
    let difference = AuditChange::between(&state(&before), &state(&after)).with(json!({"reason": reason}));
    context
        .audit(&mut db, caller, AuditAction::TenantErased, Some(before.id), difference)
        .await?;
    store::commit(db).await?;
    Ok(after)
}

async fn read(db: &mut PgConnection, tenant: &Tenant) -> Result<Tenant, LifecycleError> {
    Ok(tenants::find(db, &TenantRef::Id(tenant.id)).await?.ok_or(UnknownTenant)?)
}

async fn finish(
    context: &Context,
    mut db: Transaction,
    caller: &Caller,
    before: &Tenant,
    action: AuditAction,
    reason: &AuditReason,
) -> Result<Tenant, LifecycleError> {
    announce::refresh(context, &mut db, before.id).await?;
    let after = read(&mut db, before).await?;
    let difference = AuditChange::between(before, &after).with(json!({"reason": reason}));
    context.audit(&mut db, caller, action, Some(before.id), difference).await?;
    store::commit(db).await?;
    Ok(after)
}

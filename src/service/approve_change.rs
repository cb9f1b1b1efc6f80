//! Approving or declining a change of an active version.
//!
//! An approved version is verified again before it is activated, so that what the operator approved is still true.

use serde_json::json;
use sqlx::PgConnection;

use super::mail::notify;
use super::request_verification::audit_queued;
use super::superseded::audit_superseded;
use super::webhooks::announce;
use super::{Caller, Context, UnknownTenant};
use crate::domain::approval::{Approval, ApprovalState};
use crate::domain::audit::{AuditAction, AuditChange, AuditReason};
use crate::domain::ids::{TenantId, TenantRef, VerificationId};
use crate::domain::mail::MailKind;
use crate::domain::tenant::Tenant;
use crate::domain::verification::{Trigger, Verification};
use crate::store::{self, Transaction, approvals, jobs, storage_configs, verifications};

#[derive(Debug, thiserror::Error)]
pub enum ApproveChangeError {
    #[error(transparent)]
    UnknownTenant(#[from] UnknownTenant),
    #[error("there is no such version")]
    UnknownVersion,
    /// The state of the version's approval, if one was requested.
    #[error("this version is not waiting for an approval")]
    NotPending(Option<ApprovalState>),
    #[error(transparent)]
    Store(#[from] store::StoreError),
}

/// Approves a version, and queues the verification that activates it.
pub async fn approve(
    context: &Context,
    caller: &Caller,
    tenant: &TenantRef,
    version: i32,
    reason: &AuditReason,
) -> Result<Verification, ApproveChangeError> {
    let (mut db, tenant, pending) = begin(context, tenant, version, |state| state == ApprovalState::Pending).await?;
    let now = context.clock.now();
    let dropped = verifications::supersede_waiting(&mut db, tenant.id, now).await?;
    let id: VerificationId = context.clock.uuid().into();
    verifications::insert_queued(&mut db, id, tenant.id, pending.config.id, Trigger::Manual, now).await?;
    approvals::approve(&mut db, pending.config.id, id, now).await?;
    audit_decision(context, &mut db, caller, &pending, ApprovalState::Approved, reason).await?;
    jobs::enqueue_verify(&mut db, id, &caller.cause()).await?;
    announce::refresh(context, &mut db, tenant.id).await?;
    notify::approval(context, &mut db, MailKind::ApprovalApproved, &pending.config).await?;
    audit_superseded(context, &mut db, caller, tenant.id, &dropped).await?;
    audit_queued(context, &mut db, caller, tenant.id, id, &pending.config, Trigger::Manual).await?;
    let queued = verifications::find(&mut db, id)
        .await?
        .ok_or_else(|| store::StoreError::inconsistent("verifications", id, "missing after insert"))?;
    store::commit(db).await?;
    Ok(queued)
}

/// Declines a version, also one that was approved and is not active yet: it is never activated. The customer can submit another one.
pub async fn decline(
    context: &Context,
    caller: &Caller,
    tenant: &TenantRef,
    version: i32,
    reason: &AuditReason,
) -> Result<Approval, ApproveChangeError> {
    let (mut db, _, open) = begin(context, tenant, version, ApprovalState::is_open).await?;
    approvals::set_state(&mut db, open.config.id, ApprovalState::Declined, context.clock.now()).await?;
    audit_decision(context, &mut db, caller, &open, ApprovalState::Declined, reason).await?;
    notify::approval(context, &mut db, MailKind::ApprovalDeclined, &open.config).await?;
    let declined = approvals::find(&mut db, open.config.id)
        .await?
        .ok_or_else(|| store::StoreError::inconsistent("approvals", open.config.id, "missing after update"))?;
    store::commit(db).await?;
    Ok(declined)
}

/// The version's approval, if it is in such a state.
async fn begin(
    context: &Context,
    tenant: &TenantRef,
    version: i32,
    may_decide: fn(ApprovalState) -> bool,
) -> Result<(Transaction, Tenant, Approval), ApproveChangeError> {
    let (mut db, tenant) = context.begin_for_tenant::<ApproveChangeError>(tenant).await?;
    let config = storage_configs::find_version(&mut db, tenant.id, version)
        .await?
        .ok_or(ApproveChangeError::UnknownVersion)?;
    match approvals::find(&mut db, config.id).await? {
        Some(approval) if may_decide(approval.state) => Ok((db, tenant, approval)),
        other => Err(ApproveChangeError::NotPending(other.map(|approval| approval.state))),
    }
}

async fn audit_decision(
    context: &Context,
    db: &mut PgConnection,
    caller: &Caller,
    decided: &Approval,
    state: ApprovalState,
    reason: &AuditReason,
) -> store::Result<()> {
    let action = match state {
        ApprovalState::Approved => AuditAction::StorageConfigApproved,
        _ => AuditAction::StorageConfigDeclined,
    };
    let difference = AuditChange::between(&json!({"approval": decided.state}), &json!({"approval": state}))
        .with(json!({"version": decided.config.version, "reason": reason}));
    context.audit(db, caller, action, Some(decided.config.tenant_id), difference).await
}

/// Withdraws the tenant's open approval, if there is one. The tenant must be locked.
pub(super) async fn withdraw(context: &Context, db: &mut PgConnection, caller: &Caller, tenant: TenantId) -> store::Result<()> {
    let Some(open) = approvals::open(db, tenant).await? else {
        return Ok(());
    };
    approvals::set_state(db, open.config.id, ApprovalState::Withdrawn, context.clock.now()).await?;
    let difference = AuditChange::between(&json!({"approval": open.state}), &json!({"approval": ApprovalState::Withdrawn}))
        .with(json!({"version": open.config.version}));
    context
        .audit(db, caller, AuditAction::StorageConfigApprovalWithdrawn, Some(tenant), difference)
        .await
}

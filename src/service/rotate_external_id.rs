//! Rotating a tenant's external ID. The current ID stays in use until the next one is verified, and the previous one is
//! accepted until operators end it. So the tenant always has a working ID.

use super::mail::notify;
use super::request_verification::audit_queued;
use super::{Caller, Context, UnknownTenant};
use crate::domain::audit::{AuditAction, AuditChange};
use crate::domain::external_id::ExternalId;
use crate::domain::ids::{TenantRef, VerificationId};
use crate::domain::storage_config::StorageConfig;
use crate::domain::tenant::{IllegalChange, Rotation, Tenant};
use crate::domain::verification::Trigger;
use crate::store::{self, Transaction, active_configs, jobs, tenants, verifications};

#[derive(Debug, thiserror::Error)]
pub enum RotateExternalIdError {
    #[error(transparent)]
    UnknownTenant(#[from] UnknownTenant),
    #[error(transparent)]
    Illegal(#[from] IllegalChange),
    #[error("the tenant has no active version")]
    NothingActive,
    #[error("a rotation is in progress")]
    InProgress,
    #[error("there is no unverified external ID")]
    NothingIssued,
    #[error("there is no previous external ID")]
    NoPrevious,
    #[error("a verification is already in progress")]
    AnotherWaits(VerificationId),
    #[error(transparent)]
    Store(#[from] store::StoreError),
}

/// Issues the next external ID. The next requested verification checks it.
pub async fn rotate(context: &Context, caller: &Caller, tenant: &TenantRef) -> Result<Tenant, RotateExternalIdError> {
    let (mut db, tenant) = begin(context, tenant).await?;
    if tenant.facts.active.is_none() {
        return Err(RotateExternalIdError::NothingActive);
    }
    if tenant.rotation.is_some() {
        return Err(RotateExternalIdError::InProgress);
    }
    let next = ExternalId::from_random(context.clock.random());
    change(context, &mut db, &tenant, Some(&Rotation::Issued { next })).await?;
    notify::rotation_requested(context, &mut db, tenant.id).await?;
    finish(context, db, caller, &tenant, AuditAction::ExternalIdIssued, None).await
}

/// Abandons the next external ID before it is verified. The current ID stays in use.
pub async fn abandon(context: &Context, caller: &Caller, tenant: &TenantRef) -> Result<Tenant, RotateExternalIdError> {
    let (mut db, tenant) = begin(context, tenant).await?;
    let Some(Rotation::Issued { .. }) = &tenant.rotation else {
        return Err(RotateExternalIdError::NothingIssued);
    };
    change(context, &mut db, &tenant, None).await?;
    finish(context, db, caller, &tenant, AuditAction::ExternalIdAbandoned, None).await
}

/// Ends the use of the previous external ID, and queues a verification that checks that it is denied.
pub async fn end_previous(context: &Context, caller: &Caller, tenant: &TenantRef) -> Result<Tenant, RotateExternalIdError> {
    let (mut db, tenant) = begin(context, tenant).await?;
    let Some(Rotation::Overlap { previous } | Rotation::Ending { previous }) = tenant.rotation.clone() else {
        return Err(RotateExternalIdError::NoPrevious);
    };
    let Some(active) = active_configs::find(&mut db, tenant.id).await? else {
        return Err(RotateExternalIdError::NothingActive);
    };
    if let Some(waiting) = verifications::unfinished(&mut db, tenant.id).await?.first() {
        return Err(RotateExternalIdError::AnotherWaits(waiting.id));
    }
    change(context, &mut db, &tenant, Some(&Rotation::Ending { previous })).await?;
    let id: VerificationId = context.clock.uuid().into();
    verifications::insert_queued(&mut db, id, tenant.id, active.config.id, Trigger::Rotation, context.clock.now()).await?;
    jobs::enqueue_verify(&mut db, id, &caller.cause()).await?;
    finish(
        context,
        db,
        caller,
        &tenant,
        AuditAction::ExternalIdEnded,
        Some((id, &active.config)),
    )
    .await
}

async fn begin(context: &Context, tenant: &TenantRef) -> Result<(Transaction, Tenant), RotateExternalIdError> {
    let (db, tenant) = context.begin_for_tenant::<RotateExternalIdError>(tenant).await?;
    tenant.facts.may_change()?;
    Ok((db, tenant))
}

async fn change(
    context: &Context,
    db: &mut Transaction,
    tenant: &Tenant,
    rotation: Option<&Rotation>,
) -> Result<(), RotateExternalIdError> {
    tenants::set_external_ids(db, tenant.id, &tenant.external_id, rotation, context.clock.now()).await?;
    Ok(())
}

async fn finish(
    context: &Context,
    mut db: Transaction,
    caller: &Caller,
    tenant: &Tenant,
    action: AuditAction,
    queued: Option<(VerificationId, &StorageConfig)>,
) -> Result<Tenant, RotateExternalIdError> {
    let after = tenants::find(&mut db, &TenantRef::Id(tenant.id)).await?.ok_or(UnknownTenant)?;
    let difference = AuditChange::between(tenant, &after);
    context.audit(&mut db, caller, action, Some(tenant.id), difference).await?;
    if let Some((id, config)) = queued {
        audit_queued(context, &mut db, caller, tenant.id, id, config, Trigger::Rotation).await?;
    }
    store::commit(db).await?;
    Ok(after)
}

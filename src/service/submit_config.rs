//! Submitting a storage config: validates it, stores it as a new version, and queues its verification, in one transaction.

use sqlx::PgConnection;
use tracing::warn;

use super::approve_change::withdraw;
use super::superseded::audit_superseded;
use super::webhooks::announce;
use super::{Caller, Context, UnknownTenant, document_versions};
use crate::domain::audit::{Actor, AuditAction, AuditChange};
use crate::domain::ids::{TenantRef, VerificationId};
use crate::domain::invite::InviteState;
use crate::domain::limits::VersionLimit;
use crate::domain::storage_config::StorageConfig;
use crate::domain::submission::Submission;
use crate::domain::tenant::{Tenant, TenantStatus};
use crate::domain::text::FieldError;
use crate::domain::verification::Trigger;
use crate::store::{self, invites, jobs, storage_configs, verifications};
use crate::telemetry::metric;

#[derive(Debug, thiserror::Error)]
pub enum SubmitConfigError {
    #[error(transparent)]
    UnknownTenant(#[from] UnknownTenant),
    #[error("the tenant is offboarded")]
    Offboarded,
    /// The invite was for onboarding, which is complete.
    #[error("this invite cannot change storage that is in use")]
    NeedsChangeInvite,
    /// The invite was revoked or has expired.
    #[error("the invite is no longer valid")]
    InviteEnded(InviteState),
    #[error("invalid submission")]
    Invalid(Vec<FieldError>),
    /// The tenant has as many versions as it may have.
    #[error("the limit {} is reached", .0.setting())]
    LimitReached(VersionLimit),
    #[error(transparent)]
    Store(#[from] store::StoreError),
}

pub async fn submit_config(
    context: &Context,
    caller: &Caller,
    tenant: &TenantRef,
    submission: &Submission,
) -> Result<(StorageConfig, VerificationId), SubmitConfigError> {
    let documents = document_versions::current(context).await?;
    let (mut db, tenant) = context.begin_for_tenant::<SubmitConfigError>(tenant).await?;
    if tenant.status() == TenantStatus::Offboarded {
        return Err(SubmitConfigError::Offboarded);
    }
    check_invite(context, &mut db, caller, &tenant).await?;
    let storage = submission
        .validate(&context.vendor, &tenant.modes, Some(&tenant.accepted_ids()))
        .map_err(SubmitConfigError::Invalid)?;

    let now = context.clock.now();
    let count = storage_configs::count(&mut db, tenant.id, context.limits.versions_per_day).await?;
    if let Some(limit) = context.limits.reached_by(count, now) {
        metrics::counter!(metric::SUBMISSIONS_REFUSED.name, "limit" => limit.name()).increment(1);
        warn!(tenant = %tenant.id, limit = limit.setting(), "a submission was refused: the tenant has too many versions");
        return Err(SubmitConfigError::LimitReached(limit));
    }
    let config = storage_configs::insert(&mut db, context.clock.uuid().into(), tenant.id, &storage, now).await?;
    store::document_versions::set_issued(&mut db, &config, documents.number).await?;
    let dropped = verifications::supersede_waiting(&mut db, tenant.id, now).await?;
    let verification: VerificationId = context.clock.uuid().into();
    verifications::insert_queued(&mut db, verification, tenant.id, config.id, Trigger::Submission, now).await?;
    announce::refresh(context, &mut db, tenant.id).await?;
    jobs::enqueue_verify(&mut db, verification, &caller.cause()).await?;
    let which = serde_json::json!({"version": config.version, "verification_id": verification});
    let made = AuditChange::made(&config).with(which);
    context
        .audit(&mut db, caller, AuditAction::StorageConfigSubmitted, Some(tenant.id), made)
        .await?;
    audit_superseded(context, &mut db, caller, tenant.id, &dropped).await?;
    withdraw(context, &mut db, caller, tenant.id).await?;
    store::commit(db).await?;
    Ok((config, verification))
}

/// Whether the invite that a customer acts with is still open, and may change storage that is in use.
async fn check_invite(context: &Context, db: &mut PgConnection, caller: &Caller, tenant: &Tenant) -> Result<(), SubmitConfigError> {
    let Actor::Invite { id, .. } = caller.actor else { return Ok(()) };
    let invite = invites::find(db, id)
        .await?
        .ok_or_else(|| store::StoreError::inconsistent("invites", id, "it is missing"))?;
    let state = invite.state(context.clock.now());
    if state != InviteState::Open {
        return Err(SubmitConfigError::InviteEnded(state));
    }
    if invite.purpose.allows_submission(tenant) {
        Ok(())
    } else {
        Err(SubmitConfigError::NeedsChangeInvite)
    }
}

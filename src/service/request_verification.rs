//! Requesting a verification of an existing version.

use chrono::TimeDelta;
use serde_json::json;
use sqlx::PgConnection;
use tracing::warn;

use super::webhooks::announce;
use super::{Caller, Context, UnknownTenant};
use crate::domain::audit::{Actor, AuditAction, AuditChange};
use crate::domain::ids::{StorageConfigId, TenantId, TenantRef, VerificationId};
use crate::domain::limits::VERIFICATIONS_PER_INVITE_AND_DAY;
use crate::domain::storage_config::StorageConfig;
use crate::domain::tenant::{Rotation, TenantStatus};
use crate::domain::verification::{Trigger, Verification, VerificationState};
use crate::store::probe_objects::{self, LeftInBucket};
use crate::store::{self, active_configs, audit, jobs, reverifications, storage_configs, tenants, verifications};

#[derive(Debug, thiserror::Error)]
pub enum RequestVerificationError {
    #[error(transparent)]
    UnknownTenant(#[from] UnknownTenant),
    #[error("the tenant is offboarded")]
    Offboarded,
    #[error("nothing has been submitted yet")]
    NothingSubmitted,
    #[error("only the active version and the newest one can be verified")]
    NotThatVersion,
    #[error("a verification of another version is already queued")]
    AnotherWaits(VerificationId),
    /// A customer has requested as many verifications as possible within 24 hours.
    #[error("too many verifications were requested")]
    TooMany { seconds: u32 },
    #[error(transparent)]
    Store(#[from] store::StoreError),
}

/// Queues a verification of this version. Defaults to the active version, or to the newest if none is active. If a
/// verification of the same version is queued or running, returns that one.
pub async fn request_verification(
    context: &Context,
    caller: &Caller,
    tenant: &TenantRef,
    version: Option<i32>,
) -> Result<Verification, RequestVerificationError> {
    let (mut db, tenant) = context.begin_for_tenant::<RequestVerificationError>(tenant).await?;
    if tenant.status() == TenantStatus::Offboarded {
        return Err(RequestVerificationError::Offboarded);
    }
    let active = active_configs::find(&mut db, tenant.id).await?.map(|active| active.config);
    let newest = storage_configs::newest(&mut db, tenant.id)
        .await?
        .ok_or(RequestVerificationError::NothingSubmitted)?;
    let active_id = active.as_ref().map(|config| config.id);
    let config = choose(version, active, newest).ok_or(RequestVerificationError::NotThatVersion)?;
    // During a rotation, a verification of the active version also checks the external ID that is not verified yet.
    let trigger = match tenant.rotation {
        Some(Rotation::Issued { .. } | Rotation::Ending { .. }) if active_id == Some(config.id) => Trigger::Rotation,
        _ => Trigger::Manual,
    };

    let under_way = verifications::unfinished(&mut db, tenant.id).await?;
    if let Some(same) = under_way.iter().find(|other| other.version == config.version) {
        return Ok(same.clone());
    }
    if let Some(waiting) = under_way.iter().find(|other| other.state == VerificationState::Queued) {
        return Err(RequestVerificationError::AnotherWaits(waiting.id));
    }
    if matches!(caller.actor, Actor::Invite { .. }) {
        check_limit(context, &mut db, &caller.actor).await?;
    }
    let id: VerificationId = context.clock.uuid().into();
    verifications::insert_queued(&mut db, id, tenant.id, config.id, trigger, context.clock.now()).await?;
    jobs::enqueue_verify(&mut db, id, &caller.cause()).await?;
    announce::refresh(context, &mut db, tenant.id).await?;
    audit_queued(context, &mut db, caller, tenant.id, id, &config, trigger).await?;
    let queued = verifications::find(&mut db, id)
        .await?
        .ok_or_else(|| store::StoreError::inconsistent("verifications", id, "missing after insert"))?;
    store::commit(db).await?;
    Ok(queued)
}

/// Counts what was requested with the same invite, by the audit log.
async fn check_limit(context: &Context, db: &mut PgConnection, actor: &Actor) -> Result<(), RequestVerificationError> {
    let now = context.clock.now();
    let Some(earliest) = audit::nth_newest(db, actor, AuditAction::VerificationRequested, VERIFICATIONS_PER_INVITE_AND_DAY).await? else {
        return Ok(());
    };
    let wait = earliest + TimeDelta::days(1) - now;
    if wait <= TimeDelta::zero() {
        return Ok(());
    }
    warn!(invite = actor.opaque(), "too many verifications were requested with an invite");
    Err(RequestVerificationError::TooMany {
        seconds: u32::try_from(wait.num_seconds()).unwrap_or(u32::MAX).saturating_add(1),
    })
}

pub(super) async fn audit_queued(
    context: &Context,
    db: &mut PgConnection,
    caller: &Caller,
    tenant: TenantId,
    id: VerificationId,
    config: &StorageConfig,
    trigger: Trigger,
) -> store::Result<()> {
    let queued = AuditChange::made(&json!({"state": VerificationState::Queued, "verdict": null, "trigger": trigger}));
    let queued = queued.with(json!({"verification_id": id, "version": config.version}));
    context
        .audit(db, caller, AuditAction::VerificationRequested, Some(tenant), queued)
        .await
}

fn choose(version: Option<i32>, active: Option<StorageConfig>, newest: StorageConfig) -> Option<StorageConfig> {
    match version {
        None => Some(active.unwrap_or(newest)),
        Some(version) => [active, Some(newest)]
            .into_iter()
            .flatten()
            .find(|config| config.version == version),
    }
}

/// Queues a verification of a scheduled version. False if the tenant has an unfinished one, whose result comes first, or the version is no
/// longer scheduled. `left` is what was found out before: if the bucket keeps versions, nothing more is written until somebody requests it.
pub async fn queue_scheduled(context: &Context, tenant: TenantId, config: StorageConfigId, left: LeftInBucket<'_>) -> store::Result<bool> {
    let mut db = store::begin(&context.pool).await?;
    let Some(tenant) = tenants::find_locked(&mut db, &TenantRef::Id(tenant)).await? else {
        return Ok(false);
    };
    let is_stopped = tenant.facts.offboarded_at.is_some() || tenant.facts.suspended_at.is_some();
    let under_way = verifications::unfinished(&mut db, tenant.id).await?;
    if is_stopped || !under_way.is_empty() || !reverifications::exists(&mut db, config).await? {
        return Ok(false);
    }
    let left = LeftInBucket {
        versions: match left.versions {
            None => probe_objects::kept_versions(&mut db, config).await?,
            versions => versions,
        },
        ..left
    };
    let id: VerificationId = context.clock.uuid().into();
    verifications::insert_queued(&mut db, id, tenant.id, config, Trigger::Scheduled, context.clock.now()).await?;
    probe_objects::set_left(&mut db, id, left).await?;
    jobs::enqueue_verify(&mut db, id, &Caller::system().cause()).await?;
    announce::refresh(context, &mut db, tenant.id).await?;
    // Nobody requested it, so the audit log gets one entry: when it finishes.
    store::commit(db).await?;
    Ok(true)
}

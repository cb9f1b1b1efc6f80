//! The last check of a verified version, and its activation.

use serde_json::json;
use sqlx::PgConnection;

use crate::domain::approval::ApprovalState;
use crate::domain::audit::{AuditAction, AuditChange};
use crate::domain::check::CheckName;
use crate::domain::finding::Finding;
use crate::domain::fix::Fix;
use crate::domain::message::{findings, fixes};
use crate::domain::storage_config::StorageConfig;
use crate::domain::verification::Verdict;
use crate::service::webhooks::announce;
use crate::service::{Caller, Context, approve_change};
use crate::store::lease::Lease;
use crate::store::{self, active_configs, approvals, verifications};

/// Activates the version, or requests the approval that it needs. It is rejected if another tenant uses its bucket or role.
pub(super) async fn activate(
    context: &Context,
    db: &mut PgConnection,
    lease: &Lease,
    config: &StorageConfig,
    active: Option<&StorageConfig>,
) -> store::Result<Verdict> {
    let check = CheckName::BucketNotClaimed;
    let approval = approvals::find(db, config.id).await?.map(|approval| approval.state);
    let replaced = active.filter(|active| active.id != config.id);
    let needs_approval = approval != Some(ApprovalState::Approved)
        && replaced.is_some_and(|active| context.vendor.approval.requires_approval(&active.storage, &config.storage));
    let claimed = if needs_approval {
        active_configs::is_claimed(db, config).await?
    } else {
        match active_configs::activate(db, config, context.clock.now()).await {
            Ok(()) => false,
            Err(error) if active_configs::is_conflict(&error) => true,
            Err(error) => return Err(error),
        }
    };
    if claimed {
        let finding = Finding::failed(check, findings::bucket_is_claimed(), None, Fix::form(fixes::use_unclaimed_bucket()));
        verifications::record(db, lease, &[finding]).await?;
        return Ok(Verdict::Rejected);
    }
    verifications::record(db, lease, &[Finding::passed(check, check.claim(), None)]).await?;
    if needs_approval {
        request_approval(context, db, config, replaced).await?;
    } else if active.is_none_or(|active| active.id != config.id) {
        if approval.is_some_and(ApprovalState::is_open) {
            approvals::set_state(db, config.id, ApprovalState::Activated, context.clock.now()).await?;
        }
        record_activation(context, db, config, active).await?;
    }
    Ok(Verdict::Verified)
}

async fn request_approval(
    context: &Context,
    db: &mut PgConnection,
    config: &StorageConfig,
    replaced: Option<&StorageConfig>,
) -> store::Result<()> {
    if !approvals::request(db, config, context.clock.now()).await? {
        return Ok(());
    }
    let difference = match replaced {
        Some(active) => AuditChange::between(active, config),
        None => AuditChange::made(config),
    };
    let which = json!({"version": config.version, "replaces": replaced.map(|active| active.version)});
    let action = AuditAction::StorageConfigApprovalRequested;
    context
        .audit(db, &Caller::system(), action, Some(config.tenant_id), difference.with(which))
        .await?;
    announce::approval_requested(context, db, config, replaced).await
}

async fn record_activation(
    context: &Context,
    db: &mut PgConnection,
    config: &StorageConfig,
    replaced: Option<&StorageConfig>,
) -> store::Result<()> {
    let which = json!({"version": config.version, "replaces": replaced.map(|before| before.version)});
    let difference = match replaced {
        Some(before) => AuditChange::between(before, config),
        None => AuditChange::made(config),
    };
    let action = AuditAction::StorageConfigActivated;
    context
        .audit(db, &Caller::system(), action, Some(config.tenant_id), difference.with(which))
        .await?;
    announce::activated(context, db, config, replaced).await
}

/// A rejected version loses its open approval: what an operator approves must have passed the last verification.
pub(super) async fn reject(context: &Context, db: &mut PgConnection, config: &StorageConfig) -> store::Result<()> {
    let open = approvals::find(db, config.id).await?;
    if open.is_some_and(|approval| approval.state.is_open()) {
        approve_change::withdraw(context, db, &Caller::system(), config.tenant_id).await?;
    }
    Ok(())
}

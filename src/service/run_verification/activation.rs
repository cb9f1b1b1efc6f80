//! The last check of a verified version, and its activation.

use serde_json::json;
use sqlx::PgConnection;

use crate::domain::approval::ApprovalState;
use crate::domain::audit::{AuditAction, AuditChange};
use crate::domain::check::CheckName;
use crate::domain::finding::Finding;
use crate::domain::fix::Fix;
use crate::domain::mail::MailKind;
use crate::domain::message::{findings, fixes};
use crate::domain::storage_config::StorageConfig;
use crate::domain::verification::Verdict;
use crate::domain::webhook::Topic;
use crate::service::mail::notify;
use crate::service::webhooks::announce;
use crate::service::{Caller, Context, approve_change};
use crate::store::lease::Lease;
use crate::store::{self, active_configs, approvals, verifications};

/// What became of a verified version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Activation {
    /// It was the active version already, or its approval was requested before or declined.
    Unchanged,
    Activated,
    ApprovalRequested,
    /// Another tenant uses its bucket or its role.
    Claimed,
}

/// Activates the version, or requests the approval that it needs.
pub(super) async fn activate(
    context: &Context,
    db: &mut PgConnection,
    lease: &Lease,
    config: &StorageConfig,
    active: Option<&StorageConfig>,
) -> store::Result<Activation> {
    let check = CheckName::BucketNotClaimed;
    let is_active = active.is_some_and(|active| active.id == config.id);
    let approval = approvals::find(db, config.id).await?;
    let state = approval.as_ref().map(|approval| approval.state);
    let is_approved =
        state == Some(ApprovalState::Approved) && approval.and_then(|approval| approval.verification) == Some(lease.verification);
    // Declined versions, and those whose approval queued another verification.
    let is_barred = !is_active && !is_approved && matches!(state, Some(ApprovalState::Declined | ApprovalState::Approved));
    let needs_approval = !is_active
        && !is_approved
        && active.is_some_and(|active| context.vendor.approval.requires_approval(&active.storage, &config.storage));
    let is_claimed = if needs_approval || is_barred {
        active_configs::is_claimed(db, config).await?
    } else {
        match active_configs::activate(db, config, context.clock.now()).await {
            Ok(()) => false,
            Err(error) if active_configs::is_conflict(&error) => true,
            Err(error) => return Err(error),
        }
    };
    if is_claimed {
        let finding = Finding::failed(check, findings::bucket_is_claimed(), None, Fix::form(fixes::use_unclaimed_bucket()));
        verifications::record(db, lease, &[finding]).await?;
        return Ok(Activation::Claimed);
    }
    verifications::record(db, lease, &[Finding::passed(check, check.claim(), None)]).await?;
    if is_barred {
        return Ok(Activation::Unchanged);
    }
    if needs_approval {
        let is_new = approvals::request(db, config, context.clock.now()).await?;
        return Ok(if is_new {
            Activation::ApprovalRequested
        } else {
            Activation::Unchanged
        });
    }
    if is_active {
        return Ok(Activation::Unchanged);
    }
    match state {
        Some(ApprovalState::Approved) => approvals::set_state(db, config.id, ApprovalState::Activated, context.clock.now()).await?,
        // The setting was changed, and no longer requires it.
        Some(ApprovalState::Pending) => approve_change::withdraw(context, db, &Caller::system(), config.tenant_id).await?,
        _ => {}
    }
    Ok(Activation::Activated)
}

impl Activation {
    /// The audit entry and the message to webhooks, if something changed.
    fn recorded_as(self) -> Option<(AuditAction, Topic)> {
        match self {
            Self::Activated => Some((AuditAction::StorageConfigActivated, Topic::StorageConfigActivated)),
            Self::ApprovalRequested => Some((AuditAction::StorageConfigApprovalRequested, Topic::ApprovalRequested)),
            Self::Unchanged | Self::Claimed => None,
        }
    }

    pub(super) async fn audit(
        self,
        context: &Context,
        db: &mut PgConnection,
        config: &StorageConfig,
        active: Option<&StorageConfig>,
    ) -> store::Result<()> {
        let Some((action, _)) = self.recorded_as() else {
            return Ok(());
        };
        let which = json!({"version": config.version, "replaces": active.map(|active| active.version)});
        let difference = match active {
            Some(active) => AuditChange::between(active, config),
            None => AuditChange::made(config),
        };
        context
            .audit(db, &Caller::system(), action, Some(config.tenant_id), difference.with(which))
            .await
    }

    pub(super) async fn announce(
        self,
        context: &Context,
        db: &mut PgConnection,
        config: &StorageConfig,
        active: Option<&StorageConfig>,
    ) -> store::Result<()> {
        match self {
            Self::Activated if active.is_some() => notify::verified(context, db, config).await?,
            Self::ApprovalRequested => notify::approval(context, db, MailKind::ApprovalPending, config).await?,
            _ => {}
        }
        match self.recorded_as() {
            Some((_, topic)) => announce::storage_config(context, db, topic, config, active).await,
            None => Ok(()),
        }
    }
}

/// A version that did not pass loses its pending approval, and an approved one whose verification has no result is pending again: what an
/// operator approves must have passed the last verification.
pub(super) async fn close(
    context: &Context,
    db: &mut PgConnection,
    lease: &Lease,
    config: &StorageConfig,
    verdict: Verdict,
) -> store::Result<()> {
    let Some(approval) = approvals::find(db, config.id).await? else {
        return Ok(());
    };
    let is_its_own = approval.verification == Some(lease.verification);
    match (approval.state, verdict) {
        (ApprovalState::Pending, Verdict::Rejected) => approve_change::withdraw(context, db, &Caller::system(), config.tenant_id).await,
        (ApprovalState::Approved, Verdict::Rejected) if is_its_own => {
            approve_change::withdraw(context, db, &Caller::system(), config.tenant_id).await
        }
        (ApprovalState::Approved, Verdict::Inconclusive | Verdict::Superseded) if is_its_own => {
            approvals::set_state(db, config.id, ApprovalState::Pending, context.clock.now()).await
        }
        _ => Ok(()),
    }
}

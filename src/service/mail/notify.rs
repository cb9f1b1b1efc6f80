//! Queues mail to the contacts of a tenant, in the transaction of the event, so that either both are committed or neither.
//!
//! The database refuses a second mail to the same contact about the same cause on one day. The cause is the tenant, the kind of mail and
//! its subject, such as the failing check.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::domain::contact::{Contact, ContactState};
use crate::domain::ids::{TenantId, TenantRef, VerificationId};
use crate::domain::invite::InvitePurpose;
use crate::domain::mail::content::problems;
use crate::domain::mail::{DocumentsNotice, MailContent, MailFault, MailKind};
use crate::domain::storage_config::StorageConfig;
use crate::domain::tenant::{Tenant, TenantStatus};
use crate::domain::verification::{Verdict, Verification};
use crate::service::Context;
use crate::store::mails::NewMail;
use crate::store::{self, active_configs, contacts, mails, storage_configs, tenants, verifications};

/// Notifies the contacts of a new status. The tenant must be locked.
pub(crate) async fn status_changed(context: &Context, db: &mut PgConnection, tenant: &Tenant, before: TenantStatus) -> store::Result<()> {
    // A tenant that was resumed has the status that it had before.
    if context.mail.is_none() || before == TenantStatus::Suspended {
        return Ok(());
    }
    let kind = match tenant.status() {
        TenantStatus::Active => {
            let active = active_configs::find(db, tenant.id).await?;
            return match active {
                Some(active) => verified(context, db, &active.config).await,
                None => Ok(()),
            };
        }
        TenantStatus::ActionRequired => MailKind::ActionRequired,
        TenantStatus::Degraded => MailKind::Degraded,
        TenantStatus::Quarantined => MailKind::Quarantined,
        _ => return Ok(()),
    };
    let Some(newest) = verifications::of_tenant(db, tenant.id, None, 1).await?.pop() else {
        return Ok(());
    };
    notify_of_problems(context, db, kind, newest.id, false).await
}

/// Notifies the contacts that a version is in use. The tenant must be locked.
pub(crate) async fn verified(context: &Context, db: &mut PgConnection, config: &StorageConfig) -> store::Result<()> {
    notify_of_version(context, db, MailKind::Verified, config).await
}

/// Notifies the contacts that a change was rejected: the status of a tenant with an active version stays the same. The tenant must be
/// locked.
pub(crate) async fn finished(
    context: &Context,
    db: &mut PgConnection,
    config: &StorageConfig,
    id: VerificationId,
    verdict: Verdict,
) -> store::Result<()> {
    if context.mail.is_none() || verdict != Verdict::Rejected {
        return Ok(());
    }
    match active_configs::find(db, config.tenant_id).await? {
        Some(active) if active.config.id != config.id => notify_of_problems(context, db, MailKind::ActionRequired, id, true).await,
        _ => Ok(()),
    }
}

/// Notifies the contacts of what becomes of a version that needs an approval. The tenant must be locked.
pub(crate) async fn approval(context: &Context, db: &mut PgConnection, kind: MailKind, config: &StorageConfig) -> store::Result<()> {
    notify_of_version(context, db, kind, config).await
}

/// Notifies the contacts that a new external ID was issued. The tenant must be locked.
pub(crate) async fn rotation_requested(context: &Context, db: &mut PgConnection, tenant: TenantId) -> store::Result<()> {
    let notice = Notice {
        kind: MailKind::RotationRequested,
        subject: "external ID".to_owned(),
        content: MailContent::default(),
    };
    notify_all(context, db, tenant, &notice).await.map(drop)
}

/// Notifies the contacts that the key of the active version is scheduled for deletion, at this time if it is known. The tenant must be
/// locked.
pub async fn key_pending_deletion(
    context: &Context,
    db: &mut PgConnection,
    config: &StorageConfig,
    deleted_at: Option<DateTime<Utc>>,
) -> store::Result<()> {
    let notice = Notice {
        kind: MailKind::KeyPendingDeletion,
        subject: config.storage.key.to_string(),
        content: MailContent {
            key: Some(config.storage.key.to_string()),
            deleted_at,
            ..about(config)
        },
    };
    notify_all(context, db, config.tenant_id, &notice).await.map(drop)
}

/// Asks the contacts to update the documents of the active version. Returns how many mails were queued. The tenant must be locked.
pub(crate) async fn documents_changed(
    context: &Context,
    db: &mut PgConnection,
    config: &StorageConfig,
    notice: DocumentsNotice,
) -> store::Result<usize> {
    let notice = Notice {
        kind: MailKind::DocumentsChanged,
        subject: format!("documents {}", notice.version),
        content: MailContent {
            documents: Some(notice),
            ..about(config)
        },
    };
    notify_all(context, db, config.tenant_id, &notice).await
}

/// Drops the mails of a tenant that is offboarded. The tenant must be locked.
pub(crate) async fn offboarded(context: &Context, db: &mut PgConnection, tenant: TenantId) -> store::Result<()> {
    mails::give_up_waiting(db, tenant, None, MailFault::Offboarded, context.clock.now()).await?;
    Ok(())
}

/// Sends a contact a link to the form. False if the contact got one today. The tenant must be locked.
pub(super) async fn invite(
    context: &Context,
    db: &mut PgConnection,
    contact: &Contact,
    purpose: Option<InvitePurpose>,
) -> store::Result<bool> {
    let notice = Notice {
        kind: MailKind::Invite,
        subject: purpose.map_or_else(|| "setup".to_owned(), |purpose| purpose.to_string()),
        content: MailContent {
            purpose,
            ..MailContent::default()
        },
    };
    queue(context, db, contact, &notice).await
}

/// Asks a contact to confirm the address. False if the address was asked today. The tenant must be locked.
pub(super) async fn ask_to_confirm(context: &Context, db: &mut PgConnection, contact: &Contact) -> store::Result<bool> {
    let notice = Notice {
        kind: MailKind::AddressConfirmation,
        // A contact whose address changes is asked again.
        subject: hex::encode(&contact.email.hash().as_bytes()[..8]),
        content: MailContent::default(),
    };
    queue(context, db, contact, &notice).await
}

/// What a mail is about.
struct Notice {
    kind: MailKind,
    subject: String,
    content: MailContent,
}

async fn notify_of_version(context: &Context, db: &mut PgConnection, kind: MailKind, config: &StorageConfig) -> store::Result<()> {
    let notice = Notice {
        kind,
        subject: format!("version {}", config.version),
        content: about(config),
    };
    notify_all(context, db, config.tenant_id, &notice).await.map(drop)
}

/// Notifies the contacts of what a verification found, unless there is nothing that the customer could change.
async fn notify_of_problems(
    context: &Context,
    db: &mut PgConnection,
    kind: MailKind,
    id: VerificationId,
    is_change: bool,
) -> store::Result<()> {
    let missing = |what| store::StoreError::inconsistent("verifications", id, what);
    let verification: Verification = verifications::find(db, id).await?.ok_or_else(|| missing("it is missing"))?;
    let config = storage_configs::find_version(db, verification.tenant_id, verification.version)
        .await?
        .ok_or_else(|| missing("its version is missing"))?;
    let problems = problems(&verification, &config, &context.vendor);
    let Some(first) = problems.first() else {
        return Ok(());
    };
    let notice = Notice {
        kind,
        subject: first.check.clone(),
        content: MailContent {
            checked_at: verification.finished_at,
            is_change,
            problems,
            ..about(&config)
        },
    };
    notify_all(context, db, verification.tenant_id, &notice).await.map(drop)
}

fn about(config: &StorageConfig) -> MailContent {
    MailContent {
        bucket: Some(config.storage.bucket.name().to_string()),
        version: Some(config.version),
        ..MailContent::default()
    }
}

/// Queues a mail to each contact that confirmed its address and gets mail. Returns how many were queued.
async fn notify_all(context: &Context, db: &mut PgConnection, tenant: TenantId, notice: &Notice) -> store::Result<usize> {
    if context.mail.is_none() {
        return Ok(0);
    }
    let is_served = tenants::find(db, &TenantRef::Id(tenant))
        .await?
        .is_some_and(|tenant| tenant.facts.may_change().is_ok());
    if !is_served {
        return Ok(0);
    }
    let mut queued = 0;
    for contact in contacts::of_tenant(db, tenant).await? {
        if contact.state() == ContactState::Confirmed {
            queued += usize::from(queue(context, db, &contact, notice).await?);
        }
    }
    Ok(queued)
}

async fn queue(context: &Context, db: &mut PgConnection, contact: &Contact, notice: &Notice) -> store::Result<bool> {
    let mail = NewMail {
        id: context.clock.uuid().into(),
        kind: notice.kind,
        subject: &notice.subject,
        content: &notice.content,
        at: context.clock.now(),
    };
    mails::queue(db, contact, &mail).await
}

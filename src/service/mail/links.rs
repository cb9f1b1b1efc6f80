//! What the links in mails do, besides opening the form: confirming an address, and stopping mail to it.

use serde_json::json;

use super::notify;
use crate::domain::audit::{Actor, AuditAction, AuditChange};
use crate::domain::contact::{Contact, ContactLinkPurpose};
use crate::domain::ids::TenantRef;
use crate::domain::invite::InviteToken;
use crate::domain::mail::MailFault;
use crate::domain::tenant::{Tenant, TenantStatus};
use crate::service::{Caller, Context, UnknownTenant};
use crate::store::{self, Transaction, contacts, mails, tenants};

/// Why a link does nothing.
#[derive(Debug, thiserror::Error)]
pub enum ContactLinkError {
    #[error("there is no such link")]
    Unknown,
    #[error("the link has expired")]
    Expired,
    #[error("the tenant is offboarded")]
    Offboarded,
    #[error(transparent)]
    Store(#[from] store::StoreError),
}

impl From<UnknownTenant> for ContactLinkError {
    fn from(_: UnknownTenant) -> Self {
        Self::Unknown
    }
}

/// The contact that a link is for. Changes nothing: mail scanners open every link.
pub async fn look_up(context: &Context, token: &InviteToken, purpose: ContactLinkPurpose) -> Result<(Contact, Tenant), ContactLinkError> {
    let mut db = store::acquire(&context.pool).await?;
    let (contact, expires_at) = contacts::find_by_link(&mut db, &token.hash(), purpose)
        .await?
        .ok_or(ContactLinkError::Unknown)?;
    let tenant = tenants::find(&mut db, &TenantRef::Id(contact.tenant_id))
        .await?
        .ok_or(ContactLinkError::Unknown)?;
    if tenant.facts.may_change().is_err() {
        return Err(ContactLinkError::Offboarded);
    }
    let is_done = purpose == ContactLinkPurpose::Confirm && contact.confirmed_at.is_some();
    if expires_at <= context.clock.now() && !is_done {
        return Err(ContactLinkError::Expired);
    }
    Ok((contact, tenant))
}

/// Confirms an address. Idempotent. A tenant that has not begun gets its invite.
pub async fn confirm(context: &Context, caller: &Caller, token: &InviteToken) -> Result<(), ContactLinkError> {
    let (mut db, tenant, before) = begin(context, token, ContactLinkPurpose::Confirm).await?;
    if before.confirmed_at.is_some() && before.stopped_at.is_none() {
        return Ok(());
    }
    let after = Contact {
        confirmed_at: Some(before.confirmed_at.unwrap_or(context.clock.now())),
        stopped_at: None,
        ..before.clone()
    };
    contacts::update(&mut db, &after).await?;
    if context.mail.is_some() && tenant.status() == TenantStatus::Invited {
        notify::invite(context, &mut db, &after, None).await?;
    }
    finish(context, db, caller, AuditAction::ContactConfirmed, &before, &after).await
}

/// Stops mail to a contact. Idempotent.
pub async fn stop(context: &Context, caller: &Caller, token: &InviteToken) -> Result<(), ContactLinkError> {
    let (mut db, _, before) = begin(context, token, ContactLinkPurpose::Stop).await?;
    if before.stopped_at.is_some() {
        return Ok(());
    }
    let after = Contact {
        stopped_at: Some(context.clock.now()),
        ..before.clone()
    };
    contacts::update(&mut db, &after).await?;
    mails::give_up_waiting(
        &mut db,
        after.tenant_id,
        Some(after.id),
        MailFault::ContactStopped,
        context.clock.now(),
    )
    .await?;
    finish(context, db, caller, AuditAction::ContactStopped, &before, &after).await
}

/// Starts mail to a contact again. Idempotent.
pub async fn resume(context: &Context, caller: &Caller, token: &InviteToken) -> Result<(), ContactLinkError> {
    let (mut db, _, before) = begin(context, token, ContactLinkPurpose::Stop).await?;
    if before.stopped_at.is_none() {
        return Ok(());
    }
    let after = Contact {
        stopped_at: None,
        ..before.clone()
    };
    contacts::update(&mut db, &after).await?;
    finish(context, db, caller, AuditAction::ContactResumed, &before, &after).await
}

/// Locks the tenant, and then reads the contact.
async fn begin(
    context: &Context,
    token: &InviteToken,
    purpose: ContactLinkPurpose,
) -> Result<(Transaction, Tenant, Contact), ContactLinkError> {
    let (found, _) = look_up(context, token, purpose).await?;
    let tenant = TenantRef::Id(found.tenant_id);
    let (mut db, tenant) = context.begin_for_tenant::<ContactLinkError>(&tenant).await?;
    if tenant.facts.may_change().is_err() {
        return Err(ContactLinkError::Offboarded);
    }
    // The link is gone if the address was changed meanwhile.
    let (contact, _) = contacts::find_by_link(&mut db, &token.hash(), purpose)
        .await?
        .ok_or(ContactLinkError::Unknown)?;
    Ok((db, tenant, contact))
}

async fn finish(
    context: &Context,
    mut db: Transaction,
    caller: &Caller,
    action: AuditAction,
    before: &Contact,
    after: &Contact,
) -> Result<(), ContactLinkError> {
    let caller = Caller {
        actor: Actor::Contact { id: after.id },
        ..caller.clone()
    };
    let difference = AuditChange::between(before, after).with(json!({"contact_id": after.id}));
    context.audit(&mut db, &caller, action, Some(after.tenant_id), difference).await?;
    store::commit(db).await?;
    Ok(())
}

//! Adding, changing and removing the contacts of a tenant, and writing to one of them.

use chrono::TimeDelta;
use serde_json::json;
use sqlx::PgConnection;

use super::notify;
use crate::domain::audit::{Actor, AuditAction, AuditChange};
use crate::domain::contact::{CONFIRMATIONS_PER_ADDRESS, CONFIRMATIONS_PER_TENANT, Contact, ContactName, ContactState, EmailAddress, MOST};
use crate::domain::ids::{ContactId, InviteId, TenantRef};
use crate::domain::invite::InvitePurpose;
use crate::domain::mail::{MailFault, MailKind};
use crate::domain::tenant::Tenant;
use crate::domain::text::FieldError;
use crate::service::{Caller, Context, UnknownTenant, tenant_fields};
use crate::store::{self, Constraint, Transaction, contacts, mails};

/// Confirmations are limited within this time.
const WINDOW: TimeDelta = TimeDelta::hours(24);

/// The requested fields, not yet validated. When a contact is changed, a missing field stays the same.
#[derive(Debug, Clone, Default)]
pub struct ContactFields {
    pub name: Option<String>,
    pub email: Option<String>,
    /// Errors from parsing the request: unknown fields, and fields of a wrong type.
    pub unreadable: Vec<FieldError>,
}

#[derive(Debug, thiserror::Error)]
pub enum ContactError {
    #[error(transparent)]
    UnknownTenant(#[from] UnknownTenant),
    #[error("the tenant has no such contact")]
    UnknownContact,
    #[error("the tenant is offboarded")]
    Offboarded,
    #[error("invalid contact")]
    Invalid(Vec<FieldError>),
    #[error("the tenant has the maximum number of contacts")]
    TooMany,
    /// The tenant has another contact with this address.
    #[error("the address is taken")]
    EmailTaken,
    /// The address or the tenant has caused the maximum number of confirmations within a day.
    #[error("too many confirmations")]
    TooManyConfirmations,
    #[error("mail is off")]
    MailOff,
    #[error("the address is already confirmed")]
    AlreadyConfirmed,
    #[error("the address is not confirmed")]
    NotConfirmed,
    #[error("the contact has stopped mail")]
    Stopped,
    /// The contact already got this mail today.
    #[error("the contact already got this mail today")]
    SentToday,
    #[error(transparent)]
    Store(#[from] store::StoreError),
}

/// Adds a contact, and asks it to confirm the address if mail is on.
pub async fn add(context: &Context, caller: &Caller, tenant: &TenantRef, fields: &ContactFields) -> Result<Contact, ContactError> {
    let (mut db, tenant) = begin(context, tenant).await?;
    let mut faults = fields.unreadable.clone();
    let name = tenant_fields::required("name", fields.name.as_deref(), ContactName::parse, &mut faults);
    let email = tenant_fields::required("email", fields.email.as_deref(), EmailAddress::parse, &mut faults);
    let (Some(name), Some(email), true) = (name, email, faults.is_empty()) else {
        return Err(ContactError::Invalid(faults));
    };
    if contacts::of_tenant(&mut db, tenant.id).await?.len() >= MOST {
        return Err(ContactError::TooMany);
    }
    let contact = Contact {
        id: context.clock.uuid().into(),
        tenant_id: tenant.id,
        name,
        email,
        invite_id: invite_of(caller),
        created_at: context.clock.now(),
        confirmed_at: None,
        stopped_at: None,
    };
    written(contacts::insert(&mut db, &contact).await)?;
    if context.mail.is_some() {
        ask_to_confirm(context, &mut db, &contact).await?;
    }
    let made = AuditChange::made(&contact).with(json!({"contact_id": contact.id}));
    context
        .audit(&mut db, caller, AuditAction::ContactAdded, Some(tenant.id), made)
        .await?;
    store::commit(db).await?;
    Ok(contact)
}

/// Changes a contact. Another address has to be confirmed again, and nothing is sent to the earlier one any more.
pub async fn change(
    context: &Context,
    caller: &Caller,
    tenant: &TenantRef,
    id: ContactId,
    fields: &ContactFields,
) -> Result<Contact, ContactError> {
    let (mut db, tenant) = begin(context, tenant).await?;
    let before = contacts::find(&mut db, tenant.id, id).await?.ok_or(ContactError::UnknownContact)?;
    let mut faults = fields.unreadable.clone();
    let mut after = before.clone();
    if let Some(text) = &fields.name
        && let Some(name) = tenant_fields::required("name", Some(text), ContactName::parse, &mut faults)
    {
        after.name = name;
    }
    if let Some(text) = &fields.email
        && let Some(email) = tenant_fields::required("email", Some(text), EmailAddress::parse, &mut faults)
    {
        after.email = email;
    }
    if !faults.is_empty() {
        return Err(ContactError::Invalid(faults));
    }
    let is_other_address = !after.email.is_same(&before.email);
    if is_other_address {
        after.confirmed_at = None;
        after.stopped_at = None;
        after.invite_id = invite_of(caller);
        contacts::delete_links_of_contact(&mut db, id).await?;
        mails::give_up_waiting(&mut db, tenant.id, Some(id), MailFault::ContactRemoved, context.clock.now()).await?;
    }
    if after != before {
        written(contacts::update(&mut db, &after).await)?;
        if is_other_address && context.mail.is_some() {
            ask_to_confirm(context, &mut db, &after).await?;
        }
        let difference = AuditChange::between(&before, &after).with(json!({"contact_id": id}));
        context
            .audit(&mut db, caller, AuditAction::ContactChanged, Some(tenant.id), difference)
            .await?;
    }
    store::commit(db).await?;
    Ok(after)
}

/// Removes a contact. Nothing is sent to it any more. Customers can remove only contacts that they entered, so that nobody with a
/// leaked link can silence the others.
pub async fn remove(context: &Context, caller: &Caller, tenant: &TenantRef, id: ContactId) -> Result<(), ContactError> {
    let (mut db, tenant) = context.begin_for_tenant::<ContactError>(tenant).await?;
    let contact = contacts::find(&mut db, tenant.id, id).await?;
    let contact = contact.filter(|contact| invite_of(caller).is_none() || contact.invite_id.is_some());
    let contact = contact.ok_or(ContactError::UnknownContact)?;
    mails::give_up_waiting(&mut db, tenant.id, Some(id), MailFault::ContactRemoved, context.clock.now()).await?;
    contacts::delete(&mut db, id).await?;
    let gone = AuditChange::gone(&contact).with(json!({"contact_id": id}));
    context
        .audit(&mut db, caller, AuditAction::ContactRemoved, Some(tenant.id), gone)
        .await?;
    store::commit(db).await?;
    Ok(())
}

/// Asks a contact again to confirm the address.
pub async fn request_confirmation(context: &Context, caller: &Caller, tenant: &TenantRef, id: ContactId) -> Result<Contact, ContactError> {
    let (mut db, tenant, contact) = begin_mail(context, tenant, id).await?;
    match contact.state() {
        ContactState::Unconfirmed => {}
        ContactState::Confirmed => return Err(ContactError::AlreadyConfirmed),
        ContactState::Stopped => return Err(ContactError::Stopped),
    }
    ask_to_confirm(context, &mut db, &contact).await?;
    audit_request(context, db, caller, &tenant, &contact, MailKind::AddressConfirmation).await?;
    Ok(contact)
}

/// Sends a contact a link to the form. Without a purpose, it is for onboarding if the tenant has no active version, and for a change
/// otherwise.
pub async fn request_invite(
    context: &Context,
    caller: &Caller,
    tenant: &TenantRef,
    id: ContactId,
    purpose: Option<InvitePurpose>,
) -> Result<Contact, ContactError> {
    let (mut db, tenant, contact) = begin_mail(context, tenant, id).await?;
    match contact.state() {
        ContactState::Confirmed => {}
        ContactState::Unconfirmed => return Err(ContactError::NotConfirmed),
        ContactState::Stopped => return Err(ContactError::Stopped),
    }
    if !notify::invite(context, &mut db, &contact, purpose).await? {
        return Err(ContactError::SentToday);
    }
    audit_request(context, db, caller, &tenant, &contact, MailKind::Invite).await?;
    Ok(contact)
}

async fn begin(context: &Context, tenant: &TenantRef) -> Result<(Transaction, Tenant), ContactError> {
    let (db, tenant) = context.begin_for_tenant::<ContactError>(tenant).await?;
    match tenant.facts.may_change() {
        Ok(()) => Ok((db, tenant)),
        Err(_) => Err(ContactError::Offboarded),
    }
}

async fn begin_mail(context: &Context, tenant: &TenantRef, id: ContactId) -> Result<(Transaction, Tenant, Contact), ContactError> {
    let (mut db, tenant) = begin(context, tenant).await?;
    let contact = contacts::find(&mut db, tenant.id, id).await?.ok_or(ContactError::UnknownContact)?;
    if context.mail.is_none() {
        return Err(ContactError::MailOff);
    }
    Ok((db, tenant, contact))
}

/// Queues a confirmation, within the limits that keep others from being flooded with them.
async fn ask_to_confirm(context: &Context, db: &mut PgConnection, contact: &Contact) -> Result<(), ContactError> {
    let since = context.clock.now() - WINDOW;
    let (of_address, of_tenant) = mails::count_confirmations(db, contact.tenant_id, &contact.email.hash(), since).await?;
    if of_address >= CONFIRMATIONS_PER_ADDRESS || of_tenant >= CONFIRMATIONS_PER_TENANT {
        return Err(ContactError::TooManyConfirmations);
    }
    if notify::ask_to_confirm(context, db, contact).await? {
        Ok(())
    } else {
        Err(ContactError::SentToday)
    }
}

async fn audit_request(
    context: &Context,
    mut db: Transaction,
    caller: &Caller,
    tenant: &Tenant,
    contact: &Contact,
    kind: MailKind,
) -> Result<(), ContactError> {
    let requested = AuditChange::none().with(json!({"contact_id": contact.id, "kind": kind}));
    context
        .audit(&mut db, caller, AuditAction::MailRequested, Some(tenant.id), requested)
        .await?;
    store::commit(db).await?;
    Ok(())
}

/// The invite that the caller has, if it is a customer.
fn invite_of(caller: &Caller) -> Option<InviteId> {
    match caller.actor {
        Actor::Invite { id, .. } => Some(id),
        _ => None,
    }
}

fn written(result: store::Result<()>) -> Result<(), ContactError> {
    match result {
        Err(store::StoreError::Constraint(Constraint::ContactsEmailKey)) => Err(ContactError::EmailTaken),
        other => Ok(other?),
    }
}

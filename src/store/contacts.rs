//! Contacts of tenants, and the links in mails to them. Only hashes of the links' tokens are stored.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::error::column;
use super::{Result, StoreError};
use crate::domain::contact::{Contact, ContactLinkPurpose};
use crate::domain::ids::{ContactId, InviteId, MailId, TenantId};
use crate::domain::token::TokenHash;

const TABLE: &str = "contacts";

/// A row of `contacts`.
struct ContactRow {
    id: Uuid,
    tenant_id: Uuid,
    name: String,
    email: String,
    invite_id: Option<Uuid>,
    created_at: DateTime<Utc>,
    confirmed_at: Option<DateTime<Utc>>,
    stopped_at: Option<DateTime<Utc>>,
}

/// Selects contacts.
macro_rules! select_contacts {
    ($rest:literal, $($argument:expr),+ $(,)?) => {
        sqlx::query_as!(
            ContactRow,
            "select c.id, c.tenant_id, c.name, c.email, c.invite_id, c.created_at, c.confirmed_at, c.stopped_at from contacts c " + $rest,
            $($argument),+
        )
    };
}

impl TryFrom<ContactRow> for Contact {
    type Error = StoreError;

    fn try_from(row: ContactRow) -> Result<Self> {
        Ok(Self {
            id: row.id.into(),
            tenant_id: row.tenant_id.into(),
            name: column(TABLE, row.id, &row.name)?,
            email: column(TABLE, row.id, &row.email)?,
            invite_id: row.invite_id.map(Into::into),
            created_at: row.created_at,
            confirmed_at: row.confirmed_at,
            stopped_at: row.stopped_at,
        })
    }
}

/// # Errors
/// `ContactsEmailKey` if the tenant has a contact with this address.
pub(crate) async fn insert(db: &mut PgConnection, contact: &Contact) -> Result<()> {
    sqlx::query!(
        "insert into contacts (id, tenant_id, name, email, invite_id, created_at) values ($1, $2, $3, $4, $5, $6)",
        contact.id.as_uuid(),
        contact.tenant_id.as_uuid(),
        contact.name.as_str(),
        contact.email.as_str(),
        contact.invite_id.map(InviteId::as_uuid),
        contact.created_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Writes a contact's fields.
///
/// # Errors
/// `ContactsEmailKey` if the tenant has another contact with this address.
pub(crate) async fn update(db: &mut PgConnection, contact: &Contact) -> Result<()> {
    sqlx::query!(
        "update contacts set name = $2, email = $3, confirmed_at = $4, stopped_at = $5, invite_id = $6 where id = $1",
        contact.id.as_uuid(),
        contact.name.as_str(),
        contact.email.as_str(),
        contact.confirmed_at,
        contact.stopped_at,
        contact.invite_id.map(InviteId::as_uuid),
    )
    .execute(db)
    .await?;
    Ok(())
}

pub(crate) async fn delete(db: &mut PgConnection, id: ContactId) -> Result<()> {
    sqlx::query!("delete from contacts where id = $1", id.as_uuid()).execute(db).await?;
    Ok(())
}

/// A contact of this tenant.
pub(crate) async fn find(db: &mut PgConnection, tenant: TenantId, id: ContactId) -> Result<Option<Contact>> {
    select_contacts!("where c.id = $1 and c.tenant_id = $2", id.as_uuid(), tenant.as_uuid())
        .fetch_optional(db)
        .await?
        .map(Contact::try_from)
        .transpose()
}

/// A tenant's contacts, oldest first. There are at most ten.
pub(crate) async fn of_tenant(db: &mut PgConnection, tenant: TenantId) -> Result<Vec<Contact>> {
    select_contacts!("where c.tenant_id = $1 order by c.created_at, c.id", tenant.as_uuid())
        .fetch_all(db)
        .await?
        .into_iter()
        .map(Contact::try_from)
        .collect()
}

/// A new link in a mail.
#[derive(Debug)]
pub(crate) struct NewLink<'a> {
    pub hash: &'a TokenHash,
    pub contact: ContactId,
    pub mail: MailId,
    pub purpose: ContactLinkPurpose,
    pub expires_at: DateTime<Utc>,
}

pub(crate) async fn insert_link(db: &mut PgConnection, link: &NewLink<'_>) -> Result<()> {
    let purpose: &str = link.purpose.into();
    sqlx::query!(
        "insert into contact_links (hash, contact_id, mail_id, purpose, expires_at) values ($1, $2, $3, $4, $5)",
        link.hash.as_bytes(),
        link.contact.as_uuid(),
        link.mail.as_uuid(),
        purpose,
        link.expires_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The contact that a link is for, and when the link expires.
pub(crate) async fn find_by_link(
    db: &mut PgConnection,
    hash: &TokenHash,
    purpose: ContactLinkPurpose,
) -> Result<Option<(Contact, DateTime<Utc>)>> {
    let purpose: &str = purpose.into();
    let link = sqlx::query!(
        "select contact_id, expires_at from contact_links where hash = $1 and purpose = $2",
        hash.as_bytes(),
        purpose,
    )
    .fetch_optional(&mut *db)
    .await?;
    let Some(link) = link else {
        return Ok(None);
    };
    let contact = select_contacts!("where c.id = $1", link.contact_id).fetch_optional(db).await?;
    Ok(contact
        .map(Contact::try_from)
        .transpose()?
        .map(|contact| (contact, link.expires_at)))
}

/// Deletes the links of a mail that nobody has received.
pub(crate) async fn delete_links_of_mail(db: &mut PgConnection, mail: MailId) -> Result<()> {
    sqlx::query!("delete from contact_links where mail_id = $1", mail.as_uuid())
        .execute(db)
        .await?;
    Ok(())
}

/// Deletes the links that were sent to a contact's earlier address.
pub(crate) async fn delete_links_of_contact(db: &mut PgConnection, contact: ContactId) -> Result<()> {
    sqlx::query!("delete from contact_links where contact_id = $1", contact.as_uuid())
        .execute(db)
        .await?;
    Ok(())
}

/// Deletes links that expired before this time.
pub(crate) async fn sweep_links(db: &mut PgConnection, expired_before: DateTime<Utc>) -> Result<u64> {
    let swept = sqlx::query!("delete from contact_links where expires_at < $1", expired_before)
        .execute(db)
        .await?;
    Ok(swept.rows_affected())
}

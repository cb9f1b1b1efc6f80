//! Mails, written in the transaction of the event that they are about (transactional outbox). The table is also the log of what was
//! sent.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::error::{StoreError, column};
use super::{Result, jobs};
use crate::domain::contact::Contact;
use crate::domain::ids::{ContactId, InviteId, MailId, TenantId};
use crate::domain::mail::{Mail, MailContent, MailFailure, MailFault, MailKind, MailState};
use crate::domain::token::TokenHash;

const TABLE: &str = "mails";

/// A row of `mails`.
struct MailRow {
    id: Uuid,
    tenant_id: Uuid,
    contact_id: Option<Uuid>,
    kind: String,
    subject: String,
    content: serde_json::Value,
    state: String,
    attempts: i32,
    due_at: Option<DateTime<Utc>>,
    fault: Option<String>,
    reply: Option<String>,
    invite_id: Option<Uuid>,
    created_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
}

/// Selects mails.
macro_rules! select_mails {
    ($rest:literal, $($argument:expr),+ $(,)?) => {
        sqlx::query_as!(
            MailRow,
            "select id, tenant_id, contact_id, kind, subject, content, state, attempts, due_at, fault, reply, invite_id, created_at,
                    ended_at
             from mails " + $rest,
            $($argument),+
        )
    };
}

impl TryFrom<MailRow> for Mail {
    type Error = StoreError;

    fn try_from(row: MailRow) -> Result<Self> {
        let id = row.id;
        let fault: Option<MailFault> = row.fault.map(|fault| column(TABLE, id, &fault)).transpose()?;
        Ok(Self {
            id: id.into(),
            tenant_id: row.tenant_id.into(),
            contact_id: row.contact_id.map(Into::into),
            kind: column(TABLE, id, &row.kind)?,
            subject: row.subject,
            content: serde_json::from_value(row.content).map_err(|fault| StoreError::inconsistent(TABLE, id, fault))?,
            state: column(TABLE, id, &row.state)?,
            attempts: row.attempts,
            due_at: row.due_at,
            failure: fault.map(|fault| MailFailure { fault, reply: row.reply }),
            invite_id: row.invite_id.map(Into::into),
            created_at: row.created_at,
            ended_at: row.ended_at,
        })
    }
}

/// A mail that is not queued yet.
#[derive(Debug)]
pub(crate) struct NewMail<'a> {
    pub id: MailId,
    pub kind: MailKind,
    pub subject: &'a str,
    pub content: &'a MailContent,
    pub at: DateTime<Utc>,
}

/// Queues a mail to a contact. False if the contact already got one today about the same cause, or gets it. The caller must have locked
/// the tenant.
pub(crate) async fn queue(db: &mut PgConnection, contact: &Contact, mail: &NewMail<'_>) -> Result<bool> {
    let kind: &str = mail.kind.into();
    let content = serde_json::to_value(mail.content).map_err(|fault| StoreError::inconsistent(TABLE, mail.id, fault))?;
    let address = contact.email.hash();
    let queued = sqlx::query!(
        "insert into mails (id, tenant_id, contact_id, address_hash, kind, subject, content, day, state, due_at, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, ($8::timestamptz at time zone 'UTC')::date, 'queued', $8, $8)
         on conflict (contact_id, kind, subject, day) where state <> 'given_up' do nothing",
        mail.id.as_uuid(),
        contact.tenant_id.as_uuid(),
        contact.id.as_uuid(),
        address.as_bytes(),
        kind,
        mail.subject,
        content,
        mail.at,
    )
    .execute(&mut *db)
    .await?;
    if queued.rows_affected() == 0 {
        return Ok(false);
    }
    jobs::enqueue_mail(db, mail.id, None).await?;
    Ok(true)
}

/// A mail, if it can be sent now.
#[derive(Debug)]
pub(crate) enum ClaimedMail {
    Claimed(Box<Mail>),
    /// It is not due, or another sender has it. It can be claimed at this time.
    NotDue(DateTime<Utc>),
    /// There is no such mail any more, or it was sent or given up.
    Ended,
}

/// Claims a mail until `until`. The claimed mail has the failure of the attempt before.
pub(crate) async fn claim(db: &mut PgConnection, id: MailId, now: DateTime<Utc>, until: DateTime<Utc>) -> Result<ClaimedMail> {
    let row = select_mails!("where id = $1 for update", id.as_uuid())
        .fetch_optional(&mut *db)
        .await?;
    let Some(mut mail) = row.map(Mail::try_from).transpose()? else {
        return Ok(ClaimedMail::Ended);
    };
    match mail.due_at {
        None => return Ok(ClaimedMail::Ended),
        Some(at) if at > now => return Ok(ClaimedMail::NotDue(at)),
        Some(_) => {}
    }
    mail.attempts += 1;
    sqlx::query!(
        "update mails set attempts = $2, due_at = $3, fault = null, reply = null where id = $1",
        id.as_uuid(),
        mail.attempts,
        until,
    )
    .execute(db)
    .await?;
    Ok(ClaimedMail::Claimed(Box::new(mail)))
}

/// The tenant of a mail.
pub(crate) async fn tenant_of(db: &mut PgConnection, id: MailId) -> Result<Option<TenantId>> {
    let tenant = sqlx::query_scalar!("select tenant_id from mails where id = $1", id.as_uuid())
        .fetch_optional(db)
        .await?;
    Ok(tenant.map(TenantId::from))
}

/// Notes the invite of a mail's link.
pub(crate) async fn set_invite(db: &mut PgConnection, id: MailId, invite: InviteId) -> Result<()> {
    sqlx::query!("update mails set invite_id = $2 where id = $1", id.as_uuid(), invite.as_uuid())
        .execute(db)
        .await?;
    Ok(())
}

/// Records that the relay accepted a mail. False if it has ended already.
pub(crate) async fn mark_sent(db: &mut PgConnection, id: MailId, now: DateTime<Utc>) -> Result<bool> {
    let changed = sqlx::query!(
        "update mails set state = 'sent', ended_at = $2, due_at = null, fault = null, reply = null where id = $1 and ended_at is null",
        id.as_uuid(),
        now,
    )
    .execute(db)
    .await?;
    Ok(changed.rows_affected() == 1)
}

/// Schedules the next attempt of a mail, or gives it up. False if it has ended, or if another sender has claimed it since.
pub(crate) async fn mark_failed(
    db: &mut PgConnection,
    mail: &Mail,
    failure: &MailFailure,
    next: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<bool> {
    let state: &str = if next.is_some() { MailState::Failed } else { MailState::GivenUp }.into();
    let fault: &str = failure.fault.into();
    let changed = sqlx::query!(
        "update mails set state = $3, due_at = $4, fault = $5, reply = $6,
                          ended_at = case when $4::timestamptz is null then $7::timestamptz end
         where id = $1 and attempts = $2 and ended_at is null",
        mail.id.as_uuid(),
        mail.attempts,
        state,
        next,
        fault,
        failure.reply,
        now,
    )
    .execute(db)
    .await?;
    Ok(changed.rows_affected() == 1)
}

/// Gives up the waiting mails of a contact, or of all contacts of the tenant.
pub(crate) async fn give_up_waiting(
    db: &mut PgConnection,
    tenant: TenantId,
    contact: Option<ContactId>,
    fault: MailFault,
    now: DateTime<Utc>,
) -> Result<u64> {
    let fault: &str = fault.into();
    let given_up = sqlx::query!(
        "update mails set state = 'given_up', fault = $3, reply = null, due_at = null, ended_at = $4
         where tenant_id = $1 and ended_at is null and ($2::uuid is null or contact_id = $2)",
        tenant.as_uuid(),
        contact.map(ContactId::as_uuid),
        fault,
        now,
    )
    .execute(db)
    .await?;
    Ok(given_up.rows_affected())
}

/// A page of a tenant's mails, newest first.
pub(crate) async fn of_tenant(
    db: &mut PgConnection,
    tenant: TenantId,
    after: Option<(DateTime<Utc>, MailId)>,
    limit: i64,
) -> Result<Vec<Mail>> {
    let (at, id) = after.map(|(at, id)| (at, id.as_uuid())).unzip();
    select_mails!(
        "where tenant_id = $1 and ($2::timestamptz is null or (created_at, id) < ($2, $3::uuid))
         order by created_at desc, id desc limit $4",
        tenant.as_uuid(),
        at,
        id,
        limit,
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(Mail::try_from)
    .collect()
}

/// How many confirmations an address, and a tenant, got since this time. Locks the address until the transaction ends, so that two
/// tenants cannot count at the same time.
pub(crate) async fn count_confirmations(
    db: &mut PgConnection,
    tenant: TenantId,
    address: &TokenHash,
    since: DateTime<Utc>,
) -> Result<(i64, i64)> {
    sqlx::query!(
        "select pg_advisory_xact_lock(hashtextextended('confirmations ' || encode($1, 'hex'), 0))",
        address.as_bytes(),
    )
    .execute(&mut *db)
    .await?;
    let of_address = sqlx::query_scalar!(
        r#"select count(*) as "count!" from mails where kind = 'address_confirmation' and address_hash = $1 and created_at > $2"#,
        address.as_bytes(),
        since,
    )
    .fetch_one(&mut *db)
    .await?;
    let of_tenant = sqlx::query_scalar!(
        r#"select count(*) as "count!" from mails where kind = 'address_confirmation' and tenant_id = $1 and created_at > $2"#,
        tenant.as_uuid(),
        since,
    )
    .fetch_one(db)
    .await?;
    Ok((of_address, of_tenant))
}

/// When the oldest waiting mail was queued.
pub(crate) async fn oldest_waiting(db: &mut PgConnection) -> Result<Option<DateTime<Utc>>> {
    let oldest = sqlx::query_scalar!("select min(created_at) from mails where ended_at is null");
    Ok(oldest.fetch_one(db).await?)
}

/// Mails that have been due since before this time, for example because a job was lost.
pub(crate) async fn overdue(db: &mut PgConnection, before: DateTime<Utc>, most: i64) -> Result<Vec<MailId>> {
    let ids = sqlx::query_scalar!(
        "select id from mails where ended_at is null and due_at < $1 order by due_at limit $2",
        before,
        most
    );
    Ok(ids.fetch_all(db).await?.into_iter().map(MailId::from).collect())
}

/// Deletes up to `most` mails that ended before this time. Returns how many.
pub(crate) async fn sweep(db: &mut PgConnection, ended_before: DateTime<Utc>, most: i64) -> Result<u64> {
    let swept = sqlx::query!(
        "delete from mails where id in (select id from mails where ended_at < $1 order by ended_at limit $2)",
        ended_before,
        most,
    )
    .execute(db)
    .await?;
    Ok(swept.rows_affected())
}

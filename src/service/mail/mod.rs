//! Mail to the contacts of a tenant: who they are, what is sent to them, and how.
//!
//! A mail is queued in the transaction of its event ([`notify`]), and sent by the worker ([`send`]). Its links are made when it is sent,
//! so that the database has only hashes of them: nobody who reads the database can open a customer's form.

pub mod contacts;
pub mod links;
pub mod notify;
mod render;
pub mod send;

use chrono::{DateTime, TimeDelta, Utc};

use super::Context;
use crate::domain::contact::Contact;
use crate::domain::ids::{MailId, TenantId};
use crate::domain::mail::Mail;
use crate::store::{self, jobs, mails};

/// How long the log of mails is kept.
const LOG_RETENTION: TimeDelta = TimeDelta::days(90);

/// A mail that is overdue by this much has no job, for example because its job failed too often.
const STALLED_AFTER: TimeDelta = TimeDelta::minutes(10);

/// A page of a tenant's mails, newest first.
pub async fn list(
    context: &Context,
    tenant: TenantId,
    after: Option<super::read::PageStart<MailId>>,
    limit: i64,
) -> store::Result<Vec<Mail>> {
    let mut db = store::acquire(&context.pool).await?;
    mails::of_tenant(&mut db, tenant, after, limit).await
}

/// A tenant's contacts, oldest first.
pub async fn contact_list(context: &Context, tenant: TenantId) -> store::Result<Vec<Contact>> {
    let mut db = store::acquire(&context.pool).await?;
    store::contacts::of_tenant(&mut db, tenant).await
}

/// When the oldest waiting mail was queued.
pub async fn oldest_waiting(context: &Context) -> store::Result<Option<DateTime<Utc>>> {
    let mut db = store::acquire(&context.pool).await?;
    mails::oldest_waiting(&mut db).await
}

/// Deletes old mails and links in batches, and queues jobs for stalled mails.
pub async fn sweep(context: &Context) -> store::Result<()> {
    const BATCH: i64 = 1000;
    let now = context.clock.now();
    loop {
        let mut db = store::acquire(&context.pool).await?;
        if mails::sweep(&mut db, now - LOG_RETENTION, BATCH).await? == 0 {
            store::contacts::sweep_links(&mut db, now).await?;
            break;
        }
    }
    let mut db = store::begin(&context.pool).await?;
    for mail in mails::overdue(&mut db, now - STALLED_AFTER, BATCH).await? {
        jobs::enqueue_mail(&mut db, mail, None).await?;
    }
    store::commit(db).await
}

//! Webhook messages, written in the transaction of their change (transactional outbox), and the log of their delivery.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::error::{StoreError, column};
use super::{Result, jobs, webhook_queues};
use crate::domain::ids::{DeliveryId, MessageId, TenantId, WebhookId};
use crate::domain::webhook::{Delivery, DeliveryAttempt, DeliveryFailure, DeliveryState, MessageType};

const TABLE: &str = "webhook_deliveries";

/// A new message.
#[derive(Debug)]
pub(crate) struct NewDelivery {
    pub id: MessageId,
    pub kind: MessageType,
    /// None for a test.
    pub tenant: Option<TenantId>,
    pub payload: String,
    pub at: DateTime<Utc>,
}

/// Queues a message for these webhooks, each with the ID of its delivery. The caller must have locked the tenant, which keeps the
/// messages in order.
pub(crate) async fn queue(db: &mut PgConnection, message: &NewDelivery, tenant: TenantId, to: &[(DeliveryId, WebhookId)]) -> Result<()> {
    for (delivery, webhook) in to {
        insert(db, *delivery, *webhook, message).await?;
        webhook_queues::schedule(db, *webhook, tenant, message.at).await?;
        jobs::enqueue_deliver(db, *webhook).await?;
    }
    Ok(())
}

pub(crate) async fn insert(db: &mut PgConnection, id: DeliveryId, webhook: WebhookId, message: &NewDelivery) -> Result<()> {
    let kind: &str = message.kind.into();
    sqlx::query!(
        "insert into webhook_deliveries (id, webhook_id, message_id, tenant_id, type, payload, state, created_at)
         values ($1, $2, $3, $4, $5, $6, 'waiting', $7)",
        id.as_uuid(),
        webhook.as_uuid(),
        message.id.as_uuid(),
        message.tenant.map(TenantId::as_uuid),
        kind,
        message.payload,
        message.at,
    )
    .execute(db)
    .await?;
    Ok(())
}

struct DeliveryRow {
    id: Uuid,
    webhook_id: Uuid,
    message_id: Uuid,
    tenant_id: Option<Uuid>,
    kind: String,
    payload: String,
    state: String,
    created_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
    next_attempt_at: Option<DateTime<Utc>>,
}

impl DeliveryRow {
    fn with(self, attempts: Vec<DeliveryAttempt>) -> Result<Delivery> {
        let id = self.id;
        Ok(Delivery {
            id: id.into(),
            webhook_id: self.webhook_id.into(),
            message_id: self.message_id.into(),
            tenant_id: self.tenant_id.map(TenantId::from),
            kind: column(TABLE, id, &self.kind)?,
            payload: self.payload,
            state: column(TABLE, id, &self.state)?,
            created_at: self.created_at,
            ended_at: self.ended_at,
            next_attempt_at: self.next_attempt_at,
            attempts,
        })
    }
}

struct AttemptRow {
    delivery_id: Uuid,
    attempt: i32,
    started_at: DateTime<Utc>,
    duration_ms: Option<i32>,
    status: Option<i32>,
    failure: Option<String>,
}

impl TryFrom<AttemptRow> for DeliveryAttempt {
    type Error = StoreError;

    fn try_from(row: AttemptRow) -> Result<Self> {
        let failure = row.failure.map(|failure| column("webhook_attempts", row.delivery_id, &failure));
        Ok(Self {
            number: row.attempt,
            started_at: row.started_at,
            duration_ms: row.duration_ms,
            status: row.status,
            failure: failure.transpose()?,
        })
    }
}

/// A delivery of this webhook.
pub(crate) async fn find(db: &mut PgConnection, webhook: WebhookId, id: DeliveryId) -> Result<Option<Delivery>> {
    let row = sqlx::query_as!(
        DeliveryRow,
        r#"select id, webhook_id, message_id, tenant_id, type as kind, payload, state, created_at, ended_at, next_attempt_at
           from webhook_deliveries where id = $1 and webhook_id = $2"#,
        id.as_uuid(),
        webhook.as_uuid(),
    )
    .fetch_optional(&mut *db)
    .await?;
    Ok(with_attempts(db, row.into_iter().collect()).await?.pop())
}

/// A page of a webhook's deliveries, newest first.
pub(crate) async fn list(
    db: &mut PgConnection,
    webhook: WebhookId,
    after: Option<(DateTime<Utc>, DeliveryId)>,
    limit: i64,
) -> Result<Vec<Delivery>> {
    let (at, id) = after.unzip();
    let rows = sqlx::query_as!(
        DeliveryRow,
        r#"select id, webhook_id, message_id, tenant_id, type as kind, payload, state, created_at, ended_at, next_attempt_at
           from webhook_deliveries
           where webhook_id = $1 and ($2::timestamptz is null or (created_at, id) < ($2, $3))
           order by created_at desc, id desc limit $4"#,
        webhook.as_uuid(),
        at,
        id.map(DeliveryId::as_uuid),
        limit,
    )
    .fetch_all(&mut *db)
    .await?;
    with_attempts(db, rows).await
}

async fn with_attempts(db: &mut PgConnection, rows: Vec<DeliveryRow>) -> Result<Vec<Delivery>> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let found = sqlx::query_as!(
        AttemptRow,
        "select delivery_id, attempt, started_at, duration_ms, status, failure from webhook_attempts
         where delivery_id = any ($1) order by delivery_id, attempt",
        &ids,
    )
    .fetch_all(db)
    .await?;
    let mut attempts: HashMap<Uuid, Vec<DeliveryAttempt>> = HashMap::new();
    for row in found {
        attempts.entry(row.delivery_id).or_default().push(row.try_into()?);
    }
    rows.into_iter()
        .map(|row| {
            let own = attempts.remove(&row.id).unwrap_or_default();
            row.with(own)
        })
        .collect()
}

/// A message that this sender is about to send.
#[derive(Debug)]
pub(crate) struct ClaimedDelivery {
    pub id: DeliveryId,
    pub webhook_id: WebhookId,
    pub message_id: MessageId,
    pub tenant_id: Option<TenantId>,
    pub payload: String,
    pub created_at: DateTime<Utc>,
    pub attempt: i32,
}

struct ClaimedRow {
    id: Uuid,
    webhook_id: Uuid,
    message_id: Uuid,
    tenant_id: Option<Uuid>,
    payload: String,
    created_at: DateTime<Utc>,
    attempts: i32,
}

/// Starts an attempt at the oldest message of a claimed queue.
pub(crate) async fn claim_oldest(
    db: &mut PgConnection,
    webhook: WebhookId,
    tenant: TenantId,
    now: DateTime<Utc>,
) -> Result<Option<ClaimedDelivery>> {
    let row = sqlx::query_as!(
        ClaimedRow,
        "update webhook_deliveries set attempts = attempts + 1, next_attempt_at = null
         where id = (
             select id from webhook_deliveries where webhook_id = $1 and tenant_id = $2 and state = 'waiting' order by position limit 1
         )
         returning id, webhook_id, message_id, tenant_id, payload, created_at, attempts",
        webhook.as_uuid(),
        tenant.as_uuid(),
    )
    .fetch_optional(&mut *db)
    .await?;
    start_attempt(db, row, now).await
}

/// Starts an attempt at this message, regardless of its queue.
pub(crate) async fn claim(db: &mut PgConnection, id: DeliveryId, now: DateTime<Utc>) -> Result<Option<ClaimedDelivery>> {
    let row = sqlx::query_as!(
        ClaimedRow,
        "update webhook_deliveries set attempts = attempts + 1 where id = $1
         returning id, webhook_id, message_id, tenant_id, payload, created_at, attempts",
        id.as_uuid(),
    )
    .fetch_optional(&mut *db)
    .await?;
    start_attempt(db, row, now).await
}

async fn start_attempt(db: &mut PgConnection, row: Option<ClaimedRow>, now: DateTime<Utc>) -> Result<Option<ClaimedDelivery>> {
    let Some(row) = row else {
        return Ok(None);
    };
    sqlx::query!(
        "insert into webhook_attempts (delivery_id, attempt, started_at) values ($1, $2, $3)",
        row.id,
        row.attempts,
        now,
    )
    .execute(db)
    .await?;
    Ok(Some(ClaimedDelivery {
        id: row.id.into(),
        webhook_id: row.webhook_id.into(),
        message_id: row.message_id.into(),
        tenant_id: row.tenant_id.map(TenantId::from),
        payload: row.payload,
        created_at: row.created_at,
        attempt: row.attempts,
    }))
}

/// Records the outcome of an attempt.
pub(crate) async fn complete_attempt(
    db: &mut PgConnection,
    claimed: &ClaimedDelivery,
    duration_ms: i32,
    outcome: &std::result::Result<u16, DeliveryFailure>,
) -> Result<()> {
    let (status, failure) = match outcome {
        Ok(status) => (Some(*status), None),
        Err(failure) => (failure.status, Some(<&str>::from(failure.kind))),
    };
    sqlx::query!(
        "update webhook_attempts set duration_ms = $3, status = $4, failure = $5 where delivery_id = $1 and attempt = $2",
        claimed.id.as_uuid(),
        claimed.attempt,
        duration_ms,
        status.map(i32::from),
        failure,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Marks a message as delivered. False if it already was.
pub(crate) async fn mark_delivered(db: &mut PgConnection, claimed: &ClaimedDelivery, now: DateTime<Utc>) -> Result<bool> {
    let changed = sqlx::query!(
        "update webhook_deliveries set state = 'delivered', ended_at = $2, next_attempt_at = null where id = $1 and state <> 'delivered'",
        claimed.id.as_uuid(),
        now,
    )
    .execute(db)
    .await?;
    Ok(changed.rows_affected() == 1)
}

/// Schedules the next attempt of a message, or gives it up. False if another sender has claimed the message, or if it no longer
/// waits.
pub(crate) async fn mark_failed(
    db: &mut PgConnection,
    claimed: &ClaimedDelivery,
    next: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<bool> {
    let state: &str = if next.is_some() {
        DeliveryState::Waiting
    } else {
        DeliveryState::GivenUp
    }
    .into();
    let changed = sqlx::query!(
        "update webhook_deliveries set state = $3, next_attempt_at = $4, ended_at = case when $4::timestamptz is null then $5::timestamptz end
         where id = $1 and attempts = $2 and state = 'waiting'",
        claimed.id.as_uuid(),
        claimed.attempt,
        state,
        next,
        now,
    )
    .execute(db)
    .await?;
    Ok(changed.rows_affected() == 1)
}

/// Gives up all waiting messages of a webhook.
pub(crate) async fn give_up_all(db: &mut PgConnection, webhook: WebhookId, now: DateTime<Utc>) -> Result<u64> {
    let given_up = sqlx::query!(
        "update webhook_deliveries set state = 'given_up', ended_at = $2, next_attempt_at = null where webhook_id = $1 and state = 'waiting'",
        webhook.as_uuid(),
        now,
    )
    .execute(db)
    .await?;
    Ok(given_up.rows_affected())
}

/// When the oldest waiting message was created, over all webhooks.
pub(crate) async fn oldest_waiting(db: &mut PgConnection) -> Result<Option<DateTime<Utc>>> {
    let oldest = sqlx::query_scalar!(
        "select min(o.at) from webhooks w, lateral (
             select min(created_at) as at from webhook_deliveries where webhook_id = w.id and state = 'waiting'
         ) o",
    )
    .fetch_one(db)
    .await?;
    Ok(oldest)
}

/// Deletes up to `most` messages of deleted webhooks. Returns how many.
pub(crate) async fn sweep(db: &mut PgConnection, most: i64) -> Result<u64> {
    let orphaned = sqlx::query!(
        "with gone as (
             delete from webhook_deliveries where id in (
                 select d.id from webhooks w join webhook_deliveries d on d.webhook_id = w.id where w.deleted_at is not null limit $1
             ) returning id
         ), attempts as (
             delete from webhook_attempts a using gone where a.delivery_id = gone.id
         )
         select count(*) as \"deleted!\" from gone",
        most,
    )
    .fetch_one(db)
    .await?;
    Ok(u64::try_from(orphaned.deleted).unwrap_or_default())
}

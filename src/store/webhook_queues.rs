//! One FIFO queue per webhook and tenant. A sender claims a queue for a limited time (lease).

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::Result;
use crate::domain::ids::{TenantId, WebhookId};

/// Makes a queue due for a new message, unless it has older ones.
pub(crate) async fn schedule(db: &mut PgConnection, webhook: WebhookId, tenant: TenantId, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "insert into webhook_queues as q (webhook_id, tenant_id, due_at) values ($1, $2, $3)
         on conflict (webhook_id, tenant_id) do update set due_at = coalesce(q.due_at, excluded.due_at)",
        webhook.as_uuid(),
        tenant.as_uuid(),
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Claims the queue of a webhook that has been due the longest, until `until`.
pub(crate) async fn claim(db: &mut PgConnection, webhook: WebhookId, now: DateTime<Utc>, until: DateTime<Utc>) -> Result<Option<TenantId>> {
    let tenant = sqlx::query_scalar!(
        "update webhook_queues set due_at = $3
         where webhook_id = $1 and tenant_id = (
             select tenant_id from webhook_queues where webhook_id = $1 and due_at <= $2 order by due_at limit 1 for update skip locked
         )
         returning tenant_id",
        webhook.as_uuid(),
        now,
        until,
    )
    .fetch_optional(db)
    .await?;
    Ok(tenant.map(TenantId::from))
}

/// Locks a queue until the transaction ends.
pub(crate) async fn lock(db: &mut PgConnection, webhook: WebhookId, tenant: TenantId) -> Result<()> {
    sqlx::query!(
        "select due_at from webhook_queues where webhook_id = $1 and tenant_id = $2 for update",
        webhook.as_uuid(),
        tenant.as_uuid(),
    )
    .fetch_optional(db)
    .await?;
    Ok(())
}

/// Makes a queue due at this time, if it has messages. The caller must have locked it.
pub(crate) async fn set_due(db: &mut PgConnection, webhook: WebhookId, tenant: TenantId, at: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "update webhook_queues q set due_at = case when exists (
             select from webhook_deliveries d where d.webhook_id = $1 and d.tenant_id = $2 and d.state = 'waiting'
         ) then $3::timestamptz end
         where webhook_id = $1 and tenant_id = $2",
        webhook.as_uuid(),
        tenant.as_uuid(),
        at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Makes a queue that waits for a retry due now. One whose message is being sent is left alone.
pub(crate) async fn retry_now(db: &mut PgConnection, webhook: WebhookId, tenant: TenantId, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "update webhook_queues q set due_at = $3
         where webhook_id = $1 and tenant_id = $2 and due_at > $3 and exists (
             select from webhook_deliveries d
             where d.webhook_id = $1 and d.tenant_id = $2 and d.state = 'waiting' and d.next_attempt_at = q.due_at
         )",
        webhook.as_uuid(),
        tenant.as_uuid(),
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Marks all queues of a webhook as empty.
pub(crate) async fn clear(db: &mut PgConnection, webhook: WebhookId) -> Result<()> {
    sqlx::query!(
        "update webhook_queues set due_at = null where webhook_id = $1 and due_at is not null",
        webhook.as_uuid(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// When the next queue of a webhook is due.
pub(crate) async fn next_due(db: &mut PgConnection, webhook: WebhookId) -> Result<Option<DateTime<Utc>>> {
    let due = sqlx::query_scalar!(
        r#"select due_at as "due_at!" from webhook_queues where webhook_id = $1 and due_at is not null order by due_at limit 1"#,
        webhook.as_uuid(),
    )
    .fetch_optional(db)
    .await?;
    Ok(due)
}

/// Webhooks with a queue that has been due since before this time, for example because a job was lost.
pub(crate) async fn overdue(db: &mut PgConnection, before: DateTime<Utc>) -> Result<Vec<WebhookId>> {
    let ids = sqlx::query_scalar!(
        "select w.id from webhooks w
         where w.deleted_at is null and exists (select from webhook_queues q where q.webhook_id = w.id and q.due_at < $1)",
        before,
    )
    .fetch_all(db)
    .await?;
    Ok(ids.into_iter().map(WebhookId::from).collect())
}

//! Putting jobs into the durable queue, in the transaction of the row that they are about.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::PgConnection;

use super::Result;
use crate::domain::ids::{DeliveryId, TenantId, VerificationId, WebhookId};

/// Where the queue lives in the database.
pub const SCHEMA: &str = "graphile_worker";

/// Name of the job that runs a verification.
pub const VERIFY: &str = "verify";

/// Name of the job that verifies an active version again after a rejection.
pub const RECHECK: &str = "recheck";

/// Name of the job that sends what is due of a webhook.
pub const DELIVER: &str = "deliver";

/// Name of the job that sends one message once.
pub const DELIVER_ONCE: &str = "deliver_once";

/// What a job comes from, for logs and traces alone.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct JobOrigin {
    /// The request that asked for it.
    pub request_id: Option<String>,
    /// The trace that it is a part of, as W3C Trace Context writes it.
    pub traceparent: Option<String>,
}

/// Queues a verification's run. Runs of one tenant wait for each other.
pub async fn enqueue_verify(db: &mut PgConnection, tenant: TenantId, verification: VerificationId, cause: &JobOrigin) -> Result<()> {
    enqueue_attempt(db, tenant, verification, None, cause).await
}

/// Queues a verification's next attempt.
pub async fn enqueue_attempt(
    db: &mut PgConnection,
    tenant: TenantId,
    verification: VerificationId,
    at: Option<DateTime<Utc>>,
    cause: &JobOrigin,
) -> Result<()> {
    let payload = serde_json::json!({"verification_id": verification, "cause": cause});
    let (queue, key) = (format!("tenant:{tenant}"), format!("verify:{verification}"));
    add(db, VERIFY, &payload, &queue, &key, at).await
}

/// Queues a second look at a tenant's active version.
pub async fn enqueue_recheck(db: &mut PgConnection, tenant: TenantId, at: DateTime<Utc>) -> Result<()> {
    let payload = serde_json::json!({"tenant_id": tenant});
    add(
        db,
        RECHECK,
        &payload,
        &format!("tenant:{tenant}"),
        &format!("recheck:{tenant}"),
        Some(at),
    )
    .await
}

/// Has what is due of a webhook sent now. Senders of one webhook wait for each other, those of different ones never.
pub async fn enqueue_deliver(db: &mut PgConnection, webhook: WebhookId) -> Result<()> {
    enqueue_delivery(db, webhook, "now", None).await
}

/// Has what is due of a webhook at that time sent then. It has a key of its own: an earlier call for what comes to be due sooner,
/// of which this caller may not know yet, is not put off by it.
pub async fn enqueue_deliver_at(db: &mut PgConnection, webhook: WebhookId, at: DateTime<Utc>) -> Result<()> {
    enqueue_delivery(db, webhook, "later", Some(at)).await
}

async fn enqueue_delivery(db: &mut PgConnection, webhook: WebhookId, when: &str, at: Option<DateTime<Utc>>) -> Result<()> {
    let payload = serde_json::json!({"webhook_id": webhook});
    let (queue, key) = (format!("webhook:{webhook}"), format!("deliver:{webhook}:{when}"));
    add(db, DELIVER, &payload, &queue, &key, at).await
}

/// Has one message of a webhook sent once, now.
pub async fn enqueue_deliver_once(db: &mut PgConnection, webhook: WebhookId, delivery: DeliveryId) -> Result<()> {
    let payload = serde_json::json!({"delivery_id": delivery});
    let (queue, key) = (format!("webhook:{webhook}:once"), format!("deliver_once:{delivery}"));
    add(db, DELIVER_ONCE, &payload, &queue, &key, None).await
}

async fn add(db: &mut PgConnection, task: &str, payload: &Value, queue: &str, key: &str, at: Option<DateTime<Utc>>) -> Result<()> {
    // The queue's schema is not there when queries are checked at compile time, so this one is not.
    sqlx::query("select graphile_worker.add_job($1, payload => $2::json, queue_name => $3, job_key => $4, run_at => $5)")
        .bind(task)
        .bind(payload)
        .bind(queue)
        .bind(key)
        .bind(at)
        .execute(db)
        .await?;
    Ok(())
}

/// How the queue stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, sqlx::FromRow)]
pub struct QueueDepth {
    /// Due, and waiting for a worker or for another job of the same tenant.
    pub ready: i64,
    /// Not due yet.
    pub later: i64,
    pub running: i64,
    /// Given up: these are looked at by nobody any more.
    pub failed: i64,
    /// For how long the oldest ready one has been due.
    pub oldest_seconds: f64,
}

pub async fn depth(db: &mut PgConnection) -> Result<QueueDepth> {
    let depth = sqlx::query_as(
        "select count(*) filter (where is_available and run_at <= now()) as ready,
                count(*) filter (where is_available and run_at > now()) as later,
                count(*) filter (where locked_at is not null) as running,
                count(*) filter (where locked_at is null and not is_available) as failed,
                coalesce(extract(epoch from now() - min(run_at) filter (where is_available and run_at <= now())), 0)::float8
                    as oldest_seconds
         from graphile_worker._private_jobs",
    );
    Ok(depth.fetch_one(db).await?)
}

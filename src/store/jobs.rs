//! Putting jobs into the durable queue, in the transaction of the row that they are about.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;

use super::Result;
use crate::domain::ids::{TenantId, VerificationId};

/// Where the queue lives in the database.
pub const SCHEMA: &str = "graphile_worker";

/// Name of the job that runs a verification.
pub const VERIFY: &str = "verify";

/// Name of the job that verifies an active version again after a rejection.
pub const RECHECK: &str = "recheck";

/// Queues a verification's run. Runs of one tenant wait for each other.
pub async fn enqueue_verify(db: &mut PgConnection, tenant: TenantId, verification: VerificationId) -> Result<()> {
    enqueue_attempt(db, tenant, verification, None).await
}

/// Queues a verification's next attempt.
pub async fn enqueue_attempt(
    db: &mut PgConnection,
    tenant: TenantId,
    verification: VerificationId,
    at: Option<DateTime<Utc>>,
) -> Result<()> {
    let payload = serde_json::json!({"verification_id": verification});
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

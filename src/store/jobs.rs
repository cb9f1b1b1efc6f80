//! The durable job queue. Jobs are enqueued in the transaction of the change that they belong to.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::PgConnection;

use super::Result;
use crate::domain::ids::{CampaignId, DeliveryId, MailId, VerificationId, WebhookId};

/// The Postgres schema of the queue.
pub const SCHEMA: &str = "graphile_worker";

/// The library's own index has no task. Without this one, a worker of tasks without jobs would look at all jobs of the other worker, again
/// and again.
pub(super) const INDEX_BY_TASK: &str = "
    do $$ begin
        -- Even if it exists, creating it would wait for a lock.
        if to_regclass('graphile_worker.latchkey_jobs_by_task') is null then
            create index latchkey_jobs_by_task on graphile_worker._private_jobs (task_id, priority, run_at) where is_available;
        end if;
    end $$";

/// The job that runs a verification.
pub const VERIFY: &str = "verify";

/// The job that sends the due messages of a webhook.
pub const DELIVER: &str = "deliver";

/// The job that sends one message once.
pub const DELIVER_ONCE: &str = "deliver_once";

/// The tasks whose jobs have a key. Periodic ones have none.
const KEYED: [&str; 5] = [VERIFY, DELIVER, DELIVER_ONCE, SEND_MAIL, CAMPAIGN];

/// The queue's priorities, lowest first: a first attempt comes before the repeated ones of verifications whose buckets do not respond.
const FIRST: i32 = 0;
const LATER: i32 = 1;
/// The job that sends one mail.
pub const SEND_MAIL: &str = "send_mail";

/// The job that does the next step of a campaign.
pub const CAMPAIGN: &str = "campaign";

/// How many mails are sent at once, by all processes together.
pub const MAIL_QUEUES: usize = 4;

/// Where a job comes from. Only for logs and traces.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct JobOrigin {
    /// The request that enqueued it.
    pub request_id: Option<String>,
    /// Its trace, in the format of W3C Trace Context.
    pub traceparent: Option<String>,
}

/// Enqueues a verification.
pub async fn enqueue_verify(db: &mut PgConnection, verification: VerificationId, cause: &JobOrigin) -> Result<()> {
    enqueue_attempt(db, verification, None, cause).await
}

/// Enqueues the next attempt of a verification.
pub async fn enqueue_attempt(
    db: &mut PgConnection,
    verification: VerificationId,
    at: Option<DateTime<Utc>>,
    cause: &JobOrigin,
) -> Result<()> {
    let payload = serde_json::json!({"verification_id": verification, "cause": cause});
    let priority = if at.is_some() { LATER } else { FIRST };
    add(db, VERIFY, &payload, None, &format!("verify:{verification}"), at, priority).await
}

/// Keeps the job of a verification that waits until another one of its tenant has finished, which then calls [`start_waiting`]. If that
/// does not happen, the job runs at this time.
pub async fn keep_waiting(db: &mut PgConnection, verification: VerificationId, until: DateTime<Utc>, cause: &JobOrigin) -> Result<()> {
    sqlx::query("select graphile_worker.add_job($1, payload => $2::json, job_key => $3, run_at => $4, job_key_mode => 'preserve_run_at')")
        .bind(VERIFY)
        .bind(serde_json::json!({"verification_id": verification, "cause": cause}))
        .bind(format!("verify:{verification}"))
        .bind(until)
        .execute(db)
        .await?;
    Ok(())
}

/// Runs the job of a waiting verification now.
pub async fn start_waiting(db: &mut PgConnection, verification: VerificationId) -> Result<()> {
    sqlx::query(
        "select graphile_worker.add_job($1, job_key => $2, payload => coalesce(
             (select payload from graphile_worker._private_jobs where key = $2), $3::json
         ))",
    )
    .bind(VERIFY)
    .bind(format!("verify:{verification}"))
    .bind(serde_json::json!({"verification_id": verification}))
    .execute(db)
    .await?;
    Ok(())
}

/// Sends the due messages of a webhook now. Jobs of one webhook run one after another, those of different webhooks in parallel.
pub async fn enqueue_deliver(db: &mut PgConnection, webhook: WebhookId) -> Result<()> {
    enqueue_delivery(db, webhook, "now", None).await
}

/// Sends the messages of a webhook that are due at this time. It has its own job key, so that it cannot postpone an earlier job,
/// which this caller may not see yet.
pub async fn enqueue_deliver_at(db: &mut PgConnection, webhook: WebhookId, at: DateTime<Utc>) -> Result<()> {
    enqueue_delivery(db, webhook, "later", Some(at)).await
}

async fn enqueue_delivery(db: &mut PgConnection, webhook: WebhookId, when: &str, at: Option<DateTime<Utc>>) -> Result<()> {
    let payload = serde_json::json!({"webhook_id": webhook});
    let (queue, key) = (format!("webhook:{webhook}"), format!("deliver:{webhook}:{when}"));
    add(db, DELIVER, &payload, Some(&queue), &key, at, FIRST).await
}

/// Sends one message of a webhook once, now.
pub async fn enqueue_deliver_once(db: &mut PgConnection, webhook: WebhookId, delivery: DeliveryId) -> Result<()> {
    let payload = serde_json::json!({"delivery_id": delivery});
    let (queue, key) = (format!("webhook:{webhook}:once"), format!("deliver_once:{delivery}"));
    add(db, DELIVER_ONCE, &payload, Some(&queue), &key, None, FIRST).await
}

/// Sends a mail, now or at this time.
pub async fn enqueue_mail(db: &mut PgConnection, mail: MailId, at: Option<DateTime<Utc>>) -> Result<()> {
    let payload = serde_json::json!({"mail_id": mail});
    let queue = mail.as_uuid().as_bytes().last().map_or(0, |byte| usize::from(*byte) % MAIL_QUEUES);
    add(
        db,
        SEND_MAIL,
        &payload,
        Some(&format!("mail:{queue}")),
        &format!("mail:{mail}"),
        at,
        FIRST,
    )
    .await
}

/// Does the next step of a campaign, now or at this time. Campaigns advance one after another.
pub async fn enqueue_campaign(db: &mut PgConnection, campaign: CampaignId, at: Option<DateTime<Utc>>) -> Result<()> {
    let payload = serde_json::json!({"campaign_id": campaign});
    let key = format!("campaign:{campaign}");
    add(db, CAMPAIGN, &payload, Some("campaigns"), &key, at, LATER).await
}

/// Adds a job, or replaces the one with the same key that no worker has yet. Jobs of one named queue run one after another. Each named
/// queue slows down fetching a job, so there must be few of them.
async fn add(
    db: &mut PgConnection,
    task: &str,
    payload: &Value,
    queue: Option<&str>,
    key: &str,
    at: Option<DateTime<Utc>>,
    priority: i32,
) -> Result<()> {
    // Not checked at compile time: the library creates the queue's schema.
    sqlx::query("select graphile_worker.add_job($1, payload => $2::json, queue_name => $3, job_key => $4, run_at => $5, priority => $6)")
        .bind(task)
        .bind(payload)
        .bind(queue)
        .bind(key)
        .bind(at)
        .bind(priority)
        .execute(db)
        .await?;
    Ok(())
}

/// How many jobs the queue has.
#[derive(Debug, Clone, Copy, Default, PartialEq, sqlx::FromRow)]
pub struct QueueDepth {
    /// Due, and waiting for a worker or for another job of the same queue.
    pub ready: i64,
    /// Not due yet.
    pub later: i64,
    pub running: i64,
    /// Failed permanently. Not those that were replaced while they ran, whose worker then crashed.
    pub failed: i64,
    /// How long the oldest ready job has been due.
    pub oldest_seconds: f64,
}

pub async fn depth(db: &mut PgConnection) -> Result<QueueDepth> {
    let depth = sqlx::query_as(
        "select count(*) filter (where is_available and run_at <= now()) as ready,
                count(*) filter (where is_available and run_at > now()) as later,
                count(*) filter (where locked_at is not null) as running,
                -- add_job takes the key of a job that is running, and exhausts its attempts: a new one has its place.
                count(*) filter (where locked_at is null and not is_available and not (key is null and identifier = any($1))) as failed,
                coalesce(extract(epoch from now() - min(run_at) filter (where is_available and run_at <= now())), 0)::float8
                    as oldest_seconds
         from graphile_worker._private_jobs jobs join graphile_worker._private_tasks tasks on tasks.id = jobs.task_id",
    )
    .bind(KEYED);
    Ok(depth.fetch_one(db).await?)
}

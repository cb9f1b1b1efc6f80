//! Idempotency keys, with the responses that are replayed.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::{Result, StoreError};
use crate::domain::idempotency::{IdempotencyClaim, KeptResponse, RecordedChange, RequestFingerprint};
use crate::domain::ids::{AuditEventId, TenantId};

/// A new request with an idempotency key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct IdempotentRequest<'a> {
    pub claim: IdempotencyClaim,
    pub request: RequestFingerprint,
    pub request_id: Option<&'a str>,
    pub now: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    /// Older claims that changed nothing belong to crashed processes.
    pub lost: DateTime<Utc>,
}

/// Claims a key that is unused or expired, or whose process crashed before it changed anything.
pub(crate) async fn claim(db: &mut PgConnection, ask: &IdempotentRequest<'_>) -> Result<bool> {
    let claimed = sqlx::query!(
        "insert into idempotency_keys as k (key, request, claim, claimed_at, expires_at, request_id) values ($1, $2, $3, $4, $5, $6)
         on conflict (key) do update set
             request = excluded.request, claim = excluded.claim, claimed_at = excluded.claimed_at, expires_at = excluded.expires_at,
             request_id = excluded.request_id, done_at = null, event_id = null, answered_at = null, status = null, headers = null, body = null
         where k.expires_at <= excluded.claimed_at or (k.done_at is null and k.claimed_at <= $7 and k.request = excluded.request)",
        ask.claim.key.as_bytes(),
        ask.request.as_bytes(),
        ask.claim.id,
        ask.now,
        ask.expires_at,
        ask.request_id,
        ask.lost,
    )
    .execute(db)
    .await?;
    Ok(claimed.rows_affected() == 1)
}

/// The request that has the key.
#[derive(Debug)]
pub(crate) struct EarlierRequest {
    pub is_same: bool,
    pub claimed_at: DateTime<Utc>,
    pub request_id: Option<String>,
    pub is_done: bool,
    pub is_answered: bool,
    pub answer: Option<KeptResponse>,
    /// The change's entry in the audit log.
    pub change: Option<RecordedChange>,
}

pub(crate) async fn find(db: &mut PgConnection, key: &RequestFingerprint, request: &RequestFingerprint) -> Result<Option<EarlierRequest>> {
    let row = sqlx::query!(
        r#"select k.request = $2 as "is_same!", k.claimed_at, k.request_id, k.done_at is not null as "is_done!",
                  k.answered_at is not null as "is_answered!", k.status, k.headers, k.body,
                  e.action as "action?", e.tenant_id as "tenant_id?", e.detail as "detail?"
           from idempotency_keys k left join audit_events e on e.id = k.event_id where k.key = $1"#,
        key.as_bytes(),
        request.as_bytes(),
    )
    .fetch_optional(db)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let wrong = |what: &str| StoreError::inconsistent("idempotency_keys", hex::encode(key.as_bytes()), what);
    let answer = match (row.status, row.headers, row.body) {
        (Some(status), Some(headers), Some(body)) => Some(KeptResponse {
            status: u16::try_from(status).map_err(|_| wrong("its status is out of range"))?,
            headers: serde_json::from_value(headers).map_err(|_| wrong("its headers are not pairs"))?,
            body,
        }),
        _ => None,
    };
    let change = row.action.zip(row.detail).map(|(action, detail)| RecordedChange {
        action: action.into(),
        tenant_id: row.tenant_id.map(TenantId::from),
        detail,
    });
    Ok(Some(EarlierRequest {
        is_same: row.is_same,
        claimed_at: row.claimed_at,
        request_id: row.request_id,
        is_done: row.is_done,
        is_answered: row.is_answered,
        answer,
        change,
    }))
}

/// Marks the request as executed, in the transaction of its change. False if another request took over the key: then the change
/// must be rolled back.
pub(crate) async fn mark_done(db: &mut PgConnection, claim: &IdempotencyClaim, event: AuditEventId, now: DateTime<Utc>) -> Result<bool> {
    let marked = sqlx::query!(
        "update idempotency_keys set done_at = coalesce(done_at, $3), event_id = coalesce(event_id, $4) where key = $1 and claim = $2",
        claim.key.as_bytes(),
        claim.id,
        now,
        event.as_uuid(),
    )
    .execute(db)
    .await?;
    Ok(marked.rows_affected() == 1)
}

/// Records that the request was answered, and stores the response, if it can be replayed.
pub(crate) async fn answer(
    db: &mut PgConnection,
    claim: &IdempotencyClaim,
    answer: Option<&KeptResponse>,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "update idempotency_keys set done_at = coalesce(done_at, $3), answered_at = $3, status = $4, headers = $5, body = $6
         where key = $1 and claim = $2",
        claim.key.as_bytes(),
        claim.id,
        now,
        answer.map(|answer| i32::from(answer.status)),
        answer.map(|answer| serde_json::json!(answer.headers)),
        answer.map(|answer| answer.body.as_slice()),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Releases the key of a request that changed nothing. Otherwise the key stays used, without a response.
pub(crate) async fn release(db: &mut PgConnection, claim: &IdempotencyClaim, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "with done as (update idempotency_keys set answered_at = $3 where key = $1 and claim = $2 and done_at is not null)
         delete from idempotency_keys where key = $1 and claim = $2 and done_at is null",
        claim.key.as_bytes(),
        claim.id,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes up to `most` expired keys, and returns how many.
pub(crate) async fn sweep(db: &mut PgConnection, now: DateTime<Utc>, most: i64) -> Result<u64> {
    let swept = sqlx::query!(
        "delete from idempotency_keys where key in (select key from idempotency_keys where expires_at <= $1 order by expires_at limit $2)",
        now,
        most,
    )
    .execute(db)
    .await?;
    Ok(swept.rows_affected())
}

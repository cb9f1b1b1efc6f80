//! Idempotency keys, with the responses that are replayed.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::{Result, StoreError};
use crate::domain::idempotency::{IdempotencyClaim, KeptResponse, MOST_KEYS, RecordedChange, RequestFingerprint};
use crate::domain::ids::{AuditEventId, TenantId, TenantRef};

/// A new request with an idempotency key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct IdempotentRequest<'a> {
    pub claim: IdempotencyClaim,
    pub sender: RequestFingerprint,
    pub request: RequestFingerprint,
    /// The tenant in the path.
    pub tenant: Option<&'a TenantRef>,
    pub request_id: Option<&'a str>,
    pub now: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    /// The process that works on the request.
    pub process: Option<i32>,
    /// Older claims are lost, whatever their process does.
    pub lost: DateTime<Utc>,
}

/// Claims a key that is unused or expired, or whose claim was lost before anything changed. Not if the sender has as many keys as it may
/// have.
pub(crate) async fn claim(db: &mut PgConnection, ask: &IdempotentRequest<'_>) -> Result<bool> {
    let (tenant_id, slug) = match ask.tenant {
        Some(TenantRef::Id(id)) => (Some(id.as_uuid()), None),
        Some(TenantRef::Slug(slug)) => (None, Some(slug.as_str())),
        None => (None, None),
    };
    let claimed = sqlx::query!(
        "insert into idempotency_keys as k (key, request, claim, claimed_at, expires_at, request_id, sender, tenant_id, process)
         select $1::bytea, $2::bytea, $3::uuid, $4::timestamptz, $5::timestamptz, $6::text, $8::bytea,
                coalesce($9, (select id from tenants where slug = $10 and offboarded_at is null)), $12::int
         where exists (select from idempotency_keys own where own.key = $1) or not exists (
             select from idempotency_keys s where s.sender = $8 and s.expires_at > $4 order by s.expires_at desc limit 1 offset $11
         )
         on conflict (key) do update set
             request = excluded.request, claim = excluded.claim, claimed_at = excluded.claimed_at, expires_at = excluded.expires_at,
             request_id = excluded.request_id, sender = excluded.sender, tenant_id = excluded.tenant_id, process = excluded.process,
             done_at = null, event_id = null, answered_at = null, status = null, headers = null, body = null
         where k.expires_at <= excluded.claimed_at or (k.done_at is null and k.request = excluded.request and (
             k.claimed_at <= $7 or (k.process is not null and not exists (select from live_processes p where p.process = k.process))
         ))",
        ask.claim.key.as_bytes(),
        ask.request.as_bytes(),
        ask.claim.id,
        ask.now,
        ask.expires_at,
        ask.request_id,
        ask.lost,
        ask.sender.as_bytes(),
        tenant_id,
        slug,
        MOST_KEYS - 1,
        ask.process,
    )
    .execute(db)
    .await?;
    Ok(claimed.rows_affected() == 1)
}

/// When a sender that has as many keys as it may have can use another one.
pub(crate) async fn sender_waits_until(
    db: &mut PgConnection,
    sender: &RequestFingerprint,
    now: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>> {
    let until = sqlx::query_scalar!(
        "select expires_at from idempotency_keys where sender = $1 and expires_at > $2 order by expires_at desc limit 1 offset $3",
        sender.as_bytes(),
        now,
        MOST_KEYS - 1,
    );
    Ok(until.fetch_optional(db).await?)
}

/// How far a request got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RequestProgress {
    /// It has changed nothing yet.
    Claimed,
    /// Its change is committed.
    Done,
    /// Its response is stored, unless it must not be.
    Answered,
}

/// The request that has the key.
#[derive(Debug)]
pub(crate) struct EarlierRequest {
    pub is_same: bool,
    /// Its process is gone, or has had more time than a request takes.
    pub is_lost: bool,
    pub request_id: Option<String>,
    pub progress: RequestProgress,
    pub answer: Option<KeptResponse>,
    /// The change's entry in the audit log.
    pub change: Option<RecordedChange>,
}

pub(crate) async fn find(db: &mut PgConnection, ask: &IdempotentRequest<'_>) -> Result<Option<EarlierRequest>> {
    let key = &ask.claim.key;
    let row = sqlx::query!(
        r#"select k.request = $2 as "is_same!", k.request_id,
                  k.claimed_at <= $3 or (k.process is not null and not exists (select from live_processes p where p.process = k.process))
                      as "is_lost!", k.done_at is not null as "is_done!",
                  k.answered_at is not null as "is_answered!", k.status, k.headers, k.body,
                  e.action as "action?", e.tenant_id as "tenant_id?", e.detail as "detail?"
           from idempotency_keys k left join audit_events e on e.id = k.event_id where k.key = $1"#,
        key.as_bytes(),
        ask.request.as_bytes(),
        ask.lost,
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
        is_lost: row.is_lost,
        request_id: row.request_id,
        progress: match (row.is_answered, row.is_done) {
            (true, _) => RequestProgress::Answered,
            (false, true) => RequestProgress::Done,
            (false, false) => RequestProgress::Claimed,
        },
        answer,
        change,
    }))
}

/// Marks the request as executed, in the transaction of its change. False if another request took over the key: then the change
/// must be rolled back.
pub(crate) async fn mark_done(
    db: &mut PgConnection,
    claim: &IdempotencyClaim,
    (event, tenant): (AuditEventId, Option<TenantId>),
    now: DateTime<Utc>,
) -> Result<bool> {
    let marked = sqlx::query!(
        "update idempotency_keys
         set done_at = coalesce(done_at, $3), event_id = coalesce(event_id, $4), tenant_id = coalesce(tenant_id, $5)
         where key = $1 and claim = $2",
        claim.key.as_bytes(),
        claim.id,
        now,
        event.as_uuid(),
        tenant.map(TenantId::as_uuid),
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

/// Erases the stored responses about a tenant, which can have names. Without a stored response, a repeated request is refused.
pub(crate) async fn erase(db: &mut PgConnection, tenant: TenantId) -> Result<()> {
    sqlx::query!(
        "update idempotency_keys set status = null, headers = null, body = null where tenant_id = $1",
        tenant.as_uuid()
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

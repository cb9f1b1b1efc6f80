//! Issuances of credentials, counted until the audit log has them.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Result, StoreError, error::column};
use crate::domain::audit::Actor;
use crate::domain::ids::TenantId;
use crate::domain::issuance::IssuanceCount;

const TABLE: &str = "credential_issuances";

/// Adds to the existing counts. Returns those that are the first of their caller, tenant, access and hour. They are marked as audited: the
/// caller must write their entries in the same transaction.
pub(crate) async fn add(db: &mut PgConnection, counted: &[IssuanceCount]) -> Result<Vec<IssuanceCount>> {
    let column = |read: fn(&IssuanceCount) -> DateTime<Utc>| counted.iter().map(read).collect::<Vec<_>>();
    let tenants: Vec<Uuid> = counted.iter().map(|row| row.tenant.as_uuid()).collect();
    let actor_ids: Vec<String> = counted.iter().map(|row| row.actor.opaque()).collect();
    let actors: Vec<Value> = counted.iter().map(|row| json!(row.actor)).collect();
    let accesses: Vec<String> = counted.iter().map(|row| row.access.to_string()).collect();
    let counts: Vec<i64> = counted.iter().map(|row| row.count).collect();
    // Ordered by the primary key, so that two processes cannot wait for each other.
    let rows = sqlx::query!(
        r#"insert into credential_issuances as h
             (tenant_id, hour, actor_id, actor, access, count, audited_count, first_at, last_at, expires_at)
         select tenant_id, hour, actor_id, actor, access, count, count, first_at, last_at, expires_at
         from unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::jsonb[], $5::text[], $6::bigint[], $7::timestamptz[],
                     $8::timestamptz[], $9::timestamptz[])
             as added (tenant_id, hour, actor_id, actor, access, count, first_at, last_at, expires_at)
         order by tenant_id, hour, actor_id, access
         on conflict (tenant_id, hour, actor_id, access) do update set
             count = h.count + excluded.count,
             first_at = least(h.first_at, excluded.first_at),
             last_at = greatest(h.last_at, excluded.last_at),
             expires_at = greatest(h.expires_at, excluded.expires_at)
         -- Only an inserted row has no version before it.
         returning tenant_id, hour, actor, access, count, first_at, last_at, expires_at, (xmax = 0) as "is_first!""#,
        &tenants,
        &column(|row| row.hour),
        &actor_ids,
        &actors,
        &accesses,
        &counts,
        &column(|row| row.first_at),
        &column(|row| row.last_at),
        &column(|row| row.expires_at),
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .filter(|row| row.is_first)
        .map(|row| {
            Ok(IssuanceCount {
                tenant: row.tenant_id.into(),
                hour: row.hour,
                actor: actor_of(row.tenant_id, row.actor)?,
                access: self::column(TABLE, row.tenant_id, &row.access)?,
                count: row.count,
                first_at: row.first_at,
                last_at: row.last_at,
                expires_at: row.expires_at,
            })
        })
        .collect()
}

fn actor_of(tenant: Uuid, actor: Value) -> Result<Actor> {
    serde_json::from_value(actor).map_err(|_| StoreError::inconsistent(TABLE, tenant, "the actor cannot be read"))
}

/// Takes up to `limit` counts of hours before this one that the audit log does not have yet, and marks them as audited. Rows that
/// another process is taking are skipped.
pub(crate) async fn take_unaudited(db: &mut PgConnection, hour: DateTime<Utc>, limit: i64) -> Result<Vec<IssuanceCount>> {
    let rows = sqlx::query!(
        r#"update credential_issuances h set audited_count = h.count
           from (
               select tenant_id, hour, actor_id, access, audited_count from credential_issuances
               where hour < $1 and count > audited_count order by hour limit $2 for update skip locked
           ) due
           where (h.tenant_id, h.hour, h.actor_id, h.access) = (due.tenant_id, due.hour, due.actor_id, due.access)
           returning h.tenant_id, h.hour, h.actor, h.access, h.count - due.audited_count as "count!", h.first_at, h.last_at,
                     h.expires_at"#,
        hour,
        limit,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(IssuanceCount {
                tenant: row.tenant_id.into(),
                hour: row.hour,
                actor: actor_of(row.tenant_id, row.actor)?,
                access: column(TABLE, row.tenant_id, &row.access)?,
                count: row.count,
                first_at: row.first_at,
                last_at: row.last_at,
                expires_at: row.expires_at,
            })
        })
        .collect()
}

/// Deletes the rows that the audit log has and whose sessions have expired, by the database's time too: it refuses to delete others.
pub(crate) async fn delete_expired(db: &mut PgConnection, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "delete from credential_issuances where expires_at < least($1, now()) and count = audited_count",
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// When the last session of a tenant expires. None when none is still valid.
pub(crate) async fn tenant_sessions_end(db: &mut PgConnection, tenant: TenantId, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>> {
    let end = sqlx::query_scalar!(
        "select max(expires_at) from credential_issuances where tenant_id = $1 and expires_at > $2",
        tenant.as_uuid(),
        now,
    );
    Ok(end.fetch_one(db).await?)
}

/// The tenants for which a caller was handed sessions that are still valid.
pub(crate) async fn tenants_of_actor(db: &mut PgConnection, actor: &Actor, now: DateTime<Utc>) -> Result<Vec<TenantId>> {
    let tenants = sqlx::query_scalar!(
        "select distinct tenant_id from credential_issuances where actor_id = $1 and expires_at > $2 order by tenant_id",
        actor.opaque(),
        now,
    );
    Ok(tenants.fetch_all(db).await?.into_iter().map(TenantId::from).collect())
}

/// When the last session of a caller expires. None when none is still valid.
pub(crate) async fn actor_sessions_end(db: &mut PgConnection, actor: &Actor, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>> {
    let end = sqlx::query_scalar!(
        "select max(expires_at) from credential_issuances where actor_id = $1 and expires_at > $2",
        actor.opaque(),
        now,
    );
    Ok(end.fetch_one(db).await?)
}

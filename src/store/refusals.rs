//! Refused requests, counted until the audit log has them.

use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::PgConnection;

use super::{Result, StoreError, error::column};
use crate::domain::audit::Actor;
use crate::domain::refusal::RefusalCount;

const TABLE: &str = "refused_requests";

/// Adds to the count of the hour, and returns it. The first refusal is counted as audited: the caller must write its entry in
/// the same transaction.
pub(crate) async fn count(db: &mut PgConnection, refusal: &RefusalCount) -> Result<i64> {
    let role: &str = refusal.role.into();
    let count = sqlx::query_scalar!(
        "insert into refused_requests as r (hour, actor_id, method, route, actor, role, count, audited_count, first_at, last_at)
         values ($1, $2, $3, $4, $5, $6, 1, 1, $7, $7)
         on conflict (hour, actor_id, method, route) do update set
             count = r.count + 1,
             -- The first one that is not audited on its own.
             first_at = case when r.count = 1 then excluded.first_at else r.first_at end,
             last_at = greatest(r.last_at, excluded.last_at)
         returning count",
        refusal.hour,
        refusal.actor.opaque(),
        refusal.method,
        refusal.route,
        json!(refusal.actor),
        role,
        refusal.first_at,
    );
    Ok(count.fetch_one(db).await?)
}

/// Takes up to `limit` counts of hours before this one that the audit log does not have yet, and marks them as audited. Rows that
/// another process is taking are skipped.
pub(crate) async fn take_unaudited(db: &mut PgConnection, hour: DateTime<Utc>, limit: i64) -> Result<Vec<RefusalCount>> {
    let rows = sqlx::query!(
        r#"update refused_requests r set audited_count = r.count
           from (
               select hour, actor_id, method, route, audited_count from refused_requests
               where hour < $1 and count > audited_count order by hour limit $2 for update skip locked
           ) due
           where (r.hour, r.actor_id, r.method, r.route) = (due.hour, due.actor_id, due.method, due.route)
           returning r.hour, r.actor_id, r.method, r.route, r.actor, r.role, r.count - due.audited_count as "count!", r.first_at, r.last_at"#,
        hour,
        limit,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            let actor: Actor = serde_json::from_value(row.actor)
                .map_err(|_| StoreError::inconsistent(TABLE, &row.actor_id, "the actor cannot be read"))?;
            Ok(RefusalCount {
                hour: row.hour,
                actor,
                role: column(TABLE, &row.actor_id, &row.role)?,
                method: row.method,
                route: row.route,
                count: row.count,
                first_at: row.first_at,
                last_at: row.last_at,
            })
        })
        .collect()
}

/// Deletes the counts of hours before this one that the audit log has.
pub(crate) async fn delete_audited(db: &mut PgConnection, hour: DateTime<Utc>) -> Result<()> {
    sqlx::query!("delete from refused_requests where hour < $1 and count = audited_count", hour)
        .execute(db)
        .await?;
    Ok(())
}

//! Partitions of the tables with history. Functions of the schema create and drop them, with the rights of the owner: see
//! `0021_partitions.sql`.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::Result;

/// The lowest ID of this time.
pub(super) fn first_id(at: DateTime<Utc>) -> Uuid {
    let millis = u64::try_from(at.timestamp_millis()).unwrap_or_default();
    uuid::Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid()
}

/// Adds the partitions of this month and the next, and of this year and the next. Returns the tables that lack one.
pub(crate) async fn add_partitions(db: &mut PgConnection) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar!(r#"select add_partitions() as "lacking!""#)
        .fetch_one(db)
        .await?)
}

/// A kind of history that is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dropped {
    Verifications(TimeDelta),
    Deliveries(TimeDelta),
    /// By the retention that the owner has set.
    AuditEvents,
}

/// Drops the partitions that are wholly older than the retention. Returns how many. The transaction should have no other statements.
pub(crate) async fn drop_partitions(db: &mut PgConnection, what: Dropped) -> Result<i32> {
    // There can be as many rows to keep as tenants.
    sqlx::query("set local statement_timeout = '30min'").execute(&mut *db).await?;
    Ok(match what {
        Dropped::Verifications(keep) => {
            sqlx::query_scalar!(
                r#"select drop_verifications(make_interval(secs => $1)) as "dropped!""#,
                keep.as_seconds_f64()
            )
            .fetch_one(db)
            .await?
        }
        Dropped::Deliveries(keep) => {
            sqlx::query_scalar!(
                r#"select drop_deliveries(make_interval(secs => $1)) as "dropped!""#,
                keep.as_seconds_f64()
            )
            .fetch_one(db)
            .await?
        }
        Dropped::AuditEvents => {
            sqlx::query_scalar!(r#"select drop_audit_events() as "dropped!""#)
                .fetch_one(db)
                .await?
        }
    })
}

/// Whether the audit log is kept for as long as a setting says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditRetention {
    AsSet,
    /// The owner has set another one, and this role cannot change it.
    Other,
}

/// Sets how long the audit log is kept, if the role owns the schema. None forever.
///
/// # Errors
/// When the database is unavailable, or has no schema.
pub async fn keep_audit_log(pool: &PgPool, keep: Option<Duration>) -> Result<AuditRetention> {
    let seconds = keep.map(|keep| keep.as_secs_f64());
    let found = sqlx::query!(
        r#"select keep is not distinct from make_interval(secs => $1) as "is_set!",
                  has_table_privilege('audit_retention', 'update') as "may_set!" from audit_retention"#,
        seconds
    )
    .fetch_one(pool)
    .await?;
    if found.is_set {
        return Ok(AuditRetention::AsSet);
    }
    if !found.may_set {
        return Ok(AuditRetention::Other);
    }
    sqlx::query!("update audit_retention set keep = make_interval(secs => $1)", seconds)
        .execute(pool)
        .await?;
    Ok(AuditRetention::AsSet)
}

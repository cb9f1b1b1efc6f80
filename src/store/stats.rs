//! Counts over all tenants.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;
use strum::IntoEnumIterator;

use super::error::column;
use super::{Result, history};
use crate::domain::check::CheckName;
use crate::domain::tenant::TenantStatus;
use crate::domain::verification::Verdict;

/// The number of tenants for each status. Reads only an index.
pub(crate) async fn tenants_by_status(db: &mut PgConnection) -> Result<Vec<(TenantStatus, i64)>> {
    let rows = sqlx::query!(r#"select status, count(*) as "count!" from tenants group by status"#)
        .fetch_all(db)
        .await?;
    let counted = |status: TenantStatus| {
        let row = rows.iter().find(|row| row.status == <&str>::from(status));
        (status, row.map_or(0, |row| row.count))
    };
    Ok(TenantStatus::iter().map(counted).collect())
}

/// For each check, the number of tenants whose newest finished verification failed it, most frequent first. Reads only an index.
pub(crate) async fn tenants_by_failing_check(db: &mut PgConnection) -> Result<Vec<(CheckName, i64)>> {
    sqlx::query!(
        r#"select name as "name!", sum(count)::bigint as "count!"
           from (
               select failing_checks, count(*) as count from tenants
               where failing_checks <> '{}' and status <> 'offboarded'
               group by failing_checks
           ) alike, unnest(failing_checks) name
           group by name order by 2 desc, 1"#
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(|row| Ok((column("tenants", "(all)", &row.name)?, row.count)))
    .collect()
}

/// The number and the duration of verifications with one verdict.
#[derive(Debug, Clone)]
pub(crate) struct VerificationTimes {
    pub verdict: Verdict,
    pub count: i64,
    /// Median and 95th percentile of the seconds between the first attempt and the end.
    pub p50_seconds: Option<f64>,
    pub p95_seconds: Option<f64>,
}

/// A verification that began earlier than this before the window is not counted. It prunes partitions.
const LONGEST_VERIFICATION: TimeDelta = TimeDelta::days(1);

pub(crate) async fn verification_times(db: &mut PgConnection, now: DateTime<Utc>, window: TimeDelta) -> Result<Vec<VerificationTimes>> {
    sqlx::query!(
        r#"select verdict as "verdict!", count(*) as "count!",
                  percentile_cont(0.5) within group (order by extract(epoch from finished_at - started_at)::float8) as p50,
                  percentile_cont(0.95) within group (order by extract(epoch from finished_at - started_at)::float8) as p95
           from verifications where id >= $2 and state = 'finished' and finished_at > $1 group by verdict order by verdict"#,
        now - window,
        history::first_id(now - window - LONGEST_VERIFICATION),
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(|row| {
        Ok(VerificationTimes {
            verdict: column("verifications", "(all)", &row.verdict)?,
            count: row.count,
            p50_seconds: row.p50,
            p95_seconds: row.p95,
        })
    })
    .collect()
}

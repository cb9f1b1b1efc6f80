//! Counts over all tenants.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;

use super::Result;
use super::error::column;
use crate::domain::check::CheckName;
use crate::domain::tenant::{ActiveFacts, DEGRADED_AFTER, Facts};
use crate::domain::verification::Verdict;

/// How many tenants share the same facts, as far as a status follows from them.
pub async fn tenants_by_facts(db: &mut PgConnection) -> Result<Vec<(Facts, i64)>> {
    let rows = sqlx::query!(
        r#"select t.offboarded_at is not null as "offboarded!", t.suspended_at is not null as "suspended!",
                  f.active_version is not null as "active!",
                  coalesce(f.last_rejection - f.first_rejection >= make_interval(secs => $1), false) as "degraded!",
                  f.newest_state as "newest_state?", f.newest_verdict as "newest_verdict?", count(*) as "count!"
           from tenants t, lateral tenant_facts(t.id) f
           group by 1, 2, 3, 4, 5, 6"#,
        DEGRADED_AFTER.as_seconds_f64(),
    )
    .fetch_all(db)
    .await?;
    let since = DateTime::<Utc>::UNIX_EPOCH;
    rows.into_iter()
        .map(|row| {
            let nil = uuid::Uuid::nil();
            let newest = match row.newest_state {
                Some(state) => {
                    let verdict = row
                        .newest_verdict
                        .map(|verdict| column("verifications", nil, &verdict))
                        .transpose()?;
                    Some((column("verifications", nil, &state)?, verdict))
                }
                None => None,
            };
            let facts = Facts {
                offboarded_at: row.offboarded.then_some(since),
                suspended_at: row.suspended.then_some(since),
                active: row.active.then(|| ActiveFacts {
                    version: 0,
                    rejections: row.degraded.then(|| (since, since + DEGRADED_AFTER)),
                }),
                newest,
            };
            Ok((facts, row.count))
        })
        .collect()
}

/// Of how many tenants each check failed in the newest verification that ended, the most frequent first.
pub async fn failing_checks(db: &mut PgConnection) -> Result<Vec<(CheckName, i64)>> {
    sqlx::query!(
        r#"select c.name, count(*) as "count!"
           from tenants t
           cross join lateral (
               select v.id, v.attempt from verifications v
               where v.tenant_id = t.id and v.state = 'finished' and v.verdict <> 'superseded'
               order by v.created_at desc, v.id desc limit 1
           ) v
           join verification_checks c on c.verification_id = v.id and c.attempt = v.attempt and c.status = 'failed'
           where t.offboarded_at is null
           group by c.name order by 2 desc, 1"#
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(|row| Ok((column("verification_checks", uuid::Uuid::nil(), &row.name)?, row.count)))
    .collect()
}

/// How verifications that ended since then came out, and how long they took.
#[derive(Debug, Clone)]
pub struct Times {
    pub verdict: Verdict,
    pub count: i64,
    /// Median and 95th percentile of the seconds from the first attempt to the end.
    pub p50_seconds: Option<f64>,
    pub p95_seconds: Option<f64>,
}

pub async fn verification_times(db: &mut PgConnection, now: DateTime<Utc>, window: TimeDelta) -> Result<Vec<Times>> {
    sqlx::query!(
        r#"select verdict as "verdict!", count(*) as "count!",
                  percentile_cont(0.5) within group (order by extract(epoch from finished_at - started_at)::float8) as p50,
                  percentile_cont(0.95) within group (order by extract(epoch from finished_at - started_at)::float8) as p95
           from verifications where state = 'finished' and finished_at > $1 group by verdict order by verdict"#,
        now - window,
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(|row| {
        Ok(Times {
            verdict: column("verifications", uuid::Uuid::nil(), &row.verdict)?,
            count: row.count,
            p50_seconds: row.p50,
            p95_seconds: row.p95,
        })
    })
    .collect()
}

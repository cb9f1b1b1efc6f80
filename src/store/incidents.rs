//! Waves of re-verifications that failed together.

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Result, StoreError};
use crate::domain::ids::IncidentId;
use crate::domain::reverification::incident::{Incident, Tally, WINDOW};

const TABLE: &str = "incidents";

struct IncidentRow {
    id: Uuid,
    started_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
    successes: i32,
    affected: i32,
}

impl TryFrom<IncidentRow> for Incident {
    type Error = StoreError;

    fn try_from(row: IncidentRow) -> Result<Self> {
        let number = |number: i32| u32::try_from(number).map_err(|fault| StoreError::inconsistent(TABLE, row.id, fault));
        Ok(Self {
            id: row.id.into(),
            started_at: row.started_at,
            ended_at: row.ended_at,
            successes: number(row.successes)?,
            affected: number(row.affected)?,
        })
    }
}

/// Adds what this process has counted, and returns what all processes have counted recently. Old counts are deleted.
pub(crate) async fn add(db: &mut PgConnection, tally: Tally, now: DateTime<Utc>) -> Result<Tally> {
    let minute = now.duration_trunc(TimeDelta::minutes(1)).unwrap_or(now);
    let number = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    if !tally.is_empty() {
        sqlx::query!(
            "insert into reverification_tallies as t (minute, unchanged, other) values ($1, $2, $3)
             on conflict (minute) do update set unchanged = t.unchanged + excluded.unchanged, other = t.other + excluded.other",
            minute,
            number(tally.unchanged),
            number(tally.other),
        )
        .execute(&mut *db)
        .await?;
        sqlx::query!("delete from reverification_tallies where minute < $1", now - TimeDelta::hours(1))
            .execute(&mut *db)
            .await?;
    }
    let recent = sqlx::query!(
        r#"select coalesce(sum(unchanged), 0)::int as "unchanged!", coalesce(sum(other), 0)::int as "other!"
           from reverification_tallies where minute >= $1"#,
        minute - WINDOW,
    )
    .fetch_one(db)
    .await?;
    Ok(Tally {
        unchanged: u32::try_from(recent.unchanged).unwrap_or_default(),
        other: u32::try_from(recent.other).unwrap_or_default(),
    })
}

/// Forgets what was counted, so that the failures of an incident that is over do not open the next one.
pub(crate) async fn clear(db: &mut PgConnection) -> Result<()> {
    sqlx::query!("delete from reverification_tallies").execute(db).await?;
    Ok(())
}

/// The open incident, locked until the transaction ends.
pub(crate) async fn open_locked(db: &mut PgConnection) -> Result<Option<Incident>> {
    sqlx::query_as!(
        IncidentRow,
        "select id, started_at, ended_at, successes, affected from incidents where ended_at is null for update"
    )
    .fetch_optional(db)
    .await?
    .map(Incident::try_from)
    .transpose()
}

/// The open incident.
pub(crate) async fn open(db: &mut PgConnection) -> Result<Option<Incident>> {
    sqlx::query_as!(
        IncidentRow,
        "select id, started_at, ended_at, successes, affected from incidents where ended_at is null"
    )
    .fetch_optional(db)
    .await?
    .map(Incident::try_from)
    .transpose()
}

/// Opens an incident. False if one is open already.
pub(crate) async fn start(db: &mut PgConnection, id: IncidentId, affected: u32, now: DateTime<Utc>) -> Result<bool> {
    let started = sqlx::query!(
        "insert into incidents (id, started_at, affected) values ($1, $2, $3) on conflict do nothing",
        id.as_uuid(),
        now,
        i32::try_from(affected).unwrap_or(i32::MAX),
    )
    .execute(db)
    .await?;
    Ok(started.rows_affected() == 1)
}

pub(crate) async fn update(db: &mut PgConnection, incident: &Incident) -> Result<()> {
    let number = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    sqlx::query!(
        "update incidents set ended_at = $2, successes = $3, affected = $4 where id = $1",
        incident.id.as_uuid(),
        incident.ended_at,
        number(incident.successes),
        number(incident.affected),
    )
    .execute(db)
    .await?;
    Ok(())
}

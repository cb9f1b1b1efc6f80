//! Verifications: queued, then run by a worker that holds a lease, then finished.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::error::column;
use super::lease::Lease;
use super::probe_objects::LeftInBucket;
use super::verification_record::{self, RecordedAttempt};
use super::{Result, checks, pg_notify, probe_objects};
use crate::domain::evidence::KeptVersions;
use crate::domain::finding::Finding;
use crate::domain::ids::{StorageConfigId, TenantId, VerificationId};
use crate::domain::storage_config::Mode;
use crate::domain::verification::{AttemptStarted, Trigger, Verdict, Verification, VerificationEvent, VerificationState};

pub(super) const TABLE: &str = "verifications";

struct VerificationRow {
    id: Uuid,
    tenant_id: Uuid,
    config_id: Uuid,
    version: i32,
    trigger: String,
    state: String,
    verdict: Option<String>,
    attempt: i32,
    next_attempt_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    started_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
    probe_objects: Vec<String>,
    record: Option<Vec<u8>>,
}

/// Selects verifications from `verifications v`.
macro_rules! select_verifications {
    ($rest:literal, $($argument:expr),+ $(,)?) => {
        sqlx::query_as!(
            VerificationRow,
            r#"select v.id, v.tenant_id, v.config_id, c.version, v.trigger, v.state, v.verdict, v.attempt, v.next_attempt_at, v.created_at,
                      v.started_at, v.finished_at, v.probe_objects, v.record
               from verifications v join storage_configs c on c.id = v.config_id "# + $rest,
            $($argument),+
        )
    };
}

impl VerificationRow {
    async fn with_findings(self, db: &mut PgConnection) -> Result<Verification> {
        let rows = match &self.record {
            Some(record) => verification_record::unpack(self.id, record)?
                .into_iter()
                .find(|attempt| attempt.attempt == self.attempt)
                .map_or_else(Vec::new, |attempt| attempt.checks),
            None => checks::of_attempt(db, self.id.into(), self.attempt).await?,
        };
        self.with(checks::findings(rows)?)
    }

    fn with(self, findings: Vec<Finding>) -> Result<Verification> {
        let id = self.id;
        Ok(Verification {
            id: id.into(),
            tenant_id: self.tenant_id.into(),
            config_id: self.config_id.into(),
            version: self.version,
            trigger: column(TABLE, id, &self.trigger)?,
            state: column(TABLE, id, &self.state)?,
            verdict: self.verdict.map(|verdict| column(TABLE, id, &verdict)).transpose()?,
            attempt: self.attempt,
            next_attempt_at: self.next_attempt_at,
            created_at: self.created_at,
            started_at: self.started_at,
            finished_at: self.finished_at,
            leftovers: self.probe_objects,
            findings,
        })
    }
}

/// A verification that this worker runs.
#[derive(Debug, Clone)]
pub struct StartedRun {
    pub lease: Lease,
    pub tenant_id: TenantId,
    pub config_id: StorageConfigId,
    pub trigger: Trigger,
    /// When the first attempt started.
    pub started_at: DateTime<Utc>,
    /// The key of the object that it will write.
    pub probe_key: String,
    /// Keys of probe objects that earlier attempts may have left in the bucket. May contain the key of this one's.
    pub leftovers: Vec<String>,
    /// Why the bucket keeps versions, as an earlier attempt found out.
    pub known_versions: Option<KeptVersions>,
}

/// The result of claiming a run.
#[derive(Debug, Clone)]
pub enum ClaimedRun {
    Started(StartedRun),
    /// The worker that claimed it before may still write to the bucket until then.
    Leased {
        until: DateTime<Utc>,
    },
    Finished,
}

/// A waiting verification that was superseded.
#[derive(Debug, Clone)]
pub struct DroppedVerification {
    pub id: VerificationId,
    pub version: i32,
    /// Its state until then.
    pub state: VerificationState,
}

/// Whether a worker may still write to its verification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaseStatus {
    Held,
    /// A newer version is queued, or the tenant was offboarded: clean up and finish.
    Superseded,
    /// Another worker took over: stop writing.
    Lost,
}

/// # Errors
/// `Constraint::VerificationsOneQueued` when one is queued already.
pub async fn insert_queued(
    db: &mut PgConnection,
    id: VerificationId,
    tenant: TenantId,
    config: StorageConfigId,
    trigger: Trigger,
    now: DateTime<Utc>,
) -> Result<()> {
    let trigger: &str = trigger.into();
    sqlx::query!(
        "insert into verifications (id, tenant_id, config_id, trigger, state, created_at) values ($1, $2, $3, $4, 'queued', $5)",
        id.as_uuid(),
        tenant.as_uuid(),
        config.as_uuid(),
        trigger,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Supersedes the verifications that are queued or wait for their next attempt. A running one finds out at its next write.
pub async fn supersede_waiting(db: &mut PgConnection, tenant: TenantId, now: DateTime<Utc>) -> Result<Vec<DroppedVerification>> {
    let ended = sqlx::query!(
        r#"with waiting as (
               select v.id, v.state, c.version
               from open_verifications o
               join verifications v on v.id = o.verification_id
               join storage_configs c on c.id = v.config_id
               where o.tenant_id = $1 and (v.state = 'queued' or v.next_attempt_at is not null) for update of v
           )
           update verifications v
           set state = 'finished', verdict = 'superseded', finished_at = $2, next_attempt_at = null, last_event = last_event + 1
           from waiting where v.id = waiting.id returning v.id, waiting.state as "state!", waiting.version as "version!""#,
        tenant.as_uuid(),
        now,
    )
    .fetch_all(&mut *db)
    .await?;
    let mut dropped = Vec::new();
    for row in ended {
        let record = take_attempts(db, row.id.into()).await?;
        sqlx::query!("update verifications set record = $2 where id = $1", row.id, record)
            .execute(&mut *db)
            .await?;
        checks::remove_recorded(db, tenant, row.id.into(), None).await?;
        pg_notify::verification_changed(db, row.id.into()).await?;
        dropped.push(DroppedVerification {
            id: row.id.into(),
            version: row.version,
            state: column(TABLE, row.id, &row.state)?,
        });
    }
    Ok(dropped)
}

pub async fn find(db: &mut PgConnection, id: VerificationId) -> Result<Option<Verification>> {
    let row = select_verifications!("where v.id = $1", id.as_uuid())
        .fetch_optional(&mut *db)
        .await?;
    match row {
        Some(row) => row.with_findings(db).await.map(Some),
        None => Ok(None),
    }
}

/// The newest verification of a version.
pub async fn newest_of(db: &mut PgConnection, config: StorageConfigId) -> Result<Option<Verification>> {
    let row = select_verifications!(
        "where v.config_id = $1 and v.tenant_id = c.tenant_id order by v.created_at desc, v.id desc limit 1",
        config.as_uuid()
    )
    .fetch_optional(&mut *db)
    .await?;
    match row {
        Some(row) => row.with_findings(db).await.map(Some),
        None => Ok(None),
    }
}

/// A page of a tenant's verifications, newest first, without their findings.
pub async fn of_tenant(
    db: &mut PgConnection,
    tenant: TenantId,
    after: Option<(DateTime<Utc>, VerificationId)>,
    limit: i64,
) -> Result<Vec<Verification>> {
    let (at, id) = after.unzip();
    select_verifications!(
        "where v.tenant_id = $1 and ($2::timestamptz is null or (v.created_at, v.id) < ($2, $3))
         order by v.created_at desc, v.id desc limit $4",
        tenant.as_uuid(),
        at,
        id.map(VerificationId::as_uuid),
        limit,
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(|row| row.with(Vec::new()))
    .collect()
}

/// The tenant's unfinished verifications: at most one running and one queued.
pub async fn unfinished(db: &mut PgConnection, tenant: TenantId) -> Result<Vec<Verification>> {
    select_verifications!(
        "join open_verifications o on o.verification_id = v.id where o.tenant_id = $1 order by v.created_at, v.id",
        tenant.as_uuid(),
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(|row| row.with(Vec::new()))
    .collect()
}

/// The newest verification of a version that was verified or rejected, with its findings. Rotations are about another external ID.
pub async fn newest_result(db: &mut PgConnection, config: StorageConfigId) -> Result<Option<Verification>> {
    let row = select_verifications!(
        "where v.config_id = $1 and v.tenant_id = c.tenant_id and v.verdict in ('verified', 'rejected') and v.trigger <> 'rotation'
         order by v.finished_at desc, v.id desc limit 1",
        config.as_uuid(),
    )
    .fetch_optional(&mut *db)
    .await?;
    match row {
        Some(row) => row.with_findings(db).await.map(Some),
        None => Ok(None),
    }
}

/// The verdict of a version's newest finished verification that was not superseded.
pub async fn newest_verdict(db: &mut PgConnection, config: StorageConfigId) -> Result<Option<Verdict>> {
    let verdict = sqlx::query_scalar!(
        "select v.verdict from verifications v join storage_configs c on c.id = v.config_id and c.tenant_id = v.tenant_id
         where v.config_id = $1 and v.verdict <> 'superseded' and v.trigger <> 'rotation'
         order by v.created_at desc, v.id desc limit 1",
        config.as_uuid(),
    )
    .fetch_optional(db)
    .await?;
    verdict
        .flatten()
        .map(|verdict| column(TABLE, config.as_uuid(), &verdict))
        .transpose()
}

/// The mode of a verification that is not finished.
pub async fn mode_of_unfinished(db: &mut PgConnection, id: VerificationId) -> Result<Option<Mode>> {
    let mode = sqlx::query_scalar!(
        "select c.mode from verifications v join storage_configs c on c.id = v.config_id where v.id = $1 and v.state <> 'finished'",
        id.as_uuid(),
    );
    let mode = mode.fetch_optional(db).await?;
    mode.map(|mode| column(TABLE, id.as_uuid(), &mode)).transpose()
}

/// The tenant's queued verification.
pub async fn queued(db: &mut PgConnection, tenant: TenantId) -> Result<Option<VerificationId>> {
    let id = sqlx::query_scalar!(
        "select verification_id from open_verifications where tenant_id = $1 and not is_running",
        tenant.as_uuid()
    );
    Ok(id.fetch_optional(db).await?.map(VerificationId::from))
}

/// Claims a verification for one attempt, which will write a probe object with this name below the config's prefix. The key is
/// recorded before the object is written, so that a crash cannot leave an unknown object. If an earlier attempt may have left one, its key is used again:
/// so no more than one is left where they cannot be deleted. A worker that was suspended may write until its lease has ended; the next
/// worker deletes what it wrote.
///
/// # Errors
/// `Constraint::VerificationsOneRunning` while another verification of the tenant is running.
pub async fn start(db: &mut PgConnection, id: VerificationId, probe_name: &str, lease: Duration, now: DateTime<Utc>) -> Result<ClaimedRun> {
    let row = sqlx::query!(
        r#"update verifications v
           set state = 'running', started_at = coalesce(v.started_at, $2), next_attempt_at = null, attempt = v.attempt + 1,
               lease = v.lease + 1, lease_until = clock_timestamp() + make_interval(secs => $4), last_event = v.last_event + 1,
               probe_objects = v.probe_objects || (c.prefix || $3)
           from storage_configs c
           where v.id = $1 and c.id = v.config_id and v.state in ('queued', 'running') and (v.lease_until is null or v.lease_until <= clock_timestamp())
           returning v.tenant_id, v.config_id, v.trigger, v.lease, v.lease_until as "lease_until!", v.attempt, v.last_event,
                     v.started_at as "started_at!", v.probe_objects, v.keeps_versions, c.prefix || $3 as "probe_key!""#,
        id.as_uuid(),
        now,
        probe_name,
        lease.as_secs_f64(),
    )
    .fetch_optional(&mut *db)
    .await?;
    let Some(mut row) = row else {
        return leased(db, id).await;
    };
    sqlx::query!(
        "insert into verification_attempts (verification_id, attempt, event, started_at) values ($1, $2, $3, $4)",
        id.as_uuid(),
        row.attempt,
        row.last_event,
        now,
    )
    .execute(&mut *db)
    .await?;
    pg_notify::verification_changed(db, id).await?;
    row.probe_objects.retain(|key| *key != row.probe_key);
    row.probe_objects.extend(probe_objects::take_over(db, id).await?);
    let prefix = row.probe_key.strip_suffix(probe_name).unwrap_or_default();
    if let Some(earlier) = probe_objects::to_write_again(&row.probe_objects, prefix) {
        probe_objects::forget(db, id, &row.probe_key).await?;
        row.probe_key = earlier;
    }
    Ok(ClaimedRun::Started(StartedRun {
        lease: Lease {
            verification: id,
            number: row.lease,
            attempt: row.attempt,
            until: row.lease_until,
        },
        tenant_id: row.tenant_id.into(),
        config_id: row.config_id.into(),
        trigger: column(TABLE, id.as_uuid(), &row.trigger)?,
        started_at: row.started_at,
        probe_key: row.probe_key,
        leftovers: row.probe_objects,
        known_versions: row.keeps_versions.map(|kept| column(TABLE, id.as_uuid(), &kept)).transpose()?,
    }))
}

async fn leased(db: &mut PgConnection, id: VerificationId) -> Result<ClaimedRun> {
    let row = sqlx::query!(
        r#"select lease_until as "until!" from verifications
           where id = $1 and state in ('queued', 'running') and lease_until is not null"#,
        id.as_uuid(),
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map_or(ClaimedRun::Finished, |row| ClaimedRun::Leased { until: row.until }))
}

/// How long the lease is still good. None when it has ended, or another worker has claimed the run.
pub async fn remaining(db: &mut PgConnection, lease: &Lease) -> Result<Option<Duration>> {
    let seconds = sqlx::query_scalar!(
        r#"select extract(epoch from lease_until - clock_timestamp())::float8 as "seconds!" from verifications
           where id = $1 and lease = $2 and state = 'running' and lease_until is not null"#,
        lease.verification.as_uuid(),
        lease.number,
    )
    .fetch_optional(db)
    .await?;
    Ok(seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()))
}

/// Locks the verification, so that the result holds until the transaction ends.
pub async fn lease_status(db: &mut PgConnection, lease: &Lease) -> Result<LeaseStatus> {
    let row = sqlx::query!(
        r#"select v.lease, v.state,
                  t.offboarded_at is not null or exists (
                      select 1 from open_verifications o
                      join verifications w on w.id = o.verification_id
                      join storage_configs d on d.id = w.config_id
                      where o.tenant_id = v.tenant_id and not o.is_running and d.version > c.version
                  ) as "superseded!"
           from verifications v join tenants t on t.id = v.tenant_id join storage_configs c on c.id = v.config_id
           where v.id = $1 for update of v"#,
        lease.verification.as_uuid(),
    )
    .fetch_one(db)
    .await?;
    Ok(match row.superseded {
        _ if row.lease != lease.number || row.state != "running" => LeaseStatus::Lost,
        true => LeaseStatus::Superseded,
        false => LeaseStatus::Held,
    })
}

/// Writes findings. Check [`lease_status`] first, in the same transaction.
pub async fn record(db: &mut PgConnection, lease: &Lease, findings: &[Finding]) -> Result<()> {
    let count = i32::try_from(findings.len()).unwrap_or(i32::MAX);
    let last = sqlx::query_scalar!(
        "update verifications set last_event = last_event + $2 where id = $1 returning last_event",
        lease.verification.as_uuid(),
        count,
    )
    .fetch_one(&mut *db)
    .await?;
    for (finding, event) in findings.iter().zip(last - count + 1..) {
        checks::insert(db, lease, event, finding).await?;
    }
    pg_notify::verification_changed(db, lease.verification).await
}

/// Lets the verification wait for its next attempt. Check [`lease_status`] first, in the same transaction.
pub async fn wait(db: &mut PgConnection, lease: &Lease, left: LeftInBucket<'_>, until: DateTime<Utc>) -> Result<()> {
    let versions: Option<&str> = left.versions.map(Into::into);
    let event = sqlx::query_scalar!(
        "update verifications set next_attempt_at = $2, probe_objects = $3, keeps_versions = $4, lease_until = null, last_event = last_event + 1
         where id = $1 returning last_event",
        lease.verification.as_uuid(),
        until,
        left.objects,
        versions,
    )
    .fetch_one(&mut *db)
    .await?;
    sqlx::query!(
        "update verification_attempts set next_attempt_at = $3, waiting_event = $4 where verification_id = $1 and attempt = $2",
        lease.verification.as_uuid(),
        lease.attempt,
        until,
        event,
    )
    .execute(&mut *db)
    .await?;
    pg_notify::verification_changed(db, lease.verification).await
}

/// The record of a verification's attempts, whose rows it removes. Those of their findings stay: see [`checks::remove_recorded`].
async fn take_attempts(db: &mut PgConnection, id: VerificationId) -> Result<Vec<u8>> {
    let attempts = attempts_of(db, id).await?;
    sqlx::query!("delete from verification_attempts where verification_id = $1", id.as_uuid())
        .execute(db)
        .await?;
    verification_record::pack(id.as_uuid(), attempts)
}

/// The attempts at a verification that is not finished.
async fn attempts_of(db: &mut PgConnection, id: VerificationId) -> Result<Vec<RecordedAttempt>> {
    let rows = sqlx::query!(
        "select attempt, event, started_at, next_attempt_at, waiting_event from verification_attempts
         where verification_id = $1 order by attempt",
        id.as_uuid(),
    )
    .fetch_all(&mut *db)
    .await?;
    let mut attempts = Vec::new();
    for row in rows {
        attempts.push(RecordedAttempt {
            attempt: row.attempt,
            event: row.event,
            started_at: row.started_at,
            waiting: row.next_attempt_at.zip(row.waiting_event),
            checks: checks::of_attempt(db, id, row.attempt).await?,
        });
    }
    Ok(attempts)
}

/// Finishes a verification. Check [`lease_status`] first, in the same transaction.
pub async fn finish(
    db: &mut PgConnection,
    lease: &Lease,
    verdict: Verdict,
    is_breach: bool,
    left: LeftInBucket<'_>,
    now: DateTime<Utc>,
) -> Result<()> {
    let versions: Option<&str> = left.versions.map(Into::into);
    let record = take_attempts(db, lease.verification).await?;
    let name: &str = verdict.into();
    let row = sqlx::query!(
        "update verifications set state = 'finished', verdict = $2, finished_at = $3, probe_objects = $4, last_event = last_event + 1,
                                  is_breach = $5, record = $6, keeps_versions = $7, lease_until = null
         where id = $1 returning tenant_id, trigger",
        lease.verification.as_uuid(),
        name,
        now,
        left.objects,
        is_breach,
        record,
        versions,
    )
    .fetch_one(&mut *db)
    .await?;
    let explains_status =
        verdict != Verdict::Superseded && column::<Trigger>(TABLE, lease.verification, &row.trigger)? != Trigger::Rotation;
    let newest = explains_status.then_some(lease.attempt);
    checks::remove_recorded(db, row.tenant_id.into(), lease.verification, newest).await?;
    pg_notify::verification_changed(db, lease.verification).await
}

/// The events after this number, in order, each with its number.
pub async fn events_after(db: &mut PgConnection, id: VerificationId, after: i32) -> Result<Vec<(i32, VerificationEvent)>> {
    // Read before the record: an end that comes between the queries removes rows, and then all of them are in the record.
    let open = attempts_of(db, id).await?;
    let found = sqlx::query!("select last_event, state, record from verifications where id = $1", id.as_uuid())
        .fetch_optional(&mut *db)
        .await?;
    let Some(row) = found else {
        return Ok(Vec::new());
    };
    let attempts = match &row.record {
        Some(record) => verification_record::unpack(id.as_uuid(), record)?,
        None => open,
    };
    let mut events = Vec::new();
    for attempt in attempts {
        let started = AttemptStarted {
            attempt: attempt.attempt,
            started_at: attempt.started_at,
            next_attempt_at: None,
        };
        if attempt.event > after {
            events.push((attempt.event, VerificationEvent::Attempt(started.clone())));
        }
        for check in attempt.checks.into_iter().filter(|check| check.event > after) {
            events.push((check.event, VerificationEvent::Check(Box::new(check.try_into()?))));
        }
        if let Some((next_attempt_at, number)) = attempt.waiting.filter(|(_, number)| *number > after) {
            let waiting = AttemptStarted {
                next_attempt_at: Some(next_attempt_at),
                ..started
            };
            events.push((number, VerificationEvent::Attempt(waiting)));
        }
    }
    if row.state == "finished"
        && row.last_event > after
        && let Some(verification) = find(db, id).await?
    {
        events.push((row.last_event, VerificationEvent::Finished(Box::new(verification))));
    }
    Ok(events)
}

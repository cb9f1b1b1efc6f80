//! When storage configs are verified again.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::error::column;
use super::storage_configs::config_row;
use super::{Result, StoreError, tenants};
use crate::domain::ids::{StorageConfigId, TenantId};
use crate::domain::reverification::{Depth, DueReverification, KeptCiphertext, Timing};
use crate::domain::storage_config::{Mode, StorageConfig};
use crate::domain::tenant::{LastVerified, accepted_ids};
use crate::domain::verification::PROBE_PREFIX;

const TABLE: &str = "reverifications";

/// The result of a re-verification that is not recorded.
#[derive(Debug)]
pub struct Settled<'a> {
    pub timing: Timing,
    /// The depth that showed that the config is verified.
    pub proven: Option<Depth>,
    pub ciphertext: Option<&'a KeptCiphertext>,
    pub leftovers: &'a [String],
}

pub async fn timing(db: &mut PgConnection, config: StorageConfigId) -> Result<Option<Timing>> {
    let Some(row) = sqlx::query!(
        "select standing, due_at, full_due_at, repeats from reverifications where config_id = $1",
        config.as_uuid()
    )
    .fetch_optional(db)
    .await?
    else {
        return Ok(None);
    };
    timing_of(config.as_uuid(), &row.standing, row.due_at, row.full_due_at, row.repeats).map(Some)
}

fn timing_of(config: Uuid, standing: &str, due_at: DateTime<Utc>, full_due_at: DateTime<Utc>, repeats: i32) -> Result<Timing> {
    Ok(Timing {
        standing: column(TABLE, config, standing)?,
        due_at,
        full_due_at,
        repeats: u32::try_from(repeats).map_err(|fault| StoreError::inconsistent(TABLE, config, fault))?,
    })
}

/// Schedules a config after a recorded verification. A re-verification that is in progress settles nothing anymore.
pub async fn put(
    db: &mut PgConnection,
    config: &StorageConfig,
    timing: &Timing,
    ciphertext: Option<&KeptCiphertext>,
    verified_at: Option<DateTime<Utc>>,
    catalogue: &str,
) -> Result<()> {
    let standing: &str = timing.standing.into();
    let (ciphertext, digest) = ciphertext
        .map(|kept| (kept.ciphertext.as_slice(), kept.plaintext_sha256.as_slice()))
        .unzip();
    sqlx::query!(
        "insert into reverifications as r
             (config_id, tenant_id, standing, due_at, full_due_at, repeats, ciphertext, plaintext_sha256, light_at, full_at, catalogue)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10)
         on conflict (config_id) do update set
             standing = excluded.standing, due_at = excluded.due_at, full_due_at = excluded.full_due_at, repeats = excluded.repeats,
             ciphertext = coalesce(excluded.ciphertext, r.ciphertext),
             plaintext_sha256 = coalesce(excluded.plaintext_sha256, r.plaintext_sha256),
             light_at = coalesce(excluded.light_at, r.light_at), full_at = coalesce(excluded.full_at, r.full_at),
             catalogue = excluded.catalogue, lease = r.lease + 1, leased_until = null",
        config.id.as_uuid(),
        config.tenant_id.as_uuid(),
        standing,
        timing.due_at,
        timing.full_due_at,
        i32::try_from(timing.repeats).unwrap_or(i32::MAX),
        ciphertext,
        digest,
        verified_at,
        catalogue,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Removes the configs of a tenant that need no re-verification, all except these. What they may have left in the bucket is recorded
/// with their last verification, which the next one in the same bucket takes over.
pub async fn keep_only(db: &mut PgConnection, tenant: TenantId, configs: &[StorageConfigId]) -> Result<()> {
    let configs: Vec<Uuid> = configs.iter().map(|config| config.as_uuid()).collect();
    sqlx::query!(
        "with gone as (
             delete from reverifications where tenant_id = $1 and config_id <> all ($2)
             returning config_id, array_remove(probe_objects || probe_key, null) as keys
         )
         update verifications v set probe_objects = v.probe_objects || gone.keys
         from gone
         where cardinality(gone.keys) > 0
           and v.id = (select id from verifications w where w.tenant_id = $1 and w.config_id = gone.config_id and w.state = 'finished'
                       order by w.created_at desc, w.id desc limit 1)",
        tenant.as_uuid(),
        &configs,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Whether a config is scheduled.
pub async fn exists(db: &mut PgConnection, config: StorageConfigId) -> Result<bool> {
    let exists = sqlx::query_scalar!(
        r#"select exists (select from reverifications where config_id = $1) as "exists!""#,
        config.as_uuid()
    );
    Ok(exists.fetch_one(db).await?)
}

/// Claims due configs, those that have been due longest first. Each can be claimed again when its lease ends.
pub async fn claim(db: &mut PgConnection, now: DateTime<Utc>, limit: i64, lease: Duration) -> Result<Vec<DueReverification>> {
    let rows = sqlx::query!(
        r#"with due as (
               select r.config_id, r.due_at, c.prefix,
                      -- With read access, there is no ciphertext.
                      r.full_due_at <= $1 or r.standing <> 'verified' or (r.ciphertext is null and c.access = 'read_write') as is_full
               from reverifications r join storage_configs c on c.id = r.config_id
               where r.due_at <= $1 and (r.leased_until is null or r.leased_until <= $1)
               order by r.due_at limit $2 for update of r skip locked
           ), claimed as (
               update reverifications r
               set leased_until = $1::timestamptz + make_interval(secs => $3), lease = r.lease + 1,
                   -- Of a full one that was interrupted.
                   probe_objects = array_remove(r.probe_objects || r.probe_key, null),
                   -- What could not be deleted is written again, so that no more than one is left. Those of verifications are theirs: one of
                   -- them may run at the same time.
                   probe_key = case when due.is_full then coalesce(r.probe_key, r.probe_objects[1],
                       due.prefix || $4 || r.config_id || '-' || substr(gen_random_uuid()::text, 1, 18)) end
               from due where r.config_id = due.config_id
               returning r.*, due.due_at as was_due_at
           )
           select c.id, c.tenant_id, c.version, c.mode, c.bucket_arn, c.bucket_account_id, c.region, c.key_arn, c.role_arn, c.prefix, c.access, c.sample_object, c.created_at,
                  r.standing as "standing!", r.leased_until as "leased_until!", r.was_due_at as "was_due_at!", r.full_due_at as "full_due_at!",
                  r.repeats as "repeats!", r.lease as "lease!", r.ciphertext, r.plaintext_sha256, r.probe_key, r.probe_objects as "leftovers!",
                  t.external_id, t.next_external_id, t.previous_external_id, t.previous_retired_at
           from claimed r
           join storage_configs c on c.id = r.config_id
           join tenants t on t.id = r.tenant_id
           order by r.was_due_at"#,
        now,
        limit,
        lease.as_secs_f64(),
        PROBE_PREFIX,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            let id = row.id;
            let timing = timing_of(id, &row.standing, row.was_due_at, row.full_due_at, row.repeats)?;
            let external_id = column("tenants", row.tenant_id, &row.external_id)?;
            let rotation = tenants::rotation(
                row.tenant_id,
                row.next_external_id.as_deref(),
                row.previous_external_id.as_deref(),
                row.previous_retired_at,
            )?;
            let config = StorageConfig::try_from(config_row!(row))?;
            Ok(DueReverification {
                config: config.id,
                tenant: config.tenant_id,
                storage: config.storage,
                accepted_ids: accepted_ids(&external_id, rotation.as_ref()),
                external_id,
                timing,
                leased_until: row.leased_until,
                lease: row.lease,
                ciphertext: row
                    .ciphertext
                    .zip(row.plaintext_sha256)
                    .map(|(ciphertext, plaintext_sha256)| KeptCiphertext {
                        ciphertext,
                        plaintext_sha256,
                    }),
                probe_key: row.probe_key,
                leftovers: row.leftovers,
            })
        })
        .collect()
}

/// How long the lease of a claimed config is still good. None when it has ended, or another process has claimed the config.
pub async fn remaining(db: &mut PgConnection, due: &DueReverification, now: DateTime<Utc>) -> Result<Option<Duration>> {
    let seconds = sqlx::query_scalar!(
        r#"select extract(epoch from leased_until - $3)::float8 as "seconds!" from reverifications
           where config_id = $1 and lease = $2 and leased_until is not null"#,
        due.config.as_uuid(),
        due.lease,
        now,
    )
    .fetch_optional(db)
    .await?;
    Ok(seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()))
}

/// Ends a claim. Returns false, and changes nothing, if the claim is lost.
pub async fn settle(
    db: &mut PgConnection,
    due: &DueReverification,
    settled: &Settled<'_>,
    now: DateTime<Utc>,
    catalogue: &str,
) -> Result<bool> {
    let standing: &str = settled.timing.standing.into();
    let (ciphertext, digest) = settled
        .ciphertext
        .map(|kept| (kept.ciphertext.as_slice(), kept.plaintext_sha256.as_slice()))
        .unzip();
    let settled = sqlx::query!(
        "update reverifications set
             standing = $3, due_at = $4, full_due_at = $5, repeats = $6, probe_key = null, probe_objects = $7, leased_until = null,
             light_at = case when $8 then $10 else light_at end, full_at = case when $9 then $10 else full_at end,
             catalogue = case when $9 then $11 else catalogue end,
             ciphertext = coalesce($12, ciphertext), plaintext_sha256 = coalesce($13, plaintext_sha256)
         where config_id = $1 and lease = $2",
        due.config.as_uuid(),
        due.lease,
        standing,
        settled.timing.due_at,
        settled.timing.full_due_at,
        i32::try_from(settled.timing.repeats).unwrap_or(i32::MAX),
        settled.leftovers,
        settled.proven.is_some(),
        settled.proven == Some(Depth::Full),
        now,
        catalogue,
        ciphertext,
        digest,
    )
    .execute(db)
    .await?;
    Ok(settled.rows_affected() == 1)
}

/// Makes the configs of a tenant due now, in full, unless that was done within `interval`. True if at least one is.
pub async fn report(db: &mut PgConnection, tenant: TenantId, now: DateTime<Utc>, interval: chrono::TimeDelta) -> Result<bool> {
    let reported = sqlx::query!(
        "update reverifications set due_at = least(due_at, $2), full_due_at = least(full_due_at, $2), reported_at = $2
         where tenant_id = $1 and (reported_at is null or reported_at <= $3)",
        tenant.as_uuid(),
        now,
        now - interval,
    )
    .execute(db)
    .await?;
    Ok(reported.rows_affected() > 0)
}

/// Makes the configs of a tenant due now, in full.
pub async fn make_due(db: &mut PgConnection, tenant: TenantId, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "update reverifications set due_at = least(due_at, $2), full_due_at = least(full_due_at, $2) where tenant_id = $1",
        tenant.as_uuid(),
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Makes the configs of a tenant due now that were rejected or have no result.
pub async fn retry(db: &mut PgConnection, tenant: TenantId, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "update reverifications set due_at = least(due_at, $2) where tenant_id = $1 and standing <> 'verified'",
        tenant.as_uuid(),
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Which configs a bulk change is about, in batches.
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a> {
    /// None for all tenants.
    pub tenants: Option<&'a [Uuid]>,
    /// The last config of the previous batch.
    pub after: Option<StorageConfigId>,
    pub limit: i64,
}

/// The last config of a batch and how many it had. None at the end.
pub type Changed = Option<(StorageConfigId, u64)>;

fn changed(configs: &[Uuid]) -> Changed {
    let last = configs.iter().max()?;
    Some(((*last).into(), configs.len() as u64))
}

/// Makes a batch of configs due in full at random times until `until`, unless they are due sooner.
pub async fn bring_forward(db: &mut PgConnection, batch: Batch<'_>, now: DateTime<Utc>, until: DateTime<Utc>) -> Result<Changed> {
    let configs = sqlx::query_scalar!(
        "with planned as (
             select config_id, $2::timestamptz + random() * ($3::timestamptz - $2) as at from reverifications
             where ($1::uuid[] is null or tenant_id = any ($1)) and ($4::uuid is null or config_id > $4)
             order by config_id limit $5 for update
         )
         update reverifications r set due_at = least(r.due_at, planned.at), full_due_at = least(r.full_due_at, planned.at)
         from planned where r.config_id = planned.config_id returning r.config_id",
        batch.tenants,
        now,
        until,
        batch.after.map(StorageConfigId::as_uuid),
        batch.limit,
    );
    Ok(changed(&configs.fetch_all(db).await?))
}

/// Puts off what a batch of verified configs is due for before `until`, to random times within the day after it. The others are looked
/// at again as soon as planned.
pub async fn put_off(db: &mut PgConnection, batch: Batch<'_>, until: DateTime<Utc>) -> Result<Changed> {
    let configs = sqlx::query_scalar!(
        "with planned as (
             select config_id from reverifications
             where ($1::uuid[] is null or tenant_id = any ($1)) and ($3::uuid is null or config_id > $3)
               and due_at < $2 and standing = 'verified'
             order by config_id limit $4 for update
         )
         update reverifications r set due_at = $2::timestamptz + random() * interval '1 day'
         from planned where r.config_id = planned.config_id returning r.config_id",
        batch.tenants,
        until,
        batch.after.map(StorageConfigId::as_uuid),
        batch.limit,
    );
    Ok(changed(&configs.fetch_all(db).await?))
}

/// Makes configs that were verified with other checks or documents due in full, at random times until `until`. At most `limit` of
/// them; returns how many.
pub async fn renew(db: &mut PgConnection, catalogue: &str, now: DateTime<Utc>, until: DateTime<Utc>, limit: i64) -> Result<u64> {
    let renewed = sqlx::query!(
        "with old as (
             select config_id, $2::timestamptz + random() * ($3::timestamptz - $2) as at from reverifications
             where catalogue <> $1 order by config_id limit $4 for update skip locked
         )
         update reverifications r
         set catalogue = $1, due_at = least(r.due_at, old.at), full_due_at = least(r.full_due_at, old.at)
         from old where r.config_id = old.config_id",
        catalogue,
        now,
        until,
        limit,
    )
    .execute(db)
    .await?;
    Ok(renewed.rows_affected())
}

/// How many configs are scheduled, by mode.
pub async fn count(db: &mut PgConnection) -> Result<BTreeMap<Mode, u64>> {
    sqlx::query!(
        r#"select c.mode, count(*) as "count!" from reverifications r join storage_configs c on c.id = r.config_id group by c.mode"#
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(|row| {
        let mode = column(TABLE, Uuid::nil(), &row.mode)?;
        Ok((mode, u64::try_from(row.count).unwrap_or_default()))
    })
    .collect()
}

/// How far re-verification is behind.
#[derive(Debug, Clone, Copy, Default)]
pub struct Backlog {
    pub due: i64,
    /// Since when the one has been due that has waited longest.
    pub since: Option<DateTime<Utc>>,
}

pub async fn backlog(db: &mut PgConnection, now: DateTime<Utc>) -> Result<Backlog> {
    let row = sqlx::query!(
        r#"select count(*) as "due!", min(due_at) as since from reverifications where due_at <= $1"#,
        now
    )
    .fetch_one(db)
    .await?;
    Ok(Backlog {
        due: row.due,
        since: row.since,
    })
}

/// When the config was last confirmed that was not for longest.
pub async fn confirmed_longest_ago(db: &mut PgConnection) -> Result<Option<DateTime<Utc>>> {
    let oldest = sqlx::query_scalar!("select min(light_at) from reverifications");
    Ok(oldest.fetch_one(db).await?)
}

/// When the active version of a tenant was verified last, and will be again.
pub async fn of_active(db: &mut PgConnection, tenant: TenantId) -> Result<Option<LastVerified>> {
    let row = sqlx::query!(
        "select r.light_at, r.full_at, r.due_at, r.full_due_at from reverifications r join active_configs a on a.config_id = r.config_id
         where r.tenant_id = $1",
        tenant.as_uuid()
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| LastVerified {
        light_at: row.light_at,
        full_at: row.full_at,
        next_at: row.due_at,
        next_full_at: row.full_due_at,
    }))
}

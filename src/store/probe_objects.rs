//! What verifications left in a bucket: keys of probe objects that may still be there, and whether it keeps versions of others.

use sqlx::PgConnection;
use uuid::Uuid;

use super::Result;
use super::error::column;
use super::verifications::TABLE;
use crate::domain::evidence::KeptVersions;
use crate::domain::ids::{StorageConfigId, VerificationId};
use crate::domain::verification::PROBE_PREFIX;

/// What an attempt leaves in the bucket.
#[derive(Debug, Clone, Copy, Default)]
pub struct LeftInBucket<'a> {
    /// Keys of probe objects that may still be there.
    pub objects: &'a [String],
    /// Why it keeps versions of others, if it does.
    pub versions: Option<KeptVersions>,
}

/// Notes what was left before a verification was queued.
pub async fn set_left(db: &mut PgConnection, id: VerificationId, left: LeftInBucket<'_>) -> Result<()> {
    let versions: Option<&str> = left.versions.map(Into::into);
    sqlx::query!(
        "update verifications set probe_objects = $2, keeps_versions = $3 where id = $1",
        id.as_uuid(),
        left.objects,
        versions,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Why the bucket of a version keeps versions, as its newest result shows.
pub async fn kept_versions(db: &mut PgConnection, config: StorageConfigId) -> Result<Option<KeptVersions>> {
    let kept = sqlx::query_scalar!(
        "select v.keeps_versions from verifications v join storage_configs c on c.id = v.config_id and c.tenant_id = v.tenant_id
         where v.config_id = $1 and v.verdict in ('verified', 'rejected')
         order by v.finished_at desc, v.id desc limit 1",
        config.as_uuid(),
    )
    .fetch_optional(db)
    .await?;
    kept.flatten().map(|kept| column(TABLE, config.as_uuid(), &kept)).transpose()
}

/// The key of an object that is written again instead of another one, so that no more than one is left.
pub(super) fn to_write_again(keys: &[String], prefix: &str) -> Option<String> {
    let start = format!("{prefix}{PROBE_PREFIX}");
    keys.iter().find(|key| key.starts_with(&start)).cloned()
}

/// Forgets an object that will not be written.
pub(super) async fn forget(db: &mut PgConnection, id: VerificationId, key: &str) -> Result<()> {
    sqlx::query!(
        "update verifications set probe_objects = array_remove(probe_objects, $2) where id = $1",
        id.as_uuid(),
        key,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Moves the leftovers of earlier verifications, whose keys this one may delete, to it: those in the same bucket and prefix.
pub(super) async fn take_over(db: &mut PgConnection, id: VerificationId) -> Result<Vec<String>> {
    let earlier = sqlx::query!(
        "select o.id, o.probe_objects
         from verifications v
         join storage_configs c on c.id = v.config_id
         join verifications o on o.tenant_id = v.tenant_id and o.id <> v.id
         join storage_configs d on d.id = o.config_id and d.bucket_arn = c.bucket_arn and c.prefix in ('', d.prefix)
         where v.id = $1 and o.state = 'finished' and cardinality(o.probe_objects) > 0
         for update of o",
        id.as_uuid(),
    )
    .fetch_all(&mut *db)
    .await?;
    let (ids, keys): (Vec<Uuid>, Vec<Vec<String>>) = earlier.into_iter().map(|row| (row.id, row.probe_objects)).unzip();
    let keys = keys.concat();
    if !keys.is_empty() {
        sqlx::query!("update verifications set probe_objects = '{}' where id = any($1)", &ids)
            .execute(&mut *db)
            .await?;
        sqlx::query!(
            "update verifications set probe_objects = probe_objects || $2 where id = $1",
            id.as_uuid(),
            &keys
        )
        .execute(&mut *db)
        .await?;
    }
    Ok(keys)
}

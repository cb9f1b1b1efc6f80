//! Storage configs. They are immutable.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::Result;
use super::error::{StoreError, column};
use crate::domain::ids::{StorageConfigId, TenantId};
use crate::domain::key_prefix::StoragePrefix;
use crate::domain::limits::VersionCount;
use crate::domain::storage_config::{Access, Mode, Storage, StorageConfig};

const TABLE: &str = "storage_configs";

/// A row of `storage_configs`.
pub(super) struct StorageConfigRow {
    pub id: Uuid,
    pub tenant_id: Uuid,
    pub version: i32,
    pub mode: String,
    pub bucket_arn: String,
    pub bucket_account_id: String,
    pub region: String,
    pub key_arn: String,
    pub role_arn: Option<String>,
    pub prefix: String,
    pub access: String,
    pub sample_object: Option<String>,
    pub created_at: DateTime<Utc>,
}

/// The storage config in the row of a query that has more columns than these.
macro_rules! config_row {
    ($row:ident) => {
        $crate::store::storage_configs::StorageConfigRow {
            id: $row.id,
            tenant_id: $row.tenant_id,
            version: $row.version,
            mode: $row.mode,
            bucket_arn: $row.bucket_arn,
            bucket_account_id: $row.bucket_account_id,
            region: $row.region,
            key_arn: $row.key_arn,
            role_arn: $row.role_arn,
            prefix: $row.prefix,
            access: $row.access,
            sample_object: $row.sample_object,
            created_at: $row.created_at,
        }
    };
}
pub(super) use config_row;

/// Selects storage configs.
macro_rules! select_configs {
    ($rest:literal, $($argument:expr),+ $(,)?) => {
        sqlx::query_as!(
            StorageConfigRow,
            r#"select id, tenant_id, version, mode, bucket_arn, bucket_account_id, region, key_arn, role_arn, prefix, access, sample_object, created_at
               from storage_configs "# + $rest,
            $($argument),+
        )
    };
}

impl TryFrom<StorageConfigRow> for StorageConfig {
    type Error = StoreError;

    fn try_from(row: StorageConfigRow) -> Result<Self> {
        let id = row.id;
        let mode: Mode = column(TABLE, id, &row.mode)?;
        let role = row.role_arn.as_deref().map(|role| column(TABLE, id, role)).transpose()?;
        let access = match (mode, role) {
            (Mode::AssumeRole, Some(role)) => Access::AssumeRole { role },
            (Mode::Direct, None) => Access::Direct,
            _ => return Err(StoreError::inconsistent(TABLE, id, "mode and role do not match")),
        };
        Ok(Self {
            id: id.into(),
            tenant_id: row.tenant_id.into(),
            version: row.version,
            storage: Storage {
                access,
                bucket: column(TABLE, id, &row.bucket_arn)?,
                region: column(TABLE, id, &row.region)?,
                key: column(TABLE, id, &row.key_arn)?,
                bucket_account: column(TABLE, id, &row.bucket_account_id)?,
                prefix: Some(row.prefix.as_str())
                    .filter(|prefix| !prefix.is_empty())
                    .map(|prefix| column(TABLE, id, prefix))
                    .transpose()?,
                level: column(TABLE, id, &row.access)?,
                sample_object: row.sample_object,
            },
            created_at: row.created_at,
        })
    }
}

/// Inserts the next version. The caller must have locked the tenant, or two versions could get the same number.
pub(crate) async fn insert(
    db: &mut PgConnection,
    id: StorageConfigId,
    tenant: TenantId,
    storage: &Storage,
    now: DateTime<Utc>,
) -> Result<StorageConfig> {
    let mode: &str = storage.mode().into();
    let access: &str = storage.level.into();
    let version = sqlx::query_scalar!(
        r#"insert into storage_configs
               (id, tenant_id, version, mode, bucket_arn, bucket_account_id, region, key_arn, role_arn, prefix, access, sample_object, created_at)
           select $1, $2, coalesce(max(version), 0) + 1, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12 from storage_configs where tenant_id = $2
           returning version"#,
        id.as_uuid(),
        tenant.as_uuid(),
        mode,
        storage.bucket.as_str(),
        storage.bucket_account.as_str(),
        storage.region.as_str(),
        storage.key.as_str(),
        storage.access.client_role().map(crate::domain::arn::RoleArn::as_str),
        storage.prefix.as_ref().map_or("", StoragePrefix::as_str),
        access,
        storage.sample_object.as_deref(),
        now,
    )
    .fetch_one(db)
    .await?;
    Ok(StorageConfig {
        id,
        tenant_id: tenant,
        version,
        storage: storage.clone(),
        created_at: now,
    })
}

/// How many versions a tenant has. `per_day` is the number that a day allows.
pub(crate) async fn count(db: &mut PgConnection, tenant: TenantId, per_day: u32) -> Result<VersionCount> {
    // Versions are numbered from 1 and never deleted, so that this reads two rows of an index.
    let row = sqlx::query!(
        r#"select (select max(version) from storage_configs where tenant_id = $1) as newest,
                  (select created_at from storage_configs where tenant_id = $1 order by version desc limit 1 offset $2) as day_began"#,
        tenant.as_uuid(),
        i64::from(per_day) - 1,
    )
    .fetch_one(db)
    .await?;
    Ok(VersionCount {
        total: row.newest.and_then(|newest| u32::try_from(newest).ok()).unwrap_or_default(),
        day_began: row.day_began,
    })
}

/// The versions of a tenant, newest first, after this one in the list.
pub(crate) async fn of_tenant(
    db: &mut PgConnection,
    tenant: TenantId,
    after: Option<StorageConfigId>,
    limit: i64,
) -> Result<Vec<StorageConfig>> {
    select_configs!(
        "where tenant_id = $1 and ($2::uuid is null or version < (select version from storage_configs where id = $2))
         order by version desc limit $3",
        tenant.as_uuid(),
        after.map(StorageConfigId::as_uuid),
        limit,
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(StorageConfig::try_from)
    .collect()
}

/// Of the versions of a tenant with the same bucket, prefix, key and role, only the newest. Newest first.
pub(crate) async fn different(db: &mut PgConnection, tenant: TenantId) -> Result<Vec<StorageConfig>> {
    select_configs!(
        "where id in (
             select distinct on (bucket_arn, prefix, region, key_arn, role_arn) id from storage_configs
             where tenant_id = $1 order by bucket_arn, prefix, region, key_arn, role_arn, version desc
         ) order by version desc",
        tenant.as_uuid(),
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(StorageConfig::try_from)
    .collect()
}

pub(crate) async fn find_version(db: &mut PgConnection, tenant: TenantId, version: i32) -> Result<Option<StorageConfig>> {
    select_configs!("where tenant_id = $1 and version = $2", tenant.as_uuid(), version)
        .fetch_optional(db)
        .await?
        .map(StorageConfig::try_from)
        .transpose()
}

pub(crate) async fn newest(db: &mut PgConnection, tenant: TenantId) -> Result<Option<StorageConfig>> {
    select_configs!("where tenant_id = $1 order by version desc limit 1", tenant.as_uuid())
        .fetch_optional(db)
        .await?
        .map(StorageConfig::try_from)
        .transpose()
}

pub(crate) async fn find(db: &mut PgConnection, id: StorageConfigId) -> Result<Option<StorageConfig>> {
    select_configs!("where id = $1", id.as_uuid())
        .fetch_optional(db)
        .await?
        .map(StorageConfig::try_from)
        .transpose()
}

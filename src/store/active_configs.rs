//! The active version of each tenant, which also reserves its bucket and its role.

use chrono::{DateTime, Utc};
use sqlx::{Acquire, PgConnection};

use super::{Constraint, Result, StoreError, storage_configs};
use crate::domain::ids::TenantId;
use crate::domain::storage_config::{ActiveConfig, Storage, StorageConfig};

/// Makes this version the active one.
///
/// # Errors
/// `Constraint::ActiveConfigsNoOverlap` or `…RoleKey` when another tenant's active version has the bucket, or an overlapping prefix of
/// it, or the role.
/// The transaction stays usable.
pub(crate) async fn activate(db: &mut PgConnection, config: &StorageConfig, now: DateTime<Utc>) -> Result<()> {
    let mut savepoint = db.begin().await?;
    sqlx::query!(
        "insert into active_configs (tenant_id, config_id, location, role_arn, activated_at, verified_at)
         values ($1, $2, $3, $4, $5, $5)
         on conflict (tenant_id) do update set
             config_id = excluded.config_id,
             location = excluded.location,
             role_arn = excluded.role_arn,
             activated_at = case when active_configs.config_id = excluded.config_id
                 then active_configs.activated_at else excluded.activated_at end,
             verified_at = excluded.verified_at",
        config.tenant_id.as_uuid(),
        config.id.as_uuid(),
        config.storage.location(),
        config.storage.access.client_role().map(crate::domain::arn::RoleArn::as_str),
        now,
    )
    .execute(&mut *savepoint)
    .await?;
    savepoint.commit().await?;
    Ok(())
}

/// What other tenants' active versions have of a storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Claims {
    pub(crate) bucket: bool,
    pub(crate) role: bool,
    /// Another part of the bucket, and with another key: the bucket has one default key.
    pub(crate) key: bool,
}

/// What other tenants' active versions have of this storage.
pub(crate) async fn claims(db: &mut PgConnection, tenant: TenantId, storage: &Storage) -> Result<Claims> {
    let claims = sqlx::query_as!(
        Claims,
        r#"select coalesce(bool_or(keys_at(a.location) && keys_at($2)), false) as "bucket!",
                  coalesce(bool_or(lower(a.role_arn) = lower($3)), false) as "role!",
                  coalesce(bool_or(c.access = 'read_write' and c.bucket_arn = $4 and c.key_arn <> $5), false) as "key!"
           from active_configs a join storage_configs c on c.id = a.config_id
           where a.tenant_id <> $1 and (keys_at(a.location) && keys_at($4 || '/') or lower(a.role_arn) = lower($3))"#,
        tenant.as_uuid(),
        storage.location(),
        storage.access.client_role().map(crate::domain::arn::RoleArn::as_str),
        storage.bucket.as_str(),
        storage.key.as_str(),
    );
    Ok(claims.fetch_one(db).await?)
}

/// Whether another tenant's active version has the bucket, or an overlapping prefix of it, or the role.
pub(crate) async fn is_claimed(db: &mut PgConnection, config: &StorageConfig) -> Result<bool> {
    let claims = claims(db, config.tenant_id, &config.storage).await?;
    Ok(claims.bucket || claims.role)
}

/// Whether an error says that another tenant has the bucket or the role.
pub(crate) fn is_conflict(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::Constraint(Constraint::ActiveConfigsNoOverlap | Constraint::ActiveConfigsRoleKey)
    )
}

pub(crate) async fn find(db: &mut PgConnection, tenant: TenantId) -> Result<Option<ActiveConfig>> {
    let Some(row) = sqlx::query!(
        "select config_id, verified_at from active_configs where tenant_id = $1",
        tenant.as_uuid()
    )
    .fetch_optional(&mut *db)
    .await?
    else {
        return Ok(None);
    };
    let config = storage_configs::find(db, row.config_id.into())
        .await?
        .ok_or_else(|| StoreError::inconsistent("active_configs", tenant, "its config is missing"))?;
    Ok(Some(ActiveConfig {
        config,
        verified_at: row.verified_at,
    }))
}

/// Whether a version of the tenant was ever verified, so that credentials for it may have been issued.
pub(crate) async fn was_ever_verified(db: &mut PgConnection, tenant: TenantId) -> Result<bool> {
    let verified = sqlx::query_scalar!(
        r#"select exists (select from verifications where tenant_id = $1 and verdict = 'verified') as "verified!""#,
        tenant.as_uuid(),
    );
    Ok(verified.fetch_one(db).await?)
}

/// Removes the active version. Its bucket and its role can then be used by another tenant.
pub(crate) async fn release(db: &mut PgConnection, tenant: TenantId) -> Result<()> {
    sqlx::query!("delete from active_configs where tenant_id = $1", tenant.as_uuid())
        .execute(db)
        .await?;
    Ok(())
}

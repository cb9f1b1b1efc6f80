//! Reads of storage configs.

use crate::domain::ids::{StorageConfigId, TenantId};
use crate::domain::limits::VersionLimit;
use crate::domain::storage_config::StorageConfig;
use crate::service::Context;
use crate::store::{self, storage_configs};

/// Newest first, after this one in the list.
pub async fn list(context: &Context, tenant: TenantId, after: Option<StorageConfigId>, limit: i64) -> store::Result<Vec<StorageConfig>> {
    let mut db = context.pool.acquire().await?;
    storage_configs::of_tenant(&mut db, tenant, after, limit).await
}

pub async fn newest(context: &Context, tenant: TenantId) -> store::Result<Option<StorageConfig>> {
    let mut db = context.pool.acquire().await?;
    storage_configs::newest(&mut db, tenant).await
}

/// The limit that keeps the tenant from submitting another version.
pub async fn limit_reached(context: &Context, tenant: TenantId) -> store::Result<Option<VersionLimit>> {
    let mut db = context.pool.acquire().await?;
    let count = storage_configs::count(&mut db, tenant, context.limits.versions_per_day).await?;
    Ok(context.limits.reached_by(count, context.clock.now()))
}

pub async fn find(context: &Context, tenant: TenantId, version: i32) -> store::Result<Option<StorageConfig>> {
    let mut db = context.pool.acquire().await?;
    storage_configs::find_version(&mut db, tenant, version).await
}

//! Reads of storage configs.

use crate::domain::ids::TenantId;
use crate::domain::storage_config::StorageConfig;
use crate::service::Context;
use crate::store::{self, storage_configs};

pub async fn list(context: &Context, tenant: TenantId) -> store::Result<Vec<StorageConfig>> {
    let mut db = context.pool.acquire().await?;
    storage_configs::of_tenant(&mut db, tenant).await
}

pub async fn find(context: &Context, tenant: TenantId, version: i32) -> store::Result<Option<StorageConfig>> {
    let mut db = context.pool.acquire().await?;
    storage_configs::find_version(&mut db, tenant, version).await
}

//! Reads of verifications and their events.

use super::PageStart;
use crate::domain::ids::{TenantId, VerificationId};
use crate::domain::storage_config::StorageConfig;
use crate::domain::verification::{Verification, VerificationEvent};
use crate::service::Context;
use crate::store::{self, storage_configs, verifications};

pub async fn find(context: &Context, id: VerificationId) -> store::Result<Option<Verification>> {
    let mut db = context.pool.acquire().await?;
    verifications::find(&mut db, id).await
}

pub async fn list(
    context: &Context,
    tenant: TenantId,
    after: Option<PageStart<VerificationId>>,
    limit: i64,
) -> store::Result<Vec<Verification>> {
    let mut db = context.pool.acquire().await?;
    verifications::of_tenant(&mut db, tenant, after, limit).await
}

/// A tenant's newest version, and its newest verification. A verification of an older version that is still active may be newer.
pub async fn of_newest_version(context: &Context, tenant: TenantId) -> store::Result<Option<(StorageConfig, Verification)>> {
    let mut db = context.pool.acquire().await?;
    let Some(config) = storage_configs::newest(&mut db, tenant).await? else {
        return Ok(None);
    };
    let verification = verifications::newest_of(&mut db, config.id).await?;
    Ok(verification.map(|verification| (config, verification)))
}

/// The events after the one with this number, each with its own number.
pub async fn events_after(context: &Context, id: VerificationId, after: i32) -> store::Result<Vec<(i32, VerificationEvent)>> {
    let mut db = context.pool.acquire().await?;
    verifications::events_after(&mut db, id, after).await
}

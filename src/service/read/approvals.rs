//! Reads of approvals.

use super::PageStart;
use crate::domain::approval::{Approval, PendingApproval};
use crate::domain::ids::StorageConfigId;
use crate::service::Context;
use crate::store::{self, approvals};

/// Pending approvals, the oldest first.
pub async fn pending(context: &Context, after: Option<PageStart<StorageConfigId>>, limit: i64) -> store::Result<Vec<PendingApproval>> {
    let mut db = context.pool.acquire().await?;
    approvals::pending(&mut db, after, limit).await
}

/// The approval of a tenant's version, if one was requested.
pub async fn of_version(context: &Context, config: StorageConfigId) -> store::Result<Option<Approval>> {
    let mut db = context.pool.acquire().await?;
    approvals::find(&mut db, config).await
}

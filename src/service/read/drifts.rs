//! Reads of drifts.

use super::PageStart;
use crate::domain::drift::Drift;
use crate::domain::ids::{DriftId, TenantId};
use crate::service::Context;
use crate::store::{self, drifts};

/// A page of drifts, newest first.
pub async fn list(context: &Context, tenant: TenantId, after: Option<PageStart<DriftId>>, limit: i64) -> store::Result<Vec<Drift>> {
    let mut db = context.pool.acquire().await?;
    drifts::list(&mut db, tenant, after, limit).await
}

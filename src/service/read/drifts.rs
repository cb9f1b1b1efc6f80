//! Reads of drifts.

use super::PageStart;
use crate::domain::drift::{DriftFilter, FeedDrift};
use crate::domain::ids::DriftId;
use crate::service::Context;
use crate::store::{self, drifts};

/// A page of drifts, newest first.
pub async fn list(context: &Context, filter: &DriftFilter, after: Option<PageStart<DriftId>>, limit: i64) -> store::Result<Vec<FeedDrift>> {
    let mut db = context.pool.acquire().await?;
    drifts::list(&mut db, filter, after, limit, context.clock.now()).await
}

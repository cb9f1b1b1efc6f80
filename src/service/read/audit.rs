//! Reads of the audit log.

use crate::domain::audit::{AuditEntry, AuditFilter};
use crate::domain::ids::AuditEventId;
use crate::service::Context;
use crate::store::{self, audit};

/// The entries after a position, in commit order.
pub async fn list(context: &Context, filter: &AuditFilter, after: i64, limit: i64) -> store::Result<Vec<AuditEntry>> {
    let mut db = context.pool.acquire().await?;
    audit::list(&mut db, filter, after, limit).await
}

/// The entries before a position, newest first.
pub async fn latest(context: &Context, filter: &AuditFilter, before: Option<i64>, limit: i64) -> store::Result<Vec<AuditEntry>> {
    let mut db = context.pool.acquire().await?;
    audit::latest(&mut db, filter, before, limit).await
}

/// The position of an entry, if it exists.
pub async fn position(context: &Context, id: AuditEventId) -> store::Result<Option<i64>> {
    let mut db = context.pool.acquire().await?;
    audit::position(&mut db, id).await
}

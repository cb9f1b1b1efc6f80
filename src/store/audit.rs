//! The audit log. An entry is written in the transaction of its change, and is immutable.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::Result;
use crate::domain::audit::{Actor, AuditAction, AuditEntry, AuditEvent, AuditFilter};
use crate::domain::ids::{AuditEventId, TenantId};

/// The request that made a change.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AuditOrigin<'a> {
    pub request_id: Option<&'a str>,
    pub address: Option<IpAddr>,
}

pub(crate) async fn append(
    db: &mut PgConnection,
    id: AuditEventId,
    at: DateTime<Utc>,
    origin: &AuditOrigin<'_>,
    event: &AuditEvent,
) -> Result<()> {
    let action: &str = event.action.into();
    sqlx::query!(
        "insert into audit_events (id, at, actor, action, tenant_id, address, request_id, before, after, detail)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        id.as_uuid(),
        at,
        serde_json::json!(event.actor),
        action,
        event.tenant.map(TenantId::as_uuid),
        origin.address.map(|address| address.to_string()),
        origin.request_id,
        event.difference.before,
        event.difference.after,
        event.difference.detail,
    )
    .execute(db)
    .await?;
    Ok(())
}

struct AuditRow {
    id: Uuid,
    at: DateTime<Utc>,
    actor: Value,
    action: String,
    tenant_id: Option<Uuid>,
    address: Option<String>,
    request_id: Option<String>,
    before: Option<Value>,
    after: Option<Value>,
    detail: Value,
    position: i64,
}

impl From<AuditRow> for AuditEntry {
    fn from(row: AuditRow) -> Self {
        Self {
            id: row.id.into(),
            at: row.at,
            actor: row.actor,
            action: row.action.into(),
            tenant_id: row.tenant_id.map(TenantId::from),
            address: row.address,
            request_id: row.request_id,
            before: row.before,
            after: row.after,
            detail: row.detail,
            position: row.position,
        }
    }
}

/// The position of an entry, if it exists.
pub(crate) async fn position(db: &mut PgConnection, id: AuditEventId) -> Result<Option<i64>> {
    let found = sqlx::query_scalar!(r#"select position as "position!" from audit_events where id = $1"#, id.as_uuid())
        .fetch_optional(db)
        .await?;
    Ok(found)
}

/// Reads entries. Each set of filters has its own statement, which uses the index that fits.
macro_rules! entries {
    ($db:expr, $which:tt, $($argument:expr),+) => {
        sqlx::query_as!(
            AuditRow,
            r#"select id, at, actor, action, tenant_id, address, request_id, before, after, detail, position as "position!"
               from audit_events where "# + $which,
            $($argument),+
        )
        .fetch_all($db)
        .await?
    };
}

/// The entries after this position, in commit order.
pub(crate) async fn list(db: &mut PgConnection, filter: &AuditFilter, after: i64, limit: i64) -> Result<Vec<AuditEntry>> {
    let (actor, action) = (filter.actor.as_deref(), filter.action.as_deref());
    let rows = match (filter.tenant.map(TenantId::as_uuid), actor, action) {
        (Some(tenant), _, _) => entries!(
            db,
            "tenant_id = $3 and position > $1 and ($4::text is null or actor_id = $4) and ($5::text is null or action = $5)
             order by position limit $2",
            after,
            limit,
            tenant,
            actor,
            action
        ),
        (None, Some(actor), _) => entries!(
            db,
            "actor_id = $3 and position > $1 and ($4::text is null or action = $4) order by position limit $2",
            after,
            limit,
            actor,
            action
        ),
        (None, None, Some(action)) => entries!(db, "action = $3 and position > $1 order by position limit $2", after, limit, action),
        (None, None, None) => entries!(db, "position > $1 order by position limit $2", after, limit),
    };
    Ok(rows.into_iter().map(AuditEntry::from).collect())
}

/// The entries before this position, newest first.
pub(crate) async fn latest(db: &mut PgConnection, filter: &AuditFilter, before: Option<i64>, limit: i64) -> Result<Vec<AuditEntry>> {
    let before = before.unwrap_or(i64::MAX);
    let (actor, action) = (filter.actor.as_deref(), filter.action.as_deref());
    let rows = match (filter.tenant.map(TenantId::as_uuid), actor, action) {
        (Some(tenant), _, _) => entries!(
            db,
            "tenant_id = $3 and position < $1 and ($4::text is null or actor_id = $4) and ($5::text is null or action = $5)
             order by position desc limit $2",
            before,
            limit,
            tenant,
            actor,
            action
        ),
        (None, Some(actor), _) => entries!(
            db,
            "actor_id = $3 and position < $1 and ($4::text is null or action = $4) order by position desc limit $2",
            before,
            limit,
            actor,
            action
        ),
        (None, None, Some(action)) => entries!(
            db,
            "action = $3 and position < $1 order by position desc limit $2",
            before,
            limit,
            action
        ),
        (None, None, None) => entries!(db, "position < $1 order by position desc limit $2", before, limit),
    };
    Ok(rows.into_iter().map(AuditEntry::from).collect())
}

/// When an actor did something, counted from the newest. None if it was done less often.
pub(crate) async fn nth_newest(db: &mut PgConnection, actor: &Actor, action: AuditAction, n: u32) -> Result<Option<DateTime<Utc>>> {
    let action: &str = action.into();
    let at = sqlx::query_scalar!(
        "select at from audit_events where actor_id = $1 and action = $2 order by position desc offset $3 limit 1",
        actor.opaque(),
        action,
        i64::from(n) - 1,
    );
    Ok(at.fetch_optional(db).await?)
}

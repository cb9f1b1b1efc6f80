//! The audit log. Written in the transaction of the change that it tells of, and never changed.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::Result;
use crate::domain::audit::Event;
use crate::domain::ids::{AuditEventId, TenantId};

pub async fn append(db: &mut PgConnection, id: AuditEventId, at: DateTime<Utc>, request_id: Option<&str>, event: &Event) -> Result<()> {
    let action: &str = event.action.into();
    sqlx::query!(
        "insert into audit_events (id, at, actor, action, tenant_id, request_id, detail) values ($1, $2, $3, $4, $5, $6, $7)",
        id.as_uuid(),
        at,
        serde_json::json!(event.actor),
        action,
        event.tenant.map(TenantId::as_uuid),
        request_id,
        event.detail,
    )
    .execute(db)
    .await?;
    Ok(())
}

struct Row {
    id: Uuid,
    at: DateTime<Utc>,
    actor: serde_json::Value,
    action: String,
    tenant_id: Option<Uuid>,
    request_id: Option<String>,
    detail: serde_json::Value,
}

/// An entry as it was written.
#[derive(Debug, Clone)]
pub struct Entry {
    pub id: AuditEventId,
    pub at: DateTime<Utc>,
    pub actor: serde_json::Value,
    pub action: String,
    pub tenant_id: Option<TenantId>,
    pub request_id: Option<String>,
    pub detail: serde_json::Value,
}

/// The entries after that one, oldest first: of one tenant, or of all.
pub async fn list(db: &mut PgConnection, tenant: Option<TenantId>, after: Option<AuditEventId>, limit: i64) -> Result<Vec<Entry>> {
    let after = after.map(AuditEventId::as_uuid).unwrap_or_default();
    // Two statements, so that each has the index that fits it.
    let rows = match tenant {
        Some(tenant) => {
            sqlx::query_as!(
                Row,
                "select id, at, actor, action, tenant_id, request_id, detail from audit_events
                 where tenant_id = $1 and id > $2 order by id limit $3",
                tenant.as_uuid(),
                after,
                limit,
            )
            .fetch_all(db)
            .await?
        }
        None => {
            sqlx::query_as!(
                Row,
                "select id, at, actor, action, tenant_id, request_id, detail from audit_events where id > $1 order by id limit $2",
                after,
                limit,
            )
            .fetch_all(db)
            .await?
        }
    };
    let entries = rows.into_iter().map(|row| Entry {
        id: row.id.into(),
        at: row.at,
        actor: row.actor,
        action: row.action,
        tenant_id: row.tenant_id.map(TenantId::from),
        request_id: row.request_id,
        detail: row.detail,
    });
    Ok(entries.collect())
}

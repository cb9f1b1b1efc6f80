//! The audit log. Written in the transaction of the change that it tells of, and never changed.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::Result;
use crate::domain::audit::Event;
use crate::domain::ids::AuditEventId;

pub async fn append(db: &mut PgConnection, id: AuditEventId, at: DateTime<Utc>, request_id: Option<&str>, event: &Event) -> Result<()> {
    let action: &str = event.action.into();
    sqlx::query!(
        "insert into audit_events (id, at, actor, action, tenant_id, request_id, detail) values ($1, $2, $3, $4, $5, $6, $7)",
        id.as_uuid(),
        at,
        serde_json::json!(event.actor),
        action,
        event.tenant.map(crate::domain::ids::TenantId::as_uuid),
        request_id,
        event.detail,
    )
    .execute(db)
    .await?;
    Ok(())
}

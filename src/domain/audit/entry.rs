//! Entries of the audit log, as they are written and as they are read.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{Actor, AuditAction, AuditChange, RecordedAction};
use crate::domain::ids::{AuditEventId, TenantId};

/// A new entry, written in the transaction of its change.
#[derive(Debug, Clone)]
pub struct AuditEvent {
    pub actor: Actor,
    pub action: AuditAction,
    pub tenant: Option<TenantId>,
    pub difference: AuditChange,
}

/// An entry as it was written, except for personal data that was erased later.
#[derive(Debug, Clone)]
pub struct AuditEntry {
    pub id: AuditEventId,
    pub at: DateTime<Utc>,
    pub actor: Value,
    pub action: RecordedAction,
    pub tenant_id: Option<TenantId>,
    /// The client's address, or `erased`.
    pub address: Option<String>,
    pub request_id: Option<String>,
    pub before: Option<Value>,
    pub after: Option<Value>,
    pub detail: Value,
    /// In commit order.
    pub position: i64,
}

/// Which entries to read. A field that is `None` does not filter.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    pub tenant: Option<TenantId>,
    pub action: Option<String>,
    /// As in [`Actor::opaque`].
    pub actor: Option<String>,
}

impl AuditFilter {
    /// All entries about this tenant.
    pub fn of(tenant: TenantId) -> Self {
        Self {
            tenant: Some(tenant),
            ..Self::default()
        }
    }
}

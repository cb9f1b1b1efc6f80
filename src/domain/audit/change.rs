//! The subject of a change, before and after it.

use serde_json::Value;

use super::snapshot::AuditSnapshot;

/// The state of the subject before and after a change. Never contains secrets.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuditChange {
    /// None if it was created.
    pub before: Option<Value>,
    /// None if it was deleted.
    pub after: Option<Value>,
    /// Further facts, such as the ID of the subject and the reason.
    pub detail: Value,
}

impl AuditChange {
    /// The subject was created.
    pub fn made(after: &impl AuditSnapshot) -> Self {
        Self {
            after: Some(after.snapshot()),
            ..Self::none()
        }
    }

    pub fn between(before: &impl AuditSnapshot, after: &impl AuditSnapshot) -> Self {
        Self {
            before: Some(before.snapshot()),
            ..Self::made(after)
        }
    }

    /// The subject was deleted.
    pub fn gone(before: &impl AuditSnapshot) -> Self {
        Self {
            before: Some(before.snapshot()),
            ..Self::none()
        }
    }

    /// Nothing changed, but the event is recorded.
    pub fn none() -> Self {
        Self {
            before: None,
            after: None,
            detail: Value::Object(serde_json::Map::new()),
        }
    }

    #[must_use]
    pub fn with(self, detail: Value) -> Self {
        Self { detail, ..self }
    }
}

//! The before and after of a change.

use serde_json::Value;

use super::snapshot::AuditSnapshot;

/// The state of a change's subject before and after it. Never a secret.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuditChange {
    /// None if the change created it.
    pub before: Option<Value>,
    /// None if the change removed it.
    pub after: Option<Value>,
    /// Further facts, such as the ID of the subject and the reason.
    pub detail: Value,
}

impl AuditChange {
    /// Something new.
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

    /// Something is gone.
    pub fn gone(before: &impl AuditSnapshot) -> Self {
        Self {
            before: Some(before.snapshot()),
            ..Self::none()
        }
    }

    /// Nothing changed, but it is worth knowing.
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

//! The audit log's words: who did what to whom.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use strum::{Display, EnumIter, IntoStaticStr};

use super::audit_snapshot::AuditSnapshot;
use super::ids::{InviteId, TenantId, TokenId};
use super::text::{Malformed, checked_text};

/// Who acts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Actor {
    Token {
        id: TokenId,
        name: String,
    },
    /// Somebody for whom the vendor's identity provider vouches.
    User {
        subject: String,
        name: Option<String>,
    },
    /// Somebody at the customer, who came by this invite.
    Invite {
        id: InviteId,
    },
    /// Somebody with access to the database, on the command line.
    Operator,
    /// Latchkey itself: a finished verification, for instance.
    System,
}

impl Actor {
    /// Who it is, without their name: what the audit log is filtered by.
    pub fn opaque(&self) -> String {
        match self {
            Self::Token { id, .. } => format!("token:{id}"),
            Self::User { subject, .. } => format!("user:{subject}"),
            Self::Invite { id } => format!("invite:{id}"),
            Self::Operator => "operator".to_owned(),
            Self::System => "system".to_owned(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Display, EnumIter, IntoStaticStr)]
pub enum AuditAction {
    #[strum(serialize = "tenant.created")]
    TenantCreated,
    #[strum(serialize = "tenant.changed")]
    TenantChanged,
    #[strum(serialize = "tenant.suspended")]
    TenantSuspended,
    #[strum(serialize = "tenant.resumed")]
    TenantResumed,
    #[strum(serialize = "tenant.offboarded")]
    TenantOffboarded,
    #[strum(serialize = "tenant.erased")]
    TenantErased,
    #[strum(serialize = "external_id.issued")]
    ExternalIdIssued,
    #[strum(serialize = "external_id.abandoned")]
    ExternalIdAbandoned,
    #[strum(serialize = "external_id.proven")]
    ExternalIdProven,
    #[strum(serialize = "external_id.ended")]
    ExternalIdEnded,
    #[strum(serialize = "external_id.retired")]
    ExternalIdRetired,
    #[strum(serialize = "storage_config.submitted")]
    StorageConfigSubmitted,
    #[strum(serialize = "storage_config.activated")]
    StorageConfigActivated,
    #[strum(serialize = "storage_config.released")]
    StorageConfigReleased,
    #[strum(serialize = "verification.requested")]
    VerificationRequested,
    #[strum(serialize = "verification.finished")]
    VerificationFinished,
    #[strum(serialize = "verification.superseded")]
    VerificationSuperseded,
    #[strum(serialize = "token.created")]
    TokenCreated,
    #[strum(serialize = "token.revoked")]
    TokenRevoked,
    #[strum(serialize = "token.narrowed")]
    TokenNarrowed,
    #[strum(serialize = "webhook.created")]
    WebhookCreated,
    #[strum(serialize = "webhook.deleted")]
    WebhookDeleted,
    #[strum(serialize = "webhook.secret_rotated")]
    WebhookSecretRotated,
    #[strum(serialize = "webhook.disabled")]
    WebhookDisabled,
    #[strum(serialize = "webhook.enabled")]
    WebhookEnabled,
    #[strum(serialize = "webhook.tested")]
    WebhookTested,
    #[strum(serialize = "webhook.resent")]
    WebhookResent,
    #[strum(serialize = "session.started")]
    SessionStarted,
    #[strum(serialize = "session.ended")]
    SessionEnded,
    #[strum(serialize = "request.refused")]
    RequestRefused,
    #[strum(serialize = "invite.created")]
    InviteCreated,
    #[strum(serialize = "invite.revoked")]
    InviteRevoked,
}

/// A new entry, written in the transaction of its change.
#[derive(Debug, Clone)]
pub struct AuditEvent {
    pub actor: Actor,
    pub action: AuditAction,
    pub tenant: Option<TenantId>,
    pub difference: AuditChange,
}

/// What a change amounts to: the state of its subject before and after it. Never a secret.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuditChange {
    /// None for what was made.
    pub before: Option<Value>,
    /// None for what is gone.
    pub after: Option<Value>,
    /// Further facts, such as the ID of the subject and the reason.
    pub detail: Value,
}

impl AuditChange {
    /// Something new.
    pub fn made(after: &impl AuditSnapshot) -> Self {
        Self {
            after: Some(after.recorded()),
            ..Self::none()
        }
    }

    pub fn between(before: &impl AuditSnapshot, after: &impl AuditSnapshot) -> Self {
        Self {
            before: Some(before.recorded()),
            ..Self::made(after)
        }
    }

    /// Something is gone.
    pub fn gone(before: &impl AuditSnapshot) -> Self {
        Self {
            before: Some(before.recorded()),
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

/// Why ops did something, for those who read of it later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditReason(String);

impl AuditReason {
    const LONGEST: usize = 500;

    /// # Errors
    /// `required` or `reason_too_long`.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let text = text.trim();
        if text.is_empty() {
            return Err(Malformed::new(
                "required",
                "a reason is needed: a sentence for those who read the audit log",
            ));
        }
        if text.chars().count() > Self::LONGEST {
            return Err(Malformed::new(
                "reason_too_long",
                format!("a reason has {} characters at most", Self::LONGEST),
            ));
        }
        Ok(Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

checked_text!(AuditReason, "Contract ended");

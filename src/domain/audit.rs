//! The audit log's words: who did what to whom.

use serde::Serialize;
use strum::{Display, IntoStaticStr};

use super::ids::{InviteId, TenantId, TokenId};
use super::text::{Malformed, checked_text};

/// Who acts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Actor {
    Token {
        id: TokenId,
        name: String,
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
    /// Who it is, without their name.
    pub fn opaque(&self) -> String {
        match self {
            Self::Token { id, .. } => format!("token:{id}"),
            Self::Invite { id } => format!("invite:{id}"),
            Self::Operator => "operator".to_owned(),
            Self::System => "system".to_owned(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Display, IntoStaticStr)]
pub enum Action {
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
    #[strum(serialize = "verification.requested")]
    VerificationRequested,
    #[strum(serialize = "verification.finished")]
    VerificationFinished,
    #[strum(serialize = "token.created")]
    TokenCreated,
    #[strum(serialize = "token.revoked")]
    TokenRevoked,
    #[strum(serialize = "request.refused")]
    RequestRefused,
    #[strum(serialize = "invite.created")]
    InviteCreated,
    #[strum(serialize = "invite.revoked")]
    InviteRevoked,
}

/// One entry to be written, in the transaction of the change that it tells of.
#[derive(Debug, Clone)]
pub struct Event {
    pub actor: Actor,
    pub action: Action,
    pub tenant: Option<TenantId>,
    /// What is worth keeping of the change; never a secret.
    pub detail: serde_json::Value,
}

/// Why ops did something, for those who read of it later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason(String);

impl Reason {
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

checked_text!(Reason, "Contract ended");

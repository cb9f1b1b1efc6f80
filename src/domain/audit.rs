//! The audit log's words: who did what to whom.

use serde::Serialize;
use strum::{Display, IntoStaticStr};

use super::ids::{InviteId, TenantId, TokenId};

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

#[derive(Debug, Clone, Copy, PartialEq, Eq, Display, IntoStaticStr)]
pub enum Action {
    #[strum(serialize = "tenant.created")]
    TenantCreated,
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

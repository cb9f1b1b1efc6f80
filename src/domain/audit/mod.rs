//! The audit log: who did what, to which tenant, and why.

mod action;
mod change;
mod entry;
mod reason;
mod snapshot;

use serde::{Deserialize, Serialize};

pub use action::{AuditAction, RecordedAction};
pub use change::AuditChange;
pub use entry::{AuditEntry, AuditEvent, AuditFilter};
pub use reason::AuditReason;
pub use snapshot::AuditSnapshot;

use super::ids::{ContactId, InviteId, InviteSessionId, TokenId};

/// Who made a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Actor {
    Token {
        id: TokenId,
        name: String,
    },
    /// A user of the vendor's identity provider.
    User {
        subject: String,
        name: Option<String>,
    },
    /// Someone at the customer, with this invite.
    Invite {
        id: InviteId,
        /// The API token with which a program of theirs did it. None if it was a browser.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        api_token: Option<InviteSessionId>,
    },
    /// A contact of a tenant, with the link in a mail.
    Contact {
        id: ContactId,
    },
    /// Someone with access to the database, on the command line.
    Operator,
    /// Latchkey itself, for instance when a verification finishes.
    System,
}

impl Actor {
    /// The actor without a name. The audit log is filtered by it.
    pub fn opaque(&self) -> String {
        match self {
            Self::Token { id, .. } => format!("token:{id}"),
            Self::User { subject, .. } => format!("user:{subject}"),
            Self::Invite { id, .. } => format!("invite:{id}"),
            Self::Contact { id } => format!("contact:{id}"),
            Self::Operator => "operator".to_owned(),
            Self::System => "system".to_owned(),
        }
    }
}

//! API representation of invites.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::ids::{InviteId, InviteSessionId};
use crate::domain::invite::{Invite, InvitePurpose, InviteSessionKind, InviteState, OpenedInvite};

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Invite)]
pub(crate) struct InviteView {
    pub id: InviteId,
    pub state: InviteState,
    pub purpose: InvitePurpose,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    /// Accurate to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
}

impl InviteView {
    pub(crate) fn of(invite: &Invite, now: DateTime<Utc>) -> Self {
        Self {
            id: invite.id,
            state: invite.state(now),
            purpose: invite.purpose,
            created_at: invite.created_at,
            expires_at: invite.expires_at,
            last_used_at: invite.last_used_at,
            revoked_at: invite.revoked_at,
        }
    }
}

/// A browser that opened an invite, or an API token that belongs to it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = InviteSession)]
pub(crate) struct InviteSessionView {
    pub id: InviteSessionId,
    pub kind: InviteSessionKind,
    /// The address that opened the link, or created the token in the form. Null for a token that was created with the invite, and once
    /// the tenant's personal data was erased.
    pub address: Option<String>,
    pub created_at: DateTime<Utc>,
    /// Accurate to the minute.
    pub last_used_at: DateTime<Utc>,
    /// When an operator ended it.
    pub ended_at: Option<DateTime<Utc>>,
}

impl From<OpenedInvite> for InviteSessionView {
    fn from(opened: OpenedInvite) -> Self {
        Self {
            id: opened.id,
            kind: opened.kind,
            address: opened.address,
            created_at: opened.created_at,
            last_used_at: opened.last_used_at,
            ended_at: opened.ended_at,
        }
    }
}

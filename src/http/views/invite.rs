//! API representation of invites.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::ids::InviteId;
use crate::domain::invite::{Invite, InviteState};

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Invite)]
pub(crate) struct InviteView {
    pub id: InviteId,
    pub state: InviteState,
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
            created_at: invite.created_at,
            expires_at: invite.expires_at,
            last_used_at: invite.last_used_at,
            revoked_at: invite.revoked_at,
        }
    }
}

//! Reads of invites.

use crate::domain::ids::{InviteId, TenantId};
use crate::domain::invite::{Invite, OpenedInvite};
use crate::service::Context;
use crate::store::{self, invite_sessions, invites};

pub async fn list(context: &Context, tenant: TenantId) -> store::Result<Vec<Invite>> {
    let mut db = context.pool.acquire().await?;
    invites::of_tenant(&mut db, tenant).await
}

/// The browser sessions of a tenant's invite, the last used first. None if the tenant has no such invite.
pub async fn sessions(context: &Context, tenant: TenantId, id: InviteId) -> store::Result<Option<Vec<OpenedInvite>>> {
    let mut db = context.pool.acquire().await?;
    match invites::find(&mut db, id).await? {
        Some(invite) if invite.tenant_id == tenant => Ok(Some(invite_sessions::of_invite(&mut db, id).await?)),
        _ => Ok(None),
    }
}

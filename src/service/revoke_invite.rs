//! Revoking an invite. Its link and its sessions stop working immediately.

use super::{Caller, Context, UnknownTenant};
use crate::domain::audit::{AuditAction, AuditChange};
use crate::domain::ids::{InviteId, TenantRef};
use crate::store::{self, invites};

#[derive(Debug, thiserror::Error)]
pub enum RevokeInviteError {
    #[error(transparent)]
    UnknownTenant(#[from] UnknownTenant),
    #[error("the tenant has no such invite")]
    UnknownInvite,
    #[error(transparent)]
    Store(#[from] store::StoreError),
}

/// Revokes an invite. Idempotent.
pub async fn revoke_invite(context: &Context, caller: &Caller, tenant: &TenantRef, id: InviteId) -> Result<(), RevokeInviteError> {
    let (mut db, tenant) = context.begin_for_tenant::<RevokeInviteError>(tenant).await?;
    let now = context.clock.now();
    let before = invites::lock(&mut db, tenant.id, id)
        .await?
        .ok_or(RevokeInviteError::UnknownInvite)?;
    if before.revoked_at.is_none() {
        let after = invites::revoke(&mut db, id, now).await?;
        let difference = AuditChange::between(&before, &after).with(serde_json::json!({"invite_id": id}));
        context
            .audit(&mut db, caller, AuditAction::InviteRevoked, Some(tenant.id), difference)
            .await?;
    }
    store::commit(db).await?;
    Ok(())
}

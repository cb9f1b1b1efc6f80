//! Ending the session of one browser that opened an invite, or revoking one of its API tokens.

use serde_json::json;

use super::{Caller, Context, UnknownTenant};
use crate::domain::audit::{AuditAction, AuditChange};
use crate::domain::ids::{InviteId, InviteSessionId, TenantRef};
use crate::store::{self, invite_sessions, invites};

#[derive(Debug, thiserror::Error)]
pub enum EndInviteSessionError {
    #[error(transparent)]
    UnknownTenant(#[from] UnknownTenant),
    #[error("the tenant has no such invite")]
    UnknownInvite,
    #[error("the invite has no such session")]
    UnknownSession,
    #[error(transparent)]
    Store(#[from] store::StoreError),
}

/// Ends a session. The link itself stays valid until the invite is revoked. Idempotent.
pub async fn end_invite_session(
    context: &Context,
    caller: &Caller,
    tenant: &TenantRef,
    invite: InviteId,
    id: InviteSessionId,
) -> Result<(), EndInviteSessionError> {
    let (mut db, tenant) = context.begin_for_tenant::<EndInviteSessionError>(tenant).await?;
    invites::lock(&mut db, tenant.id, invite)
        .await?
        .ok_or(EndInviteSessionError::UnknownInvite)?;
    let is_new = invite_sessions::end(&mut db, invite, id, context.clock.now())
        .await?
        .ok_or(EndInviteSessionError::UnknownSession)?;
    if is_new {
        let difference = AuditChange::made(&json!({"ended": true})).with(json!({"invite_id": invite, "invite_session_id": id}));
        context
            .audit(&mut db, caller, AuditAction::InviteSessionEnded, Some(tenant.id), difference)
            .await?;
    }
    store::commit(db).await?;
    Ok(())
}

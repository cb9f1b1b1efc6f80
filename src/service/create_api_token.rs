//! Creating an API token that belongs to an invite. Only the result contains the token.

use std::net::IpAddr;

use serde_json::json;
use sqlx::PgConnection;

use super::{Caller, Context, UnknownTenant};
use crate::domain::audit::{AuditAction, AuditChange};
use crate::domain::customer_token::CustomerToken;
use crate::domain::ids::{InviteId, TenantRef};
use crate::domain::invite::{Invite, InviteSessionKind, InviteState, OpenedInvite};
use crate::domain::tenant::TenantStatus;
use crate::store::{self, invite_sessions, invites};

#[derive(Debug, thiserror::Error)]
pub enum CreateApiTokenError {
    #[error(transparent)]
    UnknownTenant(#[from] UnknownTenant),
    #[error("the tenant has no such invite")]
    UnknownInvite,
    #[error("the tenant is offboarded")]
    Offboarded,
    /// The invite was revoked or has expired.
    #[error("the invite is no longer valid")]
    InviteEnded(InviteState),
    #[error(transparent)]
    Store(#[from] store::StoreError),
}

/// Creates a token for the customer who has opened this invite.
pub async fn create_api_token(
    context: &Context,
    caller: &Caller,
    tenant: &TenantRef,
    invite: InviteId,
) -> Result<CustomerToken, CreateApiTokenError> {
    let (mut db, tenant) = context.begin_for_tenant::<CreateApiTokenError>(tenant).await?;
    if tenant.status() == TenantStatus::Offboarded {
        return Err(CreateApiTokenError::Offboarded);
    }
    let invite = invites::lock(&mut db, tenant.id, invite)
        .await?
        .ok_or(CreateApiTokenError::UnknownInvite)?;
    let state = invite.state(context.clock.now());
    if state != InviteState::Open {
        return Err(CreateApiTokenError::InviteEnded(state));
    }
    let token = issue(context, &mut db, caller, &invite, caller.address).await?;
    store::commit(db).await?;
    Ok(token)
}

/// The same in a transaction that has locked the invite, or has just created it. `address` is the customer's.
pub(super) async fn issue(
    context: &Context,
    db: &mut PgConnection,
    caller: &Caller,
    invite: &Invite,
    address: Option<IpAddr>,
) -> store::Result<CustomerToken> {
    let now = context.clock.now();
    let token = CustomerToken::from_random(context.clock.random());
    let session = OpenedInvite {
        id: context.clock.uuid().into(),
        invite_id: invite.id,
        kind: InviteSessionKind::ApiToken,
        address: address.map(|address| address.to_string()),
        created_at: now,
        last_used_at: now,
        ended_at: None,
    };
    invite_sessions::insert(db, &session, &token.hash()).await?;
    let made = AuditChange::none().with(json!({"invite_id": invite.id, "invite_session_id": session.id}));
    context
        .audit(db, caller, AuditAction::InviteApiTokenCreated, Some(invite.tenant_id), made)
        .await?;
    Ok(token)
}

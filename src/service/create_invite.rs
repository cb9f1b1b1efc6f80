//! Creating an invite to the form. Only the result contains the link and the API token.

use chrono::TimeDelta;
use sqlx::PgConnection;

use super::{Caller, Context, UnknownTenant, create_api_token};
use crate::domain::audit::{AuditAction, AuditChange};
use crate::domain::customer_token::CustomerToken;
use crate::domain::ids::TenantRef;
use crate::domain::invite::{Invite, InvitePurpose, InviteToken, LIFETIME};
use crate::domain::tenant::{Tenant, TenantStatus};
use crate::store::{self, invites};

#[derive(Debug, thiserror::Error)]
pub enum CreateInviteError {
    #[error(transparent)]
    UnknownTenant(#[from] UnknownTenant),
    #[error("the tenant is offboarded")]
    Offboarded,
    #[error(transparent)]
    Store(#[from] store::StoreError),
}

/// What is requested of an invite.
#[derive(Debug, Clone, Copy, Default)]
pub struct NewInvite {
    pub lifetime: Option<TimeDelta>,
    /// By default, onboarding if the tenant has no active version, and a change otherwise.
    pub purpose: Option<InvitePurpose>,
    /// Whether programs of the customer get a token as well.
    pub api_token: bool,
}

/// A new invite with its secrets.
#[derive(Debug)]
pub struct CreatedInvite {
    pub invite: Invite,
    pub token: InviteToken,
    pub api_token: Option<CustomerToken>,
}

/// Creates an invite.
pub async fn create_invite(
    context: &Context,
    caller: &Caller,
    tenant: &TenantRef,
    new: NewInvite,
) -> Result<CreatedInvite, CreateInviteError> {
    let (mut db, tenant) = context.begin_for_tenant::<CreateInviteError>(tenant).await?;
    if tenant.status() == TenantStatus::Offboarded {
        return Err(CreateInviteError::Offboarded);
    }
    let (invite, token) = issue(context, &mut db, caller, &tenant, new.lifetime, new.purpose).await?;
    let api_token = if new.api_token {
        Some(create_api_token::issue(context, &mut db, caller, &invite, None).await?)
    } else {
        None
    };
    store::commit(db).await?;
    Ok(CreatedInvite { invite, token, api_token })
}

/// Only the invite, in a transaction that has locked the tenant.
pub(super) async fn issue(
    context: &Context,
    db: &mut PgConnection,
    caller: &Caller,
    tenant: &Tenant,
    lifetime: Option<TimeDelta>,
    purpose: Option<InvitePurpose>,
) -> store::Result<(Invite, InviteToken)> {
    let now = context.clock.now();
    let token = InviteToken::from_random(context.clock.random());
    let invite = Invite {
        id: context.clock.uuid().into(),
        tenant_id: tenant.id,
        purpose: purpose.unwrap_or(match tenant.facts.active {
            None => InvitePurpose::Onboarding,
            Some(_) => InvitePurpose::Change,
        }),
        created_at: now,
        expires_at: now + lifetime.unwrap_or(LIFETIME),
        last_used_at: None,
        revoked_at: None,
    };
    invites::insert(db, &invite, &token.hash()).await?;
    let made = AuditChange::made(&invite).with(serde_json::json!({"invite_id": invite.id}));
    context.audit(db, caller, AuditAction::InviteCreated, Some(tenant.id), made).await?;
    Ok((invite, token))
}

//! Coming in by an invite: by its link at first, by the session that the link was traded for after that.

use super::{Caller, Context};
use crate::domain::audit::Actor;
use crate::domain::ids::TenantRef;
use crate::domain::invite::{Invite, InviteState, InviteToken, Session};
use crate::domain::tenant::{Tenant, TenantStatus};
use crate::store::{self, invites, tenants};

/// Somebody who came in by an invite.
#[derive(Debug, Clone)]
pub struct Visit {
    pub tenant: Tenant,
    pub invite: Invite,
    pub session: Session,
}

/// Why nobody came in.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no such invite")]
    Unknown,
    #[error("the invite has expired")]
    Expired,
    #[error("the invite was revoked")]
    Revoked,
    #[error("the tenant is offboarded")]
    Offboarded,
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Trades a link's token for its session.
pub async fn open_invite(context: &Context, token: &InviteToken) -> Result<Visit, Error> {
    let mut db = context.pool.acquire().await.map_err(store::Error::from)?;
    let invite = invites::of_token(&mut db, &token.hash()).await?.ok_or(Error::Unknown)?;
    drop(db);
    visit(context, invite, token.session()).await
}

/// Whose session this is. It is as good as its invite is now.
pub async fn resume(context: &Context, session: Session) -> Result<Visit, Error> {
    let mut db = context.pool.acquire().await.map_err(store::Error::from)?;
    let invite = invites::of_session(&mut db, &session.hash()).await?.ok_or(Error::Unknown)?;
    drop(db);
    visit(context, invite, session).await
}

async fn visit(context: &Context, invite: Invite, session: Session) -> Result<Visit, Error> {
    let now = context.clock.now();
    let mut db = context.pool.acquire().await.map_err(store::Error::from)?;
    let tenant = tenants::find(&mut db, &TenantRef::Id(invite.tenant_id))
        .await?
        .ok_or_else(|| store::Error::inconsistent("invites", invite.id, "its tenant is missing"))?;
    if tenant.status() == TenantStatus::Offboarded {
        return Err(Error::Offboarded);
    }
    match invite.state(now) {
        InviteState::Revoked => return Err(Error::Revoked),
        InviteState::Expired => return Err(Error::Expired),
        InviteState::Open => {}
    }
    invites::touch(&mut db, invite.id, now).await?;
    Ok(Visit { tenant, invite, session })
}

impl Visit {
    /// On whose behalf a visitor acts.
    pub fn caller(&self, request_id: Option<String>) -> Caller {
        Caller {
            request_id,
            ..Caller::new(Actor::Invite { id: self.invite.id })
        }
    }
}

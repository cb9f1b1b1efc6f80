//! Coming in by an invite: by its link at first, by the session that the link was traded for after that.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;

use super::{Caller, Context, explain_removal};
use crate::domain::audit::Actor;
use crate::domain::ids::TenantRef;
use crate::domain::invite::{Invite, InviteState, InviteToken};
use crate::domain::templates::removal::Removal;
use crate::domain::tenant::Tenant;
use crate::domain::web_session::WebSession;
use crate::store::{self, invites, tenants};

/// How long after offboarding a link still shows the removal steps.
const REMOVAL_SHOWN: TimeDelta = TimeDelta::days(90);

/// Somebody who came in by an invite.
#[derive(Debug, Clone)]
pub struct InviteSession {
    pub tenant: Tenant,
    pub invite: Invite,
    pub session: WebSession,
}

/// What is left to say to somebody whose invite was good until all was over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedInvite {
    /// Its name.
    pub tenant: String,
    pub removal: Removal,
}

/// Why nobody came in.
#[derive(Debug, thiserror::Error)]
pub enum OpenInviteError {
    #[error("there is no such invite")]
    Unknown,
    #[error("the invite has expired")]
    Expired,
    #[error("the invite was revoked")]
    Revoked,
    #[error("the tenant is offboarded")]
    Offboarded(Option<Box<EndedInvite>>),
    #[error(transparent)]
    Store(#[from] store::StoreError),
}

/// Trades a link's token for its session.
pub async fn open_invite(context: &Context, token: &InviteToken) -> Result<InviteSession, OpenInviteError> {
    let mut db = context.pool.acquire().await.map_err(store::StoreError::from)?;
    let invite = invites::of_token(&mut db, &token.hash()).await?.ok_or(OpenInviteError::Unknown)?;
    drop(db);
    visit(context, invite, token.session()).await
}

/// Whose session this is. It is as good as its invite is now.
pub async fn resume(context: &Context, session: WebSession) -> Result<InviteSession, OpenInviteError> {
    let mut db = context.pool.acquire().await.map_err(store::StoreError::from)?;
    let invite = invites::of_session(&mut db, &session.hash())
        .await?
        .ok_or(OpenInviteError::Unknown)?;
    drop(db);
    visit(context, invite, session).await
}

async fn visit(context: &Context, invite: Invite, session: WebSession) -> Result<InviteSession, OpenInviteError> {
    let now = context.clock.now();
    let mut db = context.pool.acquire().await.map_err(store::StoreError::from)?;
    let tenant = tenants::find(&mut db, &TenantRef::Id(invite.tenant_id))
        .await?
        .ok_or_else(|| store::StoreError::inconsistent("invites", invite.id, "its tenant is missing"))?;
    match (invite.state(now), tenant.facts.offboarded_at) {
        (_, Some(at)) if was_open(&invite, at) => Err(OpenInviteError::Offboarded(if now - at < REMOVAL_SHOWN {
            Some(Box::new(ended(context, &mut db, &tenant).await?))
        } else {
            None
        })),
        (InviteState::Revoked, _) => Err(OpenInviteError::Revoked),
        (InviteState::Expired, _) => Err(OpenInviteError::Expired),
        (InviteState::Open, _) => {
            invites::touch(&mut db, invite.id, now).await?;
            Ok(InviteSession { tenant, invite, session })
        }
    }
}

/// Whether it was the tenant's end that ended the invite.
fn was_open(invite: &Invite, offboarded_at: DateTime<Utc>) -> bool {
    invite.expires_at > offboarded_at && invite.revoked_at.is_none_or(|at| at >= offboarded_at)
}

async fn ended(context: &Context, db: &mut PgConnection, tenant: &Tenant) -> store::Result<EndedInvite> {
    Ok(EndedInvite {
        tenant: tenant.name.to_string(),
        removal: explain_removal::of_tenant(context, db, tenant).await?,
    })
}

impl InviteSession {
    /// On whose behalf a visitor acts.
    pub fn caller(&self) -> Caller {
        Caller::new(Actor::Invite { id: self.invite.id })
    }
}

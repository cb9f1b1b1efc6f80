//! Opening an invite: first by its link, afterwards by the session that the link was exchanged for.

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

/// A visitor with a valid invite.
#[derive(Debug, Clone)]
pub(crate) struct InviteSession {
    pub tenant: Tenant,
    pub invite: Invite,
    pub session: WebSession,
}

/// What to show a visitor whose invite was valid until the tenant was offboarded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EndedInvite {
    /// The tenant's name.
    pub tenant: String,
    pub removal: Removal,
}

/// Why an invite cannot be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenInviteError {
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

/// Exchanges a link's token for a session.
pub(crate) async fn open_invite(context: &Context, token: &InviteToken) -> Result<InviteSession, OpenInviteError> {
    let mut db = store::acquire(&context.pool).await?;
    let invite = invites::find_by_token(&mut db, &token.hash())
        .await?
        .ok_or(OpenInviteError::Unknown)?;
    drop(db);
    visit(context, invite, token.session()).await
}

/// Finds the session's invite, and checks that it is still valid.
pub(crate) async fn resume(context: &Context, session: WebSession) -> Result<InviteSession, OpenInviteError> {
    let mut db = store::acquire(&context.pool).await?;
    let invite = invites::find_by_session(&mut db, &session.hash())
        .await?
        .ok_or(OpenInviteError::Unknown)?;
    drop(db);
    visit(context, invite, session).await
}

async fn visit(context: &Context, invite: Invite, session: WebSession) -> Result<InviteSession, OpenInviteError> {
    let now = context.clock.now();
    let mut db = store::acquire(&context.pool).await?;
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
            store::unless_changes_are_refused(invites::touch(&mut db, invite.id, now).await)?;
            Ok(InviteSession { tenant, invite, session })
        }
    }
}

/// Whether the invite was valid until the tenant was offboarded.
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
    /// The caller that this visitor acts as.
    pub(crate) fn caller(&self) -> Caller {
        Caller::new(Actor::Invite { id: self.invite.id })
    }
}

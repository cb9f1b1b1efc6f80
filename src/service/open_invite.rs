//! Opening an invite: first by its link, afterwards by the session that the browser got for it, or by an API token.

use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;

use super::{Caller, Context, explain_removal};
use crate::domain::audit::Actor;
use crate::domain::customer_token::CustomerToken;
use crate::domain::ids::{InviteSessionId, TenantRef};
use crate::domain::invite::{Invite, InviteSessionKind, InviteState, InviteToken, OpenedInvite};
use crate::domain::templates::removal::Removal;
use crate::domain::tenant::Tenant;
use crate::domain::token::TokenHash;
use crate::domain::web_session::WebSession;
use crate::store::{self, campaigns, invite_sessions, invites, reverifications, tenants};

/// How long after offboarding a link still shows the removal steps.
const REMOVAL_SHOWN: TimeDelta = TimeDelta::days(90);

/// A visitor with a valid invite.
#[derive(Debug, Clone)]
pub(crate) struct InviteSession {
    pub tenant: Tenant,
    pub invite: Invite,
    pub session: WebSession,
}

/// A program with a valid API token.
#[derive(Debug, Clone)]
pub(crate) struct TokenSession {
    pub tenant: Tenant,
    pub invite: Invite,
    pub id: InviteSessionId,
}

/// What a browser that has a session was used for.
#[derive(Debug, Clone)]
pub(crate) struct OpenedBefore {
    pub tenant: Tenant,
    pub invite: Invite,
    /// The session was ended. The invite's link still works.
    pub is_ended: bool,
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
    #[error("the session was ended")]
    SessionEnded,
    #[error("the tenant is offboarded")]
    Offboarded(Option<Box<EndedInvite>>),
    #[error(transparent)]
    Store(#[from] store::StoreError),
}

/// The tenant that a link is for, without opening it.
pub(crate) async fn look_up(context: &Context, token: &InviteToken) -> Result<(Tenant, Invite), OpenInviteError> {
    let mut db = store::acquire(&context.pool).await?;
    let invite = invites::find_by_token(&mut db, &token.hash())
        .await?
        .ok_or(OpenInviteError::Unknown)?;
    let tenant = open_tenant(context, &mut db, &invite).await?;
    Ok((tenant, invite))
}

/// Opens a link in a browser, which gets a session of its own.
pub(crate) async fn open_invite(context: &Context, token: &InviteToken, address: IpAddr) -> Result<InviteSession, OpenInviteError> {
    let mut db = store::begin(&context.pool).await?;
    let invite = invites::find_by_token(&mut db, &token.hash())
        .await?
        .ok_or(OpenInviteError::Unknown)?;
    // One browser after the other, so that the number of sessions is bounded.
    let invite = invites::lock(&mut db, invite.tenant_id, invite.id)
        .await?
        .ok_or(OpenInviteError::Unknown)?;
    let tenant = open_tenant(context, &mut db, &invite).await?;
    let now = context.clock.now();
    let session = WebSession::from_random(context.clock.random());
    let opened = OpenedInvite {
        id: context.clock.uuid().into(),
        invite_id: invite.id,
        kind: InviteSessionKind::Browser,
        address: Some(address.to_string()),
        created_at: now,
        last_used_at: now,
        ended_at: None,
    };
    invite_sessions::insert(&mut db, &opened, &session.hash()).await?;
    invites::touch(&mut db, invite.id, now).await?;
    campaigns::set_opened(&mut db, tenant.id, invite.id, now).await?;
    // The customer may have fixed what was missing.
    reverifications::retry(&mut db, tenant.id, now).await?;
    store::commit(db).await?;
    Ok(InviteSession { tenant, invite, session })
}

/// What the session's browser was used for, if the invite can still be used.
pub(crate) async fn opened_before(context: &Context, session: &WebSession) -> Result<OpenedBefore, OpenInviteError> {
    let mut db = store::acquire(&context.pool).await?;
    let (opened, invite, tenant) = find_opened(context, &mut db, InviteSessionKind::Browser, &session.hash()).await?;
    Ok(OpenedBefore {
        tenant,
        invite,
        is_ended: opened.ended_at.is_some(),
    })
}

/// Finds the session's invite, and checks that both are still valid.
pub(crate) async fn resume(context: &Context, session: WebSession) -> Result<InviteSession, OpenInviteError> {
    let mut db = store::acquire(&context.pool).await?;
    let (_, invite, tenant) = visit(context, &mut db, InviteSessionKind::Browser, &session.hash()).await?;
    Ok(InviteSession { tenant, invite, session })
}

/// Finds the token's invite, and checks that both are still valid.
pub(crate) async fn resume_with_token(context: &Context, token: &CustomerToken) -> Result<TokenSession, OpenInviteError> {
    let mut db = store::acquire(&context.pool).await?;
    let (opened, invite, tenant) = visit(context, &mut db, InviteSessionKind::ApiToken, &token.hash()).await?;
    Ok(TokenSession {
        tenant,
        invite,
        id: opened.id,
    })
}

/// A session that was not ended, with its invite, which is open. Records the visit.
async fn visit(
    context: &Context,
    db: &mut PgConnection,
    kind: InviteSessionKind,
    hash: &TokenHash,
) -> Result<(OpenedInvite, Invite, Tenant), OpenInviteError> {
    let (opened, invite, tenant) = find_opened(context, db, kind, hash).await?;
    if opened.ended_at.is_some() {
        return Err(OpenInviteError::SessionEnded);
    }
    let now = context.clock.now();
    if opened.is_visit_due(now) {
        store::unless_changes_are_refused(invites::touch(db, invite.id, now).await)?;
        store::unless_changes_are_refused(invite_sessions::touch(db, opened.id, now).await)?;
    }
    Ok((opened, invite, tenant))
}

/// The session, even if it was ended, with its invite, which is open.
async fn find_opened(
    context: &Context,
    db: &mut PgConnection,
    kind: InviteSessionKind,
    hash: &TokenHash,
) -> Result<(OpenedInvite, Invite, Tenant), OpenInviteError> {
    let opened = invite_sessions::find(db, kind, hash).await?.ok_or(OpenInviteError::Unknown)?;
    let invite = invites::find(db, opened.invite_id)
        .await?
        .ok_or_else(|| store::StoreError::inconsistent("invite_sessions", opened.id, "its invite is missing"))?;
    let tenant = open_tenant(context, db, &invite).await;
    // The end of the connection says where the storage is, which a session that was ended before must not learn.
    match tenant {
        Err(OpenInviteError::Offboarded(_)) if opened.ended_at.is_some() => Err(OpenInviteError::SessionEnded),
        tenant => Ok((opened, invite, tenant?)),
    }
}

/// The invite's tenant, if the invite is open.
async fn open_tenant(context: &Context, db: &mut PgConnection, invite: &Invite) -> Result<Tenant, OpenInviteError> {
    let now = context.clock.now();
    let tenant = tenants::find(db, &TenantRef::Id(invite.tenant_id))
        .await?
        .ok_or_else(|| store::StoreError::inconsistent("invites", invite.id, "its tenant is missing"))?;
    match (invite.state(now), tenant.facts.offboarded_at) {
        (_, Some(at)) if was_open(invite, at) => Err(OpenInviteError::Offboarded(if now - at < REMOVAL_SHOWN {
            Some(Box::new(ended(context, db, &tenant).await?))
        } else {
            None
        })),
        (InviteState::Revoked, _) => Err(OpenInviteError::Revoked),
        (InviteState::Expired, _) => Err(OpenInviteError::Expired),
        (InviteState::Open, _) => Ok(tenant),
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
    /// Whether the visitor may submit storage.
    pub(crate) fn may_submit(&self) -> bool {
        self.invite.purpose.allows_submission(&self.tenant)
    }

    /// The caller that this visitor acts as.
    pub(crate) fn caller(&self) -> Caller {
        Caller::new(Actor::Invite {
            id: self.invite.id,
            api_token: None,
        })
    }
}

impl TokenSession {
    /// Whether the program may submit storage.
    pub(crate) fn may_submit(&self) -> bool {
        self.invite.purpose.allows_submission(&self.tenant)
    }

    /// The actor that this program acts as.
    pub(crate) fn actor(&self) -> Actor {
        Actor::Invite {
            id: self.invite.id,
            api_token: Some(self.id),
        }
    }
}

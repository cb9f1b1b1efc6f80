//! Signing in to the dashboard: exchanges a token for a session, which is valid as long as the token is.

use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Caller, Context};
use crate::domain::audit::{AuditAction, AuditChange};
use crate::domain::identity::Identity;
use crate::domain::ids::SessionId;
use crate::domain::token::{Permission, Token, TokenHash};
use crate::domain::web_session::WebSession;
use crate::store::{self, sessions, tokens};

/// A session expires after this time without use.
const IDLE: TimeDelta = TimeDelta::hours(1);
/// The maximum lifetime of a session.
pub const LONGEST: TimeDelta = TimeDelta::hours(12);

#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    #[error("the token is unknown, expired or revoked")]
    Unknown,
    #[error("the token's role cannot use the dashboard")]
    OtherRole,
    #[error(transparent)]
    Store(#[from] store::StoreError),
}

/// A signed-in user.
#[derive(Debug, Clone)]
pub struct SignedIn {
    pub id: SessionId,
    pub session: WebSession,
    pub token: Token,
}

/// Starts a session. Only the result contains its secret.
pub async fn sign_in(context: &Context, (request_id, address): (Option<String>, IpAddr), text: &str) -> Result<SignedIn, SignInError> {
    let now = context.clock.now();
    let mut db = store::begin(&context.pool).await?;
    let found = tokens::find_valid(&mut db, &TokenHash::of(text.trim()), now).await?;
    let token = found.ok_or(SignInError::Unknown)?;
    if !token.role.may(Permission::ReadTenants) {
        return Err(SignInError::OtherRole);
    }
    tokens::touch(&mut db, token.id, now).await?;
    let session = WebSession::from_random(context.clock.random());
    let new = sessions::NewSession {
        id: context.clock.uuid().into(),
        token: token.id,
        hash: session.hash(),
        created_at: now,
        expires_at: ends(&token, now),
    };
    let caller = Caller {
        request_id,
        address: Some(address),
        ..Caller::new(Identity::from(token.clone()).actor)
    };
    sessions::insert(&mut db, &new).await?;
    let detail = serde_json::json!({"session_id": new.id, "role": token.role, "expires_at": new.expires_at});
    let started = AuditChange::none().with(detail);
    context.audit(&mut db, &caller, AuditAction::SessionStarted, None, started).await?;
    store::commit(db).await?;
    Ok(SignedIn {
        id: new.id,
        session,
        token,
    })
}

fn ends(token: &Token, now: DateTime<Utc>) -> DateTime<Utc> {
    let latest = now + LONGEST;
    token.expires_at.map_or(latest, |expires| expires.min(latest))
}

/// The session, if it and its token are still valid.
pub async fn resume(context: &Context, session: WebSession) -> store::Result<Option<SignedIn>> {
    let now = context.clock.now();
    let mut db = context.pool.acquire().await?;
    let Some((id, token)) = sessions::find_valid(&mut db, &session.hash(), now, now - IDLE).await? else {
        return Ok(None);
    };
    store::unless_changes_are_refused(sessions::touch(&mut db, id, now).await)?;
    Ok(Some(SignedIn { id, session, token }))
}

pub async fn sign_out(context: &Context, caller: &Caller, id: SessionId) -> store::Result<()> {
    let mut db = store::begin(&context.pool).await?;
    if sessions::delete(&mut db, id).await? {
        let ended = AuditChange::none().with(serde_json::json!({"session_id": id}));
        context.audit(&mut db, caller, AuditAction::SessionEnded, None, ended).await?;
    }
    store::commit(db).await?;
    Ok(())
}

/// Deletes expired sessions.
pub async fn sweep(context: &Context) -> store::Result<()> {
    let mut db = context.pool.acquire().await?;
    sessions::sweep(&mut db, context.clock.now()).await
}

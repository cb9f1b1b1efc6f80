//! What ends the AWS sessions that were handed out for a tenant.

use chrono::{DateTime, Utc};

use super::Context;
use crate::domain::identity::Identity;
use crate::domain::templates::session_revocation::SessionRevocation;
use crate::domain::tenant::Tenant;
use crate::domain::token::Token;
use crate::store::{self, issuances, storage_configs};

/// The sessions of a tenant that are still valid, and how to end them.
#[derive(Debug)]
pub(crate) struct LiveSessions {
    /// None when no session is still valid.
    pub(crate) valid_until: Option<DateTime<Utc>>,
    /// One policy for each role that sessions may have been made with.
    pub(crate) revocations: Vec<SessionRevocation>,
}

/// When the last of the sessions that were handed out for this tenant expires.
pub(crate) async fn sessions_valid_until(context: &Context, tenant: &Tenant) -> store::Result<Option<DateTime<Utc>>> {
    let mut db = context.pool.acquire().await?;
    issuances::tenant_sessions_end(&mut db, tenant.id, context.clock.now()).await
}

/// When the last of the sessions that were handed out to this token expires.
pub(crate) async fn token_sessions_valid_until(context: &Context, token: &Token) -> store::Result<Option<DateTime<Utc>>> {
    let mut db = context.pool.acquire().await?;
    let actor = Identity::from(token.clone()).actor;
    issuances::actor_sessions_end(&mut db, &actor, context.clock.now()).await
}

pub(crate) async fn live_sessions(context: &Context, tenant: &Tenant) -> store::Result<LiveSessions> {
    let mut db = context.pool.acquire().await?;
    let now = context.clock.now();
    let mut revocations = Vec::new();
    for config in storage_configs::different(&mut db, tenant.id).await? {
        let revocation = match config.storage.access.client_role() {
            Some(role) => Some(SessionRevocation::of_client_role(role, now)),
            None => (context.vendor.direct_role.as_ref()).map(|role| SessionRevocation::of_direct_role(role, tenant, now)),
        };
        if let Some(revocation) = revocation
            && !revocations.contains(&revocation)
        {
            revocations.push(revocation);
        }
    }
    Ok(LiveSessions {
        valid_until: issuances::tenant_sessions_end(&mut db, tenant.id, now).await?,
        revocations,
    })
}

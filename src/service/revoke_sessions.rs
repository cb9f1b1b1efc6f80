//! What ends the AWS sessions that were handed out, and until when they can last.
//!
//! A process that cannot reach the database does not hear of a suspension or a revocation. It makes new sessions for as long as
//! `LATCHKEY_CREDENTIALS_STALE_FOR` allows. So the end of a tenant's or a token's sessions is later than what is recorded.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::{Caller, Context, UnknownTenant};
use crate::domain::audit::{AuditAction, AuditChange};
use crate::domain::check::FaultSide;
use crate::domain::identity::Identity;
use crate::domain::ids::{TenantRef, TokenId};
use crate::domain::templates::session_revocation::SessionRevocation;
use crate::domain::tenant::Tenant;
use crate::domain::token::{Permission, Token};
use crate::store::{self, active_configs, issuances, storage_configs, tenants, tokens};

/// How far the clocks of AWS and of processes may differ.
const CLOCK_SKEW: TimeDelta = TimeDelta::minutes(5);
/// The longest session: the maximum with role chaining.
const LONGEST_SESSION: TimeDelta = TimeDelta::hours(1);

/// The sessions of a tenant or a token that are still valid, and how to end them.
#[derive(Debug)]
pub(crate) struct LiveSessions {
    /// None when no session is still valid.
    pub(crate) valid_until: Option<DateTime<Utc>>,
    /// One policy for each role that sessions may have been made with.
    pub(crate) revocations: Vec<SessionRevocation>,
}

#[derive(Debug, thiserror::Error)]
pub enum RevokeSessionsError {
    #[error(transparent)]
    UnknownTenant(#[from] UnknownTenant),
    #[error(transparent)]
    Store(#[from] store::StoreError),
}

/// When processes have stopped to make sessions, whether they heard that they must, or not.
fn last_made(context: &Context, stopped_at: DateTime<Utc>) -> DateTime<Utc> {
    let stale_for = TimeDelta::from_std(context.credentials_stale_for).unwrap_or(TimeDelta::MAX / 2);
    stopped_at + stale_for + CLOCK_SKEW
}

/// When sessions that were made after this time, unheard, have expired. None if that time has passed.
fn unheard_until(context: &Context, stopped_at: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    let until = last_made(context, stopped_at?) + LONGEST_SESSION;
    (until > context.clock.now()).then_some(until)
}

/// When the tenant's credentials were stopped by an operator.
fn stopped_at(tenant: &Tenant) -> Option<DateTime<Utc>> {
    tenant.facts.suspended_at.or(tenant.facts.offboarded_at)
}

/// When the last of the sessions that were handed out for this tenant expires, at the latest.
pub(crate) async fn sessions_valid_until(context: &Context, tenant: &Tenant) -> store::Result<Option<DateTime<Utc>>> {
    let mut db = context.pool.acquire().await?;
    let recorded = issuances::tenant_sessions_end(&mut db, tenant.id, context.clock.now()).await?;
    let unheard = match unheard_until(context, stopped_at(tenant)) {
        Some(until) if active_configs::was_ever_verified(&mut db, tenant.id).await? => Some(until),
        _ => None,
    };
    Ok(recorded.max(unheard))
}

/// When the last of the sessions that were handed out to this token expires, at the latest.
pub(crate) async fn token_sessions_valid_until(context: &Context, token: &Token) -> store::Result<Option<DateTime<Utc>>> {
    let mut db = context.pool.acquire().await?;
    let identity = Identity::from(token.clone());
    let recorded = issuances::actor_sessions_end(&mut db, &identity.actor, context.clock.now()).await?;
    let unheard = unheard_until(context, token.revoked_at).filter(|_| identity.may(Permission::ReadStorage));
    Ok(recorded.max(unheard))
}

/// The sessions of a tenant. The policies deny those that exist, and for a tenant that was stopped also those that a process makes which
/// has not heard of it.
pub(crate) async fn live_sessions(context: &Context, tenant: &Tenant) -> store::Result<LiveSessions> {
    let now = context.clock.now();
    let is_stopped = stopped_at(tenant).is_some();
    let mut revocations = Vec::new();
    let mut db = context.pool.acquire().await?;
    let revoked_at = tenants::sessions_revoked_at(&mut db, tenant.id).await?;
    let by_time = match revoked_at {
        _ if is_stopped => last_made(context, now),
        // Those that were made since are wanted. Earlier ones have expired if this was long ago.
        Some(at) if now - at < LONGEST_SESSION => at,
        _ => now,
    };
    for config in storage_configs::different(&mut db, tenant.id).await? {
        let revocation = match (config.storage.access.client_role(), &context.vendor.direct_role) {
            (Some(role), _) => Some(SessionRevocation::of_client_role(role, tenant.id, by_time)),
            (None, Some(role)) => Some(SessionRevocation::of_direct_role(role, tenant, (!is_stopped).then_some(by_time))),
            (None, None) => None,
        };
        if let Some(revocation) = revocation
            && !revocations.contains(&revocation)
        {
            revocations.push(revocation);
        }
    }
    drop(db);
    Ok(LiveSessions {
        valid_until: sessions_valid_until(context, tenant).await?,
        revocations,
    })
}

/// The sessions of a token. The policies deny them by their name, so that other callers are not affected. None if there is no such token.
pub(crate) async fn token_sessions(context: &Context, id: TokenId) -> store::Result<Option<LiveSessions>> {
    let mut db = context.pool.acquire().await?;
    let Some(token) = tokens::find(&mut db, id).await? else {
        return Ok(None);
    };
    let identity = Identity::from(token.clone());
    let caller = identity.caller_tag();
    let ours = context.vendor.direct_role.iter();
    let mut revocations: Vec<_> = ours
        .map(|role| SessionRevocation::of_caller(FaultSide::Vendor, role, None, caller))
        .collect();
    for tenant in issuances::tenants_of_actor(&mut db, &identity.actor, context.clock.now()).await? {
        for config in storage_configs::different(&mut db, tenant).await? {
            if let Some(role) = config.storage.access.client_role() {
                let revocation = SessionRevocation::of_caller(FaultSide::Customer, role, Some(tenant), caller);
                if !revocations.contains(&revocation) {
                    revocations.push(revocation);
                }
            }
        }
    }
    drop(db);
    Ok(Some(LiveSessions {
        valid_until: token_sessions_valid_until(context, &token).await?,
        revocations,
    }))
}

/// Stops handing out the tenant's present sessions, so that policies can deny them while the tenant stays active: services get new ones.
/// An offboarded tenant has none to replace.
pub async fn revoke_sessions(context: &Context, caller: &Caller, tenant: &TenantRef) -> Result<Tenant, RevokeSessionsError> {
    let (mut db, tenant) = context.begin_for_tenant::<RevokeSessionsError>(tenant).await?;
    if tenant.facts.offboarded_at.is_some() {
        return Ok(tenant);
    }
    let now = context.clock.now();
    tenants::revoke_sessions(&mut db, tenant.id, now).await?;
    let facts = AuditChange::none().with(json!({"sessions_revoked_at": now}));
    let action = AuditAction::TenantSessionsRevoked;
    context.audit(&mut db, caller, action, Some(tenant.id), facts).await?;
    store::commit(db).await?;
    Ok(tenant)
}

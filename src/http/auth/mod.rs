//! Authentication and authorization. Handlers declare what they require by one of these extractors.

mod credential;

use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::{FromRequestParts, MatchedPath};
use axum::http::HeaderMap;
use axum::http::request::Parts;

use super::AppState;
use crate::domain::idempotency::IdempotencyClaim;
use crate::domain::identity::Identity;
use crate::domain::ids::TenantId;
use crate::domain::token::{Permission, Role};
use crate::http::conventions::problem::{Problem, ProblemKind};
use crate::http::conventions::request_id::RequestId;
use crate::service::{Caller, refusals};

use credential::Credential;
pub(crate) use credential::{identify, proxy_jwt};

/// What an extractor requires of its caller, as a type: a handler's signature says who may call it.
pub(crate) trait Requirement: Send {
    const PERMISSION: Permission;
}

/// May read everything under `/v1`.
#[derive(Debug)]
pub(crate) enum Reader {}

/// May change everything under `/v1` except tokens.
#[derive(Debug)]
pub(crate) enum Operator {}

/// May also create and revoke tokens, and erase personal data.
#[derive(Debug)]
pub(crate) enum Administrator {}

impl Requirement for Reader {
    const PERMISSION: Permission = Permission::ReadTenants;
}

impl Requirement for Operator {
    const PERMISSION: Permission = Permission::ManageTenants;
}

impl Requirement for Administrator {
    const PERMISSION: Permission = Permission::ManageTokens;
}

/// A caller of the API who meets a requirement.
pub(crate) struct Authorized<R>(pub Caller, pub PhantomData<R>);

/// May read the storage configs of the tenants that its token covers.
pub(crate) struct StorageReader(Arc<Identity>);

impl StorageReader {
    /// The reader, if memory alone can tell and it may read: for the fast path, which works while the database is unavailable.
    pub(crate) fn from_memory(headers: &HeaderMap, state: &AppState) -> Option<Self> {
        Self::cached(state, &credential::of(headers, state).ok()?)
    }

    fn cached(state: &AppState, shown: &Credential) -> Option<Self> {
        credential::cached(state, shown)
            .filter(|identity| identity.may(Permission::ReadStorage))
            .map(Self)
    }

    /// The same reader as of now, after a wait.
    ///
    /// # Errors
    /// 401 when the credential has been revoked or has expired since.
    pub(crate) fn again(headers: &HeaderMap, state: &AppState) -> Result<Self, Problem> {
        Self::from_memory(headers, state).ok_or_else(credential::unknown)
    }

    pub(crate) fn identity(&self) -> &Identity {
        &self.0
    }

    pub(crate) fn covers(&self, tenant: TenantId) -> bool {
        self.0.covers(tenant)
    }
}

impl<R: Requirement> FromRequestParts<AppState> for Authorized<R> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let identity = identity(parts, state).await?;
        let caller = demand(state, &identity, R::PERMISSION, parts).await?;
        Ok(Self(caller, PhantomData))
    }
}

impl FromRequestParts<AppState> for StorageReader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let shown = credential::of(&parts.headers, state)?;
        match Self::cached(state, &shown) {
            Some(reader) => Ok(reader),
            // Boxed because it is large and rarely used: it must not become part of every request's future.
            None => Box::pin(storage_reader(parts, state, &shown)).await,
        }
    }
}

async fn storage_reader(parts: &Parts, state: &AppState, shown: &Credential) -> Result<StorageReader, Problem> {
    let identity = match credential::cached(state, shown) {
        Some(identity) => identity,
        None => credential::identify_uncached(state, shown).await?,
    };
    demand(state, &identity, Permission::ReadStorage, parts).await?;
    Ok(StorageReader(identity))
}

/// The identity of the request's sender, determined once per request.
pub(crate) async fn identity(parts: &mut Parts, state: &AppState) -> Result<Arc<Identity>, Problem> {
    if let Some(identity) = parts.extensions.get::<Arc<Identity>>() {
        return Ok(identity.clone());
    }
    let identity = identify(state, &credential::of(&parts.headers, state)?).await?;
    parts.extensions.insert(identity.clone());
    Ok(identity)
}

/// The caller that a request of this identity acts for.
pub(crate) fn caller(state: &AppState, identity: &Identity, parts: &Parts) -> Caller {
    Caller {
        request_id: parts.extensions.get::<RequestId>().map(ToString::to_string),
        address: Some(state.client(&parts.extensions, &parts.headers)),
        claim: parts.extensions.get::<IdempotencyClaim>().copied(),
        ..Caller::new(identity.actor.clone())
    }
}

/// The caller, if the identity has this permission. Denied attempts to change something are logged.
pub(crate) async fn demand(state: &AppState, identity: &Identity, right: Permission, parts: &Parts) -> Result<Caller, Problem> {
    let caller = caller(state, identity, parts);
    if identity.may(right) {
        return Ok(caller);
    }
    if matches!(right, Permission::ManageTenants | Permission::ManageTokens) {
        let route = parts.extensions.get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str);
        let refused = Caller { claim: None, ..caller };
        refusals::record(&state.context, &refused, parts.method.as_str(), route, identity.role).await?;
    }
    let roles: Vec<String> = [Role::Viewer, Role::Ops, Role::Service, Role::Admin]
        .into_iter()
        .filter(|role| role.may(right))
        .map(|role| role.to_string())
        .collect();
    let detail = format!("This requires the role {}; yours is {}.", roles.join(" or "), identity.role);
    Err(Problem::new(ProblemKind::Forbidden, detail))
}

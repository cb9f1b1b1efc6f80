//! Who calls, by a bearer token, and whether they may.

use std::sync::Arc;

use axum::extract::{FromRequestParts, MatchedPath};
use axum::http::header;
use axum::http::request::Parts;
use secrecy::{ExposeSecret, SecretString};

use super::State;
use super::problem::{Kind, Problem};
use super::request::RequestId;
use crate::directory::Key;
use crate::domain::idempotency::Claim;
use crate::domain::ids::TenantId;
use crate::domain::token::{Right, Role, Token, TokenHash};
use crate::service::{Caller, authenticate};

/// May read what `/v1` shows.
pub struct Reader;

/// May change what `/v1` shows.
pub struct Operator(pub Caller);

/// May make and revoke tokens.
pub struct Administrator(pub Caller);

/// May read the storage of the tenants that its token covers.
pub struct StorageReader(Arc<Key>);

impl StorageReader {
    pub fn covers(&self, tenant: TenantId) -> bool {
        self.0.token.covers(tenant)
    }
}

impl FromRequestParts<State> for Reader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Problem> {
        authorize(parts, state, Right::ReadTenants).await.map(|_| Self)
    }
}

impl FromRequestParts<State> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Problem> {
        authorize(parts, state, Right::ManageTenants).await.map(|(_, caller)| Self(caller))
    }
}

impl FromRequestParts<State> for Administrator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Problem> {
        authorize(parts, state, Right::ManageTokens).await.map(|(_, caller)| Self(caller))
    }
}

impl FromRequestParts<State> for StorageReader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Problem> {
        // From memory: this is asked for millions of times a day, and while the database is away too.
        let text = bearer(parts)?;
        if let Some(key) = state.directory.key(&TokenHash::of(text.expose_secret()))
            && key.token.role.may(Right::ReadStorage)
        {
            return Ok(Self(key));
        }
        // One that was made a moment ago, or one that is refused.
        let token = authorize(parts, state, Right::ReadStorage).await?.0;
        Ok(Self(Arc::new(Key::new(token))))
    }
}

async fn authorize(parts: &mut Parts, state: &State, right: Right) -> Result<(Token, Caller), Problem> {
    let token = authenticate(parts, state).await?;
    let mut caller = Caller {
        request_id: parts.extensions.get::<RequestId>().map(ToString::to_string),
        ..Caller::new(token.actor())
    };
    if !token.role.may(right) {
        let route = parts.extensions.get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str);
        if matches!(right, Right::ManageTenants | Right::ManageTokens) {
            authenticate::note_refusal(&state.context, &caller, parts.method.as_str(), route, token.role).await?;
        }
        let roles: Vec<String> = [Role::Viewer, Role::Ops, Role::Service, Role::Admin]
            .into_iter()
            .filter(|role| role.may(right))
            .map(|role| role.to_string())
            .collect();
        return Err(Problem::new(
            Kind::Forbidden,
            format!(
                "This needs a token of the role {}; yours has the role {}.",
                roles.join(" or "),
                token.role
            ),
        ));
    }
    caller.claim = parts.extensions.get::<Claim>().copied();
    Ok((token, caller))
}

/// The token that the request carries.
fn bearer(parts: &Parts) -> Result<SecretString, Problem> {
    let missing = || Problem::new(Kind::Unauthenticated, "Send a token as Authorization: Bearer lk_…");
    let header = parts.headers.get(header::AUTHORIZATION).ok_or_else(missing)?;
    let (scheme, token) = header.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(missing)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(missing());
    }
    Ok(SecretString::from(token.trim()))
}

/// Whose token the request carries: found once for each request.
pub async fn authenticate(parts: &mut Parts, state: &State) -> Result<Token, Problem> {
    if let Some(token) = parts.extensions.get::<Token>() {
        return Ok(token.clone());
    }
    let token = authenticate::recognise(&state.context, &bearer(parts)?)
        .await?
        .ok_or_else(|| Problem::new(Kind::Unauthenticated, "This token is unknown, expired or revoked."))?;
    parts.extensions.insert(token.clone());
    Ok(token)
}

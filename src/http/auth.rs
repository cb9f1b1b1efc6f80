//! Who calls, by a bearer token, and whether they may.

use axum::extract::{FromRequestParts, MatchedPath};
use axum::http::header;
use axum::http::request::Parts;
use secrecy::SecretString;

use super::State;
use super::problem::{Kind, Problem};
use super::request::RequestId;
use crate::domain::token::{Right, Role, Token};
use crate::service::{Caller, authenticate};

/// May read what `/v1` shows.
pub struct Reader;

/// May change what `/v1` shows.
pub struct Operator(pub Caller);

/// May make and revoke tokens.
pub struct Administrator(pub Caller);

/// May read tenants' storage.
pub struct StorageReader;

impl FromRequestParts<State> for Reader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Problem> {
        authorize(parts, state, Right::ReadTenants).await.map(|_| Self)
    }
}

impl FromRequestParts<State> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Problem> {
        authorize(parts, state, Right::ManageTenants).await.map(Self)
    }
}

impl FromRequestParts<State> for Administrator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Problem> {
        authorize(parts, state, Right::ManageTokens).await.map(Self)
    }
}

impl FromRequestParts<State> for StorageReader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Problem> {
        authorize(parts, state, Right::ReadStorage).await.map(|_| Self)
    }
}

async fn authorize(parts: &mut Parts, state: &State, right: Right) -> Result<Caller, Problem> {
    let token = authenticate(parts, state).await?;
    let caller = Caller {
        actor: token.actor(),
        request_id: parts.extensions.get::<RequestId>().map(ToString::to_string),
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
    Ok(caller)
}

async fn authenticate(parts: &Parts, state: &State) -> Result<Token, Problem> {
    let missing = || Problem::new(Kind::Unauthenticated, "Send a token as Authorization: Bearer lk_…");
    let header = parts.headers.get(header::AUTHORIZATION).ok_or_else(missing)?;
    let (scheme, token) = header.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(missing)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(missing());
    }
    authenticate::recognise(&state.context, &SecretString::from(token.trim()))
        .await?
        .ok_or_else(|| Problem::new(Kind::Unauthenticated, "This token is unknown, expired or revoked."))
}

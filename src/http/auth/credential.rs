//! What a request shows to say who sent it, and who that is.

use std::sync::Arc;

use axum::http::header;
use axum::http::request::Parts;
use secrecy::SecretString;

use crate::domain::identity::Identity;
use crate::http::State;
use crate::http::problem::{Kind, Problem};
use crate::service::authenticate;

/// What the request shows.
pub fn of(parts: &Parts, _state: &State) -> Result<SecretString, Problem> {
    let missing = || Problem::new(Kind::Unauthenticated, "Send a token as Authorization: Bearer lk_…");
    let header = parts.headers.get(header::AUTHORIZATION).ok_or_else(missing)?;
    let (scheme, token) = header.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(missing)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(missing());
    }
    Ok(SecretString::from(token.trim()))
}

/// Whose token this is.
pub async fn identify(state: &State, shown: &SecretString) -> Result<Arc<Identity>, Problem> {
    let identity = authenticate::recognise(&state.context, shown).await?;
    identity
        .map(Arc::new)
        .ok_or_else(|| Problem::new(Kind::Unauthenticated, "This token is unknown, expired or revoked."))
}

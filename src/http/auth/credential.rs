//! The credential of a request, and the identity that it belongs to.

use std::sync::Arc;

use axum::http::{HeaderMap, header};
use secrecy::{ExposeSecret, SecretString};

use crate::domain::identity::Identity;
use crate::domain::token::{PREFIX, TokenHash};
use crate::http::AppState;
use crate::http::conventions::problem::{Problem, ProblemKind};
use crate::identity_provider::{InvalidJwt, JwtSource};
use crate::service::tokens;

/// What a request shows to prove who sends it.
#[derive(Debug)]
pub(crate) struct Credential {
    /// An API token or a JWT.
    text: SecretString,
    source: JwtSource,
}

/// The credential, from the `Authorization` header or from the header of an identity-aware proxy.
pub(crate) fn of(headers: &HeaderMap, state: &AppState) -> Result<Credential, Problem> {
    let missing = || {
        let and_jwts = if state.identity_provider.is_some() {
            " or a JWT from the identity provider"
        } else {
            ""
        };
        let detail = format!("Send an API token{and_jwts} in the header `Authorization: Bearer {PREFIX}…`.");
        Problem::new(ProblemKind::Unauthenticated, detail)
    };
    if let Some(header) = headers.get(header::AUTHORIZATION) {
        let (scheme, token) = header.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(missing)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(missing());
        }
        return Ok(Credential {
            text: SecretString::from(token.trim()),
            source: JwtSource::Client,
        });
    }
    proxy_jwt(headers, state).ok_or_else(missing)
}

/// The JWT in the header that is configured for an identity-aware proxy.
pub(crate) fn proxy_jwt(headers: &HeaderMap, state: &AppState) -> Option<Credential> {
    let name = state.identity_provider.as_ref()?.settings().header.as_ref()?;
    let jwt = headers.get(name)?.to_str().ok()?.trim();
    (!jwt.is_empty()).then(|| Credential {
        text: SecretString::from(jwt),
        source: JwtSource::Proxy,
    })
}

/// The identity of a token or JWT, if memory alone can tell.
pub(crate) fn cached(state: &AppState, shown: &Credential) -> Option<Arc<Identity>> {
    let hash = TokenHash::of(shown.text.expose_secret());
    if is_token(shown) {
        state.read_model.identity(&hash)
    } else {
        state.identity_provider.as_ref()?.cached(&hash, shown.source)
    }
}

/// The identity of a token or JWT. Tokens are looked up every time, so that revocation takes effect at once.
///
/// # Errors
/// 401 with the reason; 403 when the identity provider gives no role; 503 when the identity cannot be determined now.
pub(crate) async fn identify(state: &AppState, shown: &Credential) -> Result<Arc<Identity>, Problem> {
    if is_token(shown) {
        let identity = tokens::identify(&state.context, &shown.text).await?;
        return identity.map(Arc::new).ok_or_else(unknown);
    }
    let Some(provider) = &state.identity_provider else {
        let detail = format!(
            "This is not an API token: those start with {PREFIX}. JWTs are not accepted, because no identity provider is configured."
        );
        return Err(Problem::new(ProblemKind::Unauthenticated, detail));
    };
    Ok(provider.identify(&shown.text, shown.source).await?)
}

/// The identity of a credential that memory does not know yet. An unknown token was either created a moment ago or is
/// invalid. The database is not queried for each one, since anybody could cause such queries.
///
/// # Errors
/// As `identify`.
pub(crate) async fn identify_uncached(state: &AppState, shown: &Credential) -> Result<Arc<Identity>, Problem> {
    if !is_token(shown) {
        return identify(state, shown).await;
    }
    state.read_model.caught_up().await?;
    cached(state, shown).ok_or_else(unknown)
}

pub(super) fn unknown() -> Problem {
    Problem::new(ProblemKind::Unauthenticated, "The token is unknown, expired or revoked.")
}

fn is_token(shown: &Credential) -> bool {
    shown.text.expose_secret().starts_with(PREFIX)
}

impl From<InvalidJwt> for Problem {
    fn from(refused: InvalidJwt) -> Self {
        let kind = match refused {
            InvalidJwt::Broken(_) => ProblemKind::Unauthenticated,
            InvalidJwt::NoRole { .. } | InvalidJwt::ServiceNotAccepted | InvalidJwt::NoTenants { .. } => ProblemKind::Forbidden,
            InvalidJwt::Unavailable { .. } => ProblemKind::Unavailable,
        };
        let problem = Self::new(kind, refused.to_string());
        match refused {
            InvalidJwt::Unavailable { wait } => problem.retry_after(u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1)),
            _ => problem,
        }
    }
}

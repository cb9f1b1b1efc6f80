//! Who is signed in to the dashboard, and what they may do.

use std::marker::PhantomData;

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use serde::de::DeserializeOwned;

use crate::domain::audit::Actor;
use crate::domain::identity::Identity;
use crate::domain::ids::SessionId;
use crate::domain::token::{Permission, Role};
use crate::domain::web_session::WebSession;
use crate::http::AppState;
use crate::http::auth::{self, Requirement};
use crate::http::conventions::problem::{Problem, ProblemKind};
use crate::http::web_ui::cookies::Secret;
use crate::http::web_ui::csrf::{self, CsrfForm, UnreadableForm};
use crate::service::Caller;
use crate::service::sign_in::{self, SignedIn};

pub(crate) const COOKIE: Secret = Secret {
    secure_name: "__Host-latchkey-dashboard",
    loopback_name: "latchkey-dashboard",
};

/// A signed-in user.
#[derive(Debug, Clone)]
pub(crate) struct DashboardSession {
    pub identity: Identity,
    pub caller: Caller,
    entrance: SignInMethod,
}

/// How the user signed in.
#[derive(Debug, Clone)]
enum SignInMethod {
    /// With a token, which was exchanged for a session.
    Session { id: SessionId, session: WebSession },
    /// Through an identity-aware proxy, which sends a JWT with every request.
    Proxy,
}

impl DashboardSession {
    /// The user's display name.
    pub(crate) fn name(&self) -> &str {
        match &self.identity.actor {
            Actor::Token { name, .. } | Actor::User { name: Some(name), .. } => name,
            Actor::User { subject, .. } => subject,
            Actor::Invite { .. } | Actor::Contact { .. } | Actor::Operator | Actor::System => "",
        }
    }

    pub(crate) fn role(&self) -> Role {
        self.identity.role
    }

    pub(crate) fn may_manage(&self) -> bool {
        self.identity.may(Permission::ManageTenants)
    }

    pub(crate) fn may_manage_tokens(&self) -> bool {
        self.identity.may(Permission::ManageTokens)
    }

    /// None when there is no session to sign out of.
    pub(crate) fn session_id(&self) -> Option<SessionId> {
        match &self.entrance {
            SignInMethod::Session { id, .. } => Some(*id),
            SignInMethod::Proxy => None,
        }
    }

    fn session(&self) -> WebSession {
        match &self.entrance {
            SignInMethod::Session { session, .. } => session.clone(),
            // Not a secret: it only distinguishes one user's pages from another's.
            SignInMethod::Proxy => WebSession::derived("latchkey dashboard by proxy", &self.identity.actor.opaque()),
        }
    }

    pub(crate) fn form_token(&self) -> String {
        self.session().form_token()
    }
}

/// A signed-in user who meets a requirement.
pub(crate) struct DashboardUser<R>(pub DashboardSession, pub PhantomData<R>);

impl<R: Requirement> FromRequestParts<AppState> for DashboardUser<R> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let session = demand(parts, state, R::PERMISSION).await?;
        Ok(Self(session, PhantomData))
    }
}

/// The signed-in user, if they have this permission.
async fn demand(parts: &Parts, state: &AppState, right: Permission) -> Result<DashboardSession, Problem> {
    let signed_out = || Problem::new(ProblemKind::Unauthenticated, "You are signed out.");
    let session = find(parts, state).await?.ok_or_else(signed_out)?;
    auth::demand(state, &session.identity, right, parts).await?;
    Ok(session)
}

/// The user, from the session cookie or the proxy's JWT.
///
/// # Errors
/// 403 when the identity provider gives the user no role; 503 when the identity cannot be determined now.
pub(crate) async fn find(parts: &Parts, state: &AppState) -> Result<Option<DashboardSession>, Problem> {
    let of = |identity: Identity, entrance| DashboardSession {
        caller: auth::caller(state, &identity, parts),
        identity,
        entrance,
    };
    if let Some(value) = COOKIE.read(&parts.headers, is_secure(&parts.headers))
        && let Some(SignedIn { id, session, token }) = sign_in::resume(&state.context, WebSession::from_text(&value)).await?
    {
        return Ok(Some(of(token.into(), SignInMethod::Session { id, session })));
    }
    let Some(jwt) = auth::proxy_jwt(&parts.headers, state) else {
        return Ok(None);
    };
    match auth::identify(state, &jwt).await {
        Ok(identity) => Ok(Some(of(Identity::clone(&identity), SignInMethod::Proxy))),
        // The JWT is invalid or expired. The user can still sign in with a token.
        Err(problem) if problem.kind() == ProblemKind::Unauthenticated => Ok(None),
        Err(problem) => Err(problem),
    }
}

/// Whether cookies must be limited to https: true unless the browser addresses a loopback host.
pub(crate) fn is_secure(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    let is_loopback = name == "localhost" || name.ends_with(".localhost") || address.is_ok_and(|address| address.is_loopback());
    !is_loopback
}

/// A submitted form whose token belongs to the session of a user who meets a requirement.
pub(crate) struct Posted<R, T> {
    pub session: DashboardSession,
    pub form: T,
    requirement: PhantomData<R>,
}

impl<R: Requirement, T: DeserializeOwned> FromRequest<AppState> for Posted<R, T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let session = demand(&parts, state, R::PERMISSION).await?;
        // The proxy authenticates whatever the browser sends. So the browser must send a header that the CSRF layer has
        // checked.
        let says = [header::ORIGIN.as_str(), "sec-fetch-site"]
            .iter()
            .any(|name| parts.headers.contains_key(*name));
        if session.session_id().is_none() && !says {
            return Err(Problem::new(ProblemKind::Forbidden, csrf::OTHER_SITE));
        }
        let CsrfForm { form_token, form } = read(Request::from_parts(parts, body), state).await?;
        if !session.session().is_form_token(&form_token) {
            return Err(Problem::new(ProblemKind::Forbidden, csrf::OTHER_SESSION));
        }
        Ok(Self {
            session,
            form,
            requirement: PhantomData,
        })
    }
}

/// Reads a submitted form without checking who sent it.
pub(crate) async fn read<T: DeserializeOwned>(request: Request, state: &AppState) -> Result<CsrfForm<T>, Problem> {
    csrf::read(request, state).await.map_err(|unread| match unread {
        UnreadableForm::TooLarge => Problem::new(ProblemKind::TooLarge, "The form must not exceed 64 KiB."),
        UnreadableForm::Malformed => Problem::new(
            ProblemKind::Unreadable,
            "The request did not match the form. Reload the page and try again.",
        ),
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("localhost:8081", false)]
    #[case("127.0.0.1:8081", false)]
    #[case("[::1]:8081", false)]
    #[case("ops.localhost", false)]
    #[case("latchkey.internal", true)]
    #[case("10.0.0.7:8081", true)]
    #[case("localhost.evil.example:80", true)]
    #[case("", true)]
    fn cookies_are_secure_except_on_loopback(#[case] host: &str, #[case] secure: bool) {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        assert_eq!(is_secure(&headers), secure);
    }
}

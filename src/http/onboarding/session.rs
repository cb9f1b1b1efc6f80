//! A customer's session: the cookie that an invite link is exchanged for.

use std::net::IpAddr;
use std::ops::Deref;

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::rejection::Rejection;
use crate::domain::web_session::WebSession;
use crate::http::AppState;
use crate::http::conventions::extract::record_tenant;
use crate::http::conventions::request_id::RequestId;
use crate::http::web_ui::cookies::Secret;
use crate::http::web_ui::csrf::{self, CsrfForm, UnreadableForm};
use crate::service::Caller;
use crate::service::open_invite::{InviteSession, OpenInviteError, OpenedBefore, opened_before, resume};

const COOKIE: Secret = Secret {
    secure_name: "__Host-latchkey-onboard",
    loopback_name: "latchkey-onboard",
};

/// A session with a valid invite.
pub(crate) struct OnboardSession {
    visit: InviteSession,
    request_id: Option<String>,
    address: IpAddr,
}

impl Deref for OnboardSession {
    type Target = InviteSession;

    fn deref(&self) -> &InviteSession {
        &self.visit
    }
}

impl OnboardSession {
    pub(crate) fn caller(&self) -> Caller {
        Caller {
            request_id: self.request_id.clone(),
            address: Some(self.address),
            ..self.visit.caller()
        }
    }
}

impl FromRequestParts<AppState> for OnboardSession {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Rejection> {
        let secure = state.onboarding.web.is_secure();
        let value = COOKIE.read(&parts.headers, secure).ok_or(Rejection::NoSession)?;
        let visit = resume(&state.context, WebSession::from_text(&value))
            .await
            .map_err(|error| match error {
                OpenInviteError::Unknown => Rejection::NoSession,
                other => other.into(),
            })?;
        record_tenant(visit.tenant.id);
        state.limits.invite(visit.invite.id)?;
        Ok(Self {
            visit,
            request_id: parts.extensions.get::<RequestId>().map(ToString::to_string),
            address: state.client(&parts.extensions, &parts.headers),
        })
    }
}

/// What the browser was used for, even if its session was ended. None if its invite can no longer be used.
pub(super) async fn current(state: &AppState, headers: &HeaderMap) -> Result<Option<OpenedBefore>, Rejection> {
    let Some(value) = COOKIE.read(headers, state.onboarding.web.is_secure()) else {
        return Ok(None);
    };
    match opened_before(&state.context, &WebSession::from_text(&value)).await {
        Ok(opened) => Ok(Some(opened)),
        Err(OpenInviteError::Store(error)) => Err(error.into()),
        Err(_) => Ok(None),
    }
}

/// A submitted form whose CSRF token belongs to this session.
pub(crate) struct Posted<T> {
    pub session: OnboardSession,
    pub form: T,
}

impl<T: DeserializeOwned> FromRequest<AppState> for Posted<T> {
    type Rejection = Rejection;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Rejection> {
        let (mut parts, body) = request.into_parts();
        let session = OnboardSession::from_request_parts(&mut parts, state).await?;
        let read = csrf::read(Request::from_parts(parts, body), state).await;
        let CsrfForm { form_token, form } = read.map_err(|unread| match unread {
            UnreadableForm::TooLarge => Rejection::TooLarge,
            UnreadableForm::Malformed => Rejection::Unreadable,
        })?;
        if !session.session.is_form_token(&form_token) {
            return Err(Rejection::StaleForm);
        }
        Ok(Self { session, form })
    }
}

/// The session cookie. It expires with the invite.
pub(crate) fn cookie(state: &AppState, visit: &InviteSession) -> String {
    let lifetime = visit.invite.expires_at - state.context.clock.now();
    COOKIE.set(visit.session.expose(), lifetime, state.onboarding.web.is_secure())
}

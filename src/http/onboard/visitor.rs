//! Who is on the form's pages: a tenant's people, by the cookie that their link was traded for.

use std::net::IpAddr;
use std::ops::Deref;

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::refusal::Refusal;
use crate::domain::session::Session;
use crate::http::State;
use crate::http::request::{RequestId, note_tenant};
use crate::http::site::cookies::Secret;
use crate::http::site::csrf::{self, Envelope, Unread};
use crate::service::Caller;
use crate::service::open_invite::{Visit, resume};

const COOKIE: Secret = Secret {
    secure_name: "__Host-latchkey-onboard",
    loopback_name: "latchkey-onboard",
};

/// Somebody of a tenant.
pub struct Visitor {
    visit: Visit,
    request_id: Option<String>,
    address: IpAddr,
}

impl Deref for Visitor {
    type Target = Visit;

    fn deref(&self) -> &Visit {
        &self.visit
    }
}

impl Visitor {
    pub fn caller(&self) -> Caller {
        Caller {
            request_id: self.request_id.clone(),
            address: Some(self.address),
            ..self.visit.caller()
        }
    }
}

impl FromRequestParts<State> for Visitor {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Refusal> {
        let secure = state.desk.front.is_secure();
        let value = COOKIE.read(&parts.headers, secure).ok_or(Refusal::NoSession)?;
        let visit = resume(&state.context, Session::from_text(&value)).await?;
        note_tenant(visit.tenant.id);
        state.desk.limits.invite(visit.invite.id)?;
        Ok(Self {
            visit,
            request_id: parts.extensions.get::<RequestId>().map(ToString::to_string),
            address: state.client(&parts.extensions, &parts.headers),
        })
    }
}

/// What a form of ours sent, by somebody of a tenant: the form came from a page of the same session.
pub struct Posted<T> {
    pub visitor: Visitor,
    pub form: T,
}

impl<T: DeserializeOwned> FromRequest<State> for Posted<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &State) -> Result<Self, Refusal> {
        let (mut parts, body) = request.into_parts();
        let visitor = Visitor::from_request_parts(&mut parts, state).await?;
        let read = csrf::read(Request::from_parts(parts, body), state).await;
        let Envelope { form_token, form } = read.map_err(|unread| match unread {
            Unread::TooLarge => Refusal::TooLarge,
            Unread::Malformed => Refusal::Unreadable,
        })?;
        if !visitor.session.is_form_token(&form_token) {
            return Err(Refusal::StaleForm);
        }
        Ok(Self { visitor, form })
    }
}

/// The cookie that a visit's link is traded for. It ends with the invite.
pub fn cookie(state: &State, visit: &Visit) -> String {
    let lifetime = visit.invite.expires_at - state.context.clock.now();
    COOKIE.set(visit.session.expose(), lifetime, state.desk.front.is_secure())
}

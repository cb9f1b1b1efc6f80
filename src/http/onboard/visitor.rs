//! Who is on the form's pages: a tenant's people, by the cookie that their link was traded for.

use std::net::IpAddr;
use std::ops::Deref;

use axum::extract::rejection::FormRejection;
use axum::extract::{Form, FromRequest, FromRequestParts, Request};
use axum::http::header;
use axum::http::request::Parts;
use cookie::{Cookie, SameSite};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::refusal::Refusal;
use crate::domain::invite::Session;
use crate::http::State;
use crate::http::request::{RequestId, note_tenant};
use crate::service::Caller;
use crate::service::open_invite::{Visit, resume};

/// With the prefix, no other host of the same site can set or overlay it; browsers then want it secure, and for all paths.
/// <https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Set-Cookie#cookie_prefixes>
const SECURE_COOKIE: &str = "__Host-latchkey-onboard";
const LOOPBACK_COOKIE: &str = "latchkey-onboard";

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
        let name = cookie_name(state);
        let value = parts
            .headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|text| Cookie::split_parse(text.to_owned()))
            .filter_map(Result::ok)
            .find_map(|cookie| (cookie.name() == name).then(|| cookie.value().to_owned()))
            .ok_or(Refusal::NoSession)?;
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

#[derive(Deserialize)]
struct Envelope<T> {
    #[serde(default)]
    form_token: String,
    #[serde(flatten)]
    form: T,
}

impl<T: DeserializeOwned> FromRequest<State> for Posted<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &State) -> Result<Self, Refusal> {
        let (mut parts, body) = request.into_parts();
        let visitor = Visitor::from_request_parts(&mut parts, state).await?;
        let read = Form::<Envelope<T>>::from_request(Request::from_parts(parts, body), state).await;
        let Form(envelope) = read.map_err(|rejection| match rejection {
            FormRejection::BytesRejection(rejection) if rejection.status() == axum::http::StatusCode::PAYLOAD_TOO_LARGE => {
                Refusal::TooLarge
            }
            _ => Refusal::Unreadable,
        })?;
        if !visitor.session.is_form_token(&envelope.form_token) {
            return Err(Refusal::StaleForm);
        }
        Ok(Self {
            visitor,
            form: envelope.form,
        })
    }
}

fn cookie_name(state: &State) -> &'static str {
    if state.desk.front.is_secure() {
        SECURE_COOKIE
    } else {
        LOOPBACK_COOKIE
    }
}

/// The cookie that a visit's link is traded for. It ends with the invite.
pub fn cookie(state: &State, visit: &Visit) -> String {
    let lifetime = visit.invite.expires_at - state.context.clock.now();
    Cookie::build((cookie_name(state), visit.session.expose().to_owned()))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(state.desk.front.is_secure())
        .max_age(cookie::time::Duration::seconds(lifetime.num_seconds()))
        .build()
        .to_string()
}

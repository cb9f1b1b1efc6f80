//! Secrets that are shown once: invite links, tokens, webhook secrets. A short-lived cookie carries the secret from the
//! form's response to the next page, which deletes the cookie. So the secret is never in a URL or in the database, and
//! reloading the page neither shows it again nor creates another one.

use axum::http::{HeaderMap, HeaderName, header};
use axum::response::{IntoResponse, Redirect, Response};
use chrono::TimeDelta;
use uuid::Uuid;

use crate::http::dashboard::shared::session::is_secure;
use crate::http::web_ui::cookies::Secret;

const COOKIE: Secret = Secret {
    secure_name: "__Host-latchkey-once",
    loopback_name: "latchkey-once",
};

/// Enough for a redirect.
const LIFETIME: TimeDelta = TimeDelta::minutes(1);

/// Redirects to the page that shows the secret of this object.
pub(crate) fn redirect_with(headers: &HeaderMap, id: Uuid, secret: &str, path: &str) -> Response {
    let value = format!("{id}.{secret}");
    let cookie = [(header::SET_COOKIE, COOKIE.set(&value, LIFETIME, is_secure(headers)))];
    (cookie, Redirect::to(path)).into_response()
}

/// The secret of this object, if it was not shown yet.
pub(crate) fn take(headers: &HeaderMap, id: Uuid) -> Option<String> {
    let value = COOKIE.read(headers, is_secure(headers))?;
    let (of, secret) = value.split_once('.')?;
    (Uuid::try_parse(of) == Ok(id)).then(|| secret.to_owned())
}

/// Deletes the cookie.
pub(crate) fn forget(headers: &HeaderMap) -> [(HeaderName, String); 1] {
    [(header::SET_COOKIE, COOKIE.set("", TimeDelta::zero(), is_secure(headers)))]
}

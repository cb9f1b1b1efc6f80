//! What is shown once: a link, a token, a secret. It goes from the answer to a form to the page after it in a cookie of the
//! browser that it is meant for, which that page takes away again. So it is in no address and in no database, and a page that
//! is reloaded neither shows it nor creates another one.

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

/// Long enough for a redirect.
const LIFETIME: TimeDelta = TimeDelta::minutes(1);

/// Sends the browser on to the page that shows the secret of that thing.
pub fn hand_over(headers: &HeaderMap, id: Uuid, secret: &str, path: &str) -> Response {
    let value = format!("{id}.{secret}");
    let cookie = [(header::SET_COOKIE, COOKIE.set(&value, LIFETIME, is_secure(headers)))];
    (cookie, Redirect::to(path)).into_response()
}

/// The secret of that thing, if it was not shown yet.
pub fn take(headers: &HeaderMap, id: Uuid) -> Option<String> {
    let value = COOKIE.read(headers, is_secure(headers))?;
    let (of, secret) = value.split_once('.')?;
    (Uuid::try_parse(of) == Ok(id)).then(|| secret.to_owned())
}

/// Forgets it.
pub fn forget(headers: &HeaderMap) -> [(HeaderName, String); 1] {
    [(header::SET_COOKIE, COOKIE.set("", TimeDelta::zero(), is_secure(headers)))]
}

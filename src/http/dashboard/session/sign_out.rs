//! `POST /sign-out`

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Redirect, Response};
use chrono::TimeDelta;

use crate::http::AppState;
use crate::http::auth::Reader;
use crate::http::conventions::problem::Problem;
use crate::http::dashboard::shared::confirm::EmptyForm;
use crate::http::dashboard::shared::notice::Notice;
use crate::http::dashboard::shared::session::{COOKIE, Posted, is_secure};
use crate::service::sign_in::sign_out;

pub(crate) async fn handle(
    State(state): State<AppState>,
    headers: HeaderMap,
    Posted { session, .. }: Posted<Reader, EmptyForm>,
) -> Result<Response, Problem> {
    // Users of a proxy sign out at the proxy.
    let Some(id) = session.session_id() else {
        return Ok(Redirect::to("/").into_response());
    };
    sign_out(&state.context, &session.caller, id).await?;
    let cookie = [(header::SET_COOKIE, COOKIE.set("", TimeDelta::zero(), is_secure(&headers)))];
    Ok((cookie, Redirect::to(&Notice::SignedOut.at("/sign-in"))).into_response())
}

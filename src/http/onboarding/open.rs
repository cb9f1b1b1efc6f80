//! `GET /onboard/{token}`: an invite's link.

use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Redirect, Response};

use super::rejection::Rejection;
use super::session::cookie;
use crate::domain::invite::InviteToken;
use crate::http::AppState;
use crate::service::open_invite::open_invite;

/// Exchanges the token for a session cookie, and redirects to a URL without it.
pub(crate) async fn handle(State(state): State<AppState>, Path(token): Path<String>) -> Result<Response, Rejection> {
    let visit = open_invite(&state.context, &InviteToken::from_text(&token)).await?;
    let cookie = [(header::SET_COOKIE, cookie(&state, &visit))];
    Ok((cookie, Redirect::to("/onboard")).into_response())
}

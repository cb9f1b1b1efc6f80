//! `/onboard/{token}`: an invite's link.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::header;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};

use super::layout::Layout;
use super::rejection::Rejection;
use super::session::{cookie, current};
use crate::domain::invite::{Invite, InviteToken};
use crate::http::AppState;
use crate::http::web_ui::render;
use crate::service::open_invite::{look_up, open_invite};

/// Asks before a link replaces the session of another tenant: an attacker could have sent it. A session that was ended makes no
/// difference, because its invite still works: its user may not notice that the next pages are those of another tenant.
#[derive(Template)]
#[template(path = "onboarding/pages/open.html")]
struct Page<'a> {
    frame: Layout<'a>,
    current: &'a str,
    /// The browser's session was ended.
    is_ended: bool,
    other: &'a str,
    token: &'a str,
}

/// Exchanges the token for a session cookie, and redirects to a URL without it. A browser that has this invite open already keeps its
/// session.
pub(crate) async fn handle(State(state): State<AppState>, Path(token): Path<String>, parts: Parts) -> Result<Response, Rejection> {
    let invite_token = InviteToken::from_text(&token);
    let (tenant, invite) = look_up(&state.context, &invite_token).await?;
    match current(&state, &parts.headers).await? {
        Some(opened) if opened.invite.id == invite.id && !opened.is_ended => Ok(Redirect::to("/onboard").into_response()),
        Some(opened) if opened.tenant.id != tenant.id => Ok(render(&Page {
            frame: Layout::without_session(&state, "Open another link?"),
            current: opened.tenant.name.as_str(),
            is_ended: opened.is_ended,
            other: tenant.name.as_str(),
            token: &token,
        })),
        _ => open(&state, &invite, &invite_token, &parts).await,
    }
}

/// The answer to the question of [`Page`].
pub(crate) async fn replace(State(state): State<AppState>, Path(token): Path<String>, parts: Parts) -> Result<Response, Rejection> {
    let token = InviteToken::from_text(&token);
    let (_, invite) = look_up(&state.context, &token).await?;
    open(&state, &invite, &token, &parts).await
}

async fn open(state: &AppState, invite: &Invite, token: &InviteToken, parts: &Parts) -> Result<Response, Rejection> {
    let address = state.client(&parts.extensions, &parts.headers);
    state.limits.invite(invite.id)?;
    let session = open_invite(&state.context, token, address).await?;
    let cookie = [(header::SET_COOKIE, cookie(state, &session))];
    Ok((cookie, Redirect::to("/onboard")).into_response())
}

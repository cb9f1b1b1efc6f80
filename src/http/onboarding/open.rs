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

/// Asks before a link replaces the session of another tenant: an attacker could have sent it.
#[derive(Template)]
#[template(path = "onboarding/pages/open.html")]
struct Page<'a> {
    frame: Layout<'a>,
    current: &'a str,
    other: &'a str,
    token: &'a str,
}

/// Exchanges the token for a session cookie, and redirects to a URL without it. A browser that has this invite open already keeps its
/// session.
pub(crate) async fn handle(State(state): State<AppState>, Path(token): Path<String>, parts: Parts) -> Result<Response, Rejection> {
    let invite_token = InviteToken::from_text(&token);
    let (tenant, invite) = look_up(&state.context, &invite_token).await?;
    match current(&state, &parts.headers).await? {
        Some(session) if session.invite.id == invite.id => Ok(Redirect::to("/onboard").into_response()),
        Some(session) if session.tenant.id != tenant.id => Ok(render(&Page {
            frame: Layout::without_session(&state, "Open another link?"),
            current: session.tenant.name.as_str(),
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
    state.onboarding.limits.invite(invite.id)?;
    let session = open_invite(&state.context, token, address).await?;
    let cookie = [(header::SET_COOKIE, cookie(state, &session))];
    Ok((cookie, Redirect::to("/onboard")).into_response())
}

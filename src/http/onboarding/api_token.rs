//! `POST /onboard/api-token`: creates a token for programs of the customer, and shows it once.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::layout::Layout;
use super::rejection::Rejection;
use super::session::Posted;
use super::verify_again::EmptyForm;
use crate::domain::ids::TenantRef;
use crate::domain::invite::InviteState;
use crate::http::AppState;
use crate::http::web_ui::render;
use crate::service::create_api_token::{CreateApiTokenError, create_api_token};

#[derive(Template)]
#[template(path = "onboarding/pages/api_token.html")]
struct Page<'a> {
    frame: Layout<'a>,
    token: &'a str,
    /// The URL of the public listener, with a slash at the end.
    base: String,
    expires: String,
}

impl From<CreateApiTokenError> for Rejection {
    fn from(error: CreateApiTokenError) -> Self {
        match error {
            CreateApiTokenError::UnknownTenant(_) | CreateApiTokenError::UnknownInvite => Self::UnknownLink,
            CreateApiTokenError::Offboarded => Self::Offboarded,
            CreateApiTokenError::InviteEnded(InviteState::Expired) => Self::Expired,
            CreateApiTokenError::InviteEnded(_) => Self::Revoked,
            CreateApiTokenError::Store(error) => error.into(),
        }
    }
}

pub(crate) async fn handle(State(state): State<AppState>, Posted { session, .. }: Posted<EmptyForm>) -> Result<Response, Rejection> {
    // Each one that is created can end an earlier one, so it is as rare as a verification.
    state.limits.verification(session.invite.id)?;
    let tenant = TenantRef::Id(session.tenant.id);
    let token = create_api_token(&state.context, &session.caller(), &tenant, session.invite.id).await?;
    let base = state.onboarding.web.public_url.as_ref();
    Ok(render(&Page {
        frame: Layout::new(&state, &session, 1, "API token"),
        token: token.expose(),
        base: base.map_or_else(|| "/".to_owned(), ToString::to_string),
        expires: session.invite.expires_at.format("%Y-%m-%d %H:%M UTC").to_string(),
    }))
}

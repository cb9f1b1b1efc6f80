//! `POST /tokens`, and `GET /tokens/{id}`, which shows the new token once.

use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use secrecy::ExposeSecret;

use crate::domain::ids::TokenId;
use crate::domain::text::FieldError;
use crate::domain::token::Role;
use crate::http::AppState;
use crate::http::auth::Administrator;
use crate::http::conventions::extract::InPath;
use crate::http::conventions::problem::Problem;
use crate::http::dashboard::shared::layout::{Layout, Section};
use crate::http::dashboard::shared::one_time_secret;
use crate::http::dashboard::shared::session::{DashboardUser, Posted};
use crate::http::dashboard::tokens::form::TokenForm;
use crate::http::dashboard::tokens::list;
use crate::http::web_ui::render;
use crate::service::tokens::{CreateTokenError, create_limited_token};

pub(crate) async fn handle(
    State(state): State<AppState>,
    headers: HeaderMap,
    Posted { session, form, .. }: Posted<Administrator, TokenForm>,
) -> Result<Response, Problem> {
    let mut faults = Vec::new();
    let role: Option<Role> = form.role.parse().ok();
    if role.is_none() {
        faults.push(FieldError::new("role", "unknown_role", "choose a role"));
    }
    let lifetime = form.lifetime();
    if lifetime.is_none() {
        faults.push(FieldError::new("days", "out_of_range", "choose how long the token is valid"));
    }
    let tenants = form.limits(&mut faults);
    let (Some(role), Some(lifetime), true) = (role, lifetime, faults.is_empty()) else {
        return list::shown(&state, &session, &list::PageQuery::default(), &form, &faults).await;
    };
    match create_limited_token(&state.context, &session.caller, &form.name, role, lifetime, tenants.as_deref()).await {
        Ok((token, text)) => {
            let path = format!("/tokens/{}", token.id);
            Ok(one_time_secret::redirect_with(
                &headers,
                token.id.as_uuid(),
                text.expose_secret(),
                &path,
            ))
        }
        Err(CreateTokenError::Invalid(mut faults)) => {
            // The form has one text field for the whole list, and one for the lifetime.
            for fault in &mut faults {
                if matches!(fault.field.as_str(), "expires_in_hours" | "never_expires") {
                    "days".clone_into(&mut fault.field);
                }
                if let Some((field, _)) = fault.field.split_once('[') {
                    fault.field = field.to_owned();
                }
            }
            list::shown(&state, &session, &list::PageQuery::default(), &form, &faults).await
        }
        Err(CreateTokenError::Store(error)) => Err(error.into()),
    }
}

#[derive(Template)]
#[template(path = "dashboard/pages/token.html")]
struct Page<'a> {
    frame: Layout<'a>,
    /// None if it was already shown.
    token: Option<String>,
}

pub(crate) async fn shown(
    State(state): State<AppState>,
    DashboardUser(session, ..): DashboardUser<Administrator>,
    headers: HeaderMap,
    InPath(id): InPath<TokenId>,
) -> Response {
    let page = Page {
        frame: Layout::new(&state, &session, Section::Tokens, "New token"),
        token: one_time_secret::take(&headers, id.as_uuid()),
    };
    (one_time_secret::forget(&headers), render(&page)).into_response()
}

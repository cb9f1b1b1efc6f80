//! `POST /tenants/{tenant}/invites`: creates an invite.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;

use crate::domain::ids::TenantRef;
use crate::domain::invite::{self, lifetime};
use crate::domain::text::FieldError;
use crate::http::AppState;
use crate::http::auth::Operator;
use crate::http::conventions::extract::InPath;
use crate::http::conventions::problem::Problem;
use crate::http::dashboard::shared::one_time_secret;
use crate::http::dashboard::shared::paths::tenant_path;
use crate::http::dashboard::shared::session::Posted;
use crate::http::lookup::find_tenant;
use crate::service::create_invite::create_invite;

#[derive(Debug, Deserialize)]
pub(crate) struct InviteForm {
    /// Text, like every form field.
    #[serde(default)]
    hours: String,
    #[serde(default)]
    purpose: String,
}

pub(crate) async fn handle(
    State(state): State<AppState>,
    headers: HeaderMap,
    InPath(tenant): InPath<TenantRef>,
    Posted { session, form, .. }: Posted<Operator, InviteForm>,
) -> Result<Response, Problem> {
    let lifetime = lifetime(form.hours.parse().unwrap_or_default())
        .map_err(|malformed| Problem::validation(vec![FieldError::of("hours", malformed)]))?;
    let purpose = Some(form.purpose.as_str()).filter(|text| !text.is_empty());
    let purpose = purpose
        .map(invite::purpose)
        .transpose()
        .map_err(|malformed| Problem::validation(vec![FieldError::of("purpose", malformed)]))?;
    let found = find_tenant(&state, &tenant).await?;
    state.onboard_url("")?;
    let (invite, token) = create_invite(&state.context, &session.caller, &tenant, Some(lifetime), purpose).await?;
    let path = format!("{}/invites/{}", tenant_path(&found), invite.id);
    Ok(one_time_secret::redirect_with(&headers, invite.id.as_uuid(), token.expose(), &path))
}

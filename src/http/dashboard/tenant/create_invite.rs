//! `POST /tenants/{tenant}/invites`: creates an invite.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use secrecy::ExposeSecret;
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
use crate::http::dashboard::tenant::show_invite::secrets_of;
use crate::http::lookup::find_tenant;
use crate::service::create_invite::{NewInvite, create_invite};

#[derive(Debug, Deserialize)]
pub(crate) struct InviteForm {
    /// Text, like every form field.
    #[serde(default)]
    hours: String,
    #[serde(default)]
    purpose: String,
    /// Sent if the box is checked.
    api_token: Option<String>,
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
    let new = NewInvite {
        lifetime: Some(lifetime),
        purpose,
        api_token: form.api_token.is_some(),
    };
    let created = create_invite(&state.context, &session.caller, &tenant, new).await?;
    let id = created.invite.id;
    let path = format!("{}/invites/{id}", tenant_path(&found));
    let secret = secrets_of(&created);
    Ok(one_time_secret::redirect_with(
        &headers,
        id.as_uuid(),
        secret.expose_secret(),
        &path,
    ))
}

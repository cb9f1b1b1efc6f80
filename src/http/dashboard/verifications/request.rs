//! `POST /tenants/{tenant}/verify`: starts a verification, and redirects to it.

use axum::extract::State;
use axum::response::Redirect;
use serde::Deserialize;

use crate::domain::ids::TenantRef;
use crate::http::AppState;
use crate::http::auth::Operator;
use crate::http::conventions::extract::InPath;
use crate::http::conventions::problem::Problem;
use crate::http::dashboard::shared::paths::tenant_path;
use crate::http::dashboard::shared::session::Posted;
use crate::http::lookup::find_tenant;
use crate::service::request_verification::request_verification;

#[derive(Debug, Deserialize)]
pub(crate) struct Version {
    /// As text, like every form field.
    version: Option<String>,
}

pub(crate) async fn handle(
    State(state): State<AppState>,
    InPath(tenant): InPath<TenantRef>,
    Posted { session, form, .. }: Posted<Operator, Version>,
) -> Result<Redirect, Problem> {
    let found = find_tenant(&state, &tenant).await?;
    let version = form.version.map(|version| version.parse().unwrap_or_default());
    let verification = request_verification(&state.context, &session.caller, &tenant, version).await?;
    Ok(Redirect::to(&format!("{}/verifications/{}", tenant_path(&found), verification.id)))
}

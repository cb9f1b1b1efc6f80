//! `GET /v1/tenants/{tenant}/templates`

use axum::Json;
use axum::extract::State as Extract;
use serde::Deserialize;
use utoipa::IntoParams;

use super::find_tenant;
use crate::domain::templates::json::{Documents, documents};
use crate::domain::text::FieldError;
use crate::http::State;
use crate::http::auth::Reader;
use crate::http::extract::{Params, TenantPath};
use crate::http::problem::{self, Problem};
use crate::service::issue_templates::{Typed, fill};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TemplateParams {
    /// `assume_role` or `direct`; the first that the tenant may use when left out.
    mode: Option<String>,
    /// `json`, which is also the default.
    format: Option<String>,
    /// The bucket's name. What is left out becomes a placeholder.
    bucket: Option<String>,
    key_arn: Option<String>,
    role_name: Option<String>,
    account_id: Option<String>,
    /// Whether to grant what the checks of the bucket's posture read; the vendor's setting when left out.
    posture: Option<bool>,
}

/// Issue the documents that the tenant has to apply
#[utoipa::path(
    get, path = "/v1/tenants/{tenant}/templates", tag = "tenants",
    params(("tenant" = String, Path, description = "Id or slug"), TemplateParams),
    responses(
        (status = 200, body = Documents),
        (status = "4XX", body = problem::Body, content_type = "application/problem+json"),
    )
)]
pub async fn handle(
    Extract(state): Extract<State>,
    _reader: Reader,
    TenantPath(tenant): TenantPath,
    Params(params): Params<TemplateParams>,
) -> Result<Json<Documents>, Problem> {
    let tenant = find_tenant(&state, &tenant).await?;
    let mut faults = Vec::new();
    if params.format.as_deref().is_some_and(|format| format != "json") {
        faults.push(FieldError::new("format", "unknown_format", "the format is json"));
    }
    let typed = Typed {
        mode: params.mode,
        bucket: params.bucket,
        key_arn: params.key_arn,
        role_name: params.role_name,
        account_id: params.account_id,
        posture: params.posture,
    };
    match fill(&state.context, &tenant, &typed) {
        Ok(blanks) if faults.is_empty() => Ok(Json(documents(&blanks))),
        filled => {
            faults.extend(filled.err().into_iter().flatten());
            Err(Problem::validation(faults))
        }
    }
}

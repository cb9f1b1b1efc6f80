//! `GET /v1/tenants/{tenant}/templates`

use axum::extract::State;
use axum::response::Response;

use crate::domain::ids::TenantRef;
use crate::http::AppState;
use crate::http::auth::{Authorized, Reader};
use crate::http::conventions::extract::{InPath, Params};
use crate::http::conventions::problem::{self, Problem};
use crate::http::lookup::find_tenant;
use crate::http::tenant_requests::templates::{TemplateParams, issue};
use crate::http::views::DocumentsView;

/// Get the templates that the tenant has to apply
#[utoipa::path(
    operation_id = "getTemplates",
    get, path = "/v1/tenants/{tenant}/templates", tag = "tenants",
    params(("tenant" = String, Path, description = "ID or slug"), TemplateParams),
    responses(
        (status = 200, content(
            (DocumentsView = "application/json"),
            (String = "application/yaml"),
            (String = "text/x-shellscript"),
            (String = "text/plain"),
        )),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    _: Authorized<Reader>,
    InPath(tenant): InPath<TenantRef>,
    Params(params): Params<TemplateParams>,
) -> Result<Response, Problem> {
    let tenant = find_tenant(&state, &tenant).await?;
    issue(&state, &tenant, params).await
}

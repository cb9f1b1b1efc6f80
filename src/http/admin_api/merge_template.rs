//! `POST /v1/tenants/{tenant}/templates/merge`

use axum::Json;
use axum::extract::State;

use crate::domain::ids::TenantRef;
use crate::http::AppState;
use crate::http::auth::{Authorized, Reader};
use crate::http::conventions::extract::{InPath, JsonBody};
use crate::http::conventions::problem::{self, Problem};
use crate::http::lookup::find_tenant;
use crate::http::tenant_requests::merge::{MergeTemplate, merge};
use crate::http::views::MergedDocumentView;

/// Merge the tenant's statements into an existing policy
///
/// Replaces the statements that have an issued Sid. Everything else keeps its content and order. Nothing is stored.
#[utoipa::path(
    operation_id = "mergeTemplate",
    post, path = "/v1/tenants/{tenant}/templates/merge", tag = "tenants", request_body = MergeTemplate,
    params(("tenant" = String, Path, description = "ID or slug")),
    responses(
        (status = 200, body = MergedDocumentView),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    _: Authorized<Reader>,
    InPath(tenant): InPath<TenantRef>,
    body: JsonBody<MergeTemplate>,
) -> Result<Json<MergedDocumentView>, Problem> {
    let tenant = find_tenant(&state, &tenant).await?;
    merge(&state, &tenant, body).await
}

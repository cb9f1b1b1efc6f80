//! `GET /v1/tenants/{tenant}`

use axum::Json;
use axum::extract::State as Extract;

use crate::http::State;
use crate::http::auth::Reader;
use crate::http::extract::TenantPath;
use crate::http::problem::{self, Problem};
use crate::http::views::TenantDetailView;
use crate::service::read;

/// Show a tenant
///
/// With its active version, its last verification and its open invites.
#[utoipa::path(
    get, path = "/v1/tenants/{tenant}", tag = "tenants",
    params(("tenant" = String, Path, description = "Id or slug")),
    responses(
        (status = 200, body = TenantDetailView),
        (status = "4XX", body = problem::Body, content_type = "application/problem+json"),
    )
)]
pub async fn handle(
    Extract(state): Extract<State>,
    _reader: Reader,
    TenantPath(tenant): TenantPath,
) -> Result<Json<TenantDetailView>, Problem> {
    let detail = read::tenant_detail(&state.context, &tenant)
        .await?
        .ok_or_else(Problem::unknown_tenant)?;
    Ok(Json(TenantDetailView::of(detail, state.context.clock.now())))
}

//! `GET /v1/tenants/{tenant}`

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;

use crate::domain::ids::TenantRef;
use crate::http::AppState;
use crate::http::auth::{Authorized, Reader};
use crate::http::conventions::etag::Tagged;
use crate::http::conventions::extract::InPath;
use crate::http::conventions::problem::{self, Problem};
use crate::http::views::TenantDetailView;
use crate::service::read;

/// Get a tenant
///
/// Includes its active version, latest verification and open invites.
#[utoipa::path(
    operation_id = "getTenant",
    get, path = "/v1/tenants/{tenant}", tag = "tenants",
    params(
        ("tenant" = String, Path, description = "ID or slug"),
        ("if-none-match" = Option<String>, Header, description = "The ETag of a cached response"),
    ),
    responses(
        (status = 200, body = TenantDetailView, headers(("etag", description = "Send it in If-Match when you update the tenant"))),
        (status = 304, description = "The cached response is current"),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    _: Authorized<Reader>,
    InPath(tenant): InPath<TenantRef>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let detail = read::tenants::detail(&state.context, &tenant)
        .await?
        .ok_or_else(Problem::unknown_tenant)?;
    Ok(Tagged::of(&TenantDetailView::new(detail, &state.context.vendor, state.context.clock.now()))?.answer(&headers))
}

//! `GET /v1/tenants/{tenant}/removal`

use axum::Json;
use axum::extract::State;

use crate::domain::ids::TenantRef;
use crate::http::AppState;
use crate::http::auth::{Authorized, Reader};
use crate::http::conventions::extract::InPath;
use crate::http::conventions::problem::{self, Problem};
use crate::http::lookup::find_tenant;
use crate::http::views::RemovalView;
use crate::service::explain_removal::explain_removal;

/// List what the tenant has to remove in AWS
///
/// The instructions that an offboarded tenant sees at its invite link, and the same as text for an email.
#[utoipa::path(
    operation_id = "getRemovalSteps",
    get, path = "/v1/tenants/{tenant}/removal", tag = "tenants",
    params(("tenant" = String, Path, description = "ID or slug")),
    responses(
        (status = 200, body = RemovalView),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    _: Authorized<Reader>,
    InPath(tenant): InPath<TenantRef>,
) -> Result<Json<RemovalView>, Problem> {
    let tenant = find_tenant(&state, &tenant).await?;
    Ok(Json(explain_removal(&state.context, &tenant).await?.into()))
}

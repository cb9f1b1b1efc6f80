//! `DELETE /v1/tenants/{tenant}/external-id/next`

use axum::Json;
use axum::extract::State;

use crate::domain::ids::TenantRef;
use crate::http::AppState;
use crate::http::auth::{Authorized, Operator};
use crate::http::conventions::extract::InPath;
use crate::http::conventions::problem::{self, Problem};
use crate::http::views::TenantView;
use crate::service::rotate_external_id::abandon;

/// Abandon the next external ID
///
/// Allowed until it is verified. The current external ID stays in use.
#[utoipa::path(
    operation_id = "abandonExternalId",
    delete, path = "/v1/tenants/{tenant}/external-id/next", tag = "external-id",
    params(("tenant" = String, Path, description = "ID or slug")),
    responses(
        (status = 200, body = TenantView),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    Authorized(caller, ..): Authorized<Operator>,
    InPath(tenant): InPath<TenantRef>,
) -> Result<Json<TenantView>, Problem> {
    Ok(Json(abandon(&state.context, &caller, &tenant).await?.into()))
}

//! `DELETE /v1/tenants/{tenant}/external-id/previous`

use axum::Json;
use axum::extract::State;

use crate::domain::ids::TenantRef;
use crate::http::AppState;
use crate::http::auth::{Authorized, Operator};
use crate::http::conventions::extract::InPath;
use crate::http::conventions::problem::{self, Problem};
use crate::http::views::TenantView;
use crate::service::rotate_external_id::end_previous;

/// End the previous external ID
///
/// From now on, templates accept only the new external ID. This also queues a verification, which checks that the previous
/// one is denied.
#[utoipa::path(
    operation_id = "endPreviousExternalId",
    delete, path = "/v1/tenants/{tenant}/external-id/previous", tag = "external-id",
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
    Ok(Json(end_previous(&state.context, &caller, &tenant).await?.into()))
}

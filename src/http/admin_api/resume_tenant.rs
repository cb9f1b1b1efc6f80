//! `POST /v1/tenants/{tenant}/resume`

use axum::Json;
use axum::extract::State;

use super::reason::{ReasonBody, reason};
use crate::domain::ids::TenantRef;
use crate::http::AppState;
use crate::http::auth::{Authorized, Operator};
use crate::http::conventions::extract::{InPath, JsonBody};
use crate::http::conventions::problem::{self, Problem};
use crate::http::views::TenantView;
use crate::service::tenant_lifecycle::resume;

/// Resume a tenant
///
/// The tenant returns to the status that it would have without the suspension.
#[utoipa::path(
    operation_id = "resumeTenant",
    post, path = "/v1/tenants/{tenant}/resume", tag = "tenants",
    params(("tenant" = String, Path, description = "ID or slug")), request_body = ReasonBody,
    responses(
        (status = 200, body = TenantView),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    Authorized(caller, ..): Authorized<Operator>,
    InPath(tenant): InPath<TenantRef>,
    body: JsonBody<ReasonBody>,
) -> Result<Json<TenantView>, Problem> {
    let reason = reason(body)?;
    Ok(Json(resume(&state.context, &caller, &tenant, &reason).await?.into()))
}

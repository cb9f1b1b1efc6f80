//! `POST /v1/tenants/{tenant}/storage-configs/{version}/decline`

use axum::Json;
use axum::extract::State;

use super::reason::{ReasonBody, reason};
use crate::domain::ids::TenantRef;
use crate::http::AppState;
use crate::http::auth::{Authorized, Operator};
use crate::http::conventions::extract::{InPath, JsonBody, Version};
use crate::http::conventions::problem::{self, Problem};
use crate::http::views::ApprovalView;
use crate::service::approve_change::decline;

/// Decline a change
///
/// Declines a pending version, which is then never activated. The active version stays in use, and another one can be submitted.
#[utoipa::path(
    operation_id = "declineStorageConfig",
    post, path = "/v1/tenants/{tenant}/storage-configs/{version}/decline", tag = "storage configs",
    params(("tenant" = String, Path, description = "ID or slug"), ("version" = i32, Path, description = "The version number, starting at 1")),
    request_body = ReasonBody,
    responses(
        (status = 200, body = ApprovalView),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    Authorized(caller, ..): Authorized<Operator>,
    InPath(tenant): InPath<TenantRef>,
    InPath(Version(version)): InPath<Version>,
    body: JsonBody<ReasonBody>,
) -> Result<Json<ApprovalView>, Problem> {
    let reason = reason(body)?;
    let declined = decline(&state.context, &caller, &tenant, version, &reason).await?;
    Ok(Json(declined.into()))
}

//! `DELETE /v1/tenants/{tenant}`

use axum::Json;
use axum::extract::State;

use super::reason::{ReasonBody, reason};
use crate::domain::ids::TenantRef;
use crate::http::AppState;
use crate::http::auth::{Authorized, Operator};
use crate::http::conventions::extract::{InPath, JsonBody};
use crate::http::conventions::problem::{self, Problem};
use crate::http::views::StoppedTenantView;
use crate::service::revoke_sessions::sessions_valid_until;
use crate::service::tenant_lifecycle::offboard;

/// Offboard a tenant
///
/// This cannot be undone. Revokes the tenant's invites and frees its slug. Its history is kept.
#[utoipa::path(
    operation_id = "offboardTenant",
    delete, path = "/v1/tenants/{tenant}", tag = "tenants",
    params(("tenant" = String, Path, description = "ID or slug")), request_body = ReasonBody,
    responses(
        (status = 200, body = StoppedTenantView),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    Authorized(caller, ..): Authorized<Operator>,
    InPath(tenant): InPath<TenantRef>,
    body: JsonBody<ReasonBody>,
) -> Result<Json<StoppedTenantView>, Problem> {
    let reason = reason(body)?;
    let tenant = offboard(&state.context, &caller, &tenant, &reason).await?;
    Ok(Json(StoppedTenantView {
        sessions_valid_until: sessions_valid_until(&state.context, &tenant).await?,
        tenant: tenant.into(),
    }))
}

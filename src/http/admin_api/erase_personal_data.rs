//! `DELETE /v1/tenants/{tenant}/personal-data`

use axum::Json;
use axum::extract::State;

use super::reason::{ReasonBody, reason};
use crate::domain::ids::TenantRef;
use crate::http::AppState;
use crate::http::auth::{Administrator, Authorized};
use crate::http::conventions::extract::{InPath, JsonBody};
use crate::http::conventions::problem::{self, Problem};
use crate::http::views::TenantView;
use crate::service::tenant_lifecycle::erase;

/// Erase the personal data of an offboarded tenant
///
/// Permanently replaces the tenant's names and reference, and the names, reasons and addresses in its audit log, with
/// `erased`. The audit log still shows what was done, when, and by which ID. Requires the role `admin`. Afterwards, the
/// tenant can only be found by its ID.
#[utoipa::path(
    operation_id = "erasePersonalData",
    delete, path = "/v1/tenants/{tenant}/personal-data", tag = "tenants",
    params(("tenant" = String, Path, description = "ID or slug")), request_body = ReasonBody,
    responses(
        (status = 200, body = TenantView),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    Authorized(caller, ..): Authorized<Administrator>,
    InPath(tenant): InPath<TenantRef>,
    body: JsonBody<ReasonBody>,
) -> Result<Json<TenantView>, Problem> {
    let reason = reason(body)?;
    Ok(Json(erase(&state.context, &caller, &tenant, &reason).await?.into()))
}

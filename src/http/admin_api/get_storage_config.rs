//! `GET /v1/tenants/{tenant}/storage-configs/{version}`

use axum::Json;
use axum::extract::State;

use crate::domain::ids::TenantRef;
use crate::http::AppState;
use crate::http::auth::{Authorized, Reader};
use crate::http::conventions::extract::{InPath, Version};
use crate::http::conventions::problem::{self, Problem, ProblemKind};
use crate::http::lookup::find_tenant;
use crate::http::views::StorageConfigView;
use crate::service::read;

/// Get a version of a tenant's storage config
#[utoipa::path(
    operation_id = "getStorageConfig",
    get, path = "/v1/tenants/{tenant}/storage-configs/{version}", tag = "storage configs",
    params(("tenant" = String, Path, description = "ID or slug"), ("version" = i32, Path, description = "The version number, starting at 1")),
    responses(
        (status = 200, body = StorageConfigView),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    _: Authorized<Reader>,
    InPath(tenant): InPath<TenantRef>,
    InPath(Version(version)): InPath<Version>,
) -> Result<Json<StorageConfigView>, Problem> {
    let tenant = find_tenant(&state, &tenant).await?;
    let config = read::storage_configs::find(&state.context, tenant.id, version)
        .await?
        .ok_or_else(|| Problem::new(ProblemKind::NotFound, format!("This tenant has no version {version}.")))?;
    Ok(Json(config.into()))
}

//! `GET /v1/tenants/{tenant}/storage-configs`

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::ids::TenantRef;
use crate::http::AppState;
use crate::http::auth::{Authorized, Reader};
use crate::http::conventions::extract::InPath;
use crate::http::conventions::problem::{self, Problem};
use crate::http::lookup::find_tenant;
use crate::http::views::StorageConfigView;
use crate::service::read;

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StorageConfigs {
    items: Vec<StorageConfigView>,
}

/// List the versions of a tenant's storage config
///
/// Newest first.
#[utoipa::path(
    operation_id = "listStorageConfigs",
    get, path = "/v1/tenants/{tenant}/storage-configs", tag = "storage configs",
    params(("tenant" = String, Path, description = "ID or slug")),
    responses(
        (status = 200, body = StorageConfigs),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    _: Authorized<Reader>,
    InPath(tenant): InPath<TenantRef>,
) -> Result<Json<StorageConfigs>, Problem> {
    let tenant = find_tenant(&state, &tenant).await?;
    let configs = read::storage_configs::list(&state.context, tenant.id).await?;
    Ok(Json(StorageConfigs {
        items: configs.into_iter().map(StorageConfigView::from).collect(),
    }))
}

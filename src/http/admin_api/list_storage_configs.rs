//! `GET /v1/tenants/{tenant}/storage-configs`

use axum::Json;
use axum::extract::State;

use crate::domain::ids::TenantRef;
use crate::http::AppState;
use crate::http::auth::{Authorized, Reader};
use crate::http::conventions::extract::{InPath, Params};
use crate::http::conventions::paging::{ListPage, PageParams};
use crate::http::conventions::problem::{self, Problem};
use crate::http::lookup::find_tenant;
use crate::http::views::StorageConfigView;
use crate::service::read;

/// List the versions of a tenant's storage config
///
/// Newest first.
#[utoipa::path(
    operation_id = "listStorageConfigs",
    get, path = "/v1/tenants/{tenant}/storage-configs", tag = "storage configs",
    params(("tenant" = String, Path, description = "ID or slug"), PageParams),
    responses(
        (status = 200, body = ListPage<StorageConfigView>),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    _: Authorized<Reader>,
    InPath(tenant): InPath<TenantRef>,
    Params(params): Params<PageParams>,
) -> Result<Json<ListPage<StorageConfigView>>, Problem> {
    let tenant = find_tenant(&state, &tenant).await?;
    let wanted = params.wanted(format!("storage configs {}", tenant.id))?;
    let after = wanted.after.map(|(_, id)| id.into());
    let found = read::storage_configs::list(&state.context, tenant.id, after, wanted.fetch()).await?;
    Ok(Json(wanted.page(
        found,
        |config| (config.created_at, config.id.as_uuid()),
        StorageConfigView::from,
    )))
}

//! `GET /customer/v1/storage-configs/{version}`

use axum::Json;
use axum::extract::State;

use super::auth::Customer;
use crate::http::AppState;
use crate::http::conventions::extract::{InPath, Version};
use crate::http::conventions::problem::{self, Problem, ProblemKind};
use crate::http::views::StorageConfigView;
use crate::service::read;

/// Get a submitted version
#[utoipa::path(
    operation_id = "getStorageConfig",
    get, path = "/customer/v1/storage-configs/{version}", tag = "storage configs",
    params(("version" = i32, Path, description = "The version number, starting at 1")),
    responses(
        (status = 200, body = StorageConfigView),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    customer: Customer,
    InPath(Version(version)): InPath<Version>,
) -> Result<Json<StorageConfigView>, Problem> {
    let config = read::storage_configs::find(&state.context, customer.tenant.id, version)
        .await?
        .ok_or_else(|| Problem::new(ProblemKind::NotFound, format!("You have not submitted a version {version}.")))?;
    Ok(Json(config.into()))
}

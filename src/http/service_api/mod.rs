//! `/internal/v1`: the API for the vendor's own services.

mod changes;
mod credentials;
mod fast_path;
mod lookup;
mod report;
mod storage_batch;
mod storage_config;

use axum::extract::DefaultBodyLimit;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::AppState;

pub(crate) use fast_path::FastPath;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    let batch = OpenApiRouter::new()
        .routes(routes!(storage_batch::handle))
        .layer(DefaultBodyLimit::max(storage_batch::MAX_BODY));
    OpenApiRouter::new()
        .routes(routes!(storage_config::handle))
        .routes(routes!(credentials::handle))
        .routes(routes!(changes::handle))
        .routes(routes!(report::handle))
        .merge(batch)
}

//! `/internal/v1`: what the vendor's own services ask.

mod lookup;
mod storage_config;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::State;

pub fn router() -> OpenApiRouter<State> {
    OpenApiRouter::new().routes(routes!(storage_config::handle))
}

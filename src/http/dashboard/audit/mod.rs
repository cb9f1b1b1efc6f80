//! The audit log.

mod list;
pub(crate) mod view;

use axum::Router;
use axum::routing::get;

use crate::http::AppState;

pub(crate) fn router() -> Router<AppState> {
    Router::new().route("/audit", get(list::handle))
}

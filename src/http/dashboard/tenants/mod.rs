//! The list of tenants, and the form for a new one.

mod create;
pub(crate) mod form;
mod list;

use axum::Router;
use axum::routing::get;

use crate::http::AppState;

pub(crate) fn router() -> Router<AppState> {
    Router::new()
        .route("/tenants", get(list::handle))
        .route("/new-tenant", get(create::page).post(create::handle))
}

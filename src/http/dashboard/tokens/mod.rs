//! API tokens.

mod create;
mod form;
mod list;
mod revoke;

use axum::Router;
use axum::routing::{get, post};

use crate::http::AppState;

pub(crate) fn router() -> Router<AppState> {
    Router::new()
        .route("/tokens", get(list::handle).post(create::handle))
        .route("/tokens/{id}", get(create::shown))
        .route("/tokens/{id}/revoke", post(revoke::handle))
}

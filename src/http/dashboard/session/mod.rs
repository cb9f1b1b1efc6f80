//! Signing in and out.

pub(crate) mod sign_in;
mod sign_out;

use axum::Router;
use axum::routing::{get, post};

use crate::http::AppState;

pub(crate) fn router() -> Router<AppState> {
    Router::new()
        .route("/sign-in", get(sign_in::page).post(sign_in::handle))
        .route("/sign-out", post(sign_out::handle))
}

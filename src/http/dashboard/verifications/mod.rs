//! Verifications: requesting one, and following it.

pub(crate) mod banner;
mod events;
mod request;
mod show;

use axum::Router;
use axum::routing::{get, post};

use crate::http::AppState;

pub(crate) fn router() -> Router<AppState> {
    Router::new()
        .route("/tenants/{tenant}/verify", post(request::handle))
        .route("/tenants/{tenant}/verifications/{id}", get(show::handle))
        .route("/tenants/{tenant}/verifications/{id}/events", get(events::handle))
}

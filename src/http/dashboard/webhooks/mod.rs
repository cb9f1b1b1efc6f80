//! Webhooks and their deliveries.

mod list;
mod show;

use axum::Router;
use axum::routing::{get, post};

use crate::http::AppState;

pub(crate) fn router() -> Router<AppState> {
    Router::new()
        .route("/webhooks", get(list::handle).post(list::create))
        .route("/webhooks/{id}", get(show::handle))
        .route("/webhooks/{id}/test", post(show::test))
        .route("/webhooks/{id}/rotate-secret", post(show::rotate_secret))
        .route("/webhooks/{id}/enable", post(show::enable))
        .route("/webhooks/{id}/delete", post(show::delete))
        .route("/webhooks/{id}/deliveries/{delivery}/resend", post(show::resend))
}

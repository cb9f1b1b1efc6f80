//! One tenant: its page, and everything that can be done with it.

pub(crate) mod approval;
mod create_invite;
mod documents;
mod edit;
mod erase;
mod lifecycle;
mod message;
mod overview;
mod removal;
mod revoke_invite;
mod rotation;
mod show_invite;

use axum::Router;
use axum::routing::{get, post};

use crate::http::AppState;
use lifecycle::{Offboard, Resume, Suspend};
use rotation::{Abandon, EndPrevious, Rotate};

pub(crate) fn router() -> Router<AppState> {
    Router::new()
        .route("/tenants/{tenant}", get(overview::handle))
        .route("/tenants/{tenant}/edit", get(edit::page).post(edit::handle))
        .route("/tenants/{tenant}/message", get(message::handle))
        .route("/tenants/{tenant}/documents", get(documents::handle))
        .route("/tenants/{tenant}/documents/{format}", get(documents::file))
        .route("/tenants/{tenant}/removal", get(removal::handle))
        .route("/tenants/{tenant}/invites", post(create_invite::handle))
        .route("/tenants/{tenant}/invites/{id}", get(show_invite::handle))
        .route("/tenants/{tenant}/invites/{id}/revoke", post(revoke_invite::handle))
        .route(
            "/tenants/{tenant}/invites/{id}/sessions/{session}/end",
            post(show_invite::end_session),
        )
        .route(
            "/tenants/{tenant}/suspend",
            get(lifecycle::page::<Suspend>).post(lifecycle::handle::<Suspend>),
        )
        .route(
            "/tenants/{tenant}/resume",
            get(lifecycle::page::<Resume>).post(lifecycle::handle::<Resume>),
        )
        .route(
            "/tenants/{tenant}/offboard",
            get(lifecycle::page::<Offboard>).post(lifecycle::handle::<Offboard>),
        )
        .route(
            "/tenants/{tenant}/rotate",
            get(rotation::page::<Rotate>).post(rotation::handle::<Rotate>),
        )
        .route(
            "/tenants/{tenant}/abandon",
            get(rotation::page::<Abandon>).post(rotation::handle::<Abandon>),
        )
        .route(
            "/tenants/{tenant}/end-previous",
            get(rotation::page::<EndPrevious>).post(rotation::handle::<EndPrevious>),
        )
        .route(
            "/tenants/{tenant}/versions/{version}/approve",
            get(approval::approve_page).post(approval::approve_handle),
        )
        .route(
            "/tenants/{tenant}/versions/{version}/decline",
            get(approval::decline_page).post(approval::decline_handle),
        )
        .route("/tenants/{tenant}/erase", get(erase::page).post(erase::handle))
}

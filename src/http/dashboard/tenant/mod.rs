//! One tenant: its page, and everything that can be done with it.

pub(crate) mod approval;
mod contacts;
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

use crate::http::routes::Routes;
use lifecycle::{Offboard, Resume, Suspend};
use rotation::{Abandon, EndPrevious, Rotate};

pub(crate) fn router() -> Routes {
    Routes::default()
        .get("/tenants/{tenant}", overview::handle)
        .get("/tenants/{tenant}/edit", edit::page)
        .post("/tenants/{tenant}/edit", edit::handle)
        .get("/tenants/{tenant}/message", message::handle)
        .get("/tenants/{tenant}/documents", documents::handle)
        .get("/tenants/{tenant}/documents/{format}", documents::file)
        .get("/tenants/{tenant}/removal", removal::handle)
        .post("/tenants/{tenant}/invites", create_invite::handle)
        .get("/tenants/{tenant}/invites/{id}", show_invite::handle)
        .post("/tenants/{tenant}/invites/{id}/revoke", revoke_invite::handle)
        .post("/tenants/{tenant}/invites/{id}/sessions/{session}/end", show_invite::end_session)
        .get("/tenants/{tenant}/new-contact", contacts::new_page)
        .post("/tenants/{tenant}/contacts", contacts::add)
        .get("/tenants/{tenant}/contacts/{id}", contacts::edit_page)
        .post("/tenants/{tenant}/contacts/{id}", contacts::change)
        .post("/tenants/{tenant}/contacts/{id}/remove", contacts::remove)
        .post("/tenants/{tenant}/contacts/{id}/confirmation", contacts::request_confirmation)
        .post("/tenants/{tenant}/contacts/{id}/invite", contacts::invite)
        .get("/tenants/{tenant}/suspend", lifecycle::page::<Suspend>)
        .post("/tenants/{tenant}/suspend", lifecycle::handle::<Suspend>)
        .get("/tenants/{tenant}/resume", lifecycle::page::<Resume>)
        .post("/tenants/{tenant}/resume", lifecycle::handle::<Resume>)
        .get("/tenants/{tenant}/offboard", lifecycle::page::<Offboard>)
        .post("/tenants/{tenant}/offboard", lifecycle::handle::<Offboard>)
        .get("/tenants/{tenant}/rotate", rotation::page::<Rotate>)
        .post("/tenants/{tenant}/rotate", rotation::handle::<Rotate>)
        .get("/tenants/{tenant}/abandon", rotation::page::<Abandon>)
        .post("/tenants/{tenant}/abandon", rotation::handle::<Abandon>)
        .get("/tenants/{tenant}/end-previous", rotation::page::<EndPrevious>)
        .post("/tenants/{tenant}/end-previous", rotation::handle::<EndPrevious>)
        .get("/tenants/{tenant}/versions/{version}/approve", approval::approve_page)
        .post("/tenants/{tenant}/versions/{version}/approve", approval::approve_handle)
        .get("/tenants/{tenant}/versions/{version}/decline", approval::decline_page)
        .post("/tenants/{tenant}/versions/{version}/decline", approval::decline_handle)
        .get("/tenants/{tenant}/erase", erase::page)
        .post("/tenants/{tenant}/erase", erase::handle)
}

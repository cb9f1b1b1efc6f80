//! Verifications: requesting one, and following it.

pub(crate) mod banner;
mod events;
mod request;
mod show;

use crate::http::routes::Routes;

pub(crate) fn router() -> Routes {
    Routes::default()
        .post("/tenants/{tenant}/verify", request::handle)
        .get("/tenants/{tenant}/verifications/{id}", show::handle)
        .get("/tenants/{tenant}/verifications/{id}/events", events::handle)
}

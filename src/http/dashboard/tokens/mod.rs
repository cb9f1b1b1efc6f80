//! API tokens.

mod create;
mod form;
mod list;
mod revoke;

use crate::http::routes::Routes;

pub(crate) fn router() -> Routes {
    Routes::default()
        .get("/tokens", list::handle)
        .post("/tokens", create::handle)
        .get("/tokens/{id}", create::shown)
        .post("/tokens/{id}/revoke", revoke::handle)
}

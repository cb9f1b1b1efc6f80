//! The list of tenants, and the form for a new one.

mod create;
pub(crate) mod form;
mod list;

use crate::http::routes::Routes;

pub(crate) fn router() -> Routes {
    Routes::default()
        .get("/tenants", list::handle)
        .get("/new-tenant", create::page)
        .post("/new-tenant", create::handle)
}

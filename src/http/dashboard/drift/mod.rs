//! What changed at the storage of all tenants.

mod list;
pub(crate) mod view;

use crate::http::routes::Routes;

pub(crate) fn router() -> Routes {
    Routes::default().get("/drift", list::handle)
}

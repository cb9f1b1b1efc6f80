//! The audit log.

mod list;
pub(crate) mod view;

use crate::http::routes::Routes;

pub(crate) fn router() -> Routes {
    Routes::default().get("/audit", list::handle)
}

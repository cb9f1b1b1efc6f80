//! Versions of the documents that customers apply, and campaigns for their update.

mod campaign;
mod versions;

use crate::http::routes::Routes;

pub(crate) fn router() -> Routes {
    Routes::default()
        .get("/document-versions", versions::handle)
        .post("/campaigns", versions::start)
        .get("/campaigns/{id}", campaign::handle)
        .post("/campaigns/{id}/end", campaign::end)
}

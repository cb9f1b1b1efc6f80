//! Webhooks and their deliveries.

mod list;
mod show;

use crate::http::routes::Routes;

pub(crate) fn router() -> Routes {
    Routes::default()
        .get("/webhooks", list::handle)
        .post("/webhooks", list::create)
        .get("/webhooks/{id}", show::handle)
        .post("/webhooks/{id}/test", show::test)
        .post("/webhooks/{id}/rotate-secret", show::rotate_secret)
        .post("/webhooks/{id}/enable", show::enable)
        .post("/webhooks/{id}/delete", show::delete)
        .post("/webhooks/{id}/deliveries/{delivery}/resend", show::resend)
}

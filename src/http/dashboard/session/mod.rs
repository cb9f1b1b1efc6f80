//! Signing in and out.

pub(crate) mod sign_in;
mod sign_out;

use crate::http::routes::Routes;

pub(crate) fn router() -> Routes {
    Routes::default()
        .get("/sign-in", sign_in::page)
        .post("/sign-in", sign_in::handle)
        .post("/sign-out", sign_out::handle)
}

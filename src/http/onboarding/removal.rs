//! The page of an offboarded tenant: how to remove the granted access in AWS.

use askama::Template;
use axum::response::Response;

use super::layout::Layout;
use crate::domain::templates::removal::Removal;
use crate::http::AppState;
use crate::http::web_ui::render;
use crate::service::open_invite::EndedInvite;

#[derive(Template)]
#[template(path = "onboarding/pages/removal.html")]
struct Page<'a> {
    frame: Layout<'a>,
    removal: &'a Removal,
}

pub(crate) fn page(ended: &EndedInvite, state: &AppState) -> Response {
    let frame = Layout {
        tenant: Some(&ended.tenant),
        ..Layout::without_session(state, "Your storage is disconnected")
    };
    render(&Page {
        frame,
        removal: &ended.removal,
    })
}

//! What an offboarded tenant's people read: what to take away in AWS.

use askama::Template;
use axum::response::Response;

use super::frame::Frame;
use crate::domain::templates::removal::Removal;
use crate::http::State;
use crate::http::site::render;
use crate::service::open_invite::Ended;

#[derive(Template)]
#[template(path = "onboard/pages/removal.html")]
struct Page<'a> {
    frame: Frame<'a>,
    removal: &'a Removal,
}

pub fn page(ended: &Ended, state: &State) -> Response {
    let frame = Frame {
        tenant: Some(&ended.tenant),
        ..Frame::of_nobody(state, "This has ended")
    };
    render(&Page {
        frame,
        removal: &ended.removal,
    })
}

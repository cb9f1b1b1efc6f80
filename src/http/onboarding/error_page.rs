//! The page that a customer gets instead of the form, with the reason.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

use super::layout::Layout;
use super::rejection::{ErrorText, Rejection};
use super::removal;
use crate::http::AppState;
use crate::http::web_ui::render;

#[derive(askama::Template)]
#[template(path = "onboarding/pages/error_page.html")]
struct Page<'a> {
    frame: Layout<'a>,
    error: ErrorText,
    number: Option<&'a str>,
}

/// Renders a rejection as a page, for the request with this ID.
pub(crate) fn page(rejection: &Rejection, state: &AppState, request_id: Option<&str>) -> Response {
    let error = rejection.text();
    let status = error.status;
    if let Rejection::Ended(ended) = rejection {
        return (status, removal::page(ended, state)).into_response();
    }
    let page = Page {
        frame: Layout::without_session(state, error.title),
        error,
        number: request_id.filter(|_| *rejection == Rejection::Broken),
    };
    let mut response = (status, render(&page)).into_response();
    let wait = match rejection {
        Rejection::TooMany { seconds } | Rejection::TooManyToday { seconds } => Some(*seconds),
        Rejection::Unavailable => Some(2),
        _ => None,
    };
    if let Some(seconds) = wait {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

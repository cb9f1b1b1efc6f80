//! The page for an error.

use askama::Template;
use axum::http::HeaderValue;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use crate::http::AppState;
use crate::http::conventions::problem::{Problem, ProblemKind};
use crate::http::dashboard::shared::layout::Layout;
use crate::http::web_ui::{render, sentence};

#[derive(Template)]
#[template(path = "dashboard/pages/error_page.html")]
struct Page<'a> {
    frame: Layout<'a>,
    status: u16,
    detail: String,
    faults: Vec<String>,
    advice: &'static str,
    /// The request ID, for finding the error in the logs.
    number: &'a str,
}

/// Renders a problem as a page, for the request with this ID.
pub(crate) fn page(state: &AppState, problem: &Problem, request_id: &str) -> Response {
    let status = problem.kind().status();
    let page = Page {
        frame: Layout::without_session(state, problem.kind().title()),
        status: status.as_u16(),
        detail: sentence(problem.detail()),
        faults: problem.errors().iter().map(|fault| sentence(&fault.detail)).collect(),
        advice: advice(problem.kind()),
        number: request_id,
    };
    let mut response = (status, render(&page)).into_response();
    if let Some(seconds) = problem.seconds_to_wait() {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

fn advice(kind: ProblemKind) -> &'static str {
    match kind {
        ProblemKind::Conflict | ProblemKind::Offboarded => "Go back and check the current state.",
        ProblemKind::Forbidden => "Ask someone with that role to do it, or to give you a token.",
        ProblemKind::NotFound => "It may have been renamed or removed.",
        ProblemKind::Unavailable => "Nothing was changed. Try again in a few seconds.",
        ProblemKind::Internal => "The error was logged under the request ID below.",
        _ => "Go back and try again.",
    }
}

//! What is said instead of a page that cannot be shown, or of a change that was not made.

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
    /// By which it is found in the logs.
    number: &'a str,
}

/// The problem as a page, for the request of that id.
pub fn page(state: &AppState, problem: &Problem, request_id: &str) -> Response {
    let status = problem.kind().status();
    let page = Page {
        frame: Layout::of_nobody(state, problem.kind().title()),
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
        ProblemKind::Conflict | ProblemKind::Offboarded => "Go back and look at how things stand now.",
        ProblemKind::Forbidden => "Somebody with that role can do it, or give you a token that may.",
        ProblemKind::NotFound => "It may have another name by now, or be gone.",
        ProblemKind::Unavailable => "Nothing was changed, and what is running goes on. Try again in a few seconds.",
        ProblemKind::Internal => "Nothing more is known here; the log has it under the number below.",
        _ => "Go back, and try again.",
    }
}

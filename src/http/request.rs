//! What surrounds every request: its id, its span in the log, its metrics, and the rendering of problems.

use std::fmt;

use axum::extract::{MatchedPath, Request, State as Extract};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use tracing::{Instrument, info};
use uuid::Uuid;

use super::problem::Problem;
use crate::clock::SharedClock;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// By which a request is found in the logs, the audit log and a problem's `instance`.
#[derive(Debug, Clone, Copy)]
pub struct RequestId(Uuid);

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

pub async fn surround(Extract(clock): Extract<SharedClock>, mut request: Request, next: Next) -> Response {
    let id = RequestId(clock.uuid());
    request.extensions_mut().insert(id);
    let method = request.method().clone();
    // The pattern, not the path: a path may hold a secret, and would make every metric a new one.
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("unmatched", MatchedPath::as_str)
        .to_owned();
    let span = tracing::info_span!("request", %method, route, request_id = %id);
    let started = clock.instant();
    async move {
        let mut response = next.run(request).await;
        if let Some(problem) = response.extensions_mut().remove::<Problem>() {
            let allow = response.headers_mut().remove(axum::http::header::ALLOW);
            response = problem.render(&id.to_string());
            if let Some(allow) = allow {
                response.headers_mut().insert(axum::http::header::ALLOW, allow);
            }
        }
        if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
            response.headers_mut().insert(REQUEST_ID, value);
        }
        let took = clock.instant() - started;
        let status = response.status().as_u16();
        let labels = [("method", method.to_string()), ("route", route), ("status", status.to_string())];
        metrics::counter!("latchkey_http_requests_total", &labels).increment(1);
        metrics::histogram!("latchkey_http_request_duration_seconds", &labels[..2]).record(took);
        info!(status, duration_ms = took.as_secs_f64() * 1000.0, "answered");
        response
    }
    .instrument(span)
    .await
}

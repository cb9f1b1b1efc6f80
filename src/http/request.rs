//! What surrounds every request: its id, its span in logs and traces, its metrics, and the rendering of problems.

use std::fmt;

use axum::extract::{Request, State as Extract};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use opentelemetry_http::HeaderExtractor;
use tracing::field::Empty;
use tracing::{Instrument, Span, debug, info};
use uuid::Uuid;

use super::problem::Problem;
use super::traffic::{self, Listener};
use crate::telemetry::traces;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// By which a request is found in the logs, the audit log and a problem's `instance`.
#[derive(Debug, Clone, Copy)]
pub struct RequestId(Uuid);

impl RequestId {
    fn header(self) -> HeaderValue {
        let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
        let text: &str = self.0.hyphenated().encode_lower(&mut text);
        HeaderValue::from_str(text).expect("a UUID is visible ASCII")
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

pub async fn surround(Extract(listener): Extract<Listener>, mut request: Request, next: Next) -> Response {
    let id = RequestId(listener.clock.uuid());
    request.extensions_mut().insert(id);
    let method = traffic::method(request.method());
    let mut passage = listener.begin(method, request.extensions().get().cloned());
    let span = tracing::info_span!("request", method, route = passage.route(), request_id = %id, tenant = Empty);
    if traces::are_on() {
        // First of all: a span that has a name has begun, and where it belongs cannot be changed any more.
        if listener.is_trusted() {
            traces::adopt(&span, &HeaderExtractor(request.headers()));
        }
        traces::name(&span, format!("{method} {}", passage.route()));
    }
    async move {
        let mut response = next.run(request).await;
        if let Some(problem) = response.extensions_mut().remove::<Problem>() {
            let allow = response.headers_mut().remove(header::ALLOW);
            response = problem.render(&id.to_string());
            if let Some(allow) = allow {
                response.headers_mut().insert(header::ALLOW, allow);
            }
        }
        response.headers_mut().insert(REQUEST_ID, id.header());
        let status = response.status();
        let duration_ms = passage.answered(status).as_secs_f64() * 1000.0;
        // Millions a day, all alike: what went wrong is told, what went well is counted.
        if status.is_success() && is_routine(passage.route()) {
            debug!(status = status.as_u16(), duration_ms, "answered");
        } else {
            info!(status = status.as_u16(), duration_ms, "answered");
        }
        response
    }
    .instrument(span)
    .await
}

/// What programs ask for all the time.
fn is_routine(route: &str) -> bool {
    route.starts_with(traces::READ_ROUTES) || ["/healthz", "/readyz", "/metrics"].contains(&route)
}

/// Tells the log which tenant the present request is about.
pub fn note_tenant(tenant: impl fmt::Display) {
    Span::current().record("tenant", tracing::field::display(tenant));
}

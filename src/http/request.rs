//! What surrounds every request: its id, its span in logs and traces, its metrics, and the rendering of problems.

use std::fmt;
use std::time::Duration;

use axum::extract::{Request, State as Extract};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use opentelemetry_http::HeaderExtractor;
use tracing::field::Empty;
use tracing::{Instrument, Level, Span, debug, debug_span, info, info_span};
use uuid::Uuid;

use super::problem::Problem;
use super::traffic::{self, Listener, Passage};
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
    let mut passage = listener.begin(traffic::method(request.method()), request.extensions().get().cloned());
    // Asked for so often that a span and a line in the log for each would cost more than the answer: what is answered as it has
    // to be, refusals included, is told of at `debug` alone, and counted all the same.
    let routine = is_routine(passage.route());
    // Traces are of spans of the level `info` alone.
    let quiet = routine && !traces::are_on();
    let span = span(id, &passage, if quiet { Level::DEBUG } else { Level::INFO });
    if traces::are_on() {
        // First of all: a span that has a name has begun, and where it belongs cannot be changed any more.
        if listener.is_trusted() {
            traces::adopt(&span, &HeaderExtractor(request.headers()));
        }
        traces::name(&span, format!("{} {}", passage.method(), passage.route()));
    }
    let mut response = if span.is_disabled() {
        next.run(request).await
    } else {
        next.run(request).instrument(span.clone()).await
    };
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        let allow = response.headers_mut().remove(header::ALLOW);
        response = problem.render(&id.to_string());
        if let Some(allow) = allow {
            response.headers_mut().insert(header::ALLOW, allow);
        }
    }
    response.headers_mut().insert(REQUEST_ID, id.header());
    let status = response.status();
    let took = passage.answered(status);
    tell(id, &passage, span, routine, status, took);
    response
}

fn span(id: RequestId, passage: &Passage, level: Level) -> Span {
    let (method, route) = (passage.method(), passage.route());
    if level == Level::DEBUG {
        debug_span!("request", method, route, request_id = %id, tenant = Empty)
    } else {
        info_span!("request", method, route, request_id = %id, tenant = Empty)
    }
}

/// The line in the log.
fn tell(id: RequestId, passage: &Passage, during: Span, routine: bool, status: StatusCode, took: Duration) {
    let (code, duration_ms) = (status.as_u16(), took.as_secs_f64() * 1000.0);
    if !routine || status.is_server_error() || status == StatusCode::UNAUTHORIZED {
        // Whatever is logged, the line says whose it is.
        let span = if during.is_disabled() {
            span(id, passage, Level::INFO)
        } else {
            during
        };
        span.in_scope(|| info!(status = code, duration_ms, "answered"));
    } else if !during.is_disabled() {
        during.in_scope(|| debug!(status = code, duration_ms, "answered"));
    }
}

/// What programs ask for all the time.
fn is_routine(route: &str) -> bool {
    route.starts_with(traces::READ_ROUTES) || ["/healthz", "/readyz", "/metrics"].contains(&route)
}

/// Tells the log which tenant the present request is about.
pub fn note_tenant(tenant: impl fmt::Display) {
    Span::current().record("tenant", tracing::field::display(tenant));
}

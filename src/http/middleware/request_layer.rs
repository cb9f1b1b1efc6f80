//! The outermost layer of every request: its ID, its span in logs and traces, its metrics, and the rendering of problems.

use std::any::Any;
use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use opentelemetry_http::HeaderExtractor;
use pin_project_lite::pin_project;
use tower::{Layer, Service};
use tracing::field::Empty;
use tracing::instrument::Instrumented;
use tracing::{Instrument, Level, Span, debug, debug_span, error, info, info_span};

use super::http_metrics::{self, ListenerMetrics, RequestMetrics};
use crate::http::conventions::problem::Problem;
use crate::http::conventions::request_id::RequestId;
use crate::telemetry::traces;

/// The layer. A hand-written service instead of `axum::middleware::from_fn`, which clones the inner service stack for every
/// request.
#[derive(Clone)]
pub(crate) struct RequestLayer(pub ListenerMetrics);

impl<S> Layer<S> for RequestLayer {
    type Service = RequestService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        let listener = self.0.clone();
        RequestService { inner, listener }
    }
}

#[derive(Clone)]
pub(crate) struct RequestService<S> {
    inner: S,
    listener: ListenerMetrics,
}

impl<S> Service<Request> for RequestService<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = RequestFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let id = RequestId::new(&self.listener.clock);
        request.extensions_mut().insert(id);
        let method = http_metrics::method(request.method());
        let metrics = self.listener.begin(method, request.extensions().get().cloned());
        // Reads of the internal API are so frequent that a span and a log line would cost more than the response. They are
        // logged at `debug` only, unless they fail on our side, and counted like all others.
        let routine = is_routine(metrics.route());
        // Only spans of level `info` are traced.
        let quiet = routine && !traces::are_enabled();
        let span = span(id, &metrics, if quiet { Level::DEBUG } else { Level::INFO });
        if traces::are_enabled() {
            // Before anything else: once a span has started, its parent can no longer be set.
            if self.listener.is_trusted() {
                traces::adopt(&span, &HeaderExtractor(request.headers()));
            }
            traces::name(&span, format!("{} {}", metrics.method(), metrics.route()));
        }
        let inner = span.in_scope(|| self.inner.call(request));
        RequestFuture {
            inner: inner.instrument(span),
            state: Some(RequestState { id, metrics, routine }),
        }
    }
}

pub(crate) type Panic = Box<dyn Any + Send>;

/// The response when a handler panics. The panic hook logs the message.
pub(crate) fn handler_panicked(_: &Panic) -> Problem {
    error!("a handler panicked");
    Problem::internal()
}

struct RequestState {
    id: RequestId,
    metrics: RequestMetrics,
    routine: bool,
}

pin_project! {
    /// The future of a response.
    pub(crate) struct RequestFuture<F> {
        #[pin]
        inner: Instrumented<F>,
        state: Option<RequestState>,
    }
}

impl<F> Future for RequestFuture<F>
where
    F: Future<Output = Result<Response, Infallible>>,
{
    type Output = Result<Response, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let polled = catch_unwind(AssertUnwindSafe(|| this.inner.as_mut().poll(cx)));
        let response = match polled {
            Ok(polled) => ready!(polled).unwrap_or_else(|never| match never {}),
            Err(panic) => this.inner.span().in_scope(|| handler_panicked(&panic)).into_response(),
        };
        let state = this.state.take().expect("a future is not polled after it completed");
        Poll::Ready(Ok(state.end(response, this.inner.span())))
    }
}

impl RequestState {
    fn end(mut self, mut response: Response, during: &Span) -> Response {
        if let Some(problem) = response.extensions_mut().remove::<Problem>() {
            let allow = response.headers_mut().remove(header::ALLOW);
            response = problem.render(&self.id.to_string());
            if let Some(allow) = allow {
                response.headers_mut().insert(header::ALLOW, allow);
            }
        }
        self.id.mark(&mut response);
        let status = response.status();
        let took = self.metrics.answered(status);
        self.log(during, status, took);
        response
    }

    /// The access log line.
    fn log(&self, during: &Span, status: StatusCode, took: Duration) {
        let (code, duration_ms) = (status.as_u16(), took.as_secs_f64() * 1000.0);
        if !self.routine || status.is_server_error() || status == StatusCode::UNAUTHORIZED {
            // The span adds the request's fields to the line.
            let span = if during.is_disabled() {
                &span(self.id, &self.metrics, Level::INFO)
            } else {
                during
            };
            span.in_scope(|| info!(status = code, duration_ms, "answered"));
        } else if !during.is_disabled() {
            during.in_scope(|| debug!(status = code, duration_ms, "answered"));
        }
    }
}

fn span(id: RequestId, metrics: &RequestMetrics, level: Level) -> Span {
    let (method, route) = (metrics.method(), metrics.route());
    if level == Level::DEBUG {
        debug_span!("request", method, route, request_id = %id, tenant = Empty)
    } else {
        info_span!("request", method, route, request_id = %id, tenant = Empty)
    }
}

/// Whether this route is called so often that it is not logged at `info`.
fn is_routine(route: &str) -> bool {
    route.starts_with(traces::READ_ROUTES) || ["/healthz", "/readyz", "/metrics"].contains(&route)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::Router;
    use axum::body::{Body, to_bytes};
    use axum::routing::get;
    use tower::ServiceExt;

    use super::*;
    use crate::clock::SystemClock;

    #[tokio::test]
    async fn a_handler_that_panics_is_answered_for() {
        async fn panics() -> Response {
            panic!("on purpose")
        }
        let listener = ListenerMetrics::new("private", Arc::new(SystemClock));
        let router = Router::new().route("/", get(panics)).layer(RequestLayer(listener));
        let request = Request::get("/").body(Body::empty()).unwrap();
        let answer = router.oneshot(request).await.unwrap();
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
        let body = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((&problem["type"], &problem["instance"]), (&"/problems/internal".into(), &id.into()));
    }
}

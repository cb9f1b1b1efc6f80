//! Limits the time until a response begins. Event streams begin immediately, so they can last longer.

#![allow(clippy::disallowed_methods, reason = "the limit is a timer of tokio, whose clock the tests pause")]

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep};
use tower::{Layer, Service};

use crate::http::conventions::problem::{Problem, ProblemKind};

/// The limit of the public listener.
pub(crate) const PUBLIC: Duration = Duration::from_secs(30);

/// The limit of the private listener. Longer than readers of the change feed can wait.
pub(crate) const PRIVATE: Duration = Duration::from_secs(75);

/// The layer. Hand-written, like [`super::request_layer::RequestLayer`].
#[derive(Clone, Copy)]
pub(crate) struct TimeLimit(pub(crate) Duration);

impl<S> Layer<S> for TimeLimit {
    type Service = TimeLimited<S>;

    fn layer(&self, inner: S) -> Self::Service {
        TimeLimited { inner, limit: self.0 }
    }
}

#[derive(Clone)]
pub(crate) struct TimeLimited<S> {
    inner: S,
    limit: Duration,
}

impl<S> Service<Request> for TimeLimited<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = TimeLimitedFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        TimeLimitedFuture {
            inner: self.inner.call(request),
            limit: sleep(self.limit),
        }
    }
}

pin_project! {
    pub(crate) struct TimeLimitedFuture<F> {
        #[pin]
        inner: F,
        #[pin]
        limit: Sleep,
    }
}

impl<F> Future for TimeLimitedFuture<F>
where
    F: Future<Output = Result<Response, Infallible>>,
{
    type Output = Result<Response, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Poll::Ready(response) = this.inner.poll(cx) {
            return Poll::Ready(response);
        }
        this.limit.poll(cx).map(|()| {
            let detail = "The request took too long and was canceled. If it was a change, check whether it took effect before you retry.";
            Ok(Problem::new(ProblemKind::Unavailable, detail).into_response())
        })
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::http::StatusCode;
    use axum::routing::get;
    use tower::ServiceExt;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_slow_request_is_cancelled() {
        let router = Router::new()
            .route("/never", get(std::future::pending::<()>))
            .route("/soon", get(async || sleep(PUBLIC / 2).await))
            .layer(TimeLimit(PUBLIC));
        let status = async |path: &str| {
            let request = Request::get(path).body(Body::empty()).unwrap();
            router.clone().oneshot(request).await.unwrap().status()
        };
        assert_eq!(status("/soon").await, StatusCode::OK);
        assert_eq!(status("/never").await, StatusCode::SERVICE_UNAVAILABLE);
    }
}

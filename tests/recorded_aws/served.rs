//! The recorded AWS over HTTP. It delays each response and counts the calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::response::Response;

use super::RecordedAws;

pub fn router(aws: RecordedAws, latency: Duration, calls: Arc<AtomicUsize>) -> Router {
    let aws = Arc::new(aws);
    Router::new().fallback(move |request: Request| {
        let (aws, calls) = (aws.clone(), calls.clone());
        async move {
            calls.fetch_add(1, Ordering::Relaxed);
            #[expect(clippy::disallowed_methods, reason = "this is the latency")]
            let latency = tokio::time::sleep(latency);
            let (parts, body) = request.into_parts();
            let body = to_bytes(body, 1 << 20).await.expect("the body is whole");
            latency.await;
            let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
            let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
            let reply = aws.answer(&RecordedAws::read(parts.method.as_str(), path, header, body.to_vec()));
            let mut response = Response::builder().status(reply.status);
            for (name, value) in &reply.headers {
                response = response.header(*name, value);
            }
            response.body(Body::from(reply.into_bytes())).expect("the answer is whole")
        }
    })
}

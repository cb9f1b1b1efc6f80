//! Proxies in front of AWS: a held, which holds requests of one kind until it is opened, and a TLS terminator.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::HeaderValue;
use axum::response::Response;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::server::TIMEOUT;

#[derive(Clone)]
pub struct HeldRequests {
    pub url: String,
    released: Arc<watch::Sender<bool>>,
    held: Arc<watch::Sender<usize>>,
    answered: Arc<watch::Sender<usize>>,
}

impl HeldRequests {
    /// Holds requests with this method whose path contains this text.
    pub async fn to(upstream: &str, method: &'static str, text: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let held = Self {
            url: format!("http://{}", listener.local_addr().expect("the listener has an address")),
            released: Arc::new(watch::Sender::new(false)),
            held: Arc::new(watch::Sender::new(0)),
            answered: Arc::new(watch::Sender::new(0)),
        };
        let proxy = held.clone();
        let router = forward(upstream, move |request| {
            let held = request.method() == method && request.uri().path().contains(text);
            let proxy = proxy.clone();
            async move {
                if held {
                    proxy.hold().await;
                    return Some(proxy.answered);
                }
                None
            }
        });
        tokio::spawn(async move { axum::serve(listener, router).await });
        held
    }

    async fn hold(&self) {
        self.held.send_modify(|held| *held += 1);
        let _ = self.released.subscribe().wait_for(|released| *released).await;
    }

    /// Waits until a request is held.
    pub async fn one_is_held(&self) {
        let mut held = self.held.subscribe();
        let reached = held.wait_for(|held| *held > 0);
        tokio::time::timeout(TIMEOUT, reached)
            .await
            .expect("a request is held")
            .expect("the proxy runs");
    }

    /// How many requests have been held.
    pub fn count(&self) -> usize {
        *self.held.borrow()
    }

    /// Waits until a request that was held has been answered.
    pub async fn answered(&self) {
        let mut answered = self.answered.subscribe();
        let one = answered.wait_for(|answered| *answered > 0);
        tokio::time::timeout(TIMEOUT, one)
            .await
            .expect("a held request is answered")
            .expect("the proxy runs");
    }

    pub fn release(&self) {
        self.released.send_replace(true);
    }
}

/// Tells the stand-in that all requests came over TLS.
pub async fn tls_terminator(upstream: &str) -> String {
    with_headers(upstream, &[("x-forwarded-proto", "https")]).await
}

/// A proxy that adds these headers, such as those that tell the stand-in from which network all requests came.
pub async fn with_headers(upstream: &str, headers: &'static [(&'static str, &'static str)]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let url = format!("http://{}", listener.local_addr().expect("the listener has an address"));
    let router = forward(upstream, move |request| {
        for (name, value) in headers {
            request.headers_mut().insert(*name, HeaderValue::from_static(value));
        }
        std::future::ready(None)
    });
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

/// Passes every request on once `before` is done with it, and counts its answer where `before` says.
fn forward<F>(upstream: &str, before: impl Fn(&mut Request) -> F + Clone + Send + Sync + 'static) -> axum::Router
where
    F: Future<Output = Option<Arc<watch::Sender<usize>>>> + Send + 'static,
{
    let client: Client<HttpConnector, Body> = Client::builder(TokioExecutor::new()).build_http();
    let upstream = upstream.to_owned();
    axum::Router::new().fallback(move |mut request: Request| {
        let (client, upstream, before) = (client.clone(), upstream.clone(), before.clone());
        async move {
            let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
            let answered = before(&mut request).await;
            *request.uri_mut() = format!("{upstream}{path}").parse().expect("the URL is one");
            let answer = client.request(request).await.map_or_else(
                |_| Response::builder().status(502).body(Body::empty()).expect("the answer is whole"),
                |answer| answer.map(Body::new),
            );
            if let Some(answered) = answered {
                answered.send_modify(|answered| *answered += 1);
            }
            answer
        }
    })
}

//! A gate on the way to AWS: passes every request on, but holds those of one kind until it is opened.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::server::PATIENCE;

#[derive(Clone)]
pub struct Gate {
    pub url: String,
    open: Arc<watch::Sender<bool>>,
    held: Arc<watch::Sender<usize>>,
}

impl Gate {
    /// Holds requests of the method whose path has the text in it.
    pub async fn before(upstream: &str, method: &'static str, text: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let gate = Self {
            url: format!("http://{}", listener.local_addr().expect("the listener has an address")),
            open: Arc::new(watch::Sender::new(false)),
            held: Arc::new(watch::Sender::new(0)),
        };
        let client: Client<HttpConnector, Body> = Client::builder(TokioExecutor::new()).build_http();
        let (upstream, keeper) = (upstream.to_owned(), gate.clone());
        let router = axum::Router::new().fallback(move |mut request: Request| {
            let (client, upstream, keeper) = (client.clone(), upstream.clone(), keeper.clone());
            async move {
                let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
                if request.method() == method && request.uri().path().contains(text) {
                    keeper.hold().await;
                }
                *request.uri_mut() = format!("{upstream}{path}").parse().expect("the URL is one");
                client.request(request).await.map_or_else(
                    |_| Response::builder().status(502).body(Body::empty()).expect("the answer is whole"),
                    |answer| answer.map(Body::new),
                )
            }
        });
        tokio::spawn(async move { axum::serve(listener, router).await });
        gate
    }

    async fn hold(&self) {
        self.held.send_modify(|held| *held += 1);
        let _ = self.open.subscribe().wait_for(|open| *open).await;
    }

    /// Waits until a request is held.
    pub async fn reached(&self) {
        let mut held = self.held.subscribe();
        let reached = held.wait_for(|held| *held > 0);
        tokio::time::timeout(PATIENCE, reached)
            .await
            .expect("a request comes to the gate")
            .expect("the gate stands");
    }

    pub fn open(&self) {
        self.open.send_replace(true);
    }
}

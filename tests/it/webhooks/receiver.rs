//! An HTTP server that receives webhook messages.

use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::http::{HeaderMap, Request, Response};
use futures::future::BoxFuture;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::support::server::TIMEOUT;

/// A received request.
#[derive(Debug, Clone)]
pub struct Received {
    pub path: String,
    pub headers: HeaderMap,
    pub body: String,
}

impl Received {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("the body is JSON")
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().expect("a header is text")
    }

    pub fn id(&self) -> &str {
        self.header("webhook-id")
    }
}

type Answers = Box<dyn Fn(usize, &Received) -> BoxFuture<'static, Response<Body>> + Send + Sync>;

#[derive(Clone)]
pub struct Receiver {
    pub url: String,
    pub port: u16,
    seen: Arc<watch::Sender<Vec<Received>>>,
    answers: Arc<Mutex<Answers>>,
}

pub fn status(status: u16) -> Response<Body> {
    Response::builder().status(status).body(Body::empty()).expect("the answer is whole")
}

pub fn with(status: u16, name: &str, value: &str) -> Response<Body> {
    let answer = Response::builder().status(status).header(name, value);
    answer.body(Body::empty()).expect("the answer is whole")
}

impl Receiver {
    /// A receiver that accepts every message.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let port = listener.local_addr().expect("the listener has an address").port();
        let receiver = Self {
            url: format!("http://127.0.0.1:{port}/in?code=unguessable"),
            port,
            seen: Arc::new(watch::Sender::new(Vec::new())),
            answers: Arc::new(Mutex::new(Box::new(|_, _| Box::pin(async { status(204) })))),
        };
        let own = receiver.clone();
        let router = axum::Router::new().fallback(move |request: Request<Body>| own.clone().receive(request));
        tokio::spawn(async move { axum::serve(listener, router).await });
        receiver
    }

    async fn receive(self, request: Request<Body>) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let body = axum::body::to_bytes(body, 1 << 20).await.expect("the body is whole");
        let received = Received {
            path: parts.uri.to_string(),
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).expect("the body is text"),
        };
        let mut number = 0;
        self.seen.send_modify(|seen| {
            seen.push(received.clone());
            number = seen.len();
        });
        let answer = (self.answers.lock().unwrap())(number, &received);
        answer.await
    }

    /// Sets how to respond from now on, depending on the number of requests so far and on the request.
    pub fn answer(&self, answer: impl Fn(usize, &Received) -> Response<Body> + Send + Sync + 'static) {
        *self.answers.lock().unwrap() = Box::new(move |number, received| {
            let answer = answer(number, received);
            Box::pin(async move { answer })
        });
    }

    /// Stops responding.
    pub fn hang(&self) {
        *self.answers.lock().unwrap() = Box::new(|_, _| Box::pin(std::future::pending()));
    }

    /// The requests so far.
    pub fn seen(&self) -> Vec<Received> {
        self.seen.borrow().clone()
    }

    /// The requests, once there are at least `count`.
    pub async fn messages(&self, count: usize) -> Vec<Received> {
        let mut seen = self.seen.subscribe();
        let reached = seen.wait_for(|seen| seen.len() >= count);
        tokio::time::timeout(TIMEOUT, reached)
            .await
            .expect("messages come in")
            .expect("the receiver stands")
            .clone()
    }
}

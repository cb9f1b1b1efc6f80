//! What `./dev/bench read` compares with: the smallest axum handler that gives as many bytes for the same requests, on a listener
//! as Latchkey's.
//!
//! `smallest <bytes>` prints where it listens.

use axum::Router;
use axum::routing::get;
use bytes::Bytes;
use latchkey::http::server::{self, Listener};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() {
    let count = std::env::args().nth(1).and_then(|count| count.parse().ok());
    let Some(count) = count else {
        // This server is not a benchmark, but cargo runs it with all benchmarks.
        return;
    };
    let body = Bytes::from(vec![b'x'; count]);
    let router = Router::new().route(
        "/internal/v1/tenants/{tenant}/storage-config",
        get(move || std::future::ready(body.clone())),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    println!("http://{}", listener.local_addr().expect("the listener has an address"));
    server::serve(Listener::new("smallest", listener), router, std::future::pending()).await;
}

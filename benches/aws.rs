//! AWS as `./dev/bench credentials` needs it: recorded answers, each after 50 ms, and `/calls`, which tells how many calls there
//! were.
//!
//! `aws serve` prints where it listens.

#[path = "../tests/recorded_aws/mod.rs"]
mod recorded_aws;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::routing::get;
use recorded_aws::{RecordedAws, served};
use tokio::net::TcpListener;

const LATENCY: Duration = Duration::from_millis(50);

#[tokio::main]
async fn main() {
    if std::env::args().nth(1).as_deref() != Some("serve") {
        return;
    }
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let router = served::router(RecordedAws::right(), LATENCY, calls).route(
        "/calls",
        get(move || std::future::ready(counted.load(Ordering::Relaxed).to_string())),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    println!("http://{}", listener.local_addr().expect("the listener has an address"));
    axum::serve(listener, router).await.expect("it serves forever");
}

//! SIGTERM ends the process within its grace period, whatever clients and Postgres do.

use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::support::aws::AwsAccess;
use crate::support::database::migrated_database;
use crate::support::db_proxy::DatabaseProxy;
use crate::support::process::Process;
use crate::support::server::TestServer;

const GRACE: (&str, &str) = ("LATCHKEY_SHUTDOWN_GRACE", "2s");

/// The grace period, plus a margin for a busy machine.
const SLACK: Duration = Duration::from_secs(15);

async fn send(url: &str, text: &str) -> TcpStream {
    let mut connection = TcpStream::connect(url.trim_start_matches("http://")).await.expect("it accepts");
    connection.write_all(text.as_bytes()).await.expect("it takes it");
    connection
}

#[expect(clippy::disallowed_methods, reason = "a promise about real time is measured")]
async fn ends_in_time(process: &mut Process) {
    let begin = Instant::now();
    process.end().await;
    assert!(begin.elapsed() < Duration::from_secs(2) + SLACK);
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_header_does_not_hold_it_up() {
    let (access, database) = (AwsAccess::none(), migrated_database().await);
    let mut process = Process::serve(&access, &database, &[GRACE]).await;
    let half = "GET /healthz HTTP/1.1\r\nhost: x\r\n";
    let _held = [
        send(&process.public, half).await,
        send(&process.url, half).await,
        send(&process.public, "").await,
    ];
    ends_in_time(&mut process).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_body_does_not_hold_it_up() {
    let (access, database) = (AwsAccess::none(), migrated_database().await);
    let server = TestServer::builder().database_url(&database).start().await;
    let mut process = Process::serve(&access, &database, &[GRACE]).await;
    let request = format!(
        "POST /v1/tenants HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{{",
        server.token
    );
    let _held = send(&process.url, &request).await;
    process
        .until("the request is in flight", |process| async move {
            let metrics = reqwest::get(format!("{}/metrics", process.url))
                .await
                .unwrap()
                .text()
                .await
                .unwrap();
            metrics.contains("latchkey_http_requests_in_flight{listener=\"private\"} 2")
        })
        .await;
    ends_in_time(&mut process).await;
    assert!(process.said().iter().any(|line| line.contains("the grace period is over")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_postgres_does_not_hold_it_up() {
    let (access, database) = (AwsAccess::none(), migrated_database().await);
    let proxy = DatabaseProxy::to(&database).await;
    let mut process = Process::serve(&access, &proxy.url, &[GRACE]).await;
    proxy.freeze();
    let asked = tokio::spawn(
        reqwest::Client::new()
            .get(format!("{}/v1/tenants", process.url))
            .bearer_auth("lk_ops_x")
            .send(),
    );
    ends_in_time(&mut process).await;
    asked.abort();
}

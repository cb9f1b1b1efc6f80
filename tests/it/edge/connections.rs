//! Slow connections, and too many of them. They must not affect the private listener.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::support::aws::AwsAccess;
use crate::support::database::migrated_database;
use crate::support::process::Process;
use crate::support::server::TIMEOUT;

const HALF_A_HEADER: &[u8] = b"GET /healthz HTTP/1.1\r\nhost: x\r\n";

/// A connection from the client with this number. Each client has its own address.
async fn connect(client: usize, listener: SocketAddr) -> TcpStream {
    let [_, _, high, low] = u32::try_from(client + 2).expect("there are not so many").to_be_bytes();
    let socket = TcpSocket::new_v4().expect("a socket is made");
    let from = Ipv4Addr::new(127, 1, high, low);
    socket.bind((from, 0).into()).expect("all of 127.0.0.0/8 is ours");
    socket.connect(listener).await.expect("the backlog has room")
}

fn address(url: &str) -> SocketAddr {
    url.trim_start_matches("http://").parse().expect("a URL here is an address")
}

/// Whether the other side has closed the connection without sending anything.
async fn is_closed(connection: &mut TcpStream) -> bool {
    let mut byte = [0];
    // Unread data turns the close into a reset.
    !matches!(connection.read(&mut byte).await, Ok(1..))
}

/// Waits until all of them are closed.
async fn closed(connections: Vec<TcpStream>) {
    let all = connections.into_iter().map(async |mut connection| is_closed(&mut connection).await);
    let all = tokio::time::timeout(TIMEOUT, futures::future::join_all(all)).await;
    assert!(all.expect("they are closed").into_iter().all(|closed| closed), "none is answered");
}

/// Uses a new connection for each request.
async fn answers(url: String) -> bool {
    let http = reqwest::Client::builder().pool_max_idle_per_host(0).build().expect("TLS is there");
    let answer = tokio::time::timeout(TIMEOUT, http.get(url).send()).await;
    answer.expect("it answers in time").is_ok_and(|answer| answer.status() == 200)
}

/// The value of this metric.
async fn metric(process: &Process, series: &str) -> f64 {
    let answer = reqwest::get(format!("{}/metrics", process.url)).await.expect("it answers");
    let text = answer.text().await.expect("the answer is whole");
    let line = text.lines().find_map(|line| line.strip_prefix(series));
    line.and_then(|value| value.trim().parse().ok()).expect("the metric is there")
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_clients_of_the_public_listener_are_shut_out_and_the_private_one_answers() {
    let (access, database) = (AwsAccess::none(), migrated_database().await);
    let settings = [
        ("LATCHKEY_PUBLIC_CONNECTIONS", "100"),
        ("LATCHKEY_PUBLIC_CONNECTIONS_PER_ADDRESS", "10"),
        ("LATCHKEY_NO_WORKER", "true"),
    ];
    let process = Process::serve(&access, &database, &settings).await;
    let public = address(&process.public);

    // A client opens as many connections as it may have, and the next one is closed immediately.
    let mut slow = Vec::new();
    for _ in 0..10 {
        let mut connection = connect(0, public).await;
        connection.write_all(HALF_A_HEADER).await.unwrap();
        slow.push(connection);
    }
    closed(vec![connect(0, public).await]).await;
    assert!(answers(format!("{}/healthz", process.public)).await, "another client is served");

    // Many clients open as many connections as all may have together.
    for client in 1..40 {
        for _ in 0..5 {
            let mut connection = connect(client, public).await;
            let _ = connection.write_all(HALF_A_HEADER).await;
            slow.push(connection);
        }
    }
    process
        .until("connections are refused", |process| async move {
            metric(
                process,
                r#"latchkey_http_connections_refused_total{listener="public",limit="total"}"#,
            )
            .await
                >= 105.0
        })
        .await;
    assert!(metric(&process, r#"latchkey_http_connections{listener="public"}"#).await <= 100.0);
    let by_address = metric(
        &process,
        r#"latchkey_http_connections_refused_total{listener="public",limit="address"}"#,
    )
    .await;
    assert!((by_address - 1.0).abs() < f64::EPSILON, "{by_address}");
    assert!(answers(format!("{}/readyz", process.url)).await);

    // The server closes all of them, and then there is room again.
    closed(slow).await;
    assert!(answers(format!("{}/healthz", process.public)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_few_descriptors_the_private_listener_keeps_its_own() {
    let (access, database) = (AwsAccess::none(), migrated_database().await);
    let process = Process::start_with_files(&access, &database, 256, &[("LATCHKEY_NO_WORKER", "true")]).await;
    let public = address(&process.public);
    let mut flood = Vec::new();
    for client in 0..60 {
        for _ in 0..5 {
            flood.push(connect(client, public).await);
        }
    }
    process
        .until("connections are refused", |process| async move {
            metric(
                process,
                r#"latchkey_http_connections_refused_total{listener="public",limit="total"}"#,
            )
            .await
                >= 200.0
        })
        .await;
    for _ in 0..20 {
        assert!(answers(format!("{}/healthz", process.url)).await);
    }
    let said = process.said();
    assert!(
        said.iter()
            .any(|line| line.contains("the file descriptor limit allows fewer connections")),
        "{said:#?}"
    );
}

#[tokio::test]
async fn both_listeners_speak_http_1_only() {
    let (access, database) = (AwsAccess::none(), migrated_database().await);
    let process = Process::start(&access, &database, &[("LATCHKEY_NO_WORKER", "true")]).await;
    for url in [&process.public, &process.url] {
        let mut connection = connect(0, address(url)).await;
        connection
            .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")
            .await
            .unwrap();
        let mut said = Vec::new();
        let read = tokio::time::timeout(TIMEOUT, connection.read_to_end(&mut said)).await;
        let _ = read.expect("the connection is closed");
        // A server that speaks HTTP/2 begins with its settings, a frame of type 4.
        assert_ne!(said.get(3), Some(&4), "{said:?}");
        assert!(!said.starts_with(b"HTTP/1.1 2"), "{said:?}");
    }
}

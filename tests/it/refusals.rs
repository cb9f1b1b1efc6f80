//! Requests that the caller's role does not allow, in the audit log.

use std::sync::Arc;
use std::time::Duration;

use chrono::{TimeDelta, Timelike};
use futures::future::join_all;
use latchkey::clock::Clock;
use latchkey::domain::token::Role;
use latchkey::service::refusals::audit_past_hours;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::clock::AheadClock;
use crate::support::server::TestServer;

/// A server whose hour has just begun.
async fn server() -> (Arc<AheadClock>, TestServer) {
    let clock = Arc::new(AheadClock::default());
    let now = clock.now();
    let past = TimeDelta::seconds(i64::from(now.minute() * 60 + now.second()));
    clock.forward((TimeDelta::hours(1) - past).to_std().unwrap());
    (clock.clone(), TestServer::builder().clock(clock).start().await)
}

async fn refused(server: &TestServer, token: &str, path: &str) {
    let request = server.bare(Method::POST, &format!("{}{path}", server.private)).bearer_auth(token);
    assert_eq!(server.send(request.json(&json!({}))).await.status, 403);
}

/// Their routes, with the number of those that came later.
async fn entries(server: &TestServer) -> Vec<(String, Option<i64>)> {
    let log = server.get("/v1/events?action=request.refused&limit=1000").await.expect(200);
    let entry = |entry: &Value| {
        (
            entry["detail"]["route"].as_str().unwrap().to_owned(),
            entry["detail"]["count"].as_i64(),
        )
    };
    log["items"].as_array().unwrap().iter().map(entry).collect()
}

#[tokio::test]
async fn repeated_refusals_are_counted_and_written_once_per_hour() {
    let (clock, server) = server().await;
    let (viewer, other) = (server.token_of(Role::Viewer).await, server.token_of(Role::Viewer).await);
    for _ in 0..5 {
        refused(&server, &viewer, "/v1/tenants").await;
    }
    join_all((0..8).map(|_| refused(&server, &viewer, "/v1/tenants/acme/suspend"))).await;
    refused(&server, &other, "/v1/tenants").await;
    let (tenants, suspend) = ("/v1/tenants".to_owned(), "/v1/tenants/{tenant}/suspend".to_owned());
    let first = [(tenants.clone(), None), (suspend.clone(), None), (tenants.clone(), None)];
    assert_eq!(entries(&server).await, first);
    audit_past_hours(&server.context).await.unwrap();
    assert_eq!(entries(&server).await, first, "the hour is not over");

    clock.forward(Duration::from_hours(1));
    audit_past_hours(&server.context).await.unwrap();
    audit_past_hours(&server.context).await.unwrap();
    let mut further = entries(&server).await.split_off(first.len());
    further.sort();
    assert_eq!(further, [(tenants.clone(), Some(4)), (suspend, Some(7))]);
    let counted: i64 = sqlx::query_scalar("select count(*) from refused_requests")
        .fetch_one(&server.pool)
        .await
        .unwrap();
    assert_eq!(counted, 0);

    refused(&server, &viewer, "/v1/tenants").await;
    assert_eq!(
        entries(&server).await.last(),
        Some(&(tenants, None)),
        "the next hour has a first one again"
    );
}

//! The program starts while the database is away: it reports that, refuses requests, and recovers.

use reqwest::{Client, Response};
use serde_json::Value;
use sqlx::PgPool;

use latchkey::domain::token::Role;

use crate::aws::World;
use crate::db_proxy::Line;
use crate::process::Process;
use crate::seed::Seed;
use crate::server::{PATIENCE, Server, empty_database};

async fn ask(http: &Client, url: String, token: &str) -> Response {
    http.get(url).bearer_auth(token).send().await.expect("it answers")
}

/// A problem's type and detail, from an answer that says when to come again.
async fn unavailable(answer: Response) -> (Value, String) {
    assert_eq!(answer.status(), 503);
    assert!(answer.headers().contains_key("retry-after"));
    let body: Value = answer.json().await.expect("it is a problem");
    (body["type"].clone(), body["detail"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn without_postgres_it_is_not_ready_and_with_it_it_mends_itself() {
    let world = World::new().await;
    let database = empty_database().await;
    let line = Line::to(&database).await;
    line.cut();
    let process = Process::start(&world, &line.url, &[]).await;
    let http = Client::new();
    let config = |tenant: &str| format!("{}/internal/v1/tenants/{tenant}/storage-config", process.url);

    assert_eq!(ask(&http, format!("{}/healthz", process.url), "").await.status(), 200);
    let (kind, detail) = unavailable(ask(&http, format!("{}/readyz", process.url), "").await).await;
    assert_eq!(kind, "/problems/unavailable");
    assert!(detail.contains("still being loaded from the database"), "{detail}");
    for path in [config("acme"), format!("{}/internal/v1/changes", process.url)] {
        let (kind, detail) = unavailable(ask(&http, path, "lk_service_any").await).await;
        assert_eq!(kind, "/problems/unavailable");
        assert!(detail.contains("still being loaded from the database"), "{detail}");
    }

    line.restore();
    let until = async |url: String, token: &str| {
        let asking = async { while ask(&http, url.clone(), token).await.status() != 200 {} };
        tokio::time::timeout(PATIENCE, asking).await.expect("it recovers");
    };
    until(format!("{}/readyz", process.url), "").await;
    let second = Server::idle_with(&database, &world, std::time::Duration::from_mins(1)).await;
    Seed(PgPool::connect(&database).await.expect("Postgres answers"))
        .active("acme")
        .await;
    until(config("acme"), &second.token_of(Role::Service).await).await;
    let said = process.said();
    assert!(said.iter().any(|line| line.contains("waiting for the database")), "{said:#?}");
}

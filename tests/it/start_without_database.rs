//! The program starts while the database is away: it reports that, refuses requests, and recovers.

use reqwest::{Client, Response};
use serde_json::Value;

use latchkey::domain::token::Role;

use crate::support::aws::AwsAccess;
use crate::support::database::empty_database;
use crate::support::db_proxy::DatabaseProxy;
use crate::support::process::Process;
use crate::support::seed::Seed;
use crate::support::server::{TIMEOUT, TestServer};

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
async fn the_process_waits_for_postgres_and_recovers() {
    let database = empty_database().await;
    let proxy = DatabaseProxy::to(&database).await;
    proxy.cut();
    let process = Process::start(&AwsAccess::none(), &proxy.url, &[("LATCHKEY_NO_WORKER", "true")]).await;
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

    proxy.restore();
    let until = async |url: String, token: &str| {
        let asking = async { while ask(&http, url.clone(), token).await.status() != 200 {} };
        tokio::time::timeout(TIMEOUT, asking).await.expect("it recovers");
    };
    until(format!("{}/readyz", process.url), "").await;
    let second = TestServer::builder().database_url(&database).start().await;
    Seed::new(&second).active("acme").await;
    until(config("acme"), &second.token_of(Role::Service).await).await;
    let said = process.said();
    assert!(said.iter().any(|line| line.contains("waiting for the database")), "{said:#?}");
}

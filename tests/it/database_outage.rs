//! What the database's own limits and outages lead to: locks that end, and 503 with a time to retry.

use reqwest::Method;
use rstest::rstest;
use serde_json::json;
use sqlx::{Connection, Executor, PgConnection};

use crate::support::server::{TIMEOUT, TestServer};

/// A process that is suspended in a transaction, as its connection is seen by Postgres: it sends nothing more.
#[tokio::test]
async fn the_locks_of_a_suspended_process_are_released() {
    let server = TestServer::start().await;
    server.create_tenant("acme").await;
    let mut suspended = server.pool.begin().await.unwrap();
    suspended.execute("update tenants set name = 'Locked'").await.unwrap();
    let change = server
        .request(Method::PATCH, "/v1/tenants/acme")
        .header("if-match", "*")
        .json(&json!({"name": "Acme"}));
    let changed = tokio::time::timeout(TIMEOUT, server.send(change))
        .await
        .expect("the lock is released");
    assert_eq!(changed.expect(200)["name"], "Acme");
    assert!(suspended.commit().await.is_err(), "Postgres has ended the transaction");
}

/// The SQLSTATEs of a database that is full, shuts down, has no connection left, or gives up waiting.
#[rstest]
#[case("53100", "read-only or full")]
#[case("57P01", "does not respond")]
#[case("53300", "overloaded")]
#[case("55P03", "overloaded")]
#[tokio::test]
async fn a_change_that_the_database_cannot_save_is_answered_with_503(#[case] code: &str, #[case] detail: &str) {
    let server = TestServer::start().await;
    let refuse = format!(
        "create function refuse() returns trigger language plpgsql as $$ begin raise exception using errcode = '{code}'; end $$;
         create trigger refuse before insert on tenants for each row execute function refuse()"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(refuse)).execute(&server.pool).await.unwrap();
    let refused = server.post("/v1/tenants", &json!({"slug": "acme", "name": "Acme"})).await;
    assert!(refused.headers.contains_key("retry-after"));
    let problem = refused.expect(503);
    assert_eq!(problem["type"], "/problems/unavailable");
    assert!(problem["detail"].as_str().unwrap().contains(detail), "{problem}");
}

#[tokio::test]
async fn a_read_only_database_is_read_and_changes_are_answered_with_503() {
    let server = TestServer::start().await;
    server.create_tenant("acme").await;
    // Not one of the server's connections, which all end.
    let mut administrator = PgConnection::connect(&server.database_url).await.unwrap();
    let name: String = sqlx::query_scalar("select current_database()")
        .fetch_one(&mut administrator)
        .await
        .unwrap();
    let read_only = format!("alter database \"{name}\" set default_transaction_read_only = on");
    administrator.execute(sqlx::AssertSqlSafe(read_only)).await.unwrap();
    let end_sessions =
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()";
    administrator.execute(end_sessions).await.unwrap();

    let refused = tokio::time::timeout(TIMEOUT, async {
        loop {
            // A connection may not have noticed yet that it was closed.
            let answer = server.post("/v1/tenants/acme/suspend", &json!({"reason": "a test"})).await;
            if answer.body["detail"].as_str().is_some_and(|detail| detail.contains("read-only")) {
                return answer;
            }
        }
    });
    refused.await.expect("it is refused").expect(503);
    let read = tokio::time::timeout(TIMEOUT, async {
        // Other connections of the pool may not have noticed yet that they were closed.
        while server.get("/v1/tenants/acme").await.status != 200 {}
    });
    read.await.expect("tenants can be read");
}

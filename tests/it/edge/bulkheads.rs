//! Slow work for the public listener does not delay the private one.

use reqwest::Client;
use sqlx::{Connection, Executor, PgConnection};

use latchkey::domain::token::Role;

use crate::support::aws::AwsAccess;
use crate::support::database::migrated_database;
use crate::support::process::Process;
use crate::support::server::{TIMEOUT, TestServer};

#[tokio::test(flavor = "multi_thread")]
async fn operators_are_served_while_the_public_listener_waits_for_the_database() {
    let (access, database) = (AwsAccess::none(), migrated_database().await);
    let server = TestServer::builder().database_url(&database).start().await;
    let settings = [("LATCHKEY_DATABASE_CONNECTIONS", "8")];
    let process = Process::serve(&access, &database, &settings).await;

    // Opening a link waits for the table of links.
    let mut blocker = PgConnection::connect(&database).await.expect("Postgres answers");
    let mut locked = blocker.begin().await.expect("a transaction begins");
    locked
        .execute("lock table invites in access exclusive mode")
        .await
        .expect("nobody else has it");
    let http = Client::new();
    let waiting: Vec<_> = (0..20)
        .map(|number| tokio::spawn(http.get(format!("{}/onboard/token-{number}", process.public)).send()))
        .collect();
    process
        .until("they wait for the lock", |_| async {
            let waiting: i64 = sqlx::query_scalar("select count(*) from pg_locks where relation = 'invites'::regclass and not granted")
                .fetch_one(&server.pool)
                .await
                .expect("Postgres answers");
            waiting >= 2
        })
        .await;

    let get = async |path: &str, token: &str| {
        let answer = http.get(format!("{}{path}", process.url)).bearer_auth(token).send();
        let answer = tokio::time::timeout(TIMEOUT, answer).await.expect("it answers");
        answer.expect("it answers").status()
    };
    let token = server.token_of(Role::Viewer).await;
    for _ in 0..10 {
        assert_eq!(get("/readyz", "").await, 200);
        assert_eq!(get("/v1/tenants", &token).await, 200);
    }
    locked.rollback().await.expect("the lock is released");
    for answer in waiting {
        // Requests that got no connection in time are answered with a time to retry.
        let answer = answer.await.unwrap().expect("it answers");
        assert!(answer.status() == 404 || answer.headers().contains_key("retry-after"), "{answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_is_ready_while_its_connections_are_busy() {
    let server = TestServer::start().await;
    let mut held = Vec::new();
    while let Some(connection) = server.pool.try_acquire() {
        held.push(connection);
    }
    while held.len() < 8 {
        held.push(server.pool.acquire().await.expect("Postgres answers"));
    }
    for _ in 0..5 {
        let ready = server.bare(reqwest::Method::GET, &format!("{}/readyz", server.private));
        assert_eq!(server.send_now(ready).await.status, 200);
    }
}

//! The hash chain over the audit log, and `latchkey audit verify`.

use futures::future::join_all;
use latchkey::domain::token::Role;
use reqwest::Method;
use serde_json::json;
use sqlx::Executor;

use crate::support::cli::{latchkey, text};
use crate::support::server::TestServer;

/// The exit code, and what was printed.
fn verify(server: &TestServer, head: Option<&str>) -> (Option<i32>, String) {
    let args: Vec<&str> = ["audit", "verify"]
        .into_iter()
        .chain(head.into_iter().flat_map(|head| ["--head", head]))
        .collect();
    let ran = latchkey(&args, &[("DATABASE_URL", &server.database_url)]);
    (ran.status.code(), text(&ran.stdout) + &text(&ran.stderr))
}

fn head(server: &TestServer) -> String {
    let (code, printed) = verify(server, None);
    assert_eq!(code, Some(0), "{printed}");
    printed.lines().last().unwrap().strip_prefix("Head: ").unwrap().to_owned()
}

/// More than one page of entries.
async fn written() -> TestServer {
    let server = TestServer::start().await;
    server
        .pool
        .execute(
            "insert into audit_events (id, at, actor, action, address, detail)
             select gen_random_uuid(), now(), '{\"kind\": \"system\"}', 'x', '192.0.2.1', jsonb_build_object('reason', n)
             from generate_series(1, 1500) n",
        )
        .await
        .unwrap();
    server
}

/// Changes the log as the owner of the tables can: without triggers.
async fn tamper(server: &TestServer, sql: &str) {
    let sql = format!("alter table audit_events disable trigger all; {sql}; alter table audit_events enable trigger all");
    server.pool.execute(sqlx::AssertSqlSafe(sql)).await.unwrap();
}

#[tokio::test]
async fn every_tampering_is_found() {
    for (sql, found) in [
        ("delete from audit_events where position = 700", "position 700 is missing"),
        (
            "delete from audit_events where position > 1400",
            "positions 1401 to 1501 are missing",
        ),
        (
            "update audit_events set action = 'y' where position = 1200",
            "position 1200 was changed",
        ),
        (
            "update audit_events set at = at - interval '1 s' where position = 3",
            "position 3 was changed",
        ),
        (
            "update audit_events set detail = '{\"reason\": \"y\"}' where position = 4",
            "position 4 was changed",
        ),
        (
            "update audit_events set address = '192.0.2.2' where position = 5",
            "position 5 was changed",
        ),
        (
            "update audit_events set personal_salt = null, address = 'erased', detail = without_personal_data(detail) where position = 6",
            "position 6 was changed",
        ),
        (
            "update audit_events set position = -1 where position = 8; update audit_events set position = 8 where position = 9;
             update audit_events set position = 9 where position = -1",
            "position 8 was changed",
        ),
        (
            "insert into audit_events (id, at, actor, action, detail, position) values (gen_random_uuid(), now(), '{}', 'x', '{}', 1502)",
            "position 1502 was changed",
        ),
        (
            "insert into audit_events (id, at, actor, action, detail, position) values (gen_random_uuid(), now(), '{}', 'x', '{}', 900)",
            "position 900 was changed",
        ),
        (
            "insert into audit_events (id, at, actor, action, detail) values (gen_random_uuid(), now(), '{}', 'x', '{}')",
            "has no position",
        ),
    ] {
        let server = written().await;
        head(&server);
        tamper(&server, sql).await;
        let (code, printed) = verify(&server, None);
        assert_eq!(code, Some(1), "{sql}: {printed}");
        assert!(printed.contains(found), "{sql}: {printed}");
    }
}

/// A fault that anybody could cause must not hide one that nobody may.
#[tokio::test]
async fn every_fault_is_reported() {
    let server = written().await;
    let faults = "delete from audit_events where position in (7, 8, 1250);
                  update audit_events set action = 'y' where position in (700, 701, 1400);
                  insert into audit_events (id, at, actor, action, detail) values (gen_random_uuid(), now(), '{}', 'x', '{}')";
    tamper(&server, faults).await;
    let (code, printed) = verify(&server, None);
    assert_eq!(code, Some(1), "{printed}");
    let found: Vec<&str> = printed
        .lines()
        .filter_map(|line| line.strip_prefix("latchkey: the audit log is not intact: "))
        .collect();
    let changed = |position| format!("the entry at position {position} was changed, inserted or moved");
    let expected = [
        "the entries at positions 7 to 8 are missing".to_owned(),
        changed(700),
        changed(701),
        "the entry at position 1250 is missing".to_owned(),
        changed(1400),
        "an entry has no position: it was inserted without the trigger that assigns one".to_owned(),
    ];
    assert_eq!(found, expected, "{printed}");

    tamper(&server, "update audit_events set action = 'y' where position > 1000").await;
    let (code, printed) = verify(&server, None);
    assert_eq!(code, Some(1));
    assert_eq!(printed.lines().count(), 101, "{printed}");
    assert!(printed.trim_end().ends_with(" more"), "{printed}");
}

#[tokio::test]
async fn a_kept_head_finds_a_truncated_or_rewritten_log() {
    let server = written().await;
    let kept = head(&server);
    server.create_tenant("acme").await;
    assert_ne!(head(&server), kept);
    assert_eq!(verify(&server, Some(&kept)).0, Some(0), "an older head is still part of the log");

    tamper(
        &server,
        "delete from audit_events where position > 1000;
         update change_counters set audit_events = 1000, audit_hash = (select hash from audit_events where position = 1000)",
    )
    .await;
    assert_eq!(verify(&server, None).0, Some(0), "nothing in the database tells");
    let (code, printed) = verify(&server, Some(&kept));
    assert!(code == Some(1) && printed.contains("positions 1001 to"), "{printed}");

    server
        .pool
        .execute("insert into audit_events (id, at, actor, action, detail) select gen_random_uuid(), now(), '{}', 'x', '{}' from generate_series(1, 600)")
        .await
        .unwrap();
    assert_eq!(verify(&server, None).0, Some(0));
    let (code, printed) = verify(&server, Some(&kept));
    assert!(code == Some(1) && printed.contains("the log was rewritten"), "{printed}");
    assert_eq!(verify(&server, Some("7:abc")).0, Some(2));
}

#[tokio::test]
async fn erasure_keeps_the_chain_intact() {
    let server = TestServer::start().await;
    let tenant = json!({"slug": "acme", "name": "Ada Lovelace Ltd", "reference": "Countess-4711"});
    server.post("/v1/tenants", &tenant).await.expect(201);
    let admin = server.token_of(Role::Admin).await;
    for path in ["", "/personal-data"] {
        let id: String = sqlx::query_scalar("select id::text from tenants")
            .fetch_one(&server.pool)
            .await
            .unwrap();
        let request = server.bare(Method::DELETE, &format!("{}/v1/tenants/{id}{path}", server.private));
        server
            .send(request.bearer_auth(&admin).json(&json!({"reason": "Ada left"})))
            .await
            .expect(200);
    }
    let kept = head(&server);
    let unsalted: i64 = sqlx::query_scalar("select count(*) from audit_events where personal_salt is null")
        .fetch_one(&server.pool)
        .await
        .unwrap();
    assert!(unsalted >= 2, "an erased entry has no salt: {unsalted}");
    tamper(
        &server,
        "update audit_events set detail = '{\"reason\": \"forged\"}' where action = 'tenant.offboarded'",
    )
    .await;
    assert_eq!(verify(&server, Some(&kept)).0, Some(1), "an erased entry cannot get other data");
}

/// The service's database role can call the function that erases.
#[tokio::test]
async fn an_erasure_without_an_entry_is_found() {
    let server = TestServer::start().await;
    let admin = server.token_of(Role::Admin).await;
    let mut erased = Vec::new();
    for slug in ["acme", "globex", "initech"] {
        let id = server.create_tenant(slug).await["id"].as_str().unwrap().to_owned();
        let path = format!("{}/v1/tenants/{id}", server.private);
        let delete = async |path: &str| {
            let request = server.bare(Method::DELETE, path).bearer_auth(&admin);
            server.send(request.json(&json!({"reason": "Ended"}))).await.expect(200);
        };
        delete(&path).await;
        if slug == "acme" {
            delete(&format!("{path}/personal-data")).await;
        } else {
            let erase = sqlx::query("select erase_tenant($1, now())").bind(id.parse::<uuid::Uuid>().unwrap());
            erase.execute(&server.pool).await.unwrap();
        }
        erased.push(id);
    }
    let (code, printed) = verify(&server, None);
    assert_eq!(code, Some(1), "{printed}");
    let named: Vec<bool> = erased.iter().map(|id| printed.contains(id)).collect();
    assert_eq!(named, [false, true, true], "{printed}");
    assert!(
        printed.contains("no entry tenant.erased") && printed.contains("is intact"),
        "{printed}"
    );
}

#[tokio::test]
async fn concurrent_writers_make_one_chain() {
    let server = TestServer::start().await;
    let writes = (0..8).map(async |_| {
        for _ in 0..20 {
            let insert = "insert into audit_events (id, at, actor, action, detail)
                          select gen_random_uuid(), now(), '{\"kind\": \"system\"}', 'x', '{}' from generate_series(1, 3)";
            server.pool.execute(insert).await.unwrap();
        }
    });
    join_all(writes).await;
    assert!(head(&server).starts_with("481:"), "480 entries, and the token's");
}

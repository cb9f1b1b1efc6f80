//! The audit log: its entries, their order, that nobody can change them, and erasure.

use std::time::Duration;

use chrono::TimeDelta;
use latchkey::domain::audit::AuditFilter;
use latchkey::domain::ids::TenantRef;
use latchkey::domain::token::{Role, TokenLifetime};
use latchkey::service::Caller;
use latchkey::service::read;
use latchkey::service::tokens::create_token;
use reqwest::Method;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use sqlx::Executor;

use crate::support::clock::clock;
use crate::support::server::{ApiResponse, TIMEOUT, TestServer};

async fn events(server: &TestServer, query: &str) -> Vec<Value> {
    let log = server.get(&format!("/v1/events?limit=1000{query}")).await.expect(200);
    log["items"].as_array().unwrap().clone()
}

async fn delete(server: &TestServer, token: &str, path: &str, reason: &str) -> ApiResponse {
    let request = server.bare(Method::DELETE, &format!("{}{path}", server.private)).bearer_auth(token);
    server.send(request.json(&json!({"reason": reason}))).await
}

/// Creates a tenant with an idempotency key.
async fn create(server: &TestServer, body: &Value) -> ApiResponse {
    let request = server.request(Method::POST, "/v1/tenants").header("idempotency-key", "once");
    server.send(request.json(body)).await
}

/// An offboarded tenant with an entry of every kind that needs no AWS.
async fn ended(server: &TestServer) -> (String, Value) {
    let body = json!({"slug": "acme", "name": "Ada Lovelace Ltd", "reference": "Countess-4711"});
    let created = create(server, &body).await.expect(201);
    let id = created["id"].as_str().unwrap().to_owned();
    server
        .post("/v1/tenants/acme/suspend", &json!({"reason": "Ada called"}))
        .await
        .expect(200);
    server
        .post("/v1/tenants/acme/resume", &json!({"reason": "Ada paid"}))
        .await
        .expect(200);
    server.post("/v1/tenants/acme/invites", &json!({})).await.expect(201);
    let admin = server.token_of(Role::Admin).await;
    let ended = delete(server, &server.token, "/v1/tenants/acme", "Ada left").await.expect(200);
    assert_eq!(ended["status"], "offboarded");
    (id, json!(admin))
}

#[tokio::test]
async fn each_event_has_actor_address_before_and_after() {
    let server = TestServer::start().await;
    let (id, _) = ended(&server).await;
    let log = events(&server, &format!("&tenant={id}")).await;
    let told: Vec<&str> = log.iter().map(|event| event["action"].as_str().unwrap()).collect();
    assert_eq!(
        told,
        [
            "tenant.created",
            "tenant.suspended",
            "tenant.resumed",
            "invite.created",
            "invite.revoked",
            "tenant.offboarded"
        ]
    );
    for event in &log {
        assert_eq!(event["actor"]["kind"], "token", "{event:#}");
        assert_eq!(event["address"], "127.0.0.1", "{event:#}");
        assert!(event["request_id"].is_string() && event["after"].is_object(), "{event:#}");
        let is_new = event["action"].as_str().unwrap().ends_with(".created");
        assert_eq!(event["before"].is_null(), is_new, "{event:#}");
        assert_ne!(event["before"], event["after"], "{event:#}");
    }
    assert_eq!(
        (&log[1]["before"]["status"], &log[1]["after"]["status"]),
        (&json!("invited"), &json!("suspended"))
    );
    assert!(log[4]["before"]["revoked_at"].is_null() && log[4]["after"]["revoked_at"].is_string());
}

#[tokio::test]
async fn the_client_address_is_taken_from_trusted_proxies() {
    let server = TestServer::builder().trusted_proxies("127.0.0.0/8").start().await;
    let request = server
        .request(Method::POST, "/v1/tenants")
        .header("x-forwarded-for", "198.51.100.1, 203.0.113.9");
    server
        .send(request.json(&json!({"slug": "acme", "name": "Acme"})))
        .await
        .expect(201);
    assert_eq!(events(&server, "&tenant=acme").await[0]["address"], "203.0.113.9");
}

#[tokio::test]
async fn pagination_does_not_skip_events_committed_late() {
    let server = TestServer::start().await;
    let insert = "insert into audit_events (id, at, actor, action, detail) values ($1, now(), '{\"kind\": \"system\"}', $2, '{}')";
    let mut slow = server.pool.begin().await.unwrap();
    sqlx::query(insert)
        .bind(clock().uuid())
        .bind("slow")
        .execute(&mut *slow)
        .await
        .unwrap();
    sqlx::query(insert)
        .bind(clock().uuid())
        .bind("fast")
        .execute(&server.pool)
        .await
        .unwrap();
    let first = server.get("/v1/events").await.expect(200);
    let actions = |page: &Value| -> Vec<String> {
        let items = page["items"].as_array().unwrap();
        items.iter().map(|item| item["action"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(actions(&first), ["token.created", "fast"]);
    slow.commit().await.unwrap();
    let next = first["next"].as_str().unwrap();
    let second = server.get(&format!("/v1/events?after={next}")).await.expect(200);
    assert_eq!(actions(&second), ["slow"]);
    let end = second["next"].as_str().unwrap();
    let third = server.get(&format!("/v1/events?after={end}")).await.expect(200);
    assert_eq!((actions(&third), &third["next"]), (vec![], &json!(end)));
    let unknown = server.get("/v1/events?after=00000000-0000-7000-8000-000000000000").await;
    assert_eq!(unknown.errors(), [("after".to_owned(), "unknown_event".to_owned())]);
}

#[tokio::test]
async fn the_export_has_all_events_and_respects_filters() {
    let server = TestServer::start().await;
    server
        .pool
        .execute(
            "insert into audit_events (id, at, actor, action, detail)
             select gen_random_uuid(), now(), jsonb_build_object('kind', 'user', 'subject', 'u' || n % 2), 'x.' || n % 3, jsonb_build_object('n', n)
             from generate_series(1, 2500) n",
        )
        .await
        .unwrap();
    let lines = async |query: &str| -> Vec<Value> {
        let request = server.request(Method::GET, &format!("/v1/events{query}"));
        let answer = server.send(request.header("accept", "application/x-ndjson")).await;
        assert_eq!(answer.headers["content-type"], "application/x-ndjson");
        let text = answer.body.as_str().unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let all = lines("").await;
    assert_eq!(all.len(), 2501);
    let numbers: Vec<i64> = all[1..].iter().map(|event| event["detail"]["n"].as_i64().unwrap()).collect();
    assert!(numbers.is_sorted(), "in the order in which they were written");
    let after = all[2000]["id"].as_str().unwrap();
    assert_eq!(lines(&format!("?after={after}")).await, all[2001..]);
    assert_eq!(lines("?limit=7").await, all[..7]);
    let of = |action: Option<&str>, actor: Option<&str>| -> Vec<Value> {
        let is = |event: &&Value| {
            action.is_none_or(|action| event["action"] == action) && actor.is_none_or(|actor| event["actor"]["subject"] == actor)
        };
        all.iter().filter(is).cloned().collect()
    };
    assert_eq!(lines("?action=x.1").await, of(Some("x.1"), None));
    assert_eq!(lines("?actor=user:u1").await, of(None, Some("u1")));
    assert_eq!(lines("?actor=user:u1&action=x.2").await, of(Some("x.2"), Some("u1")));
    assert!(lines("?action=x.9").await.is_empty());
}

/// A client that aborts an export holds no resources that others need.
#[tokio::test(flavor = "multi_thread")]
async fn an_export_can_be_aborted() {
    let server = TestServer::start().await;
    server
        .pool
        .execute(
            "insert into audit_events (id, at, actor, action, detail)
             select gen_random_uuid(), now(), '{\"kind\": \"system\"}', 'x', jsonb_build_object('text', repeat('x', 1000))
             from generate_series(1, 20000) n",
        )
        .await
        .unwrap();
    let most = server.pool.options().get_max_connections();
    // Listeners hold some connections for as long as the server runs.
    let in_use = || server.pool.size() as usize - server.pool.num_idle();
    let before = in_use();
    for _ in 0..2 * most {
        let export = server.request(Method::GET, "/v1/events").header("accept", "application/x-ndjson");
        let mut answer = export.send().await.unwrap();
        assert!(answer.chunk().await.unwrap().is_some_and(|begin| begin.starts_with(b"{")));
    }
    let given_back = async {
        while in_use() > before {
            tokio::task::yield_now().await;
        }
    };
    assert!(
        tokio::time::timeout(TIMEOUT, given_back).await.is_ok(),
        "every connection is free again"
    );
    server.get("/v1/events?limit=1").await.expect(200);
}

/// No filter reads the whole log, forwards or backwards, with or without planner statistics.
#[tokio::test]
async fn no_query_scans_the_whole_audit_log() {
    let server = TestServer::start().await;
    server.create_tenant("acme").await;
    server
        .pool
        .execute(
            "insert into audit_events (id, at, actor, action, tenant_id, detail)
             select gen_random_uuid(), now(), jsonb_build_object('kind', 'user', 'subject', 'u' || n % 200), 'x.' || n % 300,
                    (select id from tenants where n % 1000 = 0), '{}'
             from generate_series(1, 20000) n",
        )
        .await
        .unwrap();
    let read = async || -> i64 {
        // Postgres updates these statistics with a delay.
        server.pool.execute("select pg_stat_force_next_flush()").await.unwrap();
        let count = "select seq_tup_read from pg_stat_user_tables where relname = 'audit_events_other'";
        sqlx::query_scalar(count).fetch_one(&server.pool).await.unwrap()
    };
    for known in [false, true] {
        if known {
            server.pool.execute("vacuum analyze audit_events").await.unwrap();
        }
        let before = read().await;
        for (tenant, actor, action, found) in [
            (false, None, None, 30),
            (true, None, None, 21),
            (false, Some("user:u7"), None, 30),
            (false, None, Some("x.7"), 30),
            (false, Some("user:u7"), Some("x.7"), 30),
            (true, Some("user:u0"), Some("x.100"), 7),
            (false, Some("nobody"), None, 0),
            (false, Some("user:u7"), Some("nothing"), 0),
            (false, None, Some("nothing"), 0),
        ] {
            let pairs = [("actor", actor), ("action", action), ("tenant", tenant.then_some("acme"))];
            let query: String = pairs
                .iter()
                .filter_map(|(name, value)| Some(format!("&{name}={}", (*value)?)))
                .collect();
            let page = server.get(&format!("/v1/events?limit=30{query}")).await.expect(200);
            assert_eq!(page["items"].as_array().map(Vec::len), Some(found), "{query}");
            let id = if tenant {
                read::tenants::find(&server.context, &TenantRef::parse("acme").unwrap())
                    .await
                    .unwrap()
            } else {
                None
            };
            let filter = AuditFilter {
                tenant: id.map(|tenant| tenant.id),
                actor: actor.map(str::to_owned),
                action: action.map(str::to_owned),
            };
            let latest = read::audit::latest(&server.context, &filter, None, 30).await.unwrap();
            assert_eq!(latest.len(), found, "{query}");
            assert!(latest.is_sorted_by(|newer, older| newer.position > older.position));
        }
        assert_eq!(read().await, before, "nothing was read that was not looked up");
    }
}

#[tokio::test]
async fn erasure_removes_personal_data_and_keeps_events() {
    let server = TestServer::start().await;
    let (id, admin) = ended(&server).await;
    let admin = admin.as_str().unwrap();
    let other = json!({"slug": "other", "name": "Other", "reference": "Ada"});
    server.post("/v1/tenants", &other).await.expect(201);
    let (before, others) = (
        events(&server, &format!("&tenant={id}")).await,
        events(&server, "&tenant=other").await,
    );
    assert!(before.iter().any(|event| event.to_string().contains("Ada")));

    let path = format!("/v1/tenants/{id}/personal-data");
    let early = delete(&server, admin, "/v1/tenants/other/personal-data", "Asked to").await;
    assert_eq!((early.status, &early.body["type"]), (409, &json!("/problems/conflict")));
    assert_eq!(delete(&server, &server.token, &path, "Asked to").await.status, 403, "ops may not");
    assert_eq!(delete(&server, admin, &path, "").await.status, 422);
    let erased = delete(&server, admin, &path, "Asked to").await.expect(200);
    let names = ["name", "slug", "reference"].map(|member| erased[member].clone());
    assert_eq!(names, ["erased"; 3].map(|text| json!(text)));
    assert!(erased["erased_at"].is_string());

    let after = events(&server, &format!("&tenant={id}")).await;
    assert_eq!(after.len(), before.len() + 1);
    for (before, after) in before.iter().zip(&after) {
        for kept in ["id", "at", "action", "tenant_id", "request_id"] {
            assert_eq!(before[kept], after[kept]);
        }
        assert_eq!(before["actor"]["id"], after["actor"]["id"]);
        assert_eq!((&after["address"], &after["actor"]["name"]), (&json!("erased"), &json!("erased")));
        let text = after.to_string();
        assert!(
            !text.contains("Ada") && !text.contains("acme") && !text.contains("Countess") && !text.contains("127.0.0.1"),
            "{text}"
        );
    }
    assert_eq!(after[1]["detail"], json!({"reason": "erased"}));
    assert_eq!(after[1]["after"]["status"], "suspended");
    let last = after.last().unwrap();
    assert_eq!(
        (&last["action"], &last["detail"]["reason"]),
        (&json!("tenant.erased"), &json!("Asked to"))
    );
    assert_eq!(events(&server, "&tenant=other").await, others, "another tenant's are as they were");
    let rows: Vec<String> = sqlx::query_scalar("select t::text from tenants t where offboarded_at is not null")
        .fetch_all(&server.pool)
        .await
        .unwrap();
    assert_eq!(rows.len(), 1);
    assert!(
        rows.iter()
            .all(|row| !row.contains("Ada") && !row.contains("acme") && !row.contains("ada")),
        "{rows:?}"
    );

    let kept: Vec<bool> = sqlx::query_scalar("select body is not null from idempotency_keys")
        .fetch_all(&server.pool)
        .await
        .unwrap();
    assert_eq!(kept, [false], "the answer that was kept is gone too");
    let body = json!({"slug": "acme", "name": "Ada Lovelace Ltd", "reference": "Countess-4711"});
    let repeated = create(&server, &body).await;
    assert_eq!(repeated.status, 409, "what was done is not done again: {:#}", repeated.body);

    delete(&server, admin, &path, "Again").await.expect(200);
    assert_eq!(
        events(&server, &format!("&tenant={id}")).await,
        after,
        "a second erasure does nothing"
    );
}

#[tokio::test]
async fn events_cannot_be_changed_except_by_erasure() {
    let server = TestServer::start().await;
    let (id, _) = ended(&server).await;
    let wrong = [
        "update audit_events set action = 'nothing'",
        "update audit_events set at = now()",
        "update audit_events set detail = '{}'",
        "update audit_events set actor = '{\"kind\": \"system\"}'",
        "update audit_events set address = 'erased'",
        "update audit_events set before = null, after = null",
        "update audit_events set position = position + 1000",
        "update audit_events set tenant_id = null",
        "delete from audit_events",
        "truncate audit_events cascade",
    ];
    let refused = async |sql: &'static str| {
        let error = server.pool.execute(sql).await.unwrap_err().to_string();
        assert!(error.contains("append-only"), "{sql}: {error}");
    };
    for sql in wrong {
        refused(sql).await;
    }
    // The triggers allow only a complete erasure, and only for a tenant that is marked as erased.
    refused("update audit_events set detail = without_personal_data(detail) where action = 'tenant.suspended'").await;
    sqlx::query("update tenants set erased_at = now() where id = $1::uuid")
        .bind(&id)
        .execute(&server.pool)
        .await
        .unwrap();
    refused("update audit_events set detail = without_personal_data(detail) where action = 'tenant.suspended'").await;
    for sql in wrong {
        refused(sql).await;
    }
    let early = server
        .pool
        .execute("update tenants set erased_at = now(), offboarded_at = null")
        .await;
    assert!(early.unwrap_err().to_string().contains("the end of a tenant is final"));
}

#[tokio::test]
async fn tokens_stop_working_on_every_replica_when_revoked_or_expired() {
    let server = TestServer::start().await;
    let other = TestServer::builder()
        .database_url(&server.database_url)
        .stale_for(Duration::ZERO)
        .start()
        .await;
    let admin = server.token_of(Role::Admin).await;
    let url = format!("{}/v1/tokens", server.private);
    let made = server.bare(Method::POST, &url).bearer_auth(&admin);
    let wanted = json!({"name": "night shift", "role": "viewer", "expires_in_hours": 1});
    let made = server.send(made.json(&wanted)).await.expect(201);
    let text = made["token"].as_str().unwrap();
    let read = async |server: &TestServer| {
        let request = server.bare(Method::GET, &format!("{}/v1/tenants", server.private));
        server.send_now(request.bearer_auth(text)).await.status
    };
    assert_eq!((read(&server).await, read(&other).await), (200, 200));
    let id = made["id"].as_str().unwrap();
    server
        .send(server.bare(Method::DELETE, &format!("{url}/{id}")).bearer_auth(&admin))
        .await;
    assert_eq!((read(&other).await, read(&server).await), (401, 401), "from the next request on");
    let ended = events(&server, "&action=token.revoked").await;
    assert_eq!(ended[0]["detail"], json!({"token_id": id}));
    assert!(ended[0]["before"]["revoked_at"].is_null() && ended[0]["after"]["revoked_at"].is_string());

    let (_, expired) = create_token(
        &server.context,
        &Caller::operator(),
        "yesterday",
        Role::Service,
        TokenLifetime::For(TimeDelta::zero()),
    )
    .await
    .unwrap();
    for path in ["/v1/tenants", "/internal/v1/changes"] {
        let request = server
            .bare(Method::GET, &format!("{}{path}", server.private))
            .bearer_auth(expired.expose_secret());
        assert_eq!(server.send(request).await.status, 401, "{path}");
    }
}

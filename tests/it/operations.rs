//! What ops ask of all tenants: tokens, the audit log, and how things stand.

use latchkey::domain::token::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::aws::{World, apply_templates};
use crate::support::server::{ApiResponse, TestServer};

/// A request with that token.
async fn ask(server: &TestServer, token: &str, method: Method, path: &str, body: Option<&Value>) -> ApiResponse {
    let mut request = server.bare(method, &format!("{}{path}", server.private)).bearer_auth(token);
    if let Some(body) = body {
        request = request.json(body);
    }
    server.send(request).await
}

#[tokio::test]
async fn tokens_are_created_shown_once_and_revoked() {
    let server = TestServer::start().await;
    let admin = server.token_of(Role::Admin).await;
    let wanted = json!({"name": "billing", "role": "viewer", "expires_in_hours": 24});
    let made = ask(&server, &admin, Method::POST, "/v1/tokens", Some(&wanted)).await.expect(201);
    let text = made["token"].as_str().unwrap().to_owned();
    assert!(text.starts_with("lk_viewer_") && made["expires_at"].is_string());
    assert_eq!(ask(&server, &text, Method::GET, "/v1/tenants", None).await.status, 200);

    let listed = ask(&server, &admin, Method::GET, "/v1/tokens", None).await.expect(200);
    let item = &listed["items"][0];
    assert_eq!((&item["name"], &item["role"]), (&json!("billing"), &json!("viewer")));
    assert!(item["last_used_at"].is_string() && !listed.to_string().contains(&text));

    let path = format!("/v1/tokens/{}", made["id"].as_str().unwrap());
    assert_eq!(ask(&server, &admin, Method::DELETE, &path, None).await.status, 200);
    assert_eq!(
        ask(&server, &admin, Method::DELETE, &path, None).await.status,
        200,
        "a second time does nothing"
    );
    assert_eq!(ask(&server, &text, Method::GET, "/v1/tenants", None).await.status, 401);
    let unknown = "/v1/tokens/00000000-0000-7000-8000-000000000000";
    assert_eq!(ask(&server, &admin, Method::DELETE, unknown, None).await.status, 404);

    let wrong = json!({"name": "", "role": "emperor", "expires_in_hours": 0, "color": "red"});
    let refused = ask(&server, &admin, Method::POST, "/v1/tokens", Some(&wanted)).await;
    assert_eq!(refused.status, 201, "names may be used again");
    let refused = ask(&server, &admin, Method::POST, "/v1/tokens", Some(&wrong)).await;
    let fields: Vec<String> = refused.errors().into_iter().map(|(field, _)| field).collect();
    assert_eq!(
        (refused.status, fields),
        (422, vec!["color".into(), "role".into(), "expires_in_hours".into(), "name".into()])
    );
    assert_eq!(server.post("/v1/tokens", &wanted).await.status, 403, "ops may not make tokens");
}

#[tokio::test]
async fn what_a_viewer_may_not_do_is_refused_and_audited() {
    let server = TestServer::start().await;
    let viewer = server.token_of(Role::Viewer).await;
    let refused = ask(
        &server,
        &viewer,
        Method::POST,
        "/v1/tenants",
        Some(&json!({"slug": "acme", "name": "Acme"})),
    )
    .await;
    assert_eq!(refused.status, 403);
    let log = server.get("/v1/events?limit=1000").await.expect(200);
    let last = log["items"].as_array().unwrap().last().unwrap();
    assert_eq!(last["action"], "request.refused");
    assert_eq!(last["detail"], json!({"method": "POST", "route": "/v1/tenants", "role": "viewer"}));
    assert_eq!(last["request_id"], refused.body["instance"]);
}

#[tokio::test]
async fn the_audit_log_continues_after_an_event() {
    let server = TestServer::start().await;
    for slug in ["one", "two", "three"] {
        server.create_tenant(slug).await;
    }
    let all = server.get("/v1/events").await.expect(200);
    let items = all["items"].as_array().unwrap();
    let actions: Vec<&str> = items.iter().map(|item| item["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["token.created", "tenant.created", "tenant.created", "tenant.created"]);
    let after = items[1]["id"].as_str().unwrap();
    let rest = server.get(&format!("/v1/events?after={after}&limit=1")).await.expect(200);
    assert_eq!(rest["items"], json!([items[2]]));
    let of_two = server.get("/v1/events?tenant=two").await.expect(200);
    assert_eq!(of_two["items"], json!([items[2]]));

    let lines = server.request(Method::GET, "/v1/events").header("accept", "application/x-ndjson");
    let lines = server.send(lines).await;
    let text = lines.body.as_str().unwrap();
    assert_eq!(text.lines().count(), 4);
    assert!(text.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));

    assert_eq!(server.get("/v1/events?tenant=nobody").await.status, 404);
    let wrong = server.get("/v1/events?limit=0&after=yesterday").await;
    assert_eq!((wrong.status, wrong.errors().len()), (422, 2));
}

#[tokio::test]
async fn a_tenant_is_changed_with_its_current_etag() {
    let server = TestServer::start().await;
    let body = json!({"slug": "acme", "name": "Acme", "reference": "4711"});
    server.post("/v1/tenants", &body).await.expect(201);
    let read = server.get("/v1/tenants/acme").await;
    let etag = read.headers["etag"].to_str().unwrap().to_owned();
    let again = server.request(Method::GET, "/v1/tenants/acme").header("if-none-match", &etag);
    assert_eq!(server.send(again).await.status, 304);
    let patch = |etag: Option<&str>, body: &Value| {
        let request = server.request(Method::PATCH, "/v1/tenants/acme").json(body);
        server.send(match etag {
            Some(etag) => request.header("if-match", etag),
            None => request,
        })
    };

    assert_eq!(patch(None, &json!({"name": "Acme Corporation"})).await.status, 428);
    let changed = patch(Some(&etag), &json!({"name": "Acme Corporation", "modes": ["direct"]})).await;
    assert_eq!(changed.status, 200, "{:#}", changed.body);
    assert_eq!(
        (&changed.body["name"], &changed.body["reference"], &changed.body["modes"]),
        (&json!("Acme Corporation"), &json!("4711"), &json!(["direct"]))
    );
    let stale = patch(Some(&etag), &json!({"name": "Acme again"})).await;
    assert_eq!((stale.status, &stale.body["type"]), (412, &json!("/problems/precondition-failed")));
    let etag = changed.headers["etag"].to_str().unwrap().to_owned();
    assert_eq!(etag, server.get("/v1/tenants/acme").await.headers["etag"].to_str().unwrap());
    let cleared = patch(Some(&etag), &json!({"reference": null})).await;
    assert_eq!((cleared.status, &cleared.body["reference"]), (200, &Value::Null));

    let wrong = json!({"name": " ", "modes": ["telepathy"], "slug": "other"});
    let refused = patch(Some("*"), &wrong).await;
    let fields: Vec<String> = refused.errors().into_iter().map(|(field, _)| field).collect();
    assert_eq!((refused.status, fields), (422, vec!["slug".into(), "name".into(), "modes".into()]));
    let log = server.get("/v1/events?tenant=acme").await.expect(200);
    assert_eq!(log["items"][1]["action"], "tenant.changed");
    assert_eq!(
        (&log["items"][1]["before"]["name"], &log["items"][1]["after"]["name"]),
        (&json!("Acme"), &json!("Acme Corporation"))
    );
}

/// No filter reads the whole table, at any page.
#[tokio::test]
async fn no_list_query_scans_all_tenants() {
    let server = TestServer::start().await;
    sqlx::query(
        "insert into tenants (id, slug, name, modes, external_id, created_at, status, failing_checks)
         select gen_random_uuid(), 't-' || n, 'Tenant ' || n, array['direct'], 'lk-test-' || n, now() - n * interval '1 minute',
                case when n % 1000 = 0 then 'degraded' else 'invited' end,
                case when n % 1000 = 0 then array['bucket-listable'] else '{}'::text[] end
         from generate_series(1, 20000) n",
    )
    .execute(&server.pool)
    .await
    .unwrap();
    // Autovacuum would do this within a minute.
    sqlx::query("vacuum analyze tenants").execute(&server.pool).await.unwrap();
    let read = async || -> (i64, i64) {
        // What a connection read is counted at its leisure.
        let counted = "select pg_stat_force_next_flush()";
        sqlx::query(counted).execute(&server.pool).await.unwrap();
        let counts = "select coalesce(sum(seq_tup_read), 0)::bigint, coalesce(sum(idx_tup_fetch), 0)::bigint
                      from pg_stat_user_tables where relname in ('tenants', 'verifications', 'storage_configs')";
        sqlx::query_as(counts).fetch_one(&server.pool).await.unwrap()
    };
    let before = read().await;
    let mut pages = 0;
    for (filter, found) in [
        ("", 5),
        ("status=degraded", 5),
        ("status=offboarded", 0),
        ("failing_check=bucket-listable", 5),
        ("failing_check=bucket-listable&status=degraded", 5),
        ("failing_check=bucket-listable&status=invited", 0),
        ("failing_check=object-readable", 0),
        ("q=19999", 1),
        ("q=tenant", 5),
        ("q=nobody", 0),
        ("q=tenant&status=degraded", 5),
        ("q=19000&status=degraded&failing_check=bucket-listable&mode=direct", 1),
        ("q=tenant+19999", 1),
        ("q=t&failing_check=bucket-listable", 5),
        ("mode=direct", 5),
        ("mode=assume_role", 0),
        ("mode=direct&status=degraded", 5),
    ] {
        let mut cursor = String::new();
        for _ in 0..3 {
            let page = server.get(&format!("/v1/tenants?limit=5&{filter}{cursor}")).await.expect(200);
            assert_eq!(page["items"].as_array().map(Vec::len), Some(found), "{filter}");
            pages += 1;
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
    }
    // Who is stuck, as the dashboard's first page has it.
    for limit in [5, 50] {
        let stuck = latchkey::service::read::tenants::stuck(&server.context, limit).await.unwrap();
        assert_eq!(stuck.len(), usize::try_from(limit.min(20)).unwrap());
        pages += 1;
    }
    let after = read().await;
    assert_eq!(after.0, before.0, "nothing was read that was not looked up");
    let fetched = (after.1 - before.1) / pages;
    assert!(fetched < 3_000, "{fetched} rows are looked at for a page");
}

#[tokio::test]
async fn lifecycle_changes_need_a_reason_and_a_role() {
    let server = TestServer::start().await;
    server.create_tenant("acme").await;
    for (body, code) in [
        (json!({}), "required"),
        (json!({"reason": "  "}), "required"),
        (json!({"reason": "x".repeat(501)}), "reason_too_long"),
    ] {
        let refused = server.post("/v1/tenants/acme/suspend", &body).await;
        assert_eq!(refused.status, 422);
        assert_eq!(refused.errors(), [("reason".to_owned(), code.to_owned())]);
    }
    let both = server.post("/v1/tenants/acme/suspend", &json!({"because": "x"})).await;
    assert_eq!(both.errors().len(), 2, "{:#}", both.body);
    let viewer = server.token_of(Role::Viewer).await;
    let url = format!("{}/v1/tenants/acme/suspend", server.private);
    let refused = server
        .send(server.bare(Method::POST, &url).bearer_auth(viewer).json(&json!({"reason": "x"})))
        .await;
    assert_eq!(refused.status, 403);
    assert_eq!(server.status("acme").await, "invited");
    server.post("/v1/tenants/nobody/suspend", &json!({"reason": "x"})).await.expect(404);
}

mod tests_with_aws {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn stats_count_stuck_tenants_by_check() {
        let world = World::new().await;
        let server = TestServer::builder().aws(&world).start().await;
        for slug in ["fine", "stuck", "new", "off"] {
            server.create_tenant(slug).await;
        }
        let fine = apply_templates(&world, &server, "fine", "direct").await;
        assert_eq!(server.submit("fine", &fine.submission()).await["verdict"], "verified");
        let mut stuck = apply_templates(&world, &server, "stuck", "assume_role").await;
        stuck.bucket = "no-such-bucket-anywhere".into();
        assert_eq!(server.submit("stuck", &stuck.submission()).await["verdict"], "rejected");
        server
            .post("/v1/tenants/off/suspend", &json!({"reason": "Unpaid"}))
            .await
            .expect(200);

        let stats = server.get("/v1/stats").await.expect(200);
        let count = |status: &str| {
            let tenants = stats["tenants"].as_array().unwrap();
            tenants.iter().find(|entry| entry["status"] == status).unwrap()["count"].clone()
        };
        assert_eq!(
            ["active", "action_required", "invited", "suspended", "degraded"].map(count),
            [json!(1), json!(1), json!(1), json!(1), json!(0)]
        );
        assert_eq!(stats["failing_checks"], json!([{"name": "bucket-reachable", "tenants": 1}]));
        let verdicts: Vec<(Value, Value)> = stats["verifications"]["by_verdict"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| (entry["verdict"].clone(), entry["count"].clone()))
            .collect();
        assert_eq!(verdicts, [(json!("rejected"), json!(1)), (json!("verified"), json!(1))]);
        assert!(stats["verifications"]["by_verdict"][0]["p95_seconds"].as_f64().unwrap() > 0.0);
        let reverification = &stats["reverification"];
        assert_eq!((&reverification["due"], &reverification["incident"]), (&json!(0), &Value::Null));
        assert!(reverification["confirmed_longest_ago"].is_string(), "{stats:#}");
        // Both verifications took their calls from the budget within the last minute or two.
        let budgets = reverification["budgets"].as_array().unwrap();
        let used = |service: &str| {
            budgets.iter().find(|budget| budget["service"] == service).unwrap()["used"]
                .as_f64()
                .unwrap()
        };
        for service in ["sts", "kms", "s3"] {
            assert!(used(service) > 0.0 && used(service) < 2.0, "{service}: {stats:#}");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn tenant_filters_agree_with_tenant_details() {
        let world = World::new().await;
        let server = TestServer::builder().aws(&world).start().await;
        let body = json!({"slug": "stuck-corp", "name": "Müller Stuck AG", "reference": "K-4711", "modes": ["assume_role"]});
        server.post("/v1/tenants", &body).await.expect(201);
        for slug in ["fine", "new", "off"] {
            server.create_tenant(slug).await;
        }
        let fine = apply_templates(&world, &server, "fine", "direct").await;
        assert_eq!(server.submit("fine", &fine.submission()).await["verdict"], "verified");
        let mut stuck = apply_templates(&world, &server, "stuck-corp", "assume_role").await;
        stuck.bucket = "no-such-bucket-anywhere".into();
        assert_eq!(server.submit("stuck-corp", &stuck.submission()).await["verdict"], "rejected");
        server
            .post("/v1/tenants/off/suspend", &json!({"reason": "Unpaid"}))
            .await
            .expect(200);

        let slugs = async |query: &str| -> Vec<String> {
            let listed = server.get(&format!("/v1/tenants?{query}")).await.expect(200);
            let items = listed["items"].as_array().unwrap();
            items.iter().map(|item| item["slug"].as_str().unwrap().to_owned()).collect()
        };
        for slug in ["fine", "new", "off", "stuck-corp"] {
            let status = server.status(slug).await;
            let of_status = slugs(&format!("status={}", status.as_str().unwrap())).await;
            assert_eq!(of_status, [slug], "each has a status of its own here");
        }
        assert_eq!(slugs("failing_check=bucket-reachable").await, ["stuck-corp"]);
        assert_eq!(slugs("mode=direct").await, ["off", "new", "fine"]);
        assert_eq!(slugs("mode=assume_role&status=action_required").await, ["stuck-corp"]);
        for words in ["q=stuck", "q=M%C3%9CLL", "q=4711", "q=stuck+ag", "q=STUCK-C"] {
            assert_eq!(slugs(words).await, ["stuck-corp"], "{words}");
        }
        assert_eq!(slugs("q=tuck").await, [""; 0], "words are looked for by their beginning");
        assert_eq!(
            slugs("q=%27%20%7C%20fine").await,
            ["fine"],
            "what is typed is words, never an expression"
        );

        let wrong = server
            .get("/v1/tenants?status=happy&mode=telepathy&failing_check=x&q=%2C&limit=0&cursor=abc")
            .await;
        let fields: Vec<String> = wrong.errors().into_iter().map(|(field, _)| field).collect();
        assert_eq!((wrong.status, fields.len()), (422, 6), "{fields:?}");
    }
}

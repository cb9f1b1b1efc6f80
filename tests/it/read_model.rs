//! Reads by internal services from memory: right after every change, and while the database is unavailable.

use std::time::Duration;

use latchkey::domain::ids::TenantRef;
use latchkey::domain::token::{Role, TokenLifetime};
use latchkey::service::Caller;
use latchkey::service::tokens::create_limited_token;
use reqwest::Method;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::support::db_proxy::DatabaseProxy;
use crate::support::seed::Seed;
use crate::support::server::{ApiResponse, TIMEOUT, TestServer};

async fn config_of(server: &TestServer, token: &str, tenant: &str) -> ApiResponse {
    let url = format!("{}/internal/v1/tenants/{tenant}/storage-config", server.private);
    server.send_now(server.bare(Method::GET, &url).bearer_auth(token)).await
}

/// Repeats a request until the response is as expected.
async fn until(server: &TestServer, token: &str, tenant: &str, right: impl Fn(&ApiResponse) -> bool) -> ApiResponse {
    let asking = async {
        loop {
            let answer = config_of(server, token, tenant).await;
            if right(&answer) {
                return answer;
            }
        }
    };
    tokio::time::timeout(TIMEOUT, asking).await.expect("the answer becomes right")
}

async fn limited(server: &TestServer, tenants: &[&str]) -> String {
    let tenants: Vec<TenantRef> = tenants.iter().map(|tenant| tenant.parse().unwrap()).collect();
    let made = create_limited_token(
        &server.context,
        &Caller::operator(),
        "test",
        Role::Service,
        TokenLifetime::Never,
        Some(&tenants),
    )
    .await;
    made.expect("a token is made").1.expose_secret().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_refusal_has_its_own_problem_type() {
    let server = TestServer::start().await;
    let seed = Seed::new(&server);
    let acme = seed.active("acme").await;
    seed.active("other").await;
    let suspended = seed.active("suspended").await;
    seed.suspend(suspended).await;
    seed.tenant("empty").await;
    let (service, only_acme) = (server.token_of(Role::Service).await, limited(&server, &["acme"]).await);
    server.settle().await;
    for (token, tenant, status, kind) in [
        (&service, "nobody", 404, "not-found"),
        (&service, "Not A Slug", 404, "not-found"),
        (&service, "empty", 404, "not-found"),
        (&service, "suspended", 403, "suspended"),
        (&server.token, "acme", 403, "forbidden"),
        (&"lk_service_made_up".to_owned(), "acme", 401, "unauthenticated"),
        (&only_acme, "other", 404, "not-found"),
        (&only_acme, "suspended", 404, "not-found"),
    ] {
        // On a busy machine, the database may have confirmed the read model too long ago.
        let answer = until(&server, token, tenant, |answer| answer.status != 503).await;
        let kind = format!("/problems/{kind}");
        assert_eq!(
            (answer.status, &answer.body["type"]),
            (status, &json!(kind)),
            "{tenant}: {:#}",
            answer.body
        );
    }
    let unknown = config_of(&server, &service, "nobody").await.body["detail"].clone();
    assert_eq!(
        config_of(&server, &only_acme, "other").await.body["detail"],
        unknown,
        "as if unknown"
    );
    let malformed = config_of(&server, &service, "Not A Slug").await.body["detail"].to_string();
    assert!(malformed.contains("a slug consists of 2 to 63"), "{malformed}");
    for tenant in ["acme", &acme.to_string()] {
        assert_eq!(config_of(&server, &only_acme, tenant).await.expect(200)["tenant_id"], json!(acme));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_etag_is_valid_until_something_changes() {
    let server = TestServer::start().await;
    let seed = Seed::new(&server);
    let acme = seed.active("acme").await;
    let service = server.token_of(Role::Service).await;
    server.settle().await;
    let url = format!("{}/internal/v1/tenants/acme/storage-config", server.private);
    let first = config_of(&server, &service, "acme").await;
    let etag = first.headers["etag"].clone();
    assert_eq!(first.headers["cache-control"], "private, no-cache");
    assert!(!first.headers.contains_key("latchkey-stale"));
    let again = || server.bare(Method::GET, &url).bearer_auth(&service).header("if-none-match", &etag);
    assert_eq!(server.send(again()).await.status, 304);
    seed.rotate(acme).await;
    let rotated = server.send(again()).await;
    assert_eq!(rotated.status, 200);
    assert_ne!(rotated.headers["etag"], etag);
    seed.activate(acme).await;
    let activated = server.send(again()).await;
    assert_ne!(activated.headers["etag"], rotated.headers["etag"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_stale_while_the_database_is_unavailable() {
    let server = TestServer::start().await;
    let seed = Seed::new(&server);
    let acme = seed.active("acme").await;
    let gone = seed.active("gone").await;
    let service = server.token_of(Role::Service).await;
    let proxy = DatabaseProxy::to(&server.database_url).await;
    let replica = server.replica().database_url(&proxy.url).start().await;
    let fresh = until(&replica, &service, "acme", |answer| answer.status == 200).await;
    assert_eq!(fresh.body["stale"], false);

    for break_it in [DatabaseProxy::cut, DatabaseProxy::freeze] {
        break_it(&proxy);
        let stale = until(&replica, &service, "acme", |answer| answer.headers.contains_key("latchkey-stale")).await;
        assert_eq!((stale.status, &stale.body["stale"]), (200, &json!(true)), "{:#}", stale.body);
        assert_ne!(stale.headers["etag"], fresh.headers["etag"], "another body has another etag");
        assert_eq!(stale.body["bucket"], fresh.body["bucket"]);
        let unknown = config_of(&replica, &service, "nobody").await;
        assert_eq!(
            (unknown.status, &unknown.headers["latchkey-stale"]),
            (404, &"true".parse().unwrap())
        );
        let ready = replica
            .send_now(replica.bare(Method::GET, &format!("{}/readyz", replica.private)))
            .await;
        assert_eq!(ready.status, 200, "{:#}", ready.body);

        seed.suspend(gone).await;
        proxy.restore();
        let back = until(&replica, &service, "acme", |answer| !answer.headers.contains_key("latchkey-stale")).await;
        assert_eq!((back.status, &back.headers["etag"]), (200, &fresh.headers["etag"]));
        assert_eq!(
            config_of(&replica, &service, "gone").await.status,
            403,
            "what is called fresh knows of it"
        );
        seed.resume(gone).await;
    }
    let version = seed.activate(acme).await;
    until(&replica, &service, "acme", |answer| answer.body["version"] == version).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_are_too_old_are_refused() {
    let server = TestServer::start().await;
    Seed::new(&server).active("acme").await;
    let service = server.token_of(Role::Service).await;
    let proxy = DatabaseProxy::to(&server.database_url).await;
    let replica = TestServer::builder()
        .database_url(&proxy.url)
        .stale_for(Duration::ZERO)
        .start()
        .await;
    until(&replica, &service, "acme", |answer| answer.status == 200).await;
    proxy.cut();
    let refused = until(&replica, &service, "acme", |answer| answer.status != 200).await;
    assert_eq!((refused.status, &refused.body["type"]), (503, &json!("/problems/unavailable")));
    assert!(refused.headers.contains_key("retry-after"));
    let ready = replica
        .send_now(replica.bare(Method::GET, &format!("{}/readyz", replica.private)))
        .await;
    assert_eq!(ready.status, 503);
    proxy.restore();
    until(&replica, &service, "acme", |answer| answer.status == 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn token_changes_reach_every_replica_within_a_second() {
    let server = TestServer::start().await;
    Seed::new(&server).active("acme").await;
    let replica = server.replica().start().await;
    let admin = server.token_of(Role::Admin).await;
    let tokens = format!("{}/v1/tokens", server.private);
    let body = json!({"name": "reader", "role": "service", "tenants": ["acme"]});
    let made = server
        .send(server.bare(Method::POST, &tokens).bearer_auth(&admin).json(&body))
        .await
        .expect(201);
    let token = made["token"].as_str().unwrap();
    assert_eq!(config_of(&replica, token, "acme").await.status, 200, "at once");
    let url = format!("{tokens}/{}", made["id"].as_str().unwrap());
    server.send(server.bare(Method::DELETE, &url).bearer_auth(&admin)).await.expect(200);
    let revoked = clock_now();
    until(&replica, token, "acme", |answer| answer.status == 401).await;
    assert!(revoked.elapsed() < Duration::from_secs(1));

    for (body, field, code) in [
        (
            json!({"name": "x", "role": "ops", "tenants": ["acme"]}),
            "tenants",
            "not_a_service_token",
        ),
        (json!({"name": "x", "role": "service", "tenants": []}), "tenants", "required"),
        (
            json!({"name": "x", "role": "service", "tenants": ["nobody"]}),
            "tenants[0]",
            "unknown_tenant",
        ),
        (
            json!({"name": "x", "role": "service", "tenants": ["A B"]}),
            "tenants[0]",
            "malformed_slug",
        ),
    ] {
        let refused = server
            .send(server.bare(Method::POST, &tokens).bearer_auth(&admin).json(&body))
            .await;
        assert_eq!((refused.status, refused.errors()), (422, vec![(field.to_owned(), code.to_owned())]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_checked_without_the_database() {
    let server = TestServer::start().await;
    Seed::new(&server).active("acme").await;
    let service = server.token_of(Role::Service).await;
    let late = server.replica().start().await;
    server.settle().await;
    // Requests can no longer reach the database. The change feed has its own connection.
    server.pool.close().await;
    for (token, status) in [(&service, 200), (&"lk_service_unknown".to_owned(), 401), (&server.token, 403)] {
        let answer = config_of(&server, token, "acme").await;
        assert_eq!(answer.status, status, "{:#}", answer.body);
    }
    let made = late.token_of(Role::Service).await;
    assert_eq!(
        config_of(&server, &made, "acme").await.status,
        200,
        "one that was made a moment ago"
    );
    let url = format!("{}/internal/v1/changes?after={}", server.private, "A".repeat(32));
    let future = server.send_now(server.bare(Method::GET, &url).bearer_auth(&service)).await;
    assert_eq!((future.status, &future.body["type"]), (410, &json!("/problems/cursor-lost")));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_token_is_not_rejected_while_the_database_is_unavailable() {
    let server = TestServer::start().await;
    Seed::new(&server).active("acme").await;
    let service = server.token_of(Role::Service).await;
    let proxy = DatabaseProxy::to(&server.database_url).await;
    let replica = server.replica().database_url(&proxy.url).start().await;
    proxy.cut();
    until(&replica, &service, "acme", |answer| answer.headers.contains_key("latchkey-stale")).await;
    let unknown = config_of(&replica, "lk_service_unknown", "acme").await;
    assert_eq!((unknown.status, &unknown.body["type"]), (503, &json!("/problems/unavailable")));
    assert!(unknown.headers.contains_key("retry-after"));
}

#[expect(clippy::disallowed_methods, reason = "a promise about real time is measured")]
fn clock_now() -> std::time::Instant {
    std::time::Instant::now()
}

#[tokio::test(flavor = "multi_thread")]
async fn offboarding_revokes_the_tenants_tokens() {
    let server = TestServer::start().await;
    let seed = Seed::new(&server);
    seed.active("acme").await;
    seed.active("other").await;
    let (alone, both) = (limited(&server, &["acme"]).await, limited(&server, &["acme", "other"]).await);
    server.settle().await;
    let url = format!("{}/v1/tenants/acme", server.private);
    let ended = server
        .bare(Method::DELETE, &url)
        .bearer_auth(&server.token)
        .json(&json!({"reason": "ended"}));
    server.send(ended).await.expect(200);
    until(&server, &alone, "acme", |answer| answer.status == 401).await;
    until(&server, &both, "acme", |answer| answer.status == 404).await;
    assert_eq!(config_of(&server, &both, "other").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_has_up_to_a_thousand_tenants() {
    let server = TestServer::start().await;
    let seed = Seed::new(&server);
    seed.active("acme").await;
    let off = seed.active("off").await;
    seed.suspend(off).await;
    let service = server.token_of(Role::Service).await;
    let url = format!("{}/internal/v1/storage-configs:batch", server.private);
    let ask = async |body: Value| server.send(server.bare(Method::POST, &url).bearer_auth(&service).json(&body)).await;

    let mut tenants = vec!["a".repeat(63); 997];
    tenants.extend(["acme".into(), "off".into(), "Not A Slug".into()]);
    let answer = ask(json!({"tenants": tenants})).await;
    assert_eq!(answer.headers["cache-control"], "no-store");
    let answer = answer.expect(200);
    let items = answer["items"].as_array().unwrap();
    assert_eq!(items.len(), 1000);
    assert_eq!(items[997]["storage"], config_of(&server, &service, "acme").await.expect(200));
    assert_eq!(items[997]["problem"], Value::Null);
    let kinds: Vec<&Value> = [0, 998, 999].iter().map(|at: &usize| &items[*at]["problem"]["type"]).collect();
    assert_eq!(
        kinds,
        [
            &json!("/problems/not-found"),
            &json!("/problems/suspended"),
            &json!("/problems/not-found")
        ]
    );

    for (body, status, errors) in [
        (json!({"tenants": vec!["acme"; 1001]}), 422, vec![("tenants", "too_many")]),
        (json!({"tenants": []}), 422, vec![("tenants", "required")]),
        (json!({}), 422, vec![("tenants", "required")]),
        (json!({"tenants": ["acme", 7]}), 422, vec![("tenants[1]", "wrong_type")]),
        (json!({"tenants": ["acme"], "all": true}), 422, vec![("all", "unknown_field")]),
        (json!({"tenants": vec!["x".repeat(200); 1000]}), 413, vec![]),
    ] {
        let refused = ask(body).await;
        let found = refused.errors();
        let found: Vec<(&str, &str)> = found.iter().map(|(field, code)| (field.as_str(), code.as_str())).collect();
        assert_eq!((refused.status, found), (status, errors), "{:#}", refused.body);
    }
}

/// The fast path and the router give the same response, including the headers.
#[tokio::test(flavor = "multi_thread")]
async fn the_fast_path_and_the_router_give_the_same_response() {
    let server = TestServer::start().await;
    Seed::new(&server).active("acme").await;
    let token = server.token_of(Role::Service).await;
    until(&server, &token, "acme", |answer| answer.status == 200).await;
    let get = async |tenant: &str, etag: Option<&str>| {
        let url = format!("{}/internal/v1/tenants/{tenant}/storage-config", server.private);
        let request = server.bare(Method::GET, &url).bearer_auth(&token);
        let request = match etag {
            Some(etag) => request.header("if-none-match", etag),
            None => request,
        };
        let mut answer = server.send_now(request).await;
        assert_eq!(answer.headers["x-request-id"].len(), 36);
        for of_this_answer in ["x-request-id", "date"] {
            answer.headers.remove(of_this_answer);
        }
        answer
    };
    // The router decodes percent-encoding; the fast path does not.
    let (short, long) = (get("acme", None).await, get("%61cme", None).await);
    assert_eq!((short.status, long.status), (200, 200));
    assert_eq!((&short.headers, &short.body), (&long.headers, &long.body));
    let etag = short.headers["etag"].to_str().unwrap();
    let (short, long) = (get("acme", Some(etag)).await, get("%61cme", Some(etag)).await);
    assert_eq!((short.status, long.status), (304, 304));
    assert_eq!(short.headers, long.headers);
}

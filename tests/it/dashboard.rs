//! The dashboard from the outside: signing in and out, what is refused, and response headers. How it is
//! used is tested in a browser, in `tests/browser/`.

use chrono::TimeDelta;
use latchkey::domain::limits::Limits;
use latchkey::domain::token::Role;
use reqwest::{Method, header};
use serde_json::{Value, json};

use crate::limits::versions;
use crate::support::aws::{World, apply_templates};
use crate::support::identity_provider::{Provider, SigningKey};
use crate::support::pages::{Page, client, posting, read};
use crate::support::server::{TIMEOUT, TestServer};
use crate::webhooks::Hook;

/// An operator's browser.
pub struct Person<'a> {
    server: &'a TestServer,
    http: reqwest::Client,
    cookie: String,
}

impl<'a> Person<'a> {
    /// Signed in with a token of that role.
    pub async fn of(server: &'a TestServer, role: Role) -> Self {
        Self::with(server, &server.token_of(role).await).await
    }

    async fn with(server: &'a TestServer, token: &str) -> Self {
        let person = Self {
            server,
            http: client(),
            cookie: String::new(),
        };
        let page = person.post("/sign-in", &[("token", token)]).await;
        assert_eq!((page.status, page.location()), (303, "/"), "{}", page.html);
        let cookie = page.headers[header::SET_COOKIE].to_str().unwrap();
        for part in ["latchkey-dashboard=", "HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=43200"] {
            assert!(cookie.contains(part), "{cookie}");
        }
        assert!(!cookie.contains("Secure") && !cookie.contains(token), "{cookie}");
        Self {
            cookie: page.cookie("latchkey-dashboard").unwrap(),
            ..person
        }
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let url = format!("{}{path}", self.server.private);
        let request = self.http.request(method, url).header(header::ACCEPT, "text/html,*/*;q=0.8");
        if self.cookie.is_empty() {
            request
        } else {
            request.header(header::COOKIE, &self.cookie)
        }
    }

    pub async fn get(&self, path: &str) -> Page {
        read(self.request(Method::GET, path)).await
    }

    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        read(posting(self.request(Method::POST, path), fields)).await
    }

    async fn form_token(&self) -> String {
        self.get("/").await.form_token()
    }

    /// Posts as a form of the person's own pages does.
    async fn send(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        let token = self.form_token().await;
        let with: Vec<(&str, &str)> = [("form_token", token.as_str())].into_iter().chain(fields.iter().copied()).collect();
        self.post(path, &with).await
    }

    async fn is_in(&self) -> bool {
        let page = self.get("/").await;
        assert!(matches!(page.status, 200 | 303), "{}", page.html);
        page.status == 200
    }
}

async fn execute(server: &TestServer, statement: &'static str) {
    sqlx::query(statement).execute(&server.pool).await.unwrap();
}

async fn actions(server: &TestServer) -> Vec<String> {
    let log = server.get("/v1/events?limit=1000").await.expect(200);
    let items = log["items"].as_array().unwrap();
    items.iter().map(|item| item["action"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_token_opens_a_session_and_pages_have_security_headers() {
    let server = TestServer::start().await;
    server.create_tenant("acme").await;
    let token = server.token_of(Role::Admin).await;
    let person = Person::with(&server, &token).await;
    let stored: Vec<Vec<u8>> = sqlx::query_scalar("select hash from sessions")
        .fetch_all(&server.pool)
        .await
        .unwrap();
    let secret = person.cookie.split_once('=').unwrap().1;
    assert_eq!(stored.len(), 1);
    assert!(stored[0].len() == 32 && stored[0] != secret.as_bytes());
    assert!(actions(&server).await.contains(&"session.started".to_owned()));

    for (path, status) in [
        ("/", 200),
        ("/tenants", 200),
        ("/new-tenant", 200),
        ("/tenants/acme", 200),
        ("/tenants/acme/edit", 200),
        ("/tenants/acme/documents", 200),
        ("/tenants/acme/removal", 200),
        ("/tenants/acme/offboard", 200),
        ("/audit", 200),
        ("/tokens", 200),
        ("/tenants/nobody", 404),
        ("/nothing/here", 404),
    ] {
        let page = person.get(path).await;
        let header = |name: &str| page.headers[name].to_str().unwrap().to_owned();
        assert_eq!(page.status, status, "{path}: {}", page.html);
        assert!(page.html.starts_with("<!doctype html>"), "{path}: {}", page.html);
        let policy = header("content-security-policy");
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"),
            "{policy}"
        );
        assert_eq!(header("cache-control"), "no-store", "{path}");
        assert_eq!(header("referrer-policy"), "no-referrer");
        assert!(!page.html.contains(" style=") && !page.html.contains("<style"), "{path}");
        assert!(!page.html.contains(&token) && !page.html.contains(secret), "{path}");
    }
    let missing = person.get("/nothing/here").await;
    let number = missing.headers["x-request-id"].to_str().unwrap();
    assert!(missing.html.contains(number), "the page names the request");
    let page = person.get("/").await.html;
    let name = page.split_once("href=\"/assets/site.").unwrap().1.split_once('"').unwrap().0;
    let asset = person.get(&format!("/assets/site.{name}")).await;
    assert!(asset.headers["cache-control"].to_str().unwrap().contains("immutable"));
}

#[tokio::test]
async fn sign_in_returns_only_to_pages_of_the_dashboard() {
    let server = TestServer::start().await;
    let token = server.token_of(Role::Viewer).await;
    let newcomer = Person {
        server: &server,
        http: client(),
        cookie: String::new(),
    };
    assert_eq!(newcomer.get("/").await.location(), "/sign-in");
    let sent = newcomer.get("/tenants?status=degraded").await;
    assert_eq!(
        (sent.status, sent.location()),
        (303, "/sign-in?next=%2Ftenants%3Fstatus%3Ddegraded")
    );
    let page = newcomer.get(sent.location()).await;
    assert!(page.html.contains("value=\"/tenants?status=degraded\""), "{}", page.html);
    let entered = newcomer
        .post("/sign-in", &[("token", &token), ("next", "/tenants?status=degraded")])
        .await;
    assert_eq!(entered.location(), "/tenants?status=degraded");
    for elsewhere in [
        "//evil.example",
        "https://evil.example/",
        "/\\evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
    ] {
        let entered = newcomer.post("/sign-in", &[("token", &token), ("next", elsewhere)]).await;
        assert_eq!((entered.status, entered.location()), (303, "/"), "{elsewhere}");
    }
    let posted = newcomer.post("/tenants/acme/verify", &[]).await;
    assert_eq!((posted.status, posted.location()), (303, "/sign-in?next=%2Ftenants%2Facme"));
    let script = read(client().get(format!("{}/tenants", server.private))).await;
    assert_eq!(script.status, 401, "requests that do not want a page get a status");
    assert!(script.html.contains("/problems/unauthenticated"), "{}", script.html);
}

#[tokio::test]
async fn a_refused_sign_in_is_explained_and_rate_limited() {
    let server = TestServer::start().await;
    let newcomer = Person {
        server: &server,
        http: client(),
        cookie: String::new(),
    };
    let service = server.token_of(Role::Service).await;
    for (token, words) in [
        (service.as_str(), "Tokens with the role service cannot use the dashboard"),
        ("lk_admin_0000", "unknown, expired or revoked"),
        ("", "unknown, expired or revoked"),
    ] {
        let page = newcomer.post("/sign-in", &[("token", token)]).await;
        assert_eq!(page.status, 422);
        assert!(page.html.contains(words), "{}", page.html);
        assert!(!page.headers.contains_key(header::SET_COOKIE));
        assert!(token.is_empty() || !page.html.contains(token), "what was typed is not shown again");
    }
    let mut last = None;
    for _ in 0..20 {
        let page = newcomer.post("/sign-in", &[("token", "lk_admin_0000")]).await;
        if page.status == 429 {
            last = Some(page);
            break;
        }
    }
    let page = last.expect("there is a limit");
    assert!(page.headers.contains_key(header::RETRY_AFTER) && page.html.contains("Too many requests"));
}

#[tokio::test]
async fn a_session_ends_by_revocation_expiry_and_sign_out() {
    let server = TestServer::start().await;
    let token = server.token_of(Role::Ops).await;
    let person = Person::with(&server, &token).await;
    assert!(person.is_in().await);

    execute(&server, "update tokens set revoked_at = now() where role = 'ops'").await;
    assert!(!person.is_in().await, "a revoked token ends it at once");
    execute(&server, "update tokens set revoked_at = null").await;
    assert!(person.is_in().await);
    execute(
        &server,
        "update tokens set expires_at = now() - interval '1 second' where role = 'ops'",
    )
    .await;
    assert!(!person.is_in().await, "so does one that expired");
    execute(&server, "update tokens set expires_at = null").await;

    execute(&server, "update sessions set last_used_at = now() - interval '59 minutes'").await;
    assert!(person.is_in().await, "and it counts as used");
    execute(&server, "update sessions set last_used_at = now() - interval '61 minutes'").await;
    assert!(!person.is_in().await, "an idle one is over");
    execute(
        &server,
        "update sessions set last_used_at = now(), created_at = now() - interval '13 hours', expires_at = now() - interval '1 hour'",
    )
    .await;
    assert!(!person.is_in().await, "and an old one");
    latchkey::service::sign_in::sweep(&server.context).await.unwrap();
    let left: i64 = sqlx::query_scalar("select count(*) from sessions")
        .fetch_one(&server.pool)
        .await
        .unwrap();
    assert_eq!(left, 0);

    let token = server.token_of(Role::Ops).await;
    let (one, other) = (Person::with(&server, &token).await, Person::with(&server, &token).await);
    let out = one.send("/sign-out", &[]).await;
    assert_eq!(out.location(), "/sign-in?done=signed-out");
    assert_eq!(out.cookie("latchkey-dashboard").as_deref(), Some("latchkey-dashboard="));
    assert!(!one.is_in().await && other.is_in().await, "sessions are independent");
    assert!(actions(&server).await.contains(&"session.ended".to_owned()));
}

#[tokio::test]
async fn cookies_are_secure_except_on_loopback() {
    let server = TestServer::start().await;
    let token = server.token_of(Role::Ops).await;
    let newcomer = Person {
        server: &server,
        http: client(),
        cookie: String::new(),
    };
    let asking = |origin: &'static str| {
        let request = newcomer.request(Method::POST, "/sign-in").header(header::HOST, "latchkey.internal");
        posting(request.header(header::ORIGIN, origin), &[("token", &token)])
    };
    let page = read(asking("https://latchkey.internal")).await;
    let cookie = page.headers[header::SET_COOKIE].to_str().unwrap();
    assert!(
        cookie.starts_with("__Host-latchkey-dashboard=") && cookie.contains("Secure"),
        "{cookie}"
    );
    let page = read(asking("http://latchkey.internal")).await;
    assert_eq!(page.status, 422);
    assert!(page.html.contains("Open it over https"), "{}", page.html);
}

#[tokio::test]
async fn forms_of_another_site_or_session_are_rejected() {
    let server = TestServer::start().await;
    server.create_tenant("acme").await;
    let (person, other) = (Person::of(&server, Role::Ops).await, Person::of(&server, Role::Ops).await);
    let (token, others) = (person.form_token().await, other.form_token().await);
    let suspend = |token: &str| {
        let fields = [("form_token", token), ("reason", "Unpaid")];
        posting(person.request(Method::POST, "/tenants/acme/suspend"), &fields)
    };
    for (request, words) in [
        (suspend(""), "different session"),
        (suspend(&others), "different session"),
        (suspend(&token).header("sec-fetch-site", "cross-site"), "another site"),
        (suspend(&token).header("sec-fetch-site", "same-site"), "another site"),
        (suspend(&token).header("origin", "https://evil.example"), "another site"),
    ] {
        let page = read(request).await;
        assert_eq!(page.status, 403, "{}", page.html);
        assert!(
            page.html.starts_with("<!doctype html>") && page.html.contains(words),
            "{}",
            page.html
        );
    }
    assert_eq!(server.status("acme").await, "invited");
    let page = read(suspend(&token).header("sec-fetch-site", "same-origin")).await;
    assert_eq!(
        (page.status, page.location()),
        (303, "/tenants/acme?done=suspended"),
        "{}",
        page.html
    );
    assert_eq!(server.status("acme").await, "suspended");
}

#[tokio::test]
async fn a_viewer_can_read_but_not_change() {
    let server = TestServer::start().await;
    server.create_tenant("acme").await;
    let viewer = Person::of(&server, Role::Viewer).await;
    let page = viewer.get("/tenants/acme").await;
    assert_eq!(page.status, 200);
    for offered in [
        "/tenants/acme/suspend",
        "/tenants/acme/offboard",
        "/tenants/acme/invites\"",
        "/tokens",
    ] {
        assert!(!page.html.contains(offered), "{offered} is not offered");
    }
    for path in ["/new-tenant", "/tenants/acme/edit", "/tenants/acme/suspend", "/tokens"] {
        assert_eq!(viewer.get(path).await.status, 403, "{path}");
    }
    let refused = viewer.send("/tenants/acme/suspend", &[("reason", "Why not")]).await;
    assert_eq!(refused.status, 403);
    assert!(
        refused.html.contains("This requires the role ops or admin; yours is viewer."),
        "{}",
        refused.html
    );
    assert_eq!(server.status("acme").await, "invited");
    let log = server.get("/v1/events?limit=1000").await.expect(200);
    let last = log["items"].as_array().unwrap().last().unwrap();
    assert_eq!(last["action"], "request.refused");
    assert_eq!(
        last["detail"],
        json!({"method": "POST", "route": "/tenants/{tenant}/suspend", "role": "viewer"})
    );
    assert_eq!(last["request_id"], refused.headers["x-request-id"].to_str().unwrap());
    let ops = Person::of(&server, Role::Ops).await;
    let refused = ops.send("/tokens", &[("name", "x"), ("role", "admin"), ("days", "never")]).await;
    assert_eq!(refused.status, 403, "tokens are made by admins");
}

#[tokio::test]
async fn what_is_secret_is_shown_once() {
    let server = TestServer::start().await;
    server.create_tenant("acme").await;
    let person = Person::of(&server, Role::Admin).await;
    let made = person.send("/tenants/acme/invites", &[("hours", "24")]).await;
    assert_eq!(made.status, 303, "{}", made.html);
    assert!(made.location().starts_with("/tenants/acme/invites/"));
    let once = made.cookie("latchkey-once").unwrap();
    let secret = once.rsplit('.').next().unwrap();
    assert!(!made.location().contains(secret));
    let shown = read(person.request(Method::GET, made.location()).header(header::COOKIE, &once)).await;
    assert!(
        shown.html.contains(&format!("{}/onboard/{secret}", server.public)),
        "{}",
        shown.html
    );
    assert_eq!(shown.cookie("latchkey-once").as_deref(), Some("latchkey-once="), "and is forgotten");
    let again = person.get(made.location()).await;
    assert!(
        again.status == 200 && !again.html.contains(secret) && again.html.contains("is not stored"),
        "{}",
        again.html
    );
    let opened = read(client().get(format!("{}/onboard/{secret}", server.public))).await;
    assert_eq!(opened.status, 303, "the link is good");
    let made = person
        .send("/tenants/acme/invites", &[("hours", "24"), ("purpose", ""), ("api_token", "on")])
        .await;
    let once = made.cookie("latchkey-once").unwrap();
    let api_token = once.rsplit('.').next().unwrap();
    let shown = read(person.request(Method::GET, made.location()).header(header::COOKIE, &once)).await;
    assert!(api_token.starts_with("lkc_") && shown.html.contains(api_token), "{}", shown.html);
    let again = person.get(made.location()).await;
    assert!(
        again.html.contains("API token") && !again.html.contains(api_token),
        "{}",
        again.html
    );

    let fields = [("name", "billing"), ("role", "service"), ("days", "30"), ("tenants", "acme")];
    let made = person.send("/tokens", &fields).await;
    assert_eq!(made.status, 303, "{}", made.html);
    let once = made.cookie("latchkey-once").unwrap();
    let token = once.rsplit('.').next().unwrap();
    assert!(token.starts_with("lk_service_"));
    let listed = person.get("/tokens").await;
    assert!(listed.html.contains("billing") && listed.html.contains("for 1 tenant") && !listed.html.contains(token));
    let wrong = person
        .send(
            "/tokens",
            &[("name", ""), ("role", "emperor"), ("days", "0"), ("tenants", "No Slug")],
        )
        .await;
    assert_eq!(wrong.status, 422);
    for words in ["Choose a role.", "Choose how long the token is valid."] {
        assert!(wrong.html.contains(words), "{words}: {}", wrong.html);
    }
    let id = made.location().rsplit('/').next().unwrap();
    let revoked = person.send(&format!("/tokens/{id}/revoke"), &[]).await;
    assert_eq!(revoked.location(), "/tokens?done=token-revoked");
}

#[tokio::test]
async fn tokens_that_expire_soon_are_named_first() {
    let server = TestServer::start().await;
    let person = Person::of(&server, Role::Admin).await;
    assert!(!person.get("/tokens").await.html.contains("Replace this token soon"));
    for (name, days_old, days_left) in [("billing", 81, 9), ("reports", 60, 30), ("gone", 91, -1)] {
        server.token_of(Role::Service).await;
        sqlx::query(
            "update tokens set name = $1, created_at = now() - make_interval(days => $2), expires_at = now() + make_interval(days => $3, mins => 1)
             where id = (select id from tokens where name = 'test' and role = 'service')",
        )
        .bind(name)
        .bind(days_old)
        .bind(days_left)
        .execute(&server.pool)
        .await
        .unwrap();
    }
    let shown = person.get("/tokens").await.html;
    let notice = shown.split_once("Replace this token soon").expect("there is a notice").1;
    let notice = notice.split_once("</ul>").unwrap().0;
    assert!(
        notice.contains("<strong>billing</strong> (service) expires") && notice.contains("in 9 days"),
        "{notice}"
    );
    assert!(!notice.contains("reports") && !notice.contains("gone"), "{notice}");
    assert_eq!(shown.matches("Expiring").count(), 1);
}

#[tokio::test]
async fn field_errors_are_shown_and_a_stale_edit_is_rejected() {
    let server = TestServer::start().await;
    let person = Person::of(&server, Role::Ops).await;
    let hostile = "\"><script>alert(1)</script>";
    let wrong = person
        .send("/new-tenant", &[("slug", "No Slug"), ("name", ""), ("reference", hostile)])
        .await;
    assert_eq!(wrong.status, 422);
    for words in [
        "A slug consists of 2 to 63 lowercase letters",
        "Enter a name.",
        "Select at least one.",
    ] {
        assert!(wrong.html.contains(words), "{words}: {}", wrong.html);
    }
    assert!(!wrong.html.contains("<script>alert"));
    let made = person
        .send(
            "/new-tenant",
            &[("slug", "acme"), ("name", "Acme"), ("reference", "CRM-1"), ("direct", "on")],
        )
        .await;
    assert_eq!(made.location(), "/tenants/acme?done=created", "{}", made.html);
    let taken = person
        .send("/new-tenant", &[("slug", "acme"), ("name", "Acme"), ("direct", "on")])
        .await;
    assert!(taken.status == 422 && taken.html.contains("This slug is taken"), "{}", taken.html);

    let known = |page: &Page| {
        page.html
            .split_once("name=\"known\" value=\"")
            .unwrap()
            .1
            .split_once('"')
            .unwrap()
            .0
            .to_owned()
    };
    let first = known(&person.get("/tenants/acme/edit").await);
    let edit = |known: String, name: &'static str| {
        let person = &person;
        async move {
            let fields = [
                ("known", known.as_str()),
                ("name", name),
                ("reference", ""),
                ("direct", "on"),
                ("assume_role", "on"),
            ];
            person.send("/tenants/acme/edit", &fields).await
        }
    };
    assert_eq!(
        edit(first.clone(), "Acme Corporation").await.location(),
        "/tenants/acme?done=changed"
    );
    let stale = edit(first, "Acme Limited").await;
    assert_eq!(stale.status, 409);
    assert!(
        stale.html.contains("Someone else has changed this tenant")
            && stale.html.contains("Acme Limited")
            && stale.html.contains("Acme Corporation"),
        "{}",
        stale.html
    );
    assert_eq!(
        edit(known(&stale), "Acme Limited").await.status,
        303,
        "what is known now may be overwritten"
    );
    let tenant = server.get("/v1/tenants/acme").await.expect(200);
    assert_eq!(
        (&tenant["name"], &tenant["reference"], &tenant["modes"]),
        (&json!("Acme Limited"), &Value::Null, &json!(["direct", "assume_role"]))
    );
}

#[tokio::test]
async fn pages_report_that_the_database_is_unavailable() {
    let server = TestServer::start().await;
    let person = Person::of(&server, Role::Ops).await;
    server.pool.close().await;
    let page = person.get("/tenants").await;
    assert_eq!(page.status, 503);
    assert!(
        page.html.starts_with("<!doctype html>") && page.html.contains("Service unavailable"),
        "{}",
        page.html
    );
    assert!(page.headers.contains_key(header::RETRY_AFTER));
}

#[tokio::test]
async fn a_jwt_from_the_proxy_replaces_the_sign_in() {
    let key = SigningKey::p256("k");
    let provider = Provider::with(&[&key]).await;
    let mut settings = provider.settings();
    settings.header = Some("x-proxy-jwt".parse().unwrap());
    let server = TestServer::builder().identity_provider(settings).start().await;
    let jwt = |more: Value| key.sign("ES256", &provider.claims(&more));
    let coming = |method: Method, path: &str, jwt: &str| {
        let request = client().request(method, format!("{}{path}", server.private));
        request.header(header::ACCEPT, "text/html").header("x-proxy-jwt", jwt)
    };
    let ops = jwt(json!({}));
    let page = read(coming(Method::GET, "/", &ops)).await;
    assert_eq!(page.status, 200, "{}", page.html);
    assert!(
        page.html.contains("Ada Example") && !page.html.contains("/sign-out"),
        "there is nothing to sign out of"
    );
    assert_eq!(
        read(coming(Method::GET, "/sign-in?next=%2Ftenants", &ops)).await.location(),
        "/tenants"
    );

    let token = read(coming(Method::GET, "/new-tenant", &ops)).await.form_token();
    let fields = [("form_token", token.as_str()), ("slug", "acme"), ("name", "Acme"), ("direct", "on")];
    let sending = || posting(coming(Method::POST, "/new-tenant", &ops), &fields);
    for (request, words) in [
        (sending(), "another site"),
        (sending().header("sec-fetch-site", "cross-site"), "another site"),
        (sending().header("origin", "https://evil.example"), "another site"),
    ] {
        let page = read(request).await;
        assert!(page.status == 403 && page.html.contains(words), "{}", page.html);
    }
    let made = read(sending().header("sec-fetch-site", "same-origin")).await;
    assert_eq!(made.location(), "/tenants/acme?done=created", "{}", made.html);
    let actor: Value = sqlx::query_scalar("select actor from audit_events where action = 'tenant.created'")
        .fetch_one(&server.pool)
        .await
        .unwrap();
    assert_eq!((&actor["kind"], &actor["subject"]), (&json!("user"), &json!("ada-42")));

    let viewer = jwt(json!({"roles": ["viewer"]}));
    assert_eq!(read(coming(Method::GET, "/tenants/acme/edit", &viewer)).await.status, 403);
    let nobody = read(coming(Method::GET, "/", &jwt(json!({"roles": []})))).await;
    assert_eq!(nobody.status, 403, "{}", nobody.html);
    let forged = read(coming(
        Method::GET,
        "/",
        &SigningKey::p256("k").sign("ES256", &provider.claims(&json!({}))),
    ))
    .await;
    assert_eq!((forged.status, forged.location()), (303, "/sign-in"), "a token will do");
}

#[tokio::test]
async fn webhooks_are_created_tested_and_resent() {
    let server = TestServer::start().await;
    let person = Person::of(&server, Role::Ops).await;
    let wrong = person.send("/webhooks", &[("url", "ftp://x"), ("description", "")]).await;
    assert_eq!(wrong.status, 422);
    assert_eq!(wrong.html.matches("<li><a href=\"#webhook-").count(), 2, "{}", wrong.html);
    let fields = [
        ("url", "https://hooks.vendor.example/latchkey"),
        ("description", "Billing"),
        ("status_changed", "on"),
    ];
    let made = person.send("/webhooks", &fields).await;
    assert_eq!(made.status, 303, "{}", made.html);
    let once = made.cookie("latchkey-once").unwrap();
    let path = made.location().to_owned();
    let shown = read(person.request(Method::GET, &path).header(header::COOKIE, &once)).await;
    assert!(
        shown.html.contains("whsec_") && shown.html.contains("tenant.status_changed"),
        "{}",
        shown.html
    );
    assert!(!person.get(&path).await.html.contains("whsec_"), "it is shown once");

    assert_eq!(
        person.send(&format!("{path}/test"), &[]).await.location(),
        format!("{path}?done=test-sent")
    );
    let page = person.get(&path).await.html;
    assert!(page.contains("webhook.test") && page.contains("Waiting"), "{page}");
    let again = page.split_once("/resend").unwrap().0.rsplit('"').next().unwrap().to_owned() + "/resend";
    assert_eq!(person.send(&again, &[]).await.location(), format!("{path}?done=sent-again"));
    assert_eq!(
        person.send(&format!("{path}/delete"), &[]).await.location(),
        "/webhooks?done=webhook-deleted"
    );
    assert_eq!(person.get(&path).await.status, 404);
    let viewer = Person::of(&server, Role::Viewer).await;
    assert_eq!(viewer.get("/webhooks").await.status, 403);
    let log = actions(&server).await;
    for action in ["webhook.created", "webhook.tested", "webhook.resent", "webhook.deleted"] {
        assert!(log.contains(&action.to_owned()), "{action}: {log:?}");
    }
}

#[tokio::test]
async fn an_admin_confirms_an_erasure() {
    let server = TestServer::start().await;
    let created = server.create_tenant("acme").await;
    let id = created["id"].as_str().unwrap();
    let path = format!("/tenants/{id}/erase");
    let (admin, ops) = (Person::of(&server, Role::Admin).await, Person::of(&server, Role::Ops).await);
    assert_eq!(admin.get(&path).await.status, 409, "it has not ended");
    let sure = [("slug", "acme"), ("reason", "Asked to")];
    assert_eq!(admin.send(&path, &sure).await.status, 409);
    let ended = ops.send("/tenants/acme/offboard", &[("slug", "acme"), ("reason", "Over")]).await;
    assert_eq!(ended.status, 303, "{}", ended.html);

    let page = format!("/tenants/{id}");
    assert!(!ops.get(&page).await.html.contains("/erase"), "it is not offered to ops");
    assert_eq!((ops.get(&path).await.status, ops.send(&path, &sure).await.status), (403, 403));
    assert!(admin.get(&page).await.html.contains("/erase"));
    assert_eq!(admin.get(&path).await.status, 200);
    let unsure = admin.send(&path, &[("slug", "acme"), ("reason", "")]).await;
    assert!(unsure.status == 422 && unsure.html.contains("nter a reason"), "{}", unsure.html);
    let unsure = admin.send(&path, &[("slug", "globex"), ("reason", "Asked to")]).await;
    assert!(unsure.status == 422 && unsure.html.contains("Type acme"), "{}", unsure.html);
    let erased = admin.send(&path, &sure).await;
    assert_eq!(erased.location(), format!("{page}?done=erased"), "{}", erased.html);
    let after = admin.get(erased.location()).await;
    assert!(
        after.html.contains("Personal data erased") && !after.html.contains("acme"),
        "{}",
        after.html
    );
    assert!(!after.html.contains("/erase"), "once is enough");
    assert_eq!(admin.get(&path).await.location(), page);
}

#[tokio::test]
async fn a_webhook_secret_is_rotated_and_shown_once() {
    let server = TestServer::start().await;
    let hook = Hook::create(&server, "https://hooks.vendor.example/latchkey").await;
    let (ops, viewer) = (Person::of(&server, Role::Ops).await, Person::of(&server, Role::Viewer).await);
    let path = format!("/webhooks/{}", hook.id);
    let rotate = format!("{path}/rotate-secret");
    assert_eq!(viewer.send(&rotate, &[("overlap", "day")]).await.status, 403);
    assert_eq!(ops.send(&rotate, &[("overlap", "forever")]).await.status, 400);
    let mut known = vec![hook.secret];
    for (overlap, both) in [("day", true), ("week", true), ("none", false)] {
        let rotated = ops.send(&rotate, &[("overlap", overlap)]).await;
        assert_eq!((rotated.status, rotated.location()), (303, path.as_str()), "{}", rotated.html);
        let once = rotated.cookie("latchkey-once").unwrap();
        let url = format!("{}{path}", server.private);
        let page = read(ops.http.get(url).header(header::COOKIE, format!("{}; {once}", ops.cookie))).await;
        let secret = page
            .html
            .split("whsec_")
            .nth(1)
            .expect("it is shown")
            .split('<')
            .next()
            .unwrap()
            .to_owned();
        assert!(known.iter().all(|known| !known.contains(&secret)), "it is another one");
        known.push(secret);
        let page = ops.get(&path).await;
        assert!(!page.html.contains("whsec_"), "and once alone");
        assert_eq!(page.html.contains("also signed with the previous secret"), both, "{}", page.html);
    }
}

#[tokio::test]
async fn the_audit_log_is_filtered_by_action_and_actor() {
    let server = TestServer::start().await;
    let ops = Person::of(&server, Role::Ops).await;
    for slug in ["acme", "globex"] {
        server.create_tenant(slug).await;
        assert_eq!(
            ops.send(&format!("/tenants/{slug}/suspend"), &[("reason", "Unpaid")]).await.status,
            303
        );
    }
    let shown = async |query: &str| -> Vec<String> {
        let page = ops.get(&format!("/audit?{query}")).await;
        assert_eq!(page.status, 200, "{}", page.html);
        let entries = page.html.split("<p class=\"what\"><strong>").skip(1);
        entries.map(|rest| rest.split('<').next().unwrap().to_owned()).collect()
    };
    assert_eq!(shown("action=tenant.suspended").await, ["Suspended"; 2]);
    assert_eq!(shown("action=tenant.suspended&tenant=acme").await, ["Suspended"]);
    let page = ops.get("/audit?tenant=acme").await.html;
    let by: Vec<&str> = page
        .split("href=\"/audit?actor=")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
        .collect();
    assert_eq!(
        (by.len(), by[0] == by[1]),
        (2, false),
        "who suspended it is not who made it: {by:?}"
    );
    assert_eq!(shown(&format!("actor={}", by[0])).await, ["Suspended", "Suspended", "Signed in"]);
    assert_eq!(shown(&format!("actor={}&action=tenant.created", by[0])).await, [""; 0]);
    assert!(ops.get("/audit?action=tenant.erased").await.html.contains("No matching entries."));
}

mod tests_with_aws {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn the_overview_says_which_tenants_are_stuck_and_why() {
        let world = World::new().await;
        let server = TestServer::builder().aws(&world).start().await;
        for slug in ["fine", "stuck"] {
            server.create_tenant(slug).await;
        }
        let fine = apply_templates(&world, &server, "fine", "direct").await;
        assert_eq!(server.submit("fine", &fine.submission()).await["verdict"], "verified");
        let mut stuck = apply_templates(&world, &server, "stuck", "assume_role").await;
        stuck.bucket = "no-such-bucket-anywhere".into();
        assert_eq!(server.submit("stuck", &stuck.submission()).await["verdict"], "rejected");

        let person = Person::of(&server, Role::Ops).await;
        let overview = person.get("/").await.html;
        for words in [
            "Re-verification",
            "<dt>Overdue</dt>",
            "<dt>Incident</dt><dd>none</dd>",
            "STS",
            "KMS",
            "S3",
        ] {
            assert!(overview.contains(words), "{words}: {overview}");
        }
        assert!(overview.contains("There is no bucket named no-such-bucket-anywhere."), "{overview}");
        assert!(overview.contains("href=\"/tenants?failing_check=bucket-reachable\""), "{overview}");
        let listed = person.get("/tenants?failing_check=bucket-reachable&status=&q=&mode=").await.html;
        assert!(listed.contains("/tenants/stuck") && !listed.contains("/tenants/fine"), "{listed}");
        let wrong = person.get("/tenants?status=happy").await;
        assert!(wrong.status == 200 && wrong.html.contains("Unknown status"), "{}", wrong.html);

        let mail = person.get("/tenants/stuck/message").await;
        assert_eq!(mail.headers["content-type"], "text/plain; charset=utf-8");
        for words in [
            "Hello,",
            "One thing needs to be changed",
            "There is no bucket named",
            "What to do: Correct the bucket ARN",
        ] {
            assert!(mail.html.contains(words), "{words}: {}", mail.html);
        }
        assert!(
            !mail.html.contains("the vendor"),
            "the customer knows the vendor by its name: {}",
            mail.html
        );
        assert_eq!(person.get("/tenants/fine/message").await.status, 404);

        let asked = person.send("/tenants/fine/verify", &[]).await;
        assert!(asked.location().starts_with("/tenants/fine/verifications/"), "{}", asked.html);
        let events = format!("{}/events", asked.location());
        let events = tokio::time::timeout(TIMEOUT, person.get(&events))
            .await
            .expect("the stream ends")
            .html;
        assert!(events.contains("event: finished") && !events.contains("bucket"), "{events}");
        let again = person.send("/tenants/fine/verify", &[("version", "1")]).await;
        assert_eq!(again.status, 303, "{}", again.html);
        assert_eq!(person.send("/tenants/fine/verify", &[("version", "2")]).await.status, 422);
        let page = person.get(asked.location()).await.html;
        assert!(page.contains("Verified") && !page.contains("http-equiv"), "{page}");
        let elsewhere = asked.location().replace("/fine/", "/stuck/");
        assert_eq!(person.get(&elsewhere).await.status, 404, "a verification is its tenant's");

        for action in ["suspend", "resume"] {
            let done = person.send(&format!("/tenants/fine/{action}"), &[("reason", "A test")]).await;
            assert_eq!(done.status, 303, "{}", done.html);
        }
        assert_eq!(person.get("/tenants/fine/resume").await.status, 409);
        let wrong = person.send("/tenants/fine/offboard", &[("reason", ""), ("slug", "stuck")]).await;
        assert_eq!(wrong.status, 422);
        assert!(
            wrong.html.contains("Enter a reason") && wrong.html.contains("Type fine"),
            "{}",
            wrong.html
        );
        let ended = person
            .send("/tenants/fine/offboard", &[("reason", "Contract ended"), ("slug", "fine")])
            .await;
        let path = ended.location().split_once('?').unwrap().0.to_owned();
        assert!(path.starts_with("/tenants/0"), "by its id, since the slug is free: {path}");
        let page = person.get(&path).await.html;
        assert!(page.contains("Offboarded") && page.contains("Contract ended"), "{page}");
        assert_eq!(person.get(&format!("{path}/edit")).await.status, 410);
    }
}

#[tokio::test]
async fn the_tenants_page_says_that_its_versions_are_used_up() {
    let server = TestServer::builder().limits(versions(1, 10)).start().await;
    server.create_tenant("acme").await;
    let viewer = Person::of(&server, Role::Viewer).await;
    assert!(!viewer.get("/tenants/acme").await.html.contains("No more versions"));
    let submission = json!({
        "mode": "direct",
        "bucket_arn": "arn:aws:s3:::acme-documents",
        "bucket_region": "eu-central-1",
        "key_arn": "arn:aws:kms:eu-central-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    });
    server.post("/v1/tenants/acme/storage-configs", &submission).await.expect(202);
    let page = viewer.get("/tenants/acme").await;
    assert!(page.html.contains("No more versions can be submitted"), "{}", page.html);
    assert!(page.html.contains("raise LATCHKEY_MAX_VERSIONS_PER_DAY"), "{}", page.html);
}

#[tokio::test]
async fn the_form_for_a_token_offers_lifetimes_within_the_limit() {
    let limits = Limits {
        token_lifetime: Some(TimeDelta::days(60)),
        ..Limits::NONE
    };
    let limited = TestServer::builder().limits(limits).start().await;
    let admin = Person::of(&limited, Role::Admin).await;
    let offered = |page: &Page| -> Vec<String> {
        let list = page
            .html
            .split_once("id=\"token-days\"")
            .unwrap()
            .1
            .split_once("</select>")
            .unwrap()
            .0;
        list.split("<option value=\"")
            .skip(1)
            .map(|option| option.split_once("</option>").unwrap().0.to_owned())
            .collect()
    };
    let expected = ["1\">1 day", "30\">30 days", "60\" selected>60 days"];
    assert_eq!(offered(&admin.get("/tokens").await), expected);
    for days in ["61", "never"] {
        let refused = admin
            .send("/tokens", &[("name", "billing"), ("role", "service"), ("days", days)])
            .await;
        assert_eq!(refused.status, 422);
        assert!(
            refused.html.contains("href=\"#token-days\"") && refused.html.contains("LATCHKEY_TOKEN_MAX_LIFETIME_DAYS"),
            "{}",
            refused.html
        );
    }
    let created = admin
        .send("/tokens", &[("name", "billing"), ("role", "service"), ("days", "60")])
        .await;
    assert_eq!(created.status, 303, "{}", created.html);

    let unlimited = limited.replica().start().await;
    let admin = Person::of(&unlimited, Role::Admin).await;
    let expected = [
        "1\">1 day",
        "30\">30 days",
        "90\" selected>90 days",
        "365\">1 year",
        "never\">never expires",
    ];
    assert_eq!(offered(&admin.get("/tokens").await), expected);
}

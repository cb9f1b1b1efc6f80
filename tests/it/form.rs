//! The customer's form from the outside: opening a link, what is refused, and response headers. How it is used
//! is tested in a browser, in `tests/browser/`.

use reqwest::{Method, header};
use serde_json::json;

use crate::limits::versions;
use crate::support::aws::{World, apply_templates};
use crate::support::pages::{Page, client, posting, read};
use crate::support::seed::Seed;
use crate::support::server::{TIMEOUT, TestServer};

/// A customer's browser.
struct Visitor<'a> {
    server: &'a TestServer,
    http: reqwest::Client,
    cookie: String,
}

/// A link to a tenant's form, and the invite's id.
async fn invite(server: &TestServer, slug: &str) -> (String, String) {
    let made = server.post(&format!("/v1/tenants/{slug}/invites"), &json!({})).await.expect(201);
    let text = |member: &str| made[member].as_str().unwrap().to_owned();
    (text("url"), text("id"))
}

impl<'a> Visitor<'a> {
    async fn come(server: &'a TestServer, url: &str) -> Self {
        let http = client();
        let page = read(http.get(url)).await;
        assert_eq!(page.status, 303, "{}", page.html);
        assert_eq!(page.location(), "/onboard");
        let cookie = page.headers[header::SET_COOKIE].to_str().unwrap();
        for part in ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=604"] {
            assert!(cookie.contains(part), "{cookie}");
        }
        let cookie = cookie.split_once(';').unwrap().0.to_owned();
        Self { server, http, cookie }
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let url = format!("{}{path}", self.server.public);
        self.http.request(method, url).header(header::COOKIE, &self.cookie)
    }

    async fn get(&self, path: &str) -> Page {
        read(self.request(Method::GET, path)).await
    }

    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        read(self.posting(path, fields)).await
    }

    fn posting(&self, path: &str, fields: &[(&str, &str)]) -> reqwest::RequestBuilder {
        posting(self.request(Method::POST, path), fields)
    }

    async fn form_token(&self) -> String {
        self.get("/onboard/send").await.form_token()
    }
}

#[tokio::test]
async fn the_invite_link_becomes_a_session_and_pages_have_security_headers() {
    let server = TestServer::start().await;
    server.create_tenant("acme").await;
    let (url, _) = invite(&server, "acme").await;
    let token = url.rsplit('/').next().unwrap();
    let visitor = Visitor::come(&server, &url).await;
    assert!(!visitor.cookie.contains(token), "the cookie is not the token");
    assert_eq!(visitor.get("/onboard").await.location(), "/onboard/apply");

    for path in [
        "/onboard/apply",
        "/onboard/send",
        "/onboard/verify",
        "/onboard/nothing/here",
        "/nothing",
        "/v1/tenants",
    ] {
        let page = visitor.get(path).await;
        let header = |name: &str| page.headers[name].to_str().unwrap().to_owned();
        assert_eq!(
            page.status,
            if path.starts_with("/onboard/n") || !path.starts_with("/onboard") {
                404
            } else {
                200
            }
        );
        assert!(page.html.starts_with("<!doctype html>"), "{path}: {}", page.html);
        let policy = header("content-security-policy");
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"),
            "{policy}"
        );
        assert_eq!(header("referrer-policy"), "no-referrer");
        assert_eq!(header("cache-control"), "no-store");
        assert!(
            !page.html.contains(" style=") && !page.html.contains("<style") && !page.html.contains("http://"),
            "{path}"
        );
        assert!(!page.html.contains(token));
    }

    let page = visitor.get("/onboard/apply").await.html;
    let asset = page
        .split_once("/onboard/assets/form.")
        .expect("a stylesheet is named")
        .1
        .split_once('"')
        .unwrap()
        .0;
    let asset = visitor.get(&format!("/onboard/assets/form.{asset}")).await;
    assert_eq!(asset.status, 200);
    assert!(asset.headers["cache-control"].to_str().unwrap().contains("immutable"));
}

#[tokio::test]
async fn an_ended_invite_ends_its_sessions() {
    let server = TestServer::start().await;
    let tenant = server.create_tenant("acme").await;
    let (url, id) = invite(&server, "acme").await;
    let visitor = Visitor::come(&server, &url).await;
    let token = visitor.form_token().await;
    let all = async |expected: u16, words: &str| {
        for page in [
            visitor.get("/onboard/apply").await,
            visitor.get("/onboard/verify/events").await,
            visitor.post("/onboard/verify", &[("form_token", &token)]).await,
            read(client().get(&url)).await,
        ] {
            assert_eq!(page.status, expected, "{}", page.html);
            assert!(page.html.contains(words), "{}", page.html);
            assert!(!page.html.contains("acme"), "nothing is said of the tenant");
        }
    };
    let set = async |statement: &'static str| {
        sqlx::query(statement).execute(&server.pool).await.unwrap();
    };
    set("update invites set created_at = now() - interval '2 hours', expires_at = now() - interval '1 hour'").await;
    all(410, "This link has expired").await;
    set("update invites set expires_at = now() + interval '1 hour'").await;
    assert_eq!(visitor.get("/onboard/apply").await.status, 200);
    let path = format!("/v1/tenants/acme/invites/{id}");
    assert_eq!(server.send(server.request(Method::DELETE, &path)).await.status, 204);
    all(410, "This link was revoked").await;
    set("update invites set revoked_at = null").await;
    set("update tenants set offboarded_at = now() - interval '1 year'").await;
    set("update invites set revoked_at = now() - interval '1 year'").await;
    all(410, "Your storage is disconnected").await;
    assert_eq!(tenant["status"], "invited");

    let newcomer = read(client().get(format!("{}/onboard/apply", server.public))).await;
    assert_eq!(newcomer.status, 403);
    assert_eq!(read(client().get(format!("{}/onboard/nonsense", server.public))).await.status, 404);
}

#[tokio::test]
async fn forms_of_another_site_or_session_are_rejected() {
    let server = TestServer::start().await;
    server.create_tenant("acme").await;
    server.create_tenant("globex").await;
    let acme = Visitor::come(&server, &invite(&server, "acme").await.0).await;
    let globex = Visitor::come(&server, &invite(&server, "globex").await.0).await;
    let (token, other) = (acme.form_token().await, globex.form_token().await);
    let fields = |token| {
        [
            ("form_token", token),
            ("mode", "direct"),
            ("bucket_arn", "arn:aws:s3:::acme-documents"),
            (
                "key_arn",
                "arn:aws:kms:eu-central-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab",
            ),
        ]
    };
    for refused in [
        acme.post("/onboard/send", &fields("")).await,
        acme.post("/onboard/send", &fields(&other)).await,
        read(
            acme.posting("/onboard/send", &fields(&token))
                .header("sec-fetch-site", "cross-site"),
        )
        .await,
        read(acme.posting("/onboard/send", &fields(&token)).header("sec-fetch-site", "same-site")).await,
        read(
            acme.posting("/onboard/send", &fields(&token))
                .header("origin", "https://evil.example"),
        )
        .await,
    ] {
        assert_eq!(refused.status, 403, "{}", refused.html);
        assert!(refused.html.contains("Nothing was submitted"), "{}", refused.html);
    }
    assert_eq!(server.status("acme").await, "invited");

    let own = acme
        .posting("/onboard/send", &fields(&token))
        .header("sec-fetch-site", "same-origin");
    let sent = read(own).await;
    assert_eq!((sent.status, sent.location()), (303, "/onboard/verify"), "{}", sent.html);
    let actor: serde_json::Value = sqlx::query_scalar("select actor from audit_events where action = 'storage_config.submitted'")
        .fetch_one(&server.pool)
        .await
        .unwrap();
    assert_eq!(actor["kind"], "invite");
    assert_eq!(server.status("acme").await, "verifying");
    assert_eq!(server.status("globex").await, "invited");
    let verifying = acme.get("/onboard/verify").await.html;
    assert!(
        !verifying.contains("Access to the bucket is logged"),
        "a check that is not made is not waited for"
    );
    assert!(
        verifying.contains("Queued") && verifying.contains("<noscript><meta http-equiv=\"refresh\""),
        "{verifying}"
    );
}

#[tokio::test]
async fn field_errors_are_shown_and_entries_are_kept() {
    let server = TestServer::start().await;
    server.create_tenant("acme").await;
    let visitor = Visitor::come(&server, &invite(&server, "acme").await.0).await;
    let token = visitor.form_token().await;
    let hostile = "\"><script>alert(1)</script>";
    let fields = [
        ("form_token", token.as_str()),
        ("mode", "assume_role"),
        ("bucket_arn", "s3://acme-documents"),
        ("bucket_region", "eu-central-9"),
        ("key_arn", hostile),
        ("role_arn", ""),
        ("bucket_account_id", "1"),
    ];
    let page = visitor.post("/onboard/send", &fields).await;
    assert_eq!(page.status, 422);
    assert_eq!(page.html.matches("aria-invalid").count(), 5, "{}", page.html);
    for shown in [
        "s3://acme-documents",
        "eu-central-9",
        "Use <code>arn:aws:s3:::acme-documents</code>",
        "5 fields need your attention",
    ] {
        assert!(page.html.contains(shown), "{shown}: {}", page.html);
    }
    assert!(!page.html.contains("<script>alert"), "{}", page.html);
    let own = [
        ("form_token", token.as_str()),
        ("mode", "assume_role"),
        ("bucket_arn", "arn:aws:s3:::acme-documents"),
        ("bucket_region", "eu-central-1"),
        (
            "key_arn",
            "arn:aws:kms:eu-central-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        ),
        ("role_arn", "arn:aws:iam::111111111111:role/documents"),
    ];
    let page = visitor.post("/onboard/send", &own).await;
    assert_eq!(page.status, 422);
    assert!(page.html.contains("111111111111 belongs to the vendor"), "{}", page.html);
    let checked = visitor.post("/onboard/send/check", &fields).await;
    assert_eq!(checked.status, 200);
    assert_eq!(
        checked.html.matches("aria-invalid").count(),
        4,
        "what is empty is not complained of yet"
    );
    assert_eq!(server.status("acme").await, "invited");
    let large = "x".repeat(70_000);
    let page = visitor
        .post("/onboard/send", &[("form_token", token.as_str()), ("bucket_arn", &large)])
        .await;
    assert_eq!(page.status, 413);
    assert!(page.html.starts_with("<!doctype html>"));
}

/// A value that follows from another field is never sent back as one that the customer entered.
#[tokio::test]
async fn derived_values_follow_their_source() {
    let server = TestServer::start().await;
    server.create_tenant("acme").await;
    let visitor = Visitor::come(&server, &invite(&server, "acme").await.0).await;
    let token = visitor.form_token().await;
    let key = "arn:aws:kms:eu-central-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    let role = |account: &str| format!("arn:aws:iam::{account}:role/documents");
    let entry = |page: &Page, name: &str| {
        let input = page
            .html
            .split(&format!("name=\"{name}\" value=\""))
            .nth(1)
            .expect("the page has the field");
        input.split('"').next().unwrap().to_owned()
    };

    let filled = format!("/onboard/send?mode=assume_role&bucket=acme-documents&key_arn={key}&role_name=documents&account_id=333333333333");
    let page = visitor.get(&filled).await;
    assert_eq!(entry(&page, "role_arn"), role("333333333333"));
    assert_eq!(entry(&page, "bucket_account_id"), "", "step 1 asks for the role's account");
    assert!(page.html.contains("Taken from the role ARN: 333333333333."), "{}", page.html);
    assert!(page.html.contains("Taken from the key ARN: eu-central-1."), "{}", page.html);

    let first = role("333333333333");
    let fields = [
        ("form_token", token.as_str()),
        ("mode", "assume_role"),
        ("bucket_arn", "arn:aws:s3:::acme-documents"),
        ("bucket_region", ""),
        ("key_arn", key),
        ("role_arn", first.as_str()),
        ("bucket_account_id", ""),
    ];
    assert_eq!(visitor.post("/onboard/send", &fields).await.status, 303);
    let newest = async || server.get("/v1/tenants/acme/storage-configs").await.expect(200)["items"][0].clone();
    assert_eq!(newest().await["bucket_account_id"], "333333333333");

    // The next version is made of what the form shows.
    let page = visitor.get("/onboard/send").await;
    let shown: Vec<(&str, String)> = ["bucket_arn", "bucket_region", "key_arn", "bucket_account_id"]
        .map(|name| (name, entry(&page, name)))
        .into();
    assert_eq!((shown[1].1.as_str(), shown[3].1.as_str()), ("", ""));
    let second = role("444444444444");
    let mut fields = vec![
        ("form_token", token.as_str()),
        ("mode", "assume_role"),
        ("role_arn", second.as_str()),
    ];
    fields.extend(shown.iter().map(|(name, value)| (*name, value.as_str())));
    assert_eq!(visitor.post("/onboard/send", &fields).await.status, 303);
    assert_eq!(newest().await["bucket_account_id"], "444444444444");

    // An account that was entered is kept.
    fields.retain(|(name, _)| *name != "bucket_account_id");
    fields.push(("bucket_account_id", "555555555555"));
    assert_eq!(visitor.post("/onboard/send", &fields).await.status, 303);
    assert_eq!(entry(&visitor.get("/onboard/send").await, "bucket_account_id"), "555555555555");
}

#[tokio::test]
async fn the_form_offers_what_was_pasted_and_refuses_the_vendors_role() {
    let server = TestServer::start().await;
    server.create_tenant("acme").await;
    let visitor = Visitor::come(&server, &invite(&server, "acme").await.0).await;
    let token = visitor.form_token().await;
    let output = "Bucket ARN: arn:aws:s3:::acme-documents\nRegion: eu-central-1\n\
                  Key ARN: arn:aws:kms:eu-central-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab\n\
                  Role ARN: arn:aws:iam::222222222222:role/documents";
    let fields = [("form_token", token.as_str()), ("mode", "assume_role"), ("bucket_arn", output)];
    let page = visitor.post("/onboard/send/check", &fields).await;
    for offered in [
        "arn:aws:s3:::acme-documents",
        "arn:aws:kms:eu-central-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        "arn:aws:iam::222222222222:role/documents",
    ] {
        assert!(
            page.html.contains(&format!("Use <code>{offered}</code>")),
            "{offered}: {}",
            page.html
        );
    }
    // Without JavaScript, the button submits the form.
    let accepted = [fields.as_slice(), &[("take", "key_arn")]].concat();
    let page = visitor.post("/onboard/send", &accepted).await;
    assert!(
        page.html.contains("name=\"key_arn\" value=\"arn:aws:kms:eu-central-1:"),
        "{}",
        page.html
    );

    let vendors = [
        ("form_token", token.as_str()),
        ("mode", "assume_role"),
        ("role_arn", "arn:aws:iam::111111111111:role/storage"),
    ];
    let page = visitor.post("/onboard/send/check", &vendors).await;
    assert!(page.html.contains("own role, which your policies name"), "{}", page.html);
    let blank = [("form_token", token.as_str()), ("mode", "assume_role"), ("external_id", " ")];
    let page = visitor.post("/onboard/send", &blank).await;
    assert!(
        page.status == 422 && page.html.contains("External ID: The external ID is empty"),
        "{}",
        page.html
    );
    let names = ["bucket_account_id:", "omit role_arn", "role_name is", "account_id is"];
    let merged = [
        ("form_token", token.as_str()),
        ("mode", "assume_role"),
        ("document", "bucket-policy"),
        ("current", ""),
    ];
    let page = visitor.post("/onboard/merge", &merged).await;
    assert!(page.html.contains("Role name: enter it in step 1"), "{}", page.html);
    assert!(names.iter().all(|name| !page.html.contains(name)), "{}", page.html);
    assert_eq!(server.status("acme").await, "invited");
}

#[tokio::test]
async fn verifications_are_rate_limited() {
    let server = TestServer::start().await;
    server.create_tenant("acme").await;
    let visitor = Visitor::come(&server, &invite(&server, "acme").await.0).await;
    let token = visitor.form_token().await;
    let mut last = None;
    for _ in 0..20 {
        let page = visitor.post("/onboard/verify", &[("form_token", &token)]).await;
        if page.status == 429 {
            last = Some(page);
            break;
        }
        assert_eq!(page.location(), "/onboard/send", "there is nothing to verify");
    }
    let page = last.expect("there is a limit");
    assert!(page.headers.contains_key(header::RETRY_AFTER));
    assert!(page.html.contains("Too many requests"));
    assert_eq!(visitor.get("/onboard/verify").await.status, 200, "looking is not limited by it");
}

/// Another tenant's link must not silently take over the browser of somebody who is setting up their own storage.
#[tokio::test]
async fn a_link_of_another_tenant_asks_before_it_replaces_the_session() {
    let server = TestServer::start().await;
    server.create_tenant("acme").await;
    server.create_tenant("globex").await;
    let acme = Visitor::come(&server, &invite(&server, "acme").await.0).await;
    let (url, _) = invite(&server, "globex").await;
    let path = url.strip_prefix(&server.public).unwrap();

    let asked = acme.get(path).await;
    assert_eq!(asked.status, 200);
    assert!(
        asked.html.contains("Stay with acme") && asked.html.contains("Continue with globex"),
        "{}",
        asked.html
    );
    assert_eq!(asked.cookie("latchkey-onboard"), None);
    assert!(acme.get("/onboard/apply").await.html.contains("acme"), "the session is the same");

    let forged = read(acme.posting(path, &[]).header("origin", "https://evil.example")).await;
    assert_eq!((forged.status, forged.cookie("latchkey-onboard")), (403, None));
    let continued = acme.post(path, &[]).await;
    assert_eq!((continued.status, continued.location()), (303, "/onboard"));
    let globex = Visitor {
        cookie: continued.cookie("latchkey-onboard").unwrap(),
        ..acme
    };
    assert!(globex.get("/onboard/apply").await.html.contains("globex"));
}

/// A session that was ended can be replaced by opening its link again, so its browser is still used for that tenant. With an invite that
/// was revoked or has expired, it is not.
#[tokio::test]
async fn a_link_of_another_tenant_asks_even_if_the_session_was_ended_unless_its_invite_has_ended_too() {
    let server = TestServer::start().await;
    server.create_tenant("acme").await;
    server.create_tenant("globex").await;
    let (own, id) = invite(&server, "acme").await;
    let (other, _) = invite(&server, "globex").await;
    let (own, other) = (
        own.strip_prefix(&server.public).unwrap(),
        other.strip_prefix(&server.public).unwrap(),
    );
    let acme = Visitor::come(&server, &format!("{}{own}", server.public)).await;
    let path = format!("/v1/tenants/acme/invites/{id}");
    let sessions = server.get(&format!("{path}/sessions")).await.expect(200);
    let session = sessions["items"][0]["id"].as_str().unwrap();
    let end = server.request(Method::DELETE, &format!("{path}/sessions/{session}"));
    assert_eq!(server.send(end).await.status, 204);

    let asked = acme.get(other).await;
    assert_eq!((asked.status, asked.cookie("latchkey-onboard")), (200, None), "{}", asked.html);
    assert!(
        asked.html.contains("until its session was ended") && asked.html.contains("Continue with globex"),
        "{}",
        asked.html
    );
    assert!(!asked.html.contains("Stay with"), "there is no session to stay with");
    let again = acme.get(own).await;
    assert!(again.cookie("latchkey-onboard").is_some(), "its own link gives it a new session");
    let continued = acme.post(other, &[]).await;
    assert!(continued.cookie("latchkey-onboard").is_some());

    let set = async |statement: &'static str| {
        sqlx::query(statement)
            .bind(id.parse::<uuid::Uuid>().unwrap())
            .execute(&server.pool)
            .await
            .unwrap();
    };
    set("update invites set created_at = now() - interval '2 hours', expires_at = now() - interval '1 hour' where id = $1").await;
    assert!(acme.get(other).await.cookie("latchkey-onboard").is_some(), "expired");
    set("update invites set expires_at = now() + interval '1 hour', revoked_at = now() where id = $1").await;
    assert!(acme.get(other).await.cookie("latchkey-onboard").is_some(), "revoked");
    set("update invites set revoked_at = null where id = $1").await;
    assert_eq!(acme.get(other).await.cookie("latchkey-onboard"), None, "open");
    set("update tenants set offboarded_at = now() from invites where invites.tenant_id = tenants.id and invites.id = $1").await;
    assert!(acme.get(other).await.cookie("latchkey-onboard").is_some(), "offboarded");
}

/// The active version can be verified again while a newer one waits for an approval.
#[tokio::test(flavor = "multi_thread")]
async fn the_verify_page_shows_the_newest_version_even_if_another_was_verified_later() {
    let server = TestServer::start().await;
    let seed = Seed::new(&server);
    let acme = seed.active("acme").await;
    assert_eq!(seed.submit_in(acme, "333333333333").await, 2);
    let visitor = Visitor::come(&server, &invite(&server, "acme").await.0).await;
    let again = async || {
        let queued = server
            .post("/v1/tenants/acme/verifications", &json!({"version": 1}))
            .await
            .expect(202);
        queued["id"].as_str().unwrap().parse::<uuid::Uuid>().unwrap()
    };
    let shown = async |note: &str| {
        let page = visitor.get("/onboard/verify").await.html;
        for text in ["Waiting for confirmation", &format!("b-{}-2", acme.simple()), note] {
            assert!(page.contains(text), "{text}: {page}");
        }
        assert!(
            !page.contains("http-equiv"),
            "it follows no verification of the other version: {page}"
        );
    };
    let note = "Version 1 with bucket";
    let queued = again().await;
    shown(note).await;
    let events = tokio::time::timeout(TIMEOUT, visitor.get("/onboard/verify/events"));
    let events = events.await.expect("version 2 is verified, so the stream ends").html;
    assert!(events.contains("event: finished"), "{events}");
    seed.reject(queued.into()).await;
    shown(note).await;

    sqlx::query("update verifications set finished_at = finished_at - interval '5 minutes' where verdict = 'rejected'")
        .execute(&server.pool)
        .await
        .unwrap();
    sqlx::query("update active_configs set verified_at = verified_at - interval '10 minutes'")
        .execute(&server.pool)
        .await
        .unwrap();
    let queued = again().await;
    seed.reject(queued.into()).await;
    assert_eq!(server.status("acme").await, "degraded");
    shown("The latest check of the version in use failed").await;
}

#[tokio::test]
async fn a_link_that_is_opened_again_keeps_its_session() {
    let server = TestServer::start().await;
    server.create_tenant("acme").await;
    let (url, id) = invite(&server, "acme").await;
    let visitor = Visitor::come(&server, &url).await;
    let again = visitor.get(url.strip_prefix(&server.public).unwrap()).await;
    assert_eq!(
        (again.status, again.location(), again.cookie("latchkey-onboard")),
        (303, "/onboard", None)
    );
    let path = format!("/v1/tenants/acme/invites/{id}/sessions");
    assert_eq!(server.get(&path).await.expect(200)["items"].as_array().unwrap().len(), 1);

    let (newer, _) = invite(&server, "acme").await;
    let replaced = visitor.get(newer.strip_prefix(&server.public).unwrap()).await;
    assert!(
        replaced.cookie("latchkey-onboard").is_some(),
        "a newer link of the same tenant needs no question"
    );
}

#[tokio::test]
async fn each_browser_has_a_session_that_can_be_ended() {
    let server = TestServer::start().await;
    server.create_tenant("acme").await;
    let (url, id) = invite(&server, "acme").await;
    let first = Visitor::come(&server, &url).await;
    let second = Visitor::come(&server, &url).await;
    assert_ne!(first.cookie, second.cookie);
    let path = format!("/v1/tenants/acme/invites/{id}/sessions");
    let listed = server.get(&path).await.expect(200);
    let sessions = listed["items"].as_array().unwrap();
    assert_eq!(sessions.len(), 2);
    assert!(
        sessions
            .iter()
            .all(|session| session["address"] == "127.0.0.1" && session["ended_at"].is_null()),
        "{listed:#}"
    );

    // The one created first is the first browser's.
    let oldest = sessions
        .iter()
        .min_by_key(|session| session["created_at"].as_str().unwrap())
        .unwrap();
    let end = async |session: &str| {
        let request = server.request(Method::DELETE, &format!("{path}/{session}"));
        server.send(request).await.status
    };
    let oldest = oldest["id"].as_str().unwrap();
    assert_eq!((end(oldest).await, end(oldest).await), (204, 204));
    assert_eq!(end(&uuid::Uuid::nil().to_string()).await, 404);
    let ended = first.get("/onboard/apply").await;
    assert_eq!(ended.status, 403);
    assert!(ended.html.contains("This session was ended"), "{}", ended.html);
    assert_eq!(second.get("/onboard/apply").await.status, 200);
    Visitor::come(&server, &url).await;
    let told = server.get("/v1/events?action=invite.session_ended").await.expect(200);
    assert_eq!(told["items"].as_array().unwrap().len(), 1, "once");
}

/// The limit per minute alone would allow thousands a day.
#[tokio::test(flavor = "multi_thread")]
async fn a_customer_can_request_a_limited_number_of_verifications_per_day() {
    let server = TestServer::start().await;
    let seed = Seed::new(&server);
    seed.active("acme").await;
    let (url, id) = invite(&server, "acme").await;
    let visitor = Visitor::come(&server, &url).await;
    let token = visitor.form_token().await;
    let requested = async |actor: &str, age: &str| {
        sqlx::query(
            "insert into audit_events (id, at, actor, action, tenant_id, detail)
             select gen_random_uuid(), now() - $2::interval, $1::jsonb, 'verification.requested', id, '{}' from tenants, generate_series(1, 100)",
        )
        .bind(actor)
        .bind(age)
        .execute(&server.pool)
        .await
        .unwrap();
    };
    let own = json!({"kind": "invite", "id": id}).to_string();
    let cron = json!({"kind": "operator"}).to_string();
    requested(&own, "25 hours").await;
    requested(&own, "23 hours").await;
    requested(&cron, "23 hours").await;
    assert_eq!(
        visitor.post("/onboard/verify", &[("form_token", &token)]).await.location(),
        "/onboard/verify",
        "operators' requests do not count, and neither do yesterday's"
    );
    sqlx::query("update verifications set state = 'finished', verdict = 'superseded', finished_at = now() where state = 'queued'")
        .execute(&server.pool)
        .await
        .unwrap();
    requested(&own, "23 hours").await;
    let refused = visitor.post("/onboard/verify", &[("form_token", &token)]).await;
    assert_eq!(refused.status, 429, "{}", refused.html);
    assert!(refused.html.contains("Verify again tomorrow"), "{}", refused.html);
    let wait: u32 = refused.headers[header::RETRY_AFTER].to_str().unwrap().parse().unwrap();
    assert!((3500..=3601).contains(&wait), "{wait}");
    server.post("/v1/tenants/acme/verifications", &json!({})).await.expect(202);
}

/// Mail scanners open links, too.
#[tokio::test]
async fn the_sessions_of_an_invite_are_bounded() {
    let server = TestServer::start().await;
    server.create_tenant("acme").await;
    let (url, _) = invite(&server, "acme").await;
    sqlx::query(
        "insert into invite_sessions (id, invite_id, kind, hash, created_at, last_used_at)
         select gen_random_uuid(), i.id, 'browser', sha256(n::text::bytea), now(), now() - n * interval '1 minute'
         from invites i, generate_series(1, 100) n",
    )
    .execute(&server.pool)
    .await
    .unwrap();
    let visitor = Visitor::come(&server, &url).await;
    let (count, oldest): (i64, bool) = sqlx::query_as("select count(*), bool_or(hash = sha256('100'::bytea)) from invite_sessions")
        .fetch_one(&server.pool)
        .await
        .unwrap();
    assert_eq!(
        (count, oldest),
        (100, false),
        "the one that was not used for the longest time is gone"
    );
    assert_eq!(visitor.get("/onboard/apply").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_active_tenants_storage_is_not_changed_by_its_old_invite() {
    let server = TestServer::start().await;
    let seed = Seed::new(&server);
    let acme = seed.tenant("acme").await;
    let (url, _) = invite(&server, "acme").await;
    let visitor = Visitor::come(&server, &url).await;
    let token = visitor.form_token().await;
    seed.activate(acme).await;

    let fields = [
        ("form_token", token.as_str()),
        ("mode", "direct"),
        ("bucket_arn", "arn:aws:s3:::attacker-documents"),
        (
            "key_arn",
            "arn:aws:kms:eu-central-1:333333333333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        ),
    ];
    for refused in [visitor.post("/onboard/send", &fields).await, visitor.get("/onboard/send").await] {
        assert_eq!(refused.status, 403);
        assert!(refused.html.contains("Ask for a link that allows changes"), "{}", refused.html);
    }
    let versions: i64 = sqlx::query_scalar("select count(*) from storage_configs")
        .fetch_one(&server.pool)
        .await
        .unwrap();
    assert_eq!(versions, 1);
    assert!(!visitor.get("/onboard/verify").await.html.contains("Change my entries"));
    assert_eq!(
        visitor.post("/onboard/verify", &[("form_token", &token)]).await.location(),
        "/onboard/verify"
    );

    let (change, id) = invite(&server, "acme").await;
    let listed = server.get("/v1/tenants/acme/invites").await.expect(200);
    let purposes: Vec<_> = listed["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|invite| &invite["purpose"])
        .collect();
    assert_eq!(purposes, ["change", "onboarding"], "by default, a link is for what is next");
    let changer = Visitor::come(&server, &change).await;
    let token = changer.form_token().await;
    let sent = changer
        .post("/onboard/send", &[&[("form_token", token.as_str())], &fields[1..]].concat())
        .await;
    assert_eq!((sent.status, sent.location()), (303, "/onboard/verify"), "{}", sent.html);

    // A link that is revoked between the page and the submission does not submit, either.
    let path = format!("/v1/tenants/acme/invites/{id}");
    assert_eq!(server.send(server.request(Method::DELETE, &path)).await.status, 204);
    assert_eq!(
        changer
            .post("/onboard/send", &[&[("form_token", token.as_str())], &fields[1..]].concat())
            .await
            .status,
        410
    );
}

mod tests_with_aws {
    use super::*;

    #[tokio::test]
    async fn a_vendor_fault_requires_no_action_from_the_customer() {
        let world = World::new().await;
        let server = TestServer::builder().aws(&world).start().await;
        server.create_tenant("acme").await;
        let applied = apply_templates(&world, &server, "acme", "assume_role").await;
        let nobody = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": format!("arn:aws:iam::{}:root", world.customer.id)},
        }]});
        world.vendor.put_trust("storage", &nobody).await;
        server.submit("acme", &applied.submission()).await;
        let visitor = Visitor::come(&server, &invite(&server, "acme").await.0).await;
        assert_eq!(visitor.get("/onboard").await.location(), "/onboard/verify");
        let page = visitor.get("/onboard/verify").await.html;
        assert!(
            page.contains("There is a problem on our side") && page.contains("You don&#39;t need to do anything"),
            "{page}"
        );
        assert!(!page.contains("class=\"fix\""), "{page}");
    }

    #[tokio::test]
    async fn the_event_stream_reveals_no_details() {
        let world = World::new().await;
        let server = TestServer::builder().aws(&world).start().await;
        server.create_tenant("acme").await;
        let applied = apply_templates(&world, &server, "acme", "direct").await;
        let visitor = Visitor::come(&server, &invite(&server, "acme").await.0).await;
        assert_eq!(visitor.get("/onboard/verify/events").await.status, 404, "nothing to follow yet");
        let token = visitor.form_token().await;
        let bucket = format!("arn:aws:s3:::{}", applied.bucket);
        let fields = [
            ("form_token", token.as_str()),
            ("mode", "direct"),
            ("bucket_arn", &bucket),
            ("key_arn", &applied.key),
        ];
        assert_eq!(visitor.post("/onboard/send", &fields).await.status, 303);
        let events = tokio::time::timeout(TIMEOUT, visitor.get("/onboard/verify/events"))
            .await
            .expect("the stream ends")
            .html;
        assert!(events.contains("event: changed") && events.contains("event: finished"), "{events}");
        assert!(!events.contains("bucket"), "{events}");
        let page = visitor.get("/onboard/verify").await.html;
        assert!(page.contains("Connected"), "{page}");
        assert!(!page.contains("http-equiv"), "a page that is complete does not load itself again");
        assert_eq!(server.status("acme").await, "active");
    }
}

#[tokio::test]
async fn a_form_over_the_limit_keeps_its_entries() {
    let server = TestServer::builder().limits(versions(1, 2)).start().await;
    server.create_tenant("acme").await;
    let visitor = Visitor::come(&server, &invite(&server, "acme").await.0).await;
    let token = visitor.form_token().await;
    let send = async |bucket: &str| {
        let key = "arn:aws:kms:eu-central-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab";
        let fields = [
            ("form_token", token.as_str()),
            ("mode", "direct"),
            ("bucket_arn", bucket),
            ("key_arn", key),
        ];
        visitor.post("/onboard/send", &fields).await
    };
    assert_eq!(send("arn:aws:s3:::acme-one").await.status, 303);
    let over = send("arn:aws:s3:::acme-two").await;
    assert_eq!(over.status, 429, "{}", over.html);
    assert!(over.html.contains("You can submit 1 version within 24 hours"), "{}", over.html);
    assert!(over.html.contains("value=\"arn:aws:s3:::acme-two\""), "{}", over.html);
    // The same values again are no new version.
    assert_eq!(send("arn:aws:s3:::acme-one").await.location(), "/onboard/verify");

    let versions: i64 = sqlx::query_scalar("select count(*) from storage_configs")
        .fetch_one(&server.pool)
        .await
        .unwrap();
    assert_eq!(versions, 1);
}
